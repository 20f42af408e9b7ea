"""Every registration with its life: a service on a number, its transports joined.

`semaphore` on 3255, tcp and udp, is one. The tables are read once, and everything asked of them
afterwards is an index away, until `lookup.reload()`.
"""

from bisect import bisect_left
from collections.abc import Iterable, KeysView

from portbook.model import RANGES, Assignment, Evidence, Transport, UsageError
from portbook.model.record import Record
from portbook.registry.kept import until_reload
from portbook.registry.life import Trace, life_of_assignment
from portbook.registry.tables import ASSIGNMENT_COLUMNS, open_assignments, open_evidence

VERDICTS = ("alive", "overtaken", "orphan", "young")

# The best of a service's verdicts first.
_BEST = ("alive", "young", "overtaken", "orphan")
_ORDER = {each.value: place for place, each in enumerate(Transport)}


class Registration(Record):
    """A service on a number, or on a range of numbers, with its transports.

    `registered` is the earliest date of its rows (ISO, as coarse as the registry has it), None
    where no row has one. `assignee` has one id or several joined by one space. `life` is one of
    VERDICTS, and `sources` counts those that name a number of it on any transport for anything.
    """

    port: int
    last_port: int
    service: str
    transports: tuple[str, ...]
    description: str | None
    assignee: str | None
    registered: str | None
    life: str = "orphan"
    sources: int = 0


class Assignee(Record):
    """Who has registrations: the id as IANA prints it, and how many there are by their life."""

    id: str
    total: int
    counts: dict[str, int]


def registrations() -> tuple[Registration, ...]:
    """All of them, by number and name.

    Raises:
        TableFault: a table is missing or broken.
    """
    return _book().all


def sources_asked() -> tuple[int, str]:
    """In how many sources traces were looked for, and when (ISO date)."""
    book = _book()
    return book.sources_checked, book.as_of


def select(
    *,
    range_name: str | None = None,
    first: int = 0,
    last: int = RANGES[-1].last,
    assignee: str | None = None,
    year: int | None = None,
    life: str | None = None,
) -> tuple[Registration, ...]:
    """The registrations that fit everything that is given, by number and name.

    They lie as a whole within the range and from `first` to `last`. `assignee` is one id, or all
    the ids of a row, in any case and with spaces or underscores. `year` is one in which a row of
    the service was registered.

    Raises:
        UsageError: there is no such range.
        TableFault: a table is missing or broken.
    """
    book = _book()
    low, high = _span(range_name)
    low, high = max(low, first), min(high, last)
    # A record compares like a tuple: the first of number `low` stands where (low,) would.
    found: Iterable[int] = range(bisect_left(book.all, (low,)), bisect_left(book.all, (high + 1,)))
    if assignee is not None:
        found = book.by_assignee.get(_plain(assignee), ())
    if year is not None:
        of_year = book.by_year.get(f"{year:04}", ())
        found = of_year if assignee is None else sorted(set(found) & set(of_year))
    return tuple(
        each
        for each in map(book.all.__getitem__, found)
        if low <= each.port and each.last_port <= high and life in (None, each.life)
    )


def registered_on(port: int) -> tuple[Registration, ...]:
    """The registrations that cover `port`, by name."""
    book = _book()
    return tuple(book.all[place] for place in book.by_port.get(port, ()))


def registered_ports() -> KeysView[int]:
    """The numbers that a registration covers, in no order; `in` asks a hash table."""
    return _book().by_port.keys()


def count_lives(found: Iterable[Registration]) -> dict[str, int]:
    """How many of them have each life, in the order of VERDICTS."""
    counts = dict.fromkeys(VERDICTS, 0)
    for each in found:
        counts[each.life] += 1
    return counts


@until_reload
def assignees() -> tuple[Assignee, ...]:
    """Everybody who has a registration: most registrations first, then by id.

    A registration of several ids counts for each of them.
    """
    book = _book()
    found = []
    for places in book.by_id.values():
        some = [book.all[place] for place in places.places]
        found.append(Assignee(places.spelling, len(some), count_lives(some)))
    return tuple(sorted(found, key=lambda each: (-each.total, each.id.casefold(), each.id)))


@until_reload
def years() -> dict[int, tuple[Registration, ...]]:
    """The registrations by the year of their first date, lowest first; 0 has the undated ones."""
    found: dict[int, list[Registration]] = {}
    for each in registrations():
        found.setdefault(int((each.registered or "0")[:4]), []).append(each)
    return {year: tuple(found[year]) for year in sorted(found)}


