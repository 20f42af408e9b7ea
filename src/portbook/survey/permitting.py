"""Waiting for a permit of a semaphore, for as long as it takes, and who is in the way."""

import contextlib
import os

from portbook.host import clock
from portbook.model.claim import ClaimRefused, Permit, PermitRequest, SemaphoreState, Waiter
from portbook.model.errors import PortbookError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from portbook.claims.access import Access

_ONE_WAIT = 600.0
"""Seconds of one call; who waits for as long as it takes calls again."""
_MOST_NAMED = 5
PATIENCE = 1.0
"""Seconds of waiting before a person is told what for."""


def obtain(
    access: "Access",
    request: PermitRequest,
    wait: float | None,
    waits: "Callable[[Waiter, SemaphoreState | None], None] | None" = None,
) -> Permit:
    """The permit, first come first served; whoever gives up leaves the queue.

    Args:
        access: the claims.
        request: what is wanted; it is given an id if it has none.
        wait: seconds, None for as long as it takes.
        waits: told once, after a second of waiting.

    Raises:
        ClaimRefused: `timeout`, with the holders and our place; `limit_mismatch`, `invalid`.
    """
    asked = request._replace(request_id=request.request_id or os.urandom(16).hex())
    deadline = None if wait is None else clock.monotonic() + wait
    try:
        while True:
            longest = _ONE_WAIT if waits is None else PATIENCE
            left = longest if deadline is None else deadline - clock.monotonic()
            part = max(0, round(min(left, longest) * 1000))
            found = access.acquire(asked._replace(wait_ms=part))
            if isinstance(found, Permit):
                return found
            if deadline is not None and clock.monotonic() >= deadline:
                break
            if waits is not None:
                waits(found, _state_of(access, request.name))
                waits = None
    except ClaimRefused as refused:
        if refused.code != "timeout":
            raise
        raise _too_late(access, asked, None) from None
    except BaseException:
        with contextlib.suppress(PortbookError):
            access.cancel_wait(asked.request_id or "")
        raise
    waiter = found
    if not access.cancel_wait(waiter.request_id):
        # It came in the last moment: the same request gives it.
        with contextlib.suppress(ClaimRefused):
            found = access.acquire(asked._replace(wait_ms=0))
            if isinstance(found, Permit):
                return found
    raise _too_late(access, asked, waiter)


def _too_late(access: "Access", request: PermitRequest, waiter: Waiter | None) -> ClaimRefused:
    """The refusal that names who holds the units, and which place in the queue was ours."""
    state = _state_of(access, request.name)
    place = "" if waiter is None else f"; our place in the queue was {waiter.position}"
    held = "" if state is None else f" ({holders_of(state)})"
    units = "unit" if request.limit == 1 else "units"
    return ClaimRefused(
        "timeout",
        f"no permit of {request.name!r} in time: {request.limit} {units}{held}{place}",
        hint=f"portbook sem list {request.name}",
    )


def _state_of(access: "Access", name: str) -> SemaphoreState | None:
    return next((each for each in access.semaphores() if each.name == name), None)


def holders_of(state: SemaphoreState) -> str:
    """Who holds the units of a semaphore, in words."""
    if not state.held:
        return "all free by now"
    names = []
    for permit in state.held[:_MOST_NAMED]:
        owner = permit.owner
        who = f"process {owner.pid}" if owner.pid is not None else f"user {owner.uid}"
        units = f" has {permit.units}" if permit.units > 1 else ""
        names.append(f"{owner.label} ({who}){units}" if owner.label else f"{who}{units}")
    more = len(state.held) - _MOST_NAMED
    return "held by " + ", ".join(names) + (f" and {more} more" if more > 0 else "")
