"""What changed since the last commit, and the events that tell of it.

The body of an event is plain JSON, and all that is needed to make the change again: claims.replay.
"""

import os
from collections import deque
from collections.abc import Callable

from portbook.model.claim import Bound, Caller, Claim, ClaimEvent, Permit, Reservation, Waiter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEPT_EVENTS = 100_000
"""Events that can be asked for, at least."""
RECENT = 1_024
"""Events that are at hand without a look at the disk."""
REMEMBERED_MS = 600_000
"""How long it is known of a claim or permit that it has ended."""
MOST_REMEMBERED = 16_384
"""How many of these are known at most: 10 MB under full load, which ends 10,000 each second."""

_DRAWN = 64

Key = tuple[int, str]
"""A user, and the key of a reservation or the id of a request."""


class Changes:
    """The notes that a commit writes down: keys of what changed, and the new events.

    Args:
        wall: seconds since 1970.
        draw: gives the next fencing token.
        epoch: of the store.
    """

    def __init__(self, wall: Callable[[], float], draw: Callable[[], int], epoch: int) -> None:
        self.wall = wall
        self.draw = draw
        self.epoch = epoch
        self.claims: set[str] = set()
        self.over: set[str] = set()
        """Claims of which nothing changed but that they ended."""
        self.permits: set[str] = set()
        self.waiters: set[Key] = set()
        self.reservations: set[Key] = set()
        self.events: list[ClaimEvent] = []
        self.recent: deque[ClaimEvent] = deque(maxlen=RECENT)
        self.last = 0

    def tell(self, kind: str, body: "dict[str, Any]") -> None:
        """Add an event."""
        self.last += 1
        event = ClaimEvent(self.last, self.wall(), kind, body)
        self.events.append(event)
        self.recent.append(event)

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.events or self.claims or self.permits or self.waiters or self.reservations)

    def written(self) -> None:
        """Forget the notes: they are on the disk."""
        self.claims.clear()
        self.over.clear()
        self.permits.clear()
        self.waiters.clear()
        self.reservations.clear()
        self.events.clear()


_random: list[str] = []


def new_id() -> str:
    """The id of a claim or permit: 8 random bytes, as 16 hexadecimal digits."""
    if not _random:
        # One system call for many: each costs 2 us.
        drawn = os.urandom(8 * _DRAWN).hex()
        _random.extend(drawn[place : place + 16] for place in range(0, len(drawn), 16))
    return _random.pop()


if hasattr(os, "register_at_fork"):
    # A child must not draw the same.
    os.register_at_fork(after_in_child=_random.clear)


_CALLER = Caller._fields
_CLAIM = Claim._fields
_PERMIT = Permit._fields
_WAITER = Waiter._fields
_RESERVATION = Reservation._fields


def claim_body(claim: Claim) -> "dict[str, Any]":
    """A whole claim as the body of an event."""
    made: dict[str, Any] = dict(zip(_CLAIM, claim, strict=True))
    made["owner"] = caller_body(claim.owner)
    made["bound"] = bound_body(claim.bound)
    made["labels"] = [list(each) for each in claim.labels]
    return made


def bound_body(bound: Bound | None) -> "dict[str, Any] | None":
    """A listener as a part of a body."""
    return None if bound is None else bound._asdict()


def caller_body(who: Caller) -> "dict[str, Any]":
    """A caller as a part of a body."""
    return dict(zip(_CALLER, who, strict=True))


def ended_body(claim: Claim) -> "dict[str, Any]":
    """Which claim it was that ended."""
    return {
        "id": claim.id,
        "token": claim.token,
        "port": claim.port,
        "size": claim.size,
        "transport": claim.transport,
    }


def lease_body(claim: Claim) -> "dict[str, Any]":
    """What a renewal, or another owner, changes of a claim."""
    return {
        "id": claim.id,
        "token": claim.token,
        "port": claim.port,
        "transport": claim.transport,
        "ttl_ms": claim.ttl_ms,
        "expires_ms": claim.expires_ms,
        "renewed": claim.renewed,
        "seq": claim.seq,
    }


def permit_body(permit: Permit) -> "dict[str, Any]":
    """A whole permit as the body of an event."""
    made: dict[str, Any] = dict(zip(_PERMIT, permit, strict=True))
    made["owner"] = caller_body(permit.owner)
    return made


def ended_permit_body(permit: Permit) -> "dict[str, Any]":
    """Which permit it was that ended."""
    return {
        "id": permit.id,
        "token": permit.token,
        "semaphore": permit.semaphore,
        "units": permit.units,
    }


def permit_lease_body(permit: Permit) -> "dict[str, Any]":
    """What a renewal changes of a permit."""
    return {
        "id": permit.id,
        "token": permit.token,
        "semaphore": permit.semaphore,
        "ttl_ms": permit.ttl_ms,
        "expires_ms": permit.expires_ms,
        "renewed": permit.renewed,
    }


def waiter_body(waiter: Waiter) -> "dict[str, Any]":
    """One who waits as the body of an event; the place in the queue is that of the event."""
    made: dict[str, Any] = dict(zip(_WAITER, waiter, strict=True))
    made["owner"] = caller_body(waiter.owner)
    del made["position"]
    return made


def reservation_body(reservation: Reservation) -> "dict[str, Any]":
    """A reservation as the body of an event."""
    return dict(zip(_RESERVATION, reservation, strict=True))
