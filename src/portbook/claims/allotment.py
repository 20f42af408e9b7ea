"""Which numbers a request gets: what is asked for exactly, or the first that is free of a pool."""

from collections.abc import Container

from portbook.claims.answers import claim_document, permit_document, reservation_document
from portbook.claims.changes import Key
from portbook.claims.port_table import Kept, PortTable
from portbook.model import LAST_PORT
from portbook.model.claim import (
    EVERY_ADDRESS,
    MOST_PORTS,
    Claim,
    ClaimRefused,
    ClaimRequest,
    Permit,
    Reservation,
    ReservationRequest,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.claims.store import InUse, Numbers

MOST_LOOKS = 4_096
"""How often the kernel is asked for one request: at 10 us each, 40 ms."""
Block = tuple[int, int]
"""The first port, and how many."""


class Search:
    """One request's look at ports.

    Args:
        table: who has what.
        netns: where the ports are wanted; the kernel can be asked only about our own namespace.
        transports: those that have to be free at once.
        address: `*` or one.
        own: the key whose reservation is no obstacle.
        in_use: what the kernel says.
        now: milliseconds.
    """

    def __init__(
        self,
        table: PortTable,
        netns: int | None,
        transports: tuple[str, ...],
        address: str,
        own: Key | None,
        in_use: "InUse",
        now: int,
    ) -> None:
        self._table = table
        self._netns = netns
        self._transports = transports
        self._address = address
        self._own = own
        self._in_use = in_use
        self._now = now
        self._ours = table.namespace(netns) is None
        self._said: dict[tuple[str, int], str | None] = {}

    def exact(self, first: int, size: int, *, but: int | None = None) -> None:
        """Accept these ports.

        Args:
            first: the first of them.
            size: how many.
            but: a user whose own claims are no obstacle, nor is what listens on them.

        Raises:
            ClaimRefused: invalid, held, in_use.
        """
        if first < 1 or size < 1 or first + size > LAST_PORT + 1:
            raise ClaimRefused("invalid", f"there are no ports {first} to {first + size - 1}")
        reservation = self._table.reservation_in_way(first, size, self._own)
        if reservation is not None:
            raise held_by_reservation(reservation)
        for transport in self._transports:
            for port in range(first, first + size):
                found = self._holder(transport, port, 1)
                if isinstance(found, Claim) and found.owner.uid == but:
                    continue
                if found is not None:
                    raise held(found, self._now)
                reason = self._kernel(transport, port)
                if reason is not None:
                    raise ClaimRefused("in_use", f"{port}/{transport} is in use: {reason}")

    def _holder(self, transport: str, first: int, size: int) -> Claim | Kept | None:
        return self._table.holder(self._netns, transport, self._address, first, size)

    def _is_free(self, first: int, size: int) -> bool:
        """Whether nobody has these ports, nor the kernel.

        Raises:
            ClaimRefused: pool_empty, when it was asked too often.
        """
        table = self._table
        if table.reservation_in_way(first, size, self._own) is not None:
            return False
        for transport in self._transports:
            if self._holder(transport, first, size) is not None:
                return False
        for transport in self._transports:
            for port in range(first, first + size):
                if self._kernel(transport, port) is not None:
                    return False
        return True

    def _kernel(self, transport: str, port: int) -> str | None:
        if not self._ours:
            return None
        asked = (transport, port)
        if asked not in self._said:
            if len(self._said) >= MOST_LOOKS:
                raise ClaimRefused("pool_empty", f"none of the first {MOST_LOOKS} numbers is free")
            self._said[asked] = self._in_use(transport, self._address, port)
        return self._said[asked]

    def pool(
        self,
        request: ClaimRequest | ReservationRequest,
        numbers: "Numbers",
        size: int,
        count: int,
    ) -> list[Block]:
        """The first `count` blocks of `size` free ports each.

        Raises:
            ClaimRefused: pool_empty.
        """
        avoid = frozenset(request.avoid)
        first = request.first or 1
        last = request.last or LAST_PORT
        found: list[Block] = []
        chosen: set[int] = set()
        # On every address whatever is entered is in the way: a look at the index is enough.
        passed: Container[int] = ()
        if self._address == EVERY_ADDRESS:
            passed = self._table.taken(self._netns, self._transports[0])
        for number in numbers():
            if number in passed:
                continue
            if number < first or number + size - 1 > last or number in chosen:
                continue
            block = range(number, number + size)
            if avoid and not avoid.isdisjoint(block):
                continue
            if not self._is_free(number, size):
                continue
            found.append((number, size))
            if len(found) == count:
                return found
            chosen.update(block)
        raise ClaimRefused(
            "pool_empty",
            "no number that fits is free"
            if not found
            else f"only {len(found)} of {count} numbers are free",
        )


def check_size(size: int) -> None:
    """Refuse more ports, or fewer, than one request may ask for.

    Raises:
        ClaimRefused: invalid.
    """
    if not 1 <= size <= MOST_PORTS:
        raise ClaimRefused("invalid", f"between 1 and {MOST_PORTS} ports can be asked for")


def check_port(port: int | None, size: int) -> None:
    """Refuse a block that does not fit into 1 to 65535.

    Raises:
        ClaimRefused: invalid.
    """
    if port is not None and (port < 1 or port + size > LAST_PORT + 1):
        raise ClaimRefused("invalid", f"there are no ports {port} to {port + size - 1}")


def held(holder: Claim | Kept, now: int) -> ClaimRefused:
    """The refusal of ports that a claim has."""
    wait: int | None
    if isinstance(holder, Kept):
        claim, wait = holder.claim, max(1, holder.until + 1 - now)
        told = f"{place(claim)} is kept a moment longer: the lease ran out of {who(claim)}"
        kind = "lock-delay"
    else:
        claim, kind = holder, "claim"
        wait = None if claim.owner.pid is not None else max(1, claim.expires_ms + 1 - now)
        told = f"{place(claim)} is held by {who(claim)}"
    document = {"kind": kind, **claim_document(claim, now)}
    return ClaimRefused("held", told, holder=document, retry_after_ms=wait)


def held_by_reservation(reservation: Reservation) -> ClaimRefused:
    """The refusal of ports that are reserved under another key."""
    return ClaimRefused(
        "held",
        f"{reservation.port} is reserved for {reservation.key}",
        holder={"kind": "reservation", **reservation_document(reservation)},
    )


def all_held(permit: Permit | None, message: str, now: int) -> ClaimRefused:
    """The refusal of units that are not there at once."""
    if permit is None:
        return ClaimRefused("timeout", message)
    return ClaimRefused(
        "timeout", message, holder={"kind": "permit", **permit_document(permit, now)}
    )


def place(claim: Claim) -> str:
    """The ports of a claim: `8080/tcp`, `8080-8083/tcp`."""
    last = f"-{claim.port + claim.size - 1}" if claim.size > 1 else ""
    return f"{claim.port}{last}/{claim.transport}"


def who(claim: Claim) -> str:
    """The owner of a claim, for a message."""
    owner = claim.owner
    label = claim.name or owner.label
    known = f"PID {owner.pid}" if owner.pid is not None else f"uid {owner.uid}"
    return f"{label} ({known})" if label else known
