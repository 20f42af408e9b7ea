"""What the first page tells: the port space counted, and a few numbers worth a look.

It is the page that is asked for first, so nothing here needs the census or the registrations,
which take three times as long to work out as the lives of all ports.
"""

from collections import Counter
from collections.abc import Callable

from portbook.model import DYNAMIC, Listener
from portbook.model.record import Record
from portbook.pages.facts.registrations import ports_of
from portbook.pages.settings import PORT
from portbook.registry.candidates import displacing
from portbook.registry.kept import until_reload
from portbook.registry.lookup import lookup
from portbook.registry.tables import ASSIGNMENT_COLUMNS, open_assignments, open_evidence
from portbook.registry.whole import Lives, lives

LIVES = ("alive", "overtaken", "orphan", "young", "unassigned", "reserved", "dynamic")
VERDICTS = ("expected", "familiar", "unregistered", "mismatch", "suspicious", "unknown")
_NEWEST = 3
_REGISTERED = ASSIGNMENT_COLUMNS.index("registered")


class Counted(Record):
    """How many of the 65,536 ports have this life; `first` is where their part of a bar begins."""

    life: str
    ports: int
    first: int


class Pick(Record):
    """A number worth a look: the service or product on it, and how many sources name it."""

    port: int
    name: str
    sources: int


class New(Record):
    """A registration with its date (ISO)."""

    port: int
    ports: str
    service: str
    registered: str


class HomePage(Record):
    """The first page.

    `own` is the registration of the port that portbook answers on, as long as that is a dated
    orphan, else None. `overtaken` is the registered number that most sources know for something
    else, and how many do; `free` the unregistered one that most sources name, `busiest` the one
    that most know as registered.
    """

    counted: tuple[Counted, ...]
    orphans: int
    sources_checked: int
    as_of: str
    own_port: int
    own: New | None
    newest: tuple[New, ...]
    overtaken: Pick | None
    free: Pick | None
    busiest: Pick | None


@until_reload
def home_page() -> HomePage:
    """The facts of the first page.

    Raises:
        TableFault: a table is missing or broken.
    """
    known = lives()
    sources = _sources()
    return HomePage(
        _counted(known),
        known.values.count("orphan"),
        known.sources_checked,
        known.as_of,
        PORT,
        _own(known),
        _newest(),
        _most_overrun(sources, known),
        _most_named(
            sources,
            lambda port: known.values[port] in {"unassigned", "reserved"},
            _product,
        ),
        _most_named(sources, lambda port: known.values[port] == "alive", _service),
    )


def verdicts(listeners: tuple[Listener, ...]) -> tuple[tuple[str, int], ...]:
    """How many listeners have each verdict that occurs."""
    counts = Counter(each.verdict.value for each in listeners)
    return tuple((verdict, counts[verdict]) for verdict in VERDICTS if counts[verdict])


def _counted(known: Lives) -> tuple[Counted, ...]:
    told, first = [], 0
    for life in LIVES:
        ports = known.values.count(life)
        told.append(Counted(life, ports, first))
        first += ports
    return tuple(told)


def _own(known: Lives) -> New | None:
    if known.values[PORT] != "orphan":
        return None
    for each in lookup(PORT).assignments:
        if each.service and each.registered:
            return New(PORT, str(PORT), each.service, each.registered)
    return None


def _newest() -> tuple[New, ...]:
    """The latest registrations, one of each number: `agtp` and `agtp-quic` came together.

    A service that only got another transport is as old as its first one.
    """
    since: dict[tuple[str, str, str], str] = {}
    for row in open_assignments().all_rows():
        if row[0] and row[3]:
            key = (row[0], row[1], row[3])
            since[key] = min(since.get(key, row[_REGISTERED]), row[_REGISTERED])
    found: dict[str, New] = {}
    for (port, last, service), date in sorted(
        sorted(since.items()), key=lambda each: each[1], reverse=True
    ):
        if len(found) == _NEWEST or not date:
            break
        new = New(int(port), ports_of(int(port), int(last)), service, date)
        found.setdefault(port, new)
    return tuple(found.values())


def _sources() -> dict[int, int]:
    """How many sources name each number, the lowest numbers first."""
    named: dict[int, set[str]] = {}
    for row in open_evidence().table.all_rows():
        named.setdefault(int(row[0]), set()).add(row[2])
    return {port: len(sources) for port, sources in sorted(named.items())}


def _most_named(
    sources: dict[int, int], fits: Callable[[int], bool], name: Callable[[int], str | None]
) -> Pick | None:
    """The number that fits and that most sources name, the lowest of several."""
    some = [port for port in sources if port < DYNAMIC.first and fits(port)]
    most = max(some, key=sources.__getitem__, default=None)
    called = None if most is None else name(most)
    return Pick(most, called, sources[most]) if most is not None and called else None


def _most_overrun(sources: dict[int, int], known: Lives) -> Pick | None:
    """The overtaken number that most sources know for something else, the lowest of several."""
    best: Pick | None = None
    some = [port for port in sources if known.values[port] == "overtaken"]
    for port in sorted(some, key=lambda each: (-sources[each], each)):
        if best and (sources[port], -port) < (best.sources, -best.port):
            break  # a source that copied the registry's name is one less, never one more
        others, name = len(displacing(lookup(port))), _service(port)
        if name and (not best or (others, -port) > (best.sources, -best.port)):
            best = Pick(port, name, others)
    return best


def _service(port: int) -> str | None:
    return next((each.service for each in lookup(port).assignments if each.service), None)


def _product(port: int) -> str | None:
    return next((each.product for each in lookup(port).unofficial), None)
