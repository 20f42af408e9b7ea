"""Which claims and reservations have a port: every port of a block has an entry of its own.

A lookup costs the same with one claim and with ten thousand.
"""

from collections.abc import Iterator

from portbook.claims.changes import Key
from portbook.claims.overlap import overlap
from portbook.model.claim import LOCK_DELAY, Claim, Reservation
from portbook.model.record import Record

Taken = dict[int, tuple[str, ...]]
"""The ids of the claims at each port of one network namespace and transport."""


class Kept(Record):
    """The ports of a claim that ran out without proof of an end, kept until `until` is past."""

    claim: Claim
    until: int


class PortTable:
    """The index of all live claims, of ports in their lock-delay, and of reservations.

    Args:
        home: the inode of this host's network namespace; an unknown one is taken for it.
    """

    def __init__(self, home: int | None) -> None:
        self._home = home
        self._taken: dict[tuple[int | None, str], Taken] = {}
        self.live: dict[str, Claim] = {}
        self.kept: dict[str, Kept] = {}
        self.reserved: dict[Key, Reservation] = {}
        self._reserved_at: dict[int, Key] = {}

    def namespace(self, netns: int | None) -> int | None:
        """The namespace as the index has it: None for that of this host."""
        return None if netns == self._home else netns

    def promised(self) -> Iterator[int]:
        """Every port of a live claim, of one in its lock-delay, or of a reservation."""
        for each in (*self.live.values(), *(kept.claim for kept in self.kept.values())):
            yield from range(each.port, each.port + each.size)
        for reservation in self.reserved.values():
            yield from range(reservation.port, reservation.port + reservation.size)

    def taken(self, netns: int | None, transport: str) -> Taken:
        """The entries of one namespace and transport."""
        place = (self.namespace(netns), transport)
        found = self._taken.get(place)
        if found is None:
            found = self._taken[place] = {}
        return found

    def add(self, claim: Claim) -> None:
        """Enter a claim."""
        self.live[claim.id] = claim
        taken = self.taken(claim.owner.netns, claim.transport)
        for port in range(claim.port, claim.port + claim.size):
            others = taken.get(port)
            taken[port] = (claim.id,) if others is None else (*others, claim.id)

    def end(self, claim: Claim, *, keep: bool) -> int:
        """Take a claim out; with `keep` its ports only after the lock-delay: until when, or 0."""
        del self.live[claim.id]
        if keep:
            until = claim.expires_ms + LOCK_DELAY
            self.kept[claim.id] = Kept(claim, until)
            return until
        self._free(claim)
        return 0

    def keep(self, claim: Claim, until: int) -> None:
        """Enter a lock-delay that began before."""
        self.add(claim)
        del self.live[claim.id]
        self.kept[claim.id] = Kept(claim, until)

    def let_go(self, now: int | None) -> None:
        """Free the ports whose lock-delay is over; all of them without `now`."""
        for kept in [each for each in self.kept.values() if now is None or each.until < now]:
            del self.kept[kept.claim.id]
            self._free(kept.claim)

    def remove(self, claim_id: str) -> None:
        """Take a claim out, live or in its lock-delay, as if it had never been; or nothing."""
        claim = self.live.pop(claim_id, None)
        if claim is None and claim_id in self.kept:
            claim = self.kept.pop(claim_id).claim
        if claim is not None:
            self._free(claim)

    def _free(self, claim: Claim) -> None:
        taken = self.taken(claim.owner.netns, claim.transport)
        for port in range(claim.port, claim.port + claim.size):
            others = taken[port]
            if len(others) == 1:
                del taken[port]
            else:
                taken[port] = tuple(each for each in others if each != claim.id)

    def holder(
        self, netns: int | None, transport: str, address: str, first: int, size: int
    ) -> Claim | Kept | None:
        """The claim or lock-delay in the way of a claim on these ports."""
        taken = self.taken(netns, transport)
        for port in range(first, first + size):
            for each in taken.get(port, ()):
                found = self.live.get(each)
                if found is not None:
                    if overlap(found.address, address):
                        return found
                elif overlap(self.kept[each].claim.address, address):
                    return self.kept[each]
        return None

    def at(self, transport: str, port: int) -> list[Claim]:
        """The live claims of one port of this host."""
        found = self.taken(None, transport).get(port, ())
        return [self.live[each] for each in found if each in self.live]

    def reservation_in_way(self, first: int, size: int, own: Key | None) -> Reservation | None:
        """The reservation of another key among these ports."""
        at = self._reserved_at
        if at:
            for port in range(first, first + size):
                found = at.get(port)
                if found is not None and found != own:
                    return self.reserved[found]
        return None

    def reserve(self, reservation: Reservation) -> None:
        """Enter a reservation, in place of an older one of its key."""
        key = (reservation.uid, reservation.key)
        self.unreserve(key)
        self.reserved[key] = reservation
        for port in range(reservation.port, reservation.port + reservation.size):
            self._reserved_at[port] = key

    def unreserve(self, key: Key) -> Reservation | None:
        """Take a reservation out."""
        found = self.reserved.pop(key, None)
        if found is not None:
            for port in range(found.port, found.port + found.size):
                del self._reserved_at[port]
        return found
