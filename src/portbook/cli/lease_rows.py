"""Claims, permits and reservations as commands print them, with names of users and processes."""

from portbook.model.claim import Caller, Permit, Reservation, SemaphoreState
from portbook.model.record import Record
from portbook.survey.claim_rows import BoundRow, ClaimRow, People, claim_row, now, who_is


class PermitRow(Record):
    """Units of a semaphore that are held."""

    id: str
    token: int
    epoch: int
    semaphore: str
    limit: int
    units: int
    owner: Caller
    user: str
    process: str | None
    ttl_ms: int
    expires_in_ms: int
    created: str
    renewed: str


class WaiterRow(Record):
    """One who waits for units of a semaphore; `position` begins at 1."""

    request_id: str
    semaphore: str
    limit: int
    units: int
    position: int
    owner: Caller
    user: str
    process: str | None
    ttl_ms: int
    expires_in_ms: int
    created: str


class SemaphoreRow(Record):
    """A semaphore in use: who holds its units, and who waits, first come first served."""

    name: str
    limit: int
    in_use: int
    held: tuple[PermitRow, ...]
    waiting: int
    queue: tuple[WaiterRow, ...]


class ReservationRow(Record):
    """A number that is kept for good, for a user's project and name."""

    key: str
    uid: int
    user: str
    port: int
    count: int  # type: ignore[assignment] # a field: not tuple.count
    project: str | None
    name: str | None
    created: str


def permit_row(permit: Permit, people: People) -> PermitRow:
    """A permit with the names of the user and of the process."""
    from portbook.claims.answers import permit_document

    return PermitRow(**{**permit_document(permit, now()), **who_is(permit.owner, people)})


def semaphore_row(state: SemaphoreState, people: People) -> SemaphoreRow:
    """A semaphore with all its holders and waiters."""
    from portbook.claims.answers import waiter_document

    moment = now()
    return SemaphoreRow(
        state.name,
        state.limit,
        sum(permit.units for permit in state.held),
        tuple(permit_row(each, people) for each in state.held),
        len(state.waiting),
        tuple(
            WaiterRow(**{**waiter_document(each, moment), **who_is(each.owner, people)})
            for each in state.waiting
        ),
    )


def reservation_row(reservation: Reservation, people: People) -> ReservationRow:
    """A reserved number with the name of its user."""
    from portbook.claims.answers import reservation_document

    row = reservation_document(reservation)
    return ReservationRow(**row, user=people.user(reservation.uid))


def left(milliseconds: int, owner: Caller, process_name: str | None) -> str:
    """When a lease ends, in words: as its process does, or in so long."""
    from portbook.model.moments import spoken

    if owner.pid is not None and process_name is not None:
        return "its process"
    return f"in {spoken(milliseconds / 1000)}"


def who(row: ClaimRow | PermitRow | WaiterRow) -> str:
    """Whose a lease is: `node (812)`, or the user where there is no process; a label before it."""
    owner = row.owner
    if owner.pid is not None:
        text = f"{row.process or 'process'} ({owner.pid})"
    else:
        text = f"user {row.user}"
    return f"{owner.label}: {text}" if owner.label else text


def user(row: ClaimRow | PermitRow | WaiterRow) -> str:
    """The user of a lease, empty where `who` has said it."""
    return "" if row.owner.pid is None else row.user


SHORTEST_ID = 8
"""Digits of an id that a terminal shows, and the fewest that commands take for one."""


def short_id(text: str) -> str:
    """So much of an id as commands need, where no other begins like it."""
    return text[:SHORTEST_ID]


def since(created: str, *, short: bool) -> str:
    """A moment as it is written, or for a terminal how long ago it was: `3m ago`."""
    if not short:
        return created
    from calendar import timegm
    from time import strptime

    from portbook.host import clock

    seconds = max(0, int(clock.now() - timegm(strptime(created, "%Y-%m-%dT%H:%M:%SZ"))))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return f"{seconds}s ago"


__all__ = [
    "BoundRow",
    "ClaimRow",
    "People",
    "PermitRow",
    "ReservationRow",
    "SemaphoreRow",
    "WaiterRow",
    "claim_row",
    "left",
    "permit_row",
    "reservation_row",
    "semaphore_row",
    "short_id",
    "since",
    "user",
    "who",
]
