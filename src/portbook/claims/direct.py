"""Claims without the service: each call opens the store, acts and lets go.

The store is that of this machine, or the claim book of a fleet where the path is its URL. Of the
file only one process has the store at a time, so a call that finds it taken waits for its turn, and
looks whether the service has begun meanwhile: it keeps the store for as long as it runs.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator

from portbook.claims import wire
from portbook.host import clock, lives
from portbook.model import EnvironmentFault, NotPermitted
from portbook.model.claim import (
    Caller,
    Claim,
    ClaimRefused,
    ClaimRequest,
    Fence,
    Permit,
    PermitRequest,
    Reservation,
    ReservationRequest,
    SemaphoreState,
    Waiter,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from portbook.claims.sqlite import Listing
    from portbook.claims.store import InUse, Store

    _Made = TypeVar("_Made")

    NumbersFor = Callable[[ClaimRequest | ReservationRequest], Iterable[int]]
    """The numbers to choose from for a request, the best first."""

SCHEMES = ("postgresql://", "postgres://")
"""With what the URL of a fleet's claim book begins."""
PATIENCE = 5.0
"""Seconds to wait for the store while others are at work on it."""
_WORTH_WAITING = ("held", "in_use", "pool_empty")
_SOONEST = 0.02
_LATEST = 0.2
"""Seconds between two looks of who waits: the first, and the longest they grow to."""


class ServiceBegan(Exception):
    """The service has taken the store over: ask it."""


