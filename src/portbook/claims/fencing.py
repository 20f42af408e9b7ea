"""Whether a fencing token is good: asked by the resource itself, before it does what it is told."""

import re

from portbook.claims.leases import Ended, check_mine
from portbook.claims.port_table import PortTable
from portbook.claims.semaphores import Semaphores
from portbook.model import LAST_PORT
from portbook.model.claim import Caller, Claim, ClaimRefused, Fence

_PORT = re.compile(r"([0-9]{1,5})/(tcp|udp)")
_ID = re.compile(r"[0-9a-f]{16}")


def check_fence(
    resource: str,
    token: int,
    asker: Caller,
    ports: PortTable,
    ended: dict[str, Ended[Claim]],
    sems: Semaphores,
) -> Fence:
    """See claims.store.Store.fence.

    Raises:
        ClaimRefused: not_found, not_yours, invalid.
    """
    if resource.startswith("sem:") and len(resource) > len("sem:"):
        return _semaphore(resource.removeprefix("sem:"), token, asker, sems)
    found = _PORT.fullmatch(resource)
    if found is not None and 0 < int(found[1]) <= LAST_PORT:
        return _port(found[2], int(found[1]), token, asker, ports, ended)
    if _ID.fullmatch(resource) is None:
        raise ClaimRefused("invalid", f"{resource[:60]!r} is no id, PORT/tcp, PORT/udp, sem:NAME")
    return _lease(resource, token, asker, ports, ended, sems)


def _semaphore(name: str, token: int, asker: Caller, sems: Semaphores) -> Fence:
    for permit in sems.permits.values():
        if permit.semaphore == name and permit.token == token:
            check_mine(asker, permit.owner.uid)
            return Fence(current=True, max_token=sems.newest(name))
    return Fence(current=False, max_token=sems.newest(name))


def _port(
    transport: str,
    port: int,
    token: int,
    asker: Caller,
    ports: PortTable,
    ended: dict[str, Ended[Claim]],
) -> Fence:
    live = ports.at(transport, port)
    for claim in live:
        check_mine(asker, claim.owner.uid)
    before = (
        each.record.token
        for each in ended.values()
        if each.record.transport == transport
        and each.record.port <= port < each.record.port + each.record.size
        and ports.namespace(each.record.owner.netns) is None
    )
    return Fence(
        current=any(claim.token == token for claim in live),
        max_token=max((*(claim.token for claim in live), *before), default=0),
    )


def _lease(
    name: str,
    token: int,
    asker: Caller,
    ports: PortTable,
    ended: dict[str, Ended[Claim]],
    sems: Semaphores,
) -> Fence:
    live = ports.live.get(name) or sems.permits.get(name)
    if live is not None:
        check_mine(asker, live.owner.uid)
        return Fence(current=live.token == token, max_token=live.token)
    gone = ended.get(name) or sems.ended.get(name)
    if gone is None:
        raise ClaimRefused("not_found", f"there is no claim or permit {name}")
    check_mine(asker, gone.record.owner.uid)
    return Fence(current=False, max_token=gone.record.token)
