"""What is claimed and reserved on this machine, for who only wants to know.

Who is in a hurry asks host.folders.any_claims first: that is cheap, and imports little.
"""

import os
from collections.abc import Collection

from portbook.claims.places import sockets, store_path
from portbook.host import Host, clock, lives
from portbook.host.folders import any_claims
from portbook.model import EnvironmentFault, Gap, NotPermitted, Reason, Transport
from portbook.model.claim import EVERY_ADDRESS, LOCK_DELAY, Claim, ClaimRefused, Reservation
from portbook.model.record import Record
from portbook.survey.choosing import Objection


class Promised(Record):
    """The live claims and the reservations of this network namespace."""

    claims: tuple[Claim, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @property
    def held(self) -> dict[tuple[str, int], Objection]:
        """What speaks against each (transport, port) that is promised to somebody."""
        found: dict[tuple[str, int], Objection] = {}
        for claim in self.claims:
            for port in range(claim.port, claim.port + claim.size):
                said = Objection("claimed", f"claimed by {claimant(claim)}")
                found.setdefault((claim.transport, port), said)
        for each in self.reservations:
            for port in range(each.port, each.port + each.size):
                said = Objection("reserved", f"reserved as {each.key}")
                for transport in ("tcp", "udp"):
                    found.setdefault((transport, port), said)
        return found


def claimant(claim: Claim) -> str:
    """Who has a claim, in words: `web (uid 1000, pid 123)`."""
    who = f"uid {claim.owner.uid}"
    if claim.owner.pid is not None:
        who += f", pid {claim.owner.pid}"
    label = claim.name or claim.owner.label
    return f"{label} ({who})" if label else who


def promised() -> Promised:
    """Every live claim and every reservation, with what could not be asked as a gap."""
    if not any_claims():
        return Promised()
    try:
        found = _asked() if any(map(os.path.lexists, sockets())) else _read()
    except (EnvironmentFault, NotPermitted, ClaimRefused, OSError) as error:
        return Promised(gaps=(Gap("claims and reservations", str(error), "portbook claims"),))
    return found._replace(claims=tuple(claim for claim in found.claims if _is_here(claim)))


def _asked() -> Promised:
    from portbook.survey.claiming import open_claims

    access = open_claims()
    try:
        return Promised(access.claims(), access.reservations())
    finally:
        access.close()


def _read() -> Promised:
    """The store as it lies, without becoming its writer; what has ended is left out."""
    from portbook.claims.sqlite import read_store

    now = clock.boot_ms()
    found = read_store(store_path(), now, clock.boot_id())
    return Promised(
        tuple(claim for claim in found.claims if _lives(claim, now)), found.reservations
    )


def _lives(claim: Claim, now: int) -> bool:
    alive = lives.is_alive(claim.owner)
    return claim.expires_ms + LOCK_DELAY > now if alive is None else alive


def _is_here(claim: Claim) -> bool:
    """Whether a claim is about this network namespace; one that names none is."""
    return claim.owner.netns in (None, lives.namespace_of("self", "net"))


class PortPromises(Record):
    """What is promised of the ports that were asked about.

    `claims` has for each port its claims as JSON; `reasons` what `why` says of it.
    """

    claims: dict[int, list[dict[str, object]]]
    reasons: dict[tuple[int, Transport], list[Reason]]
    gaps: tuple[Gap, ...]


def promises_on(host: Host, ports: Collection[int], transport: str | None = None) -> PortPromises:
    """Claims and reservations of these ports, beside what the kernel shows."""
    found = promised()
    wanted = set(ports)
    mine = tuple(
        each
        for each in found.claims
        if transport in (None, each.transport) and not wanted.isdisjoint(_ports(each))
    )
    claims: dict[int, list[dict[str, object]]] = {}
    reasons: dict[tuple[int, Transport], list[Reason]] = {}
    if mine:
        from portbook.claims.answers import claim_document
        from portbook.survey.claiming import seen

        now = clock.boot_ms()
        for claim in seen(mine, host):
            where = None if claim.address == EVERY_ADDRESS else claim.address
            reason = Reason("claimed", where, None, _claim_sentence(claim))
            for port in wanted.intersection(_ports(claim)):
                claims.setdefault(port, []).append(claim_document(claim, now))
                reasons.setdefault((port, Transport(claim.transport)), []).append(reason)
    for kept in found.reservations:
        for port in wanted.intersection(range(kept.port, kept.port + kept.size)):
            said = f"reserved as {kept.key} (uid {kept.uid}): portbook gives it to nobody else"
            for kind in (Transport.TCP, Transport.UDP):
                # A live claim says more than the reservation that it came from.
                reasons.setdefault((port, kind), [Reason("claimed", None, None, said)])
    return PortPromises(claims, reasons, found.gaps)


def _ports(claim: Claim) -> range:
    return range(claim.port, claim.port + claim.size)


def _claim_sentence(claim: Claim) -> str:
    if claim.state == "squatted":
        by = claim.bound.pid if claim.bound else None
        who = "somebody else" if by is None else f"process {by}"
        return f"claimed by {claimant(claim)}, but {who} listens: it is squatted"
    says = "and it listens" if claim.state == "bound" else "nothing listens yet"
    return f"claimed by {claimant(claim)}, {says}"
