"""What every store of claims can do: a lease engine is one file, and they share one test suite.

All times are handed in: `now` is milliseconds of the store's clock, which is CLOCK_BOOTTIME for one
in memory or in a file: those belong to one writer.
Methods that change something have changed it for whoever asks the same object, and for good once
`commit` returns: nobody is told before.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from portbook.model.claim import (
    Bound,
    Caller,
    Claim,
    ClaimEvent,
    ClaimRequest,
    Fence,
    Permit,
    PermitRequest,
    Reservation,
    ReservationRequest,
    SemaphoreState,
    Waiter,
)

Numbers = Callable[[], Iterable[int]]
"""Gives numbers to choose from, the best first; called only if none was asked for by number."""

InUse = Callable[[str, str, int], str | None]
"""(transport, address, port): why the kernel would refuse a bind(), or None."""

Alive = Callable[[Caller], bool | None]
"""Whether the process of a caller lives; None where that cannot be seen."""


class Store(Protocol):
    """Claims, permits, reservations and their events."""

    epoch: int
    """Grows where tokens cannot be known to grow by themselves: a new or restored store."""
    secret: bytes
    """The key from which the secrets of claims are made (see claims.datagram), 32 bytes."""

    def now(self) -> int:
        """The moment to hand in as `now`, in milliseconds of the store's clock."""

    def acquire(
        self,
        request: ClaimRequest,
        asker: Caller,
        owner: Caller,
        now: int,
        numbers: Numbers,
        in_use: InUse,
    ) -> tuple[Claim, ...]:
        """Claim what is asked for, all or nothing; the same `request_id` gives the same again.

        Args:
            request: what is wanted.
            asker: who asks.
            owner: whose life keeps the lease; without a PID the TTL does.
            now: milliseconds.
            numbers: where to choose from.
            in_use: what the kernel says of a number.

        Raises:
            ClaimRefused: held, in_use, pool_empty, invalid, not_yours (a reservation's key).
        """

    def renew(
        self, claim_id: str, token: int, ttl_ms: int | None, asker: Caller, now: int
    ) -> Claim:
        """Begin the lease anew, with another TTL if one is given.

        Raises:
            ClaimRefused: lost, bad_token, not_found, not_yours, invalid.
        """

    def heartbeat(self, claim_id: str, token: int, seq: int, now: int) -> Claim:
        """Renew by datagram: `seq` has to be above the last one.

        Raises:
            ClaimRefused: lost, bad_token, not_found; invalid (an old `seq`).
        """

    def release(self, claim_id: str, token: int, asker: Caller, now: int) -> bool:
        """End a claim. False: it had ended before.

        Raises:
            ClaimRefused: bad_token, not_found, not_yours.
        """

    def forget(self, claim_id: str) -> None:
        """Forget a claim that has ended: what asked for it may ask anew, with the same id."""

    def transfer(self, claim_id: str, token: int, to: Caller, asker: Caller, now: int) -> Claim:
        """Give a claim to another owner: with a new token; the old one is fenced off.

        Raises:
            ClaimRefused: lost, bad_token, not_found, not_yours.
        """

    def fence(self, resource: str, token: int, asker: Caller, now: int) -> Fence:
        """Whether `token` is good for `resource`: a claim's or permit's id, `8080/tcp`, `sem:NAME`.

        Raises:
            ClaimRefused: not_found, not_yours, invalid.
        """

    def mark(self, claim_id: str, state: str, bound: Bound | None, now: int) -> Claim | None:
        """Note what the kernel shows: `reserved`, `bound` or `squatted`. None: the claim ended."""

    def reserve(
        self,
        request: ReservationRequest,
        asker: Caller,
        now: int,
        numbers: Numbers,
        in_use: InUse,
    ) -> Reservation:
        """The reservation of a key, made if there is none; another `port` moves it.

        Raises:
            ClaimRefused: held (a reservation or another's claim), in_use, pool_empty, invalid.
        """

    def unreserve(self, key: str, asker: Caller, now: int) -> bool:
        """Give the number back. False: there was no such reservation."""

    def acquire_permit(
        self, request: PermitRequest, asker: Caller, owner: Caller, now: int, *, wait: bool
    ) -> Permit | Waiter:
        """Units of a semaphore, or a place in its queue if `wait`; asking again keeps the place.

        Raises:
            ClaimRefused: limit_mismatch, timeout (all units are held, and no `wait`), invalid.
        """

    def renew_permit(
        self, permit_id: str, token: int, ttl_ms: int | None, asker: Caller, now: int
    ) -> Permit:
        """As `renew`."""

    def release_permit(self, permit_id: str, token: int, asker: Caller, now: int) -> bool:
        """As `release`; the next in the queue get what is free."""

    def cancel_wait(self, request_id: str, asker: Caller, now: int) -> bool:
        """Leave a queue. False: nobody waited under that id."""

    def sweep(self, now: int, alive: Alive) -> int | None:
        """End what has ended, let those who wait have what is free.

        Returns the time in milliseconds of the next look, None where nothing can run out.
        """

    def claims(self) -> tuple[Claim, ...]:
        """Every live claim, oldest first."""

    def claim(self, claim_id: str) -> Claim | None:
        """One claim; one that ended lately too, with its last state."""

    def claim_on(self, transport: str, port: int) -> Claim | None:
        """The first live claim that has a port in this host's network namespace."""

    def reservations(self) -> tuple[Reservation, ...]:
        """Every reservation, by port."""

    def permit(self, permit_id: str) -> Permit | None:
        """One live permit."""

    def permit_of(self, request_id: str, uid: int) -> Permit | Waiter | None:
        """What became of a request for a permit: granted, waiting, or None where it ended."""

    def is_waiting(self, request_id: str, uid: int) -> bool:
        """Whether a request waits in a queue; costs the same however many do."""

    def semaphores(self) -> tuple[SemaphoreState, ...]:
        """Every semaphore in use, by name."""

    def events(self, since: int, limit: int = 500) -> tuple[ClaimEvent, ...]:
        """What changed after the event `since`, oldest first.

        Raises:
            ClaimRefused: compacted: events right after `since` are no longer kept.
        """

    def last_event(self) -> int:
        """The id of the newest event, 0 before the first."""

    def commit(self) -> None:
        """Make everything since the last commit durable.

        Raises:
            NotWritten: the disk is full or fails: then none of it has happened.
            EnvironmentFault: the file is gone, replaced or damaged: none of it has happened.
        """

    def close(self) -> None:
        """Let go of the file; what was not committed has not happened."""
