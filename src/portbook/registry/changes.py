"""What differs between two registries. Pure: no file is read here."""

from collections.abc import Iterable

from portbook.model import Assignment
from portbook.model.record import Record

Key = tuple[str, int, int, str]


class Changes(Record):
    """The assignments added, removed and changed, each in the order of port, transport, name.

    Only named rows with a port take part: that is what a lookup is about, and not every table
    has the others.
    """

    added: list[Assignment]
    removed: list[Assignment]
    changed: list[Assignment]


class Change(Record):
    """One difference. `change`: `added`, `removed` or `changed` (the row is the new one)."""

    change: str
    assignment: Assignment


class Summary(Record):
    """How many differences of each kind, and the first few of each."""

    added: int
    removed: int
    changed: int
    first: tuple[Change, ...]


def changes(before: Iterable[Assignment], after: Iterable[Assignment]) -> Changes:
    """What somebody who knows `before` has to learn; changed ones as they are `after`.

    A changed row has the same service, ports and transport. The registry has no two rows with the
    same of these; should there be, they count as one.
    """
    old, new = by_key(before), by_key(after)
    return Changes(
        _ordered(row for key, row in new.items() if key not in old),
        _ordered(row for key, row in old.items() if key not in new),
        _ordered(row for key, row in new.items() if key in old and old[key] != row),
    )


def summary(found: Changes, *, most: int) -> Summary:
    """The counts, and at most `most` differences of each kind."""
    first = [Change(kind, row) for kind, rows in found._asdict().items() for row in rows[:most]]
    return Summary(len(found.added), len(found.removed), len(found.changed), tuple(first))


def by_key(assignments: Iterable[Assignment]) -> dict[Key, Assignment]:
    """The named rows with a port, by (service, first port, last port, transport)."""
    return {
        (row.service, row.port, row.last_port, row.transport or ""): row
        for row in assignments
        if row.service is not None and row.port is not None and row.last_port is not None
    }


def _ordered(rows: Iterable[Assignment]) -> list[Assignment]:
    return sorted(rows, key=lambda row: (row.port or 0, row.transport or "", row.service or ""))
