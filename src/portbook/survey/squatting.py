"""Claims beside the kernel's listeners: bound by their owner, or squatted by somebody else."""

import os

from portbook.host import Host, lives
from portbook.model import Socket, Unknown
from portbook.model.claim import Bound, Caller, Claim
from portbook.sockets import read_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVES = {"tcp": ("listen",), "udp": ("unconnected",)}
_MOST_CHILDREN = 4_096
_EVERY = frozenset(("*", "0.0.0.0", "::"))


def seen(claims: tuple[Claim, ...], host: Host | None = None) -> tuple[Claim, ...]:
    """As survey.claiming.seen."""
    host = host or Host()
    netns = lives.namespace_of("self", "net")
    here = [each for each in claims if each.owner.netns in (None, netns)]
    if not here:
        return claims
    ports = {port for each in here for port in _ports(each)}
    table = read_table(host, port=next(iter(ports)) if len(ports) == 1 else None)
    on: dict[tuple[str, int], list[tuple[Socket, int | None]]] = {}
    pids = table.pids or (None,) * len(table.sockets)
    for found, pid in zip(table.sockets, pids, strict=True):
        if found.port in ports and found.state in _SERVES.get(found.transport, ()):
            on.setdefault((found.transport, found.port), []).append((found, pid))
    local = set(map(id, here))
    return tuple(
        _judged(host, each, list(_listeners(each, on))) if id(each) in local else each
        for each in claims
    )


def _ports(claim: Claim) -> range:
    return range(claim.port, claim.port + claim.size)


def _listeners(
    claim: Claim, on: dict[tuple[str, int], list[tuple[Socket, int | None]]]
) -> "Iterator[tuple[Socket, int | None]]":
    for port in _ports(claim):
        for found, pid in on.get((claim.transport, port), ()):
            if claim.address == found.address or _EVERY & {claim.address, found.address}:
                yield found, pid


def _judged(
    host: Host,
    claim: Claim,
    listeners: list[tuple[Socket, int | None]],
) -> Claim:
    """The claim with its state; one squatter counts more than any number of own listeners."""
    own: Bound | None = None
    for found, named in listeners:
        inode = 0 if isinstance(found.inode, Unknown) else found.inode
        mine, pid = _is_own(host, claim, found, inode, named)
        if not mine:
            by = pid if pid is not None else _holder(host, found)
            return claim._replace(state="squatted", bound=Bound(by, inode))
        if own is None:
            own = Bound(pid, inode)
    return claim._replace(state="reserved" if own is None else "bound", bound=own)


def _is_own(
    host: Host,
    claim: Claim,
    found: Socket,
    inode: int,
    named: int | None,
) -> tuple[bool, int | None]:
    """Whether the claim's owner listens, and which process, as far as that is seen."""
    if claim.hold and _holds(host, os.getpid(), inode):
        return True, os.getpid()  # the service's own socket over UDP, where no other state is
    same_user = isinstance(found.uid, Unknown) or found.uid == claim.owner.uid
    if claim.owner.pid is None or not _is_visible(claim.owner):
        return same_user, named
    denied = False
    for pid in _family(host, claim.owner.pid):
        if named is not None:
            if pid == named:
                return True, pid
            continue
        held = _holds(host, pid, inode)
        if held:
            return True, pid
        denied = denied or held is None
    # Another user's open files cannot be read: then the socket's user has to do.
    return (denied and same_user), None


def _is_visible(owner: Caller) -> bool:
    return owner.pidns in (None, lives.namespace_of("self", "pid"))


def _holds(host: Host, pid: int, inode: int) -> bool | None:
    """Whether a process has the socket open; None where that is hidden."""
    try:
        return bool(host.open_links(pid, (f"socket:[{inode}]",)))
    except PermissionError:
        return None
    except OSError:
        return False


def _family(host: Host, pid: int) -> "Iterator[int]":
    """The process and its descendants, as the kernel lists them (CONFIG_PROC_CHILDREN)."""
    waiting, met = [pid], {pid}
    while waiting and len(met) < _MOST_CHILDREN:
        each = waiting.pop()
        yield each
        try:
            threads = host.names(f"/proc/{each}/task")
            for thread in threads:
                text = host.text(f"/proc/{each}/task/{thread}/children")
                children = {int(child) for child in text.split() if child.isdecimal()} - met
                met |= children
                waiting += children
        except OSError:
            continue


def _holder(host: Host, found: Socket) -> int | None:
    """The process that has a socket which its claim's owner has not."""
    from portbook.owners import owners_of

    for owners in owners_of(host, [found]):
        for owner in owners:
            if isinstance(owner.pid, int):
                return owner.pid
    return None