class Direct:
    """Access to the store itself.

    `service` says whether the service answers. It is asked only while somebody else has the
    store, and by those who wait.
    """

    via = "store"

    def __init__(
        self,
        path: str,
        numbers: "NumbersFor",
        in_use: "InUse",
        service: Callable[[], bool] = lambda: False,
    ) -> None:
        self._path = path
        self._numbers = numbers
        self._in_use = in_use
        self._service = service
        self._shared = path.startswith(SCHEMES)
        if self._shared:
            self.via = "book"

    # Ports

    def claim(self, request: ClaimRequest) -> tuple[Claim, ...]:
        """As Access.claim.

        Raises:
            ServiceBegan: nothing is claimed yet.
            ClaimRefused: `not_held`: nobody would be there to hold it.
        """
        if request.hold:
            raise ClaimRefused(
                "not_held",
                "a port is held by the service, and none is running",
                hint="start it: portbook serve",
            )
        # What the service would refuse is refused here by the same reader.
        wire.claim_request(wire.request_document(request._replace(wait_ms=0)))
        asker, owner = self._asker(), self._owner(request.watch_pid, request.label)

        def attempt(store: "Store", now: int) -> tuple[Claim, ...]:
            return store.acquire(
                request, asker, owner, now, lambda: self._numbers(request), self._in_use
            )

        return self._until(request.wait_ms, lambda: self._change(attempt))

    def renew(self, claim_id: str, token: int, ttl_ms: int | None = None) -> Claim:
        """As Access.renew."""
        wire.lease_fields({"token": token, "ttl_ms": ttl_ms})
        asker = self._asker()
        return self._change(lambda store, now: store.renew(claim_id, token, ttl_ms, asker, now))

    def release(self, claim_id: str, token: int) -> bool:
        """As Access.release."""
        asker = self._asker()
        return self._change(lambda store, now: store.release(claim_id, token, asker, now))

    def transfer(self, claim_id: str, token: int, to_pid: int) -> Claim:
        """As Access.transfer."""
        asker, owner = self._asker(), self._owner(to_pid, None)
        return self._change(lambda store, now: store.transfer(claim_id, token, owner, asker, now))

    def fence(self, resource: str, token: int) -> Fence:
        """As Access.fence."""
        asker = self._asker()
        return self._change(lambda store, now: store.fence(resource, token, asker, now))

    def claims(self) -> tuple[Claim, ...]:
        """As Access.claims."""
        return self._read(lambda store: store.claims(), lambda listing: listing.claims)

    def fetch_socket(self, claim_id: str, token: int) -> int:  # noqa: ARG002 - Access has them for who can hand one over
        """As Access.fetch_socket: there is none."""
        raise ClaimRefused("not_held", "no service is running, so nothing holds the port")

    # Durable numbers

    def reservations(self) -> tuple[Reservation, ...]:
        """As Access.reservations."""
        return self._read(lambda store: store.reservations(), lambda listing: listing.reservations)

    def reserve(self, request: ReservationRequest) -> Reservation:
        """As Access.reserve."""
        wire.reservation_request(request.key, wire.request_document(request))
        asker = self._asker()
        return self._change(
            lambda store, now: store.reserve(
                request, asker, now, lambda: self._numbers(request), self._in_use
            )
        )

    def unreserve(self, key: str) -> bool:
        """As Access.unreserve."""
        asker = self._asker()
        return self._change(lambda store, now: store.unreserve(key, asker, now))

    # Semaphores

    def semaphores(self) -> tuple[SemaphoreState, ...]:
        """As Access.semaphores."""
        return self._read(lambda store: store.semaphores(), lambda listing: listing.semaphores)

    def acquire(self, request: PermitRequest) -> Permit | Waiter:
        """As Access.acquire. Who waits asks again and again, and that keeps the place.

        Raises:
            ServiceBegan: the request may have a place in the queue.
        """
        wire.permit_request(request.name, wire.request_document(request._replace(wait_ms=0)))
        asker, owner = self._asker(), self._owner(request.watch_pid, request.label)
        wait = request.wait_ms > 0

        def attempt(store: "Store", now: int) -> Permit | Waiter:
            return store.acquire_permit(request, asker, owner, now, wait=wait)

        return self._until(
            request.wait_ms,
            lambda: self._change(attempt),
            waits=lambda found: isinstance(found, Waiter),
        )

    def cancel_wait(self, request_id: str) -> bool:
        """As Access.cancel_wait."""
        asker = self._asker()
        return self._change(lambda store, now: store.cancel_wait(request_id, asker, now))

    def renew_permit(self, permit_id: str, token: int, ttl_ms: int | None = None) -> Permit:
        """As Access.renew_permit."""
        asker = self._asker()
        return self._change(
            lambda store, now: store.renew_permit(permit_id, token, ttl_ms, asker, now)
        )

    def release_permit(self, permit_id: str, token: int) -> bool:
        """As Access.release_permit."""
        asker = self._asker()
        return self._change(lambda store, now: store.release_permit(permit_id, token, asker, now))

    def close(self) -> None:
        """Nothing is kept between two calls."""

    # How

    @staticmethod
    def _asker() -> Caller:
        return lives.caller(os.geteuid(), os.getpid())

    def _owner(self, pid: int | None, label: str | None) -> Caller:
        """As `_owner`; in a fleet the host is named, as nothing else tells where that is."""
        if self._shared and label is None:
            label = f"{os.path.basename(sys.argv[0])[:60]} on {os.uname().nodename}"
        return _owner(pid, label)

    @contextlib.contextmanager
    def _opened(self) -> "Iterator[Store]":
        """The store, ours alone.

        Raises:
            ServiceBegan: the service has it.
            EnvironmentFault: somebody else has had it for PATIENCE seconds.
        """
        if self._shared:
            from portbook.claims.postgres import open_postgres

            with contextlib.closing(open_postgres(self._path, name="portbook")) as book:
                yield book
            return
        from portbook.claims.sqlite import lock, open_store

        deadline = clock.monotonic() + PATIENCE
        while True:
            try:
                held = lock(self._path)
                break
            except EnvironmentFault:
                if self._service():
                    raise ServiceBegan from None
                if clock.monotonic() > deadline:
                    raise
        with contextlib.closing(held):
            store = open_store(self._path, now=_now(), boot_id=clock.boot_id())
            with contextlib.closing(store):
                yield store

    def _change(self, act: "Callable[[Store, int], _Made]") -> "_Made":
        with self._opened() as store:
            now = store.now()
            store.sweep(now, lives.is_alive)
            try:
                made = act(store, now)
            except ClaimRefused:
                store.commit()  # what the sweep ended has ended
                raise
            store.commit()
            return made

    def _read(
        self,
        read: "Callable[[Store], tuple[_Made, ...]]",
        glance: "Callable[[Listing], tuple[_Made, ...]]",
    ) -> "tuple[_Made, ...]":
        """What the store has once those are gone who have ended; no store is made for that."""
        if not self._shared and not os.path.lexists(self._path):
            return ()
        try:
            return self._change(lambda store, _now: read(store))
        except NotPermitted:
            if self._shared:
                raise
            # Who may not write can still look, as far as leases that ran out tell of themselves.
            from portbook.claims.sqlite import read_store

            return glance(read_store(self._path, _now(), clock.boot_id()))

    def _until(
        self,
        wait_ms: int,
        attempt: "Callable[[], _Made]",
        *,
        waits: "Callable[[_Made], bool]" = lambda _made: False,
    ) -> "_Made":
        """Try until it is no longer held, `waits` no more says, or the time is over."""
        deadline = clock.monotonic() + wait_ms / 1000
        pause = _SOONEST
        while True:
            try:
                made = attempt()
            except ClaimRefused as refused:
                if refused.code not in _WORTH_WAITING or clock.monotonic() >= deadline:
                    raise
            else:
                if not waits(made) or clock.monotonic() >= deadline:
                    return made
            clock.sleep(max(0.0, min(pause, deadline - clock.monotonic())))
            pause = min(_LATEST, pause * 1.5)
            if self._service():
                raise ServiceBegan


def _now() -> int:
    return clock.boot_ms()


def _owner(pid: int | None, label: str | None) -> Caller:
    """Whose life keeps a lease: a process of ours, or nobody's.

    Raises:
        ClaimRefused: `invalid`: there is no such process, or it is another user's.
    """
    uid = os.geteuid()
    if pid is None:
        return lives.caller(uid, label=label)
    owner = lives.caller(uid, pid, label=label)
    if owner.start is None or uid not in (0, lives.uid_of(pid)):
        raise ClaimRefused("invalid", f"there is no process {pid} of yours")
    return owner
