"""What changed in the registry since 2015, fact by fact. Pure: JSON and cells in, rows out.

A row is one fact of one change, with what it was before and is after. An added record has one row
without a fact, for the registry itself has its facts; of a removed one every fact stands here,
because nothing else keeps them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tools.registry_rows import Key, base_rows, changed_row, key_of

from portbook.model import Assignment

COLUMNS = (
    "port",
    "last_port",
    "transport",
    "service",
    "event",
    "date",
    "fact",
    "before",
    "after",
)
START = "2015-07"

# `modified` is no fact about the registration: it is the date of a change.
_FACTS = (
    "description",
    "assignee",
    "contact",
    "registered",
    "reference",
    "unauthorized_use",
    "notes",
)


class _Change(NamedTuple):
    event: str
    before: Assignment | None
    after: Assignment | None


def rows(
    base: Iterable[Mapping[str, str]],
    changes: Iterable[Mapping[str, str]],
    published: Iterable[Mapping[str, str]],
) -> list[tuple[str, ...]]:
    """The rows of changes.tsv.

    `base` is the whole registry of 2015-07. `published` are the cells of a file of IANA's after
    the changes: its nameless rows tell when a name was taken away.
    """
    old = {key_of(row): row for row in base_rows(base) if row.service}
    found = [_change(cells, old) for cells in changes]
    dates = _Dates(found, published)
    return sorted(row for change in found for row in _rows(change, dates.of(change)))


def ports_with_a_service(rows: Iterable[Assignment]) -> int:
    """How many numbers have a service of a name."""
    return len(
        {
            port
            for row in rows
            if row.service and row.port is not None and row.last_port is not None
            for port in range(row.port, row.last_port + 1)
        }
    )


def _change(cells: Mapping[str, str], old: Mapping[Key, Assignment]) -> _Change:
    before = old.get(key_of(changed_row(cells, None)))
    if cells["event"] == "removed":
        return _Change("removed", before, None)
    return _Change(cells["event"], before, changed_row(cells, before))


class _Dates:
    """When a change was made, as far as the registry says."""

    def __init__(self, changes: Iterable[_Change], published: Iterable[Mapping[str, str]]) -> None:
        self._came: dict[tuple[int, str], str] = {}
        for change in changes:
            if change.event == "added" and (date := _date_of_new(change.after)):
                for place in _places(change.after):
                    self._came[place] = max(date, self._came.get(place, ""))
        self._left = dict(_left(published))

    def of(self, change: _Change) -> str:
        """An ISO date, or nothing where none is known."""
        if change.event == "added":
            return _date_of_new(change.after)
        if change.event == "changed":
            was = change.before.modified if change.before else None
            now = change.after.modified if change.after else None
            return now if now and now != was else ""
        places = list(_places(change.before))
        # Where another service took the number, the old one ended on its day at the latest.
        return next((self._came[place] for place in places if place in self._came), "") or next(
            (self._left[place] for place in places if place in self._left), ""
        )


def _date_of_new(row: Assignment | None) -> str:
    """When a record came: a renamed one keeps its first date, so its last change counts."""
    if row is None:
        return ""
    return next((date for date in (row.registered, row.modified) if date and date >= START), "")


def _left(published: Iterable[Mapping[str, str]]) -> Iterator[tuple[tuple[int, str], str]]:
    """The dates of the nameless rows of a file of IANA's."""
    for cells in published:
        port = cells["Port Number"]
        if cells["Service Name"] or not port.isdigit():
            continue
        told = re.search(r"\d{4}-\d{2}-\d{2}", cells["Assignment Notes"])
        date = cells["Modification Date"] or (told[0] if told else "")
        if date >= START:
            yield (int(port), cells["Transport Protocol"]), date


def _places(row: Assignment | None) -> Iterator[tuple[int, str]]:
    if row is not None and row.port is not None and row.last_port is not None:
        for port in range(row.port, row.last_port + 1):
            yield port, row.transport or ""


def _rows(change: _Change, date: str) -> Iterator[tuple[str, ...]]:
    row = change.after or change.before
    if row is None:
        raise ValueError("a change of nothing")
    top = (
        str(row.port),
        str(row.last_port),
        row.transport or "",
        row.service or "",
        change.event,
        date,
    )
    facts = []
    if change.event != "added":
        for fact in _FACTS:
            before = getattr(change.before, fact) or ""
            after = getattr(change.after, fact, None) or ""
            if before != after:
                facts.append((fact, before, after))
    for fact_row in facts or [("", "", "")]:
        yield (*top, *fact_row)
