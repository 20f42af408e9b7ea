"""The claims of this machine by asking the service over its Unix socket.

An answer that is not what it should be is a fault of the environment, never a claim.
"""

import os
from collections.abc import Callable

from portbook.claims import answers
from portbook.claims.exchange import Answer, Gone, Link, malformed
from portbook.host import clock
from portbook.model import EnvironmentFault
from portbook.model.claim import (
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
    from _socket import socket
    from typing import Any, TypeVar

    _Made = TypeVar("_Made")

PATIENCE = 10.0
"""Seconds that an answer may take beyond the time that was asked to wait."""
_WORTH_WAITING = ("held", "in_use", "pool_empty", "timeout")
_PAUSE = 0.02
_ONE_WAIT = 10_000
"""Milliseconds of one request that waits: so soon is a service noticed that hangs."""


class Remote:
    """Access to the service behind one socket; the connection is kept between calls."""

    via = "service"

    def __init__(self, path: str, link: "socket | None" = None) -> None:
        self.path = path
        self._link = Link(path, link)

    # Ports

    def claim(self, request: ClaimRequest) -> tuple[Claim, ...]:
        """As Access.claim.

        Raises:
            Gone: the same request again gives the same claims, here or from the store.
        """
        return self._waiting(request, self._claim)

    def _claim(self, request: ClaimRequest) -> tuple[Claim, ...]:
        found = self._post("/v1/claims", _body(request), request.wait_ms)
        return _each(found, "claims", answers.claim_of)

    def renew(self, claim_id: str, token: int, ttl_ms: int | None = None) -> Claim:
        """As Access.renew."""
        found = self._call("PUT", f"/v1/claims/{_part(claim_id)}/lease", _lease(token, ttl_ms))
        return _one(found, answers.claim_of)

    def release(self, claim_id: str, token: int) -> bool:
        """As Access.release."""
        return self._delete(f"/v1/claims/{_part(claim_id)}?token={token}", "released")

    def transfer(self, claim_id: str, token: int, to_pid: int) -> Claim:
        """As Access.transfer; where the answer was lost, the claim is looked at."""
        target = f"/v1/claims/{_part(claim_id)}"
        try:
            found = self._call(
                "POST", f"{target}/transfer", {"token": token, "to_pid": to_pid}, again=False
            )
        except Gone as gone:
            if not gone.sent:
                raise
            claim = _one(self._call("GET", target), answers.claim_of)
            if claim.owner.pid == to_pid and claim.token > token:
                return claim
            found = self._call("POST", f"{target}/transfer", {"token": token, "to_pid": to_pid})
        return _one(found, answers.claim_of)

    def fence(self, resource: str, token: int) -> Fence:
        """As Access.fence."""
        found = self._post("/v1/fence/check", {"resource": resource, "token": token})
        return _one(found, lambda each, _now: Fence(_flag(each["current"]), each["max_token"]))

    def claims(self) -> tuple[Claim, ...]:
        """As Access.claims."""
        return _each(self._call("GET", "/v1/claims"), "claims", answers.claim_of)

    def fetch_socket(self, claim_id: str, token: int) -> int:
        """As Access.fetch_socket."""
        answer = self._link.exchange(
            "POST", f"/v1/claims/{_part(claim_id)}/fd", {"token": token}, PATIENCE, fds=True
        )
        if answer.status == 200 and len(answer.fds) == 1:
            return answer.fds[0]
        for fd in answer.fds:
            os.close(fd)
        _refuse(answer)
        raise malformed("no descriptor came")

    # Durable numbers

    def reservations(self) -> tuple[Reservation, ...]:
        """As Access.reservations."""
        found = self._call("GET", "/v1/reservations")
        return _each(found, "reservations", lambda each, _now: answers.reservation_of(each))

    def reserve(self, request: ReservationRequest) -> Reservation:
        """As Access.reserve."""
        found = self._call("PUT", f"/v1/reservations/{_part(request.key)}", _body(request))
        return _one(found, lambda each, _now: answers.reservation_of(each))

    def unreserve(self, key: str) -> bool:
        """As Access.unreserve."""
        return self._delete(f"/v1/reservations/{_part(key)}", "released")

    # Semaphores

    def semaphores(self) -> tuple[SemaphoreState, ...]:
        """As Access.semaphores."""
        return _each(self._call("GET", "/v1/sems"), "semaphores", answers.semaphore_of)

    def acquire(self, request: PermitRequest) -> Permit | Waiter:
        """As Access.acquire.

        Raises:
            Gone: the same request again keeps the place in the queue.
        """
        return self._waiting(request, self._acquire)

    def _acquire(self, request: PermitRequest) -> Permit | Waiter:
        answer = self._link.exchange(
            "POST",
            f"/v1/sems/{_part(request.name)}/acquire",
            _body(request),
            PATIENCE + request.wait_ms / 1000,
        )
        if answer.status == 408 and isinstance(answer.found.get("waiter"), dict):
            return _one(answer.found["waiter"], answers.waiter_of)
        _refuse(answer)
        return _one(answer.found.get("permit"), answers.permit_of)

    def cancel_wait(self, request_id: str) -> bool:
        """As Access.cancel_wait; the semaphore's name is not needed."""
        return self._delete(f"/v1/sems/-/waiters/{_part(request_id)}", "cancelled")

    def renew_permit(self, permit_id: str, token: int, ttl_ms: int | None = None) -> Permit:
        """As Access.renew_permit."""
        target = f"/v1/sems/-/permits/{_part(permit_id)}"
        return _one(self._call("PUT", target, _lease(token, ttl_ms)), answers.permit_of)

    def release_permit(self, permit_id: str, token: int) -> bool:
        """As Access.release_permit."""
        return self._delete(f"/v1/sems/-/permits/{_part(permit_id)}?token={token}", "released")

    def close(self) -> None:
        """Hang up."""
        self._link.close()

    # How

    def _waiting(
        self,
        request: "Any",
        ask: "Callable[[Any], _Made]",
    ) -> "_Made":
        """Ask in turns of a few seconds until the time that `request` may wait is over."""
        deadline = clock.monotonic() + request.wait_ms / 1000
        # A place in a queue lasts for the TTL, so it is asked for again before that.
        turn = min(_ONE_WAIT, request.ttl_ms // 2)
        while True:
            left = max(0, round((deadline - clock.monotonic()) * 1000))
            try:
                made = ask(request._replace(wait_ms=min(left, turn) or min(1, request.wait_ms)))
            except ClaimRefused as refused:
                if refused.code not in _WORTH_WAITING or left <= turn:
                    raise
                # One that waits no longer than this was not let into the queue.
                clock.sleep(_PAUSE)
            else:
                if left <= turn or not isinstance(made, Waiter):
                    return made

    def _post(self, target: str, body: "dict[str, Any]", wait_ms: int = 0) -> "dict[str, Any]":
        return self._call("POST", target, body, wait_ms=wait_ms)

    def _delete(self, target: str, field: str) -> bool:
        found = self._call("DELETE", target)
        return _one(found, lambda each, _now: _flag(each[field]))

    def _call(
        self,
        method: str,
        target: str,
        body: "dict[str, Any] | None" = None,
        *,
        wait_ms: int = 0,
        again: bool = True,
    ) -> "dict[str, Any]":
        answer = self._link.exchange(method, target, body, PATIENCE + wait_ms / 1000, again=again)
        _refuse(answer)
        return answer.found


def _refuse(answer: Answer) -> None:
    """Raise what the service refused with.

    Raises:
        ClaimRefused, EnvironmentFault: as it says.
    """
    if answer.status in (200, 201):
        return
    told = answer.found.get("error")
    if not isinstance(told, dict):
        raise malformed(f"status {answer.status} without a reason")
    refusal = _one(answer.found, lambda each, _now: answers.refusal_of(each))
    if answer.status == 507:
        from portbook.host.database import NotWritten

        raise NotWritten(str(refusal), hint=refusal.hint)
    if answer.status >= 500 and refusal.code != "pool_empty":
        raise EnvironmentFault(str(refusal), hint=refusal.hint)
    raise refusal


def _one(found: "Any", read: "Callable[[Any, int], _Made]") -> "_Made":
    """A value of an answer.

    Raises:
        EnvironmentFault: it is not what it should be.
    """
    try:
        value = read(found, clock.boot_ms())
        if isinstance(value, tuple):
            _check(value)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise malformed(f"{type(error).__name__} in it") from None
    return value


def _check(value: "Any") -> None:
    """Raise TypeError where a field is not of its type."""
    for field, kind in type(value).__annotations__.items():
        each = getattr(value, field)
        if isinstance(each, tuple):
            for inner in (each,) if hasattr(each, "_fields") else each:
                if hasattr(inner, "_fields"):
                    _check(inner)
        elif not isinstance(each, kind) or (kind is int and isinstance(each, bool)):
            raise TypeError


def _each(
    found: "dict[str, Any]", field: str, read: "Callable[[Any, int], _Made]"
) -> "tuple[_Made, ...]":
    rows = found.get(field)
    if not isinstance(rows, list):
        raise malformed(f"no {field}")
    return tuple(_one(row, read) for row in rows)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _body(request: ClaimRequest | PermitRequest | ReservationRequest) -> "dict[str, Any]":
    from portbook.claims.wire import request_document

    return request_document(request)


def _lease(token: int, ttl_ms: int | None) -> "dict[str, Any]":
    return {"token": token} if ttl_ms is None else {"token": token, "ttl_ms": ttl_ms}


_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


def _part(text: str) -> str:
    """`text` as one part of a path (RFC 3986 section 2.1); importing urllib costs 4 ms."""
    return "".join(
        sign if sign in _PLAIN else "".join(f"%{byte:02X}" for byte in sign.encode("utf-8"))
        for sign in text
    )
