"""The claim book of a fleet in PostgreSQL, as a store; how its writers take turns: postgres_turns.

A claim there is of a number on every host: nobody else in the fleet gets it while it lives. Leases
are kept by their TTL alone, since the life of a process is seen on its own host only.
"""

import contextlib
from collections.abc import Callable, Iterator

from portbook.claims.postgres_turns import Turns
from portbook.host import clock
from portbook.model.claim import (
    Bound,
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
    from typing import Any

    from portbook.claims.store import Alive, InUse, Numbers


_USED = """
WITH RECURSIVE used AS (
    (SELECT port, transport FROM listener ORDER BY port, transport LIMIT 1)
    UNION ALL
    SELECT following.* FROM used, LATERAL (
        SELECT listener.port, listener.transport FROM listener
        WHERE (listener.port, listener.transport) > (used.port, used.transport)
        ORDER BY port, transport LIMIT 1) AS following
) SELECT port, transport FROM used"""
"""Every number that is in use, without a look at every row: 20 us for each number."""
_USER = """SELECT host.id, listener.process FROM listener JOIN host ON number = host
    WHERE port = %s AND transport = %s LIMIT 1"""
_USED_FOR = 2.0
"""Seconds for which these numbers are remembered; agents report every 30."""
_SHARE = 50
"""A look that takes long is made less often: at most this part of the time."""


def open_postgres(
    url: str, *, name: str = "portbook claims", say: Callable[[str], None] | None = None
) -> "PostgresStore":
    """The claim book at `url`, on the server's clock.

    Args:
        url: a libpq connection URI.
        name: shown in pg_stat_activity.
        say: is told what an operator should know: a failover, and what it lost.

    Raises:
        EnvironmentFault, NotPermitted: as portbook.host.postgres; there is no book.
    """
    return PostgresStore(url, name=name, say=say)


class PostgresStore(Turns):
    """See claims.store.Store for every method, and Turns for how it begins."""

    _used_ports: "frozenset[tuple[Any, ...]]" = frozenset()
    _used_until = 0.0

    @contextlib.contextmanager
    def _acting(self, now: int) -> Iterator[int]:
        """A turn, which ends at once where nothing was changed in it."""
        at = self.begin(now)
        try:
            yield at
        finally:
            self.give_up()

    def _owner(self, owner: Caller) -> Caller:
        if self._handed:
            return owner
        return owner._replace(pid=None, start=None, pidns=None, netns=None)

    def _used(self, transport: str, _address: str, port: int) -> str | None:
        """Who of the fleet listens on a port, as its agents reported: no kernel sees them all."""
        if self._link is None:
            return None
        began = clock.monotonic()
        if began >= self._used_until:
            with self._faults():
                self._used_ports = frozenset(self._link.execute(_USED).fetchall())
            done = clock.monotonic()
            self._used_until = done + max(_USED_FOR, _SHARE * (done - began))
        if (port, transport) not in self._used_ports:
            return None
        with self._faults():
            found = self._link.execute(_USER, (port, transport)).fetchone()
        return None if found is None else f"{found[1] or 'something'} listens on {found[0]}"

    # Claims.

    def acquire(
        self,
        request: ClaimRequest,
        asker: Caller,
        owner: Caller,
        now: int,
        numbers: "Numbers",
        in_use: "InUse",
    ) -> tuple[Claim, ...]:
        """As Store.acquire."""
        _check(request.name, request.key, request.project, request.request_id, owner.label)
        if not self._handed:
            in_use = self._used
        with self._acting(now) as at:
            return super().acquire(request, asker, self._owner(owner), at, numbers, in_use)

    def renew(
        self, claim_id: str, token: int, ttl_ms: int | None, asker: Caller, now: int
    ) -> Claim:
        """As Store.renew."""
        with self._acting(now) as at:
            return super().renew(claim_id, token, ttl_ms, asker, at)

    def heartbeat(self, claim_id: str, token: int, seq: int, now: int) -> Claim:
        """As Store.heartbeat."""
        with self._acting(now) as at:
            return super().heartbeat(claim_id, token, seq, at)

    def release(self, claim_id: str, token: int, asker: Caller, now: int) -> bool:
        """As Store.release."""
        with self._acting(now) as at:
            return super().release(claim_id, token, asker, at)

    def forget(self, claim_id: str) -> None:
        """As Store.forget."""
        with self._acting(self._now):
            self._loud = True
            super().forget(claim_id)

    def transfer(self, claim_id: str, token: int, to: Caller, asker: Caller, now: int) -> Claim:
        """As Store.transfer."""
        _check(to.label)
        with self._acting(now) as at:
            return super().transfer(claim_id, token, self._owner(to), asker, at)

    def fence(self, resource: str, token: int, asker: Caller, now: int) -> Fence:
        """As Store.fence; nobody commits after it."""
        alone = not self._open
        with self._acting(now) as at:
            found = super().fence(resource, token, asker, at)
        if alone:
            self.commit()
        return found

    def mark(self, claim_id: str, state: str, bound: Bound | None, now: int) -> Claim | None:
        """As Store.mark."""
        with self._acting(now) as at:
            return super().mark(claim_id, state, bound, at)

    # Reservations.

    def reserve(
        self,
        request: ReservationRequest,
        asker: Caller,
        now: int,
        numbers: "Numbers",
        in_use: "InUse",
    ) -> Reservation:
        """As Store.reserve."""
        _check(request.key, request.project, request.name)
        if not self._handed:
            in_use = self._used
        with self._acting(now) as at:
            return super().reserve(request, asker, at, numbers, in_use)

    def unreserve(self, key: str, asker: Caller, now: int) -> bool:
        """As Store.unreserve."""
        with self._acting(now) as at:
            return super().unreserve(key, asker, at)

    # Permits.

    def acquire_permit(
        self, request: PermitRequest, asker: Caller, owner: Caller, now: int, *, wait: bool
    ) -> Permit | Waiter:
        """As Store.acquire_permit."""
        _check(request.name, request.request_id, owner.label)
        with self._acting(now) as at:
            return super().acquire_permit(request, asker, self._owner(owner), at, wait=wait)

    def renew_permit(
        self, permit_id: str, token: int, ttl_ms: int | None, asker: Caller, now: int
    ) -> Permit:
        """As Store.renew_permit."""
        with self._acting(now) as at:
            return super().renew_permit(permit_id, token, ttl_ms, asker, at)

    def release_permit(self, permit_id: str, token: int, asker: Caller, now: int) -> bool:
        """As Store.release_permit."""
        with self._acting(now) as at:
            return super().release_permit(permit_id, token, asker, at)

    def cancel_wait(self, request_id: str, asker: Caller, now: int) -> bool:
        """As Store.cancel_wait."""
        with self._acting(now) as at:
            return super().cancel_wait(request_id, asker, at)

    def sweep(self, now: int, alive: "Alive") -> int | None:
        """As Store.sweep."""
        with self._acting(now) as at:
            return super().sweep(at, alive)

    # What is to be read.

    def claims(self) -> tuple[Claim, ...]:
        """As Store.claims."""
        with self._reading():
            born = self.requests.born
            # What others changed was taken out and entered anew.
            return tuple(sorted(super().claims(), key=lambda each: born[each.id][1]))

    def claim(self, claim_id: str) -> Claim | None:
        """As Store.claim."""
        with self._reading():
            return super().claim(claim_id)

    def claim_on(self, transport: str, port: int) -> Claim | None:
        """As Store.claim_on."""
        with self._reading():
            return super().claim_on(transport, port)

    def reservations(self) -> tuple[Reservation, ...]:
        """As Store.reservations."""
        with self._reading():
            return super().reservations()

    def permit(self, permit_id: str) -> Permit | None:
        """As Store.permit."""
        with self._reading():
            return super().permit(permit_id)

    def permit_of(self, request_id: str, uid: int) -> Permit | Waiter | None:
        """As Store.permit_of."""
        with self._reading():
            return super().permit_of(request_id, uid)

    def semaphores(self) -> tuple[SemaphoreState, ...]:
        """As Store.semaphores."""
        with self._reading():
            return super().semaphores()


def _check(*texts: str | None) -> None:
    """Refuse what PostgreSQL's text cannot keep.

    Raises:
        ClaimRefused: invalid.
    """
    if any(text is not None and "\0" in text for text in texts):
        raise ClaimRefused("invalid", "a name or key has a NUL in it")