class _Id(Record):
    """An assignee's id as it is first written, and the places of its registrations."""

    spelling: str
    places: list[int]


class _Book(Record):
    """The registrations and the places in them of whatever they are asked for by."""

    all: tuple[Registration, ...]
    by_port: dict[int, list[int]]
    by_assignee: dict[str, list[int]]
    by_id: dict[str, _Id]
    by_year: dict[str, list[int]]
    sources_checked: int
    as_of: str


class _Row(Record):
    """A named assignment with a number; only what is asked for here."""

    port: int
    last_port: int
    transport: str
    service: str
    description: str
    assignee: str
    registered: str


_REGISTERED = ASSIGNMENT_COLUMNS.index("registered")


@until_reload
def _book() -> _Book:
    table, checked, as_of = open_evidence()
    traces = table.by_port()
    judged = sorted(
        ((_registration(group, traces, as_of), group) for group in _services().values()),
        key=lambda each: each[0][:3],
    )
    book = _Book(tuple(each for each, _ in judged), {}, {}, {}, {}, checked, as_of)
    for place, (each, group) in enumerate(judged):
        for port in range(each.port, each.last_port + 1):
            book.by_port.setdefault(port, []).append(place)
        for year in {row.registered[:4] for row in group if row.registered}:
            book.by_year.setdefault(year, []).append(place)
        named = {row.assignee for row in group if row.assignee}
        ids = {_plain(one): one for some in named for one in some.split()}
        for plain, spelling in ids.items():
            book.by_id.setdefault(plain, _Id(spelling, [])).places.append(place)
        for plain in {*ids, *map(_plain, named)}:
            book.by_assignee.setdefault(plain, []).append(place)
    return book


def _services() -> dict[tuple[str, str], list[_Row]]:
    """The rows of each service on a number; an older spelling belongs to its well-formed name."""
    groups: dict[tuple[str, str], list[_Row]] = {}
    for cells in open_assignments().all_rows():
        port, last_port, transport, service, description, assignee = cells[:6]
        if port and service:
            row = _Row(
                int(port),
                int(last_port),
                transport,
                service,
                description,
                assignee,
                cells[_REGISTERED],
            )
            name = service.casefold().replace("_", "-").replace("/", "-")
            groups.setdefault((port, name), []).append(row)
    return groups


def _registration(
    group: list[_Row], traces: dict[int, list[list[str]]], as_of: str
) -> Registration:
    evidence: list[Trace] = [
        (Evidence(source, port, transport or None, product), kind)
        for port in range(group[0].port, group[0].last_port + 1)
        for _, transport, source, product, _, kind in traces.get(port, ())
    ]
    life = _life(group, evidence, as_of)
    # An older spelling ("bmc_patroldb") stands behind the name that fits RFC 6335, and tcp speaks
    # first: http on SCTP has another assignee than http.
    group = sorted(
        group,
        key=lambda row: (
            not row.service.replace("-", "").isalnum(),
            _ORDER.get(row.transport, len(_ORDER)),
        ),
    )
    head = group[0]
    return Registration(
        head.port,
        head.last_port,
        head.service,
        tuple(sorted({row.transport for row in group if row.transport}, key=_ORDER.__getitem__)),
        next((row.description for row in group if row.description), None),
        next((row.assignee for row in group if row.assignee), None),
        min((row.registered for row in group if row.registered), default=None),
        life,
        len({found.source for found, _ in evidence}),
    )


def _life(group: list[_Row], evidence: list[Trace], as_of: str) -> str:
    assignments = [
        Assignment(
            group[0].service,  # one name for all spellings
            row.port,
            row.last_port,
            row.transport or None,
            row.description or None,
            registered=row.registered or None,
        )
        for row in group
    ]
    verdicts = {
        life_of_assignment(each, assignments, evidence, as_of=as_of) for each in assignments
    }
    # Rows of one service differ in date and description only: the better verdict is the service's.
    return min(verdicts, key=_BEST.index)


def _span(range_name: str | None) -> tuple[int, int]:
    if range_name is None:
        return RANGES[0].first, RANGES[-1].last
    for each in RANGES:
        if each.name == range_name:
            return each.first, each.last
    names = ", ".join(each.name for each in RANGES)
    raise UsageError(f"no range is called {range_name!r}", hint=f"ranges: {names}")


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())
