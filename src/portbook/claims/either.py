"""Access to the claims of this machine through whoever has them now: the service, or the store.

That is decided call by call. A service that begins takes the store over, one that ends leaves it,
and a request_id makes the same request the same one on both sides.
"""

import os
from collections.abc import Callable

from portbook.host import clock
from portbook.model import EnvironmentFault
from portbook.model.claim import (
    Claim,
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
    from typing import Any, TypeVar

    from portbook.claims.access import Access
    from portbook.claims.direct import Direct, NumbersFor
    from portbook.claims.remote import Remote
    from portbook.claims.store import InUse

    _Made = TypeVar("_Made")

_MOST_TURNS = 200
"""Changes from one side to the other within one call, before it is given up."""


class Either:
    """Access by the service where one answers on `sockets`, by the store at `path` otherwise."""

    def __init__(
        self, sockets: tuple[str, ...], path: str, numbers: "NumbersFor", in_use: "InUse"
    ) -> None:
        self._sockets = sockets
        self._store = path, numbers, in_use
        self._direct: Direct | None = None
        self._remote: Remote | None = None
        self.via = "service" if self._answers() else "store"

    def claim(self, request: ClaimRequest) -> tuple[Claim, ...]:
        """As Access.claim."""
        return self._waiting(_named(request), lambda side, asked: side.claim(asked))

    def renew(self, claim_id: str, token: int, ttl_ms: int | None = None) -> Claim:
        """As Access.renew."""
        return self._call(lambda side: side.renew(claim_id, token, ttl_ms))

    def release(self, claim_id: str, token: int) -> bool:
        """As Access.release."""
        return self._call(lambda side: side.release(claim_id, token))

    def transfer(self, claim_id: str, token: int, to_pid: int) -> Claim:
        """As Access.transfer."""
        return self._call(lambda side: side.transfer(claim_id, token, to_pid))

    def fence(self, resource: str, token: int) -> Fence:
        """As Access.fence."""
        return self._call(lambda side: side.fence(resource, token))

    def claims(self) -> tuple[Claim, ...]:
        """As Access.claims."""
        return self._call(lambda side: side.claims())

    def reservations(self) -> tuple[Reservation, ...]:
        """As Access.reservations."""
        return self._call(lambda side: side.reservations())

    def semaphores(self) -> tuple[SemaphoreState, ...]:
        """As Access.semaphores."""
        return self._call(lambda side: side.semaphores())

    def reserve(self, request: ReservationRequest) -> Reservation:
        """As Access.reserve."""
        return self._call(lambda side: side.reserve(request))

    def unreserve(self, key: str) -> bool:
        """As Access.unreserve."""
        return self._call(lambda side: side.unreserve(key))

    def acquire(self, request: PermitRequest) -> Permit | Waiter:
        """As Access.acquire."""
        return self._waiting(_named(request), lambda side, asked: side.acquire(asked))

    def cancel_wait(self, request_id: str) -> bool:
        """As Access.cancel_wait."""
        return self._call(lambda side: side.cancel_wait(request_id))

    def renew_permit(self, permit_id: str, token: int, ttl_ms: int | None = None) -> Permit:
        """As Access.renew_permit."""
        return self._call(lambda side: side.renew_permit(permit_id, token, ttl_ms))

    def release_permit(self, permit_id: str, token: int) -> bool:
        """As Access.release_permit."""
        return self._call(lambda side: side.release_permit(permit_id, token))

    def fetch_socket(self, claim_id: str, token: int) -> int:
        """As Access.fetch_socket."""
        return self._call(lambda side: side.fetch_socket(claim_id, token))

    def close(self) -> None:
        """Hang up."""
        if self._remote is not None:
            self._remote.close()
            self._remote = None

    def _answers(self) -> bool:
        """Whether a service answers; the connection is kept for the next call."""
        if self._remote is None:
            self._remote = self._find()
        return self._remote is not None

    def _find(self) -> "Remote | None":
        # What the client takes is loaded only where there is something to connect to.
        for path in self._sockets:
            if os.path.exists(path):
                from portbook.claims.exchange import connect
                from portbook.claims.remote import Remote

                link = connect(path)
                if link is not None:
                    return Remote(path, link)
        return None

    def _call(self, act: "Callable[[Access], _Made]") -> "_Made":
        """Let the side act that has the claims; the other one where that has just changed.

        Raises:
            EnvironmentFault: it changes again and again.
        """
        for _ in range(_MOST_TURNS):
            found = self._act(act)
            if found is not None:
                return found[0]
        raise EnvironmentFault("the service begins and ends again and again")

    def _act(self, act: "Callable[[Access], _Made]") -> "tuple[_Made] | None":
        """What one side made of it; None where the claims have just gone to the other."""
        # Only what is used is loaded: either side takes 5 ms of a start.
        if self._answers() and self._remote is not None:
            from portbook.claims.exchange import Gone

            self.via = "service"
            try:
                return (act(self._remote),)
            except Gone:
                self.close()
                return None
        from portbook.claims.direct import Direct, ServiceBegan

        self.via = "store"
        if self._direct is None:
            self._direct = Direct(*self._store, self._answers)
        try:
            return (act(self._direct),)
        except ServiceBegan:
            return None

    def _waiting(self, request: "Any", act: "Callable[[Access, Any], _Made]") -> "_Made":
        """The same for a request that waits: the other side waits for what is left of the time."""
        deadline = clock.monotonic() + request.wait_ms / 1000

        def ask(side: "Access") -> "_Made":
            left = max(min(1, request.wait_ms), round((deadline - clock.monotonic()) * 1000))
            return act(side, request._replace(wait_ms=left))

        return self._call(ask)


def _named(request: "Any") -> "Any":
    """The request with an id of its own, so that it can be repeated."""
    return request if request.request_id else request._replace(request_id=os.urandom(16).hex())
