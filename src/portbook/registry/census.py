"""The census: how many registrations live, where, since when, and what became of the others.

Services are counted, a service on a number or a range of numbers with its transports as one; where
numbers are counted, the name says `ports`. What "no public trace" is worth: docs/census.md.
"""

from collections import Counter
from collections.abc import Iterable

from portbook.model import RANGES, USER
from portbook.model.record import Record
from portbook.registry.kept import until_reload
from portbook.registry.lookup import lookup
from portbook.registry.registrations import (
    Assignee,
    Registration,
    assignees,
    count_lives,
    registered_ports,
    registrations,
    sources_asked,
    years,
)
from portbook.registry.since import Comparison, Freed, changes, comparison, freed
from portbook.registry.tables import open_evidence
from portbook.registry.whole import lives

PORT_LIVES = ("alive", "overtaken", "orphan", "young", "unassigned", "reserved", "dynamic")

_BINS = (("0", 0, 0), ("1", 1, 1), ("2", 2, 2), ("3-5", 3, 5), ("6+", 6, None))
_RUNS = 10
_ASSIGNEES = 20
_UNREGISTERED = 20


class Share(Record):
    """Services of one kind: how many there are, and how many of them by their life."""

    name: str
    total: int
    counts: dict[str, int]


class YearShare(Record):
    """The services first registered in a year; `year` is None for those without a date."""

    year: int | None
    total: int
    counts: dict[str, int]


class Run(Record):
    """Neighbouring numbers without a named assignment; `reserved` of the `length` are kept back."""

    first: int
    last: int
    length: int
    reserved: int


class Changed(Record):
    """What happened to records in one year; `year` is None where the registry tells no date."""

    year: int | None
    added: int
    removed: int
    changed: int


class Unregistered(Record):
    """A number that sources name and nobody registered, and who uses it."""

    port: int
    sources: int
    products: tuple[str, ...]


class Census(Record):
    """The whole registry counted.

    `total` and `counts` are of all services. `by_sources` tells how many sources name the number.
    `ports` counts the 65,536 numbers by life. `unassigned` are the longest runs below 49152.
    `changes` counts records (a service on a number over one transport) in the time that `since`
    tells, which also has how many numbers had a service before and after; `freed` are the numbers
    that had one and have none now. `unregistered` are the numbers without a name that most sources
    name, `unregistered_total` of them in all.
    """

    total: int
    counts: dict[str, int]
    ports: dict[str, int]
    by_range: tuple[Share, ...]
    by_year: tuple[YearShare, ...]
    by_sources: tuple[Share, ...]
    assignees: tuple[Assignee, ...]
    assignees_total: int
    unassigned: tuple[Run, ...]
    unregistered: tuple[Unregistered, ...]
    unregistered_total: int
    since: Comparison
    changes: tuple[Changed, ...]
    freed: tuple[Freed, ...]
    sources_checked: int
    as_of: str


@until_reload
def census() -> Census:
    """The census of the tables in use.

    Raises:
        TableFault: a table is missing or broken.
    """
    found = registrations()
    people = assignees()
    values = lives().values
    traced = _unregistered()
    return Census(
        len(found),
        count_lives(found),
        _ports(values),
        _by_range(found),
        tuple(
            YearShare(year or None, len(some), count_lives(some)) for year, some in years().items()
        ),
        _by_sources(found),
        people[:_ASSIGNEES],
        len(people),
        _longest_runs(values),
        tuple(
            Unregistered(port, count, tuple(use.product for use in lookup(port).unofficial))
            for count, port in traced[:_UNREGISTERED]
        ),
        len(traced),
        comparison(),
        _changes(),
        freed(),
        *sources_asked(),
    )


def _share(name: str, some: Iterable[Registration]) -> Share:
    counts = count_lives(some)
    return Share(name, sum(counts.values()), counts)


def _ports(values: tuple[str, ...]) -> dict[str, int]:
    counts = Counter(values)
    return {life: counts[life] for life in PORT_LIVES}


def _by_range(found: tuple[Registration, ...]) -> tuple[Share, ...]:
    return tuple(
        _share(known.name, (each for each in found if known.first <= each.port <= known.last))
        for known in RANGES
    )


def _by_sources(found: tuple[Registration, ...]) -> tuple[Share, ...]:
    return tuple(
        _share(
            name,
            (
                each
                for each in found
                if low <= each.sources and (high is None or each.sources <= high)
            ),
        )
        for name, low, high in _BINS
    )


def _longest_runs(values: tuple[str, ...]) -> tuple[Run, ...]:
    """The longest runs of numbers that nobody registered: longest first, then the lowest."""
    taken = registered_ports()
    runs: list[tuple[int, int]] = []
    first = 0
    for port in range(USER.last + 2):
        if port in taken or port > USER.last:
            if first < port:
                runs.append((first, port - 1))
            first = port + 1
    runs.sort(key=lambda run: (run[0] - run[1], run[0]))
    return tuple(
        Run(first, last, last - first + 1, values[first : last + 1].count("reserved"))
        for first, last in runs[:_RUNS]
    )


def _unregistered() -> list[tuple[int, int]]:
    """(sources, port) of each number that has traces and no name: most sources first."""
    taken = registered_ports()
    found = [
        (len({row[2] for row in rows}), port)
        for port, rows in open_evidence().table.by_port().items()
        if port not in taken
    ]
    return sorted(found, key=lambda each: (-each[0], each[1]))


def _changes() -> tuple[Changed, ...]:
    """The events of each year, the undated ones last."""
    counts: dict[int | None, Counter[str]] = {}
    for change in changes():
        year = int(change.date[:4]) if change.date else None
        counts.setdefault(year, Counter())[change.event] += 1
    return tuple(
        Changed(year, events["added"], events["removed"], events["changed"])
        for year, events in sorted(counts.items(), key=lambda each: each[0] or 9999)
    )
