"""Advice from the tables alone: whether to take a number for one's own software, and what is near.

Nothing is known here of the machine: what listens, what its kernel keeps back, what is claimed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from portbook.model import LAST_PORT, SYSTEM, USER, BadPort, PortEntry
from portbook.model.record import Record
from portbook.registry.kept import until_reload
from portbook.registry.lookup import lookup
from portbook.registry.registrations import registered_ports
from portbook.registry.tables import open_assignments, open_evidence, open_shipped

CODES = (
    "zero",
    "registered-alive",
    "overtaken",
    "registered-young",
    "registered-orphan",
    "reserved",
    "privileged",
    "ephemeral",
    "in-use",
    "noted",
    "suspicious",
    "blocked",
    "node-port",
    "free-to-take",
)
"""Every code of an advice. All but the last say what speaks against a number, gravest first."""

REASONS = (
    "unregistered",
    "unprivileged",
    "not-ephemeral",
    "no-trace",
    "not-suspicious",
    "not-blocked",
)
"""What is true of every number that `better_near` gives."""

_REGISTERED = {
    "alive": "registered-alive",
    "overtaken": "overtaken",
    "young": "registered-young",
    "orphan": "registered-orphan",
}


class Hindrance(Record):
    """One fact that speaks against a number: its code, and whom or what it is about.

    `names`: the services of a registration, the registry's words on a number without one (`noted`),
    the products that use it (`in-use`), what starts there where `suspicious`, the systems that
    give it to outgoing connections (`ephemeral`).
    """

    code: str
    names: tuple[str, ...] = ()


class Advice(Record):
    """Whether to take a number for software of one's own.

    `code` is the gravest of what speaks against it, or `free-to-take`. `against` has all of it,
    gravest first.
    """

    code: str
    against: tuple[Hindrance, ...]


class FreeNumber(Record):
    """A number that one may take, and the run of such numbers that it lies in, ends included."""

    port: int
    run_first: int
    run_last: int
    reasons: tuple[str, ...]


class Neighbour(Record):
    """A number with a registration, and its services, the primary name first."""

    port: int
    services: tuple[str, ...]


class Neighbours(Record):
    """The nearest numbers with a registration below and above, None where there is none."""

    below: Neighbour | None
    above: Neighbour | None


def advice_for(entry: PortEntry) -> Advice:
    """The advice on the number of an entry that is about every transport.

    Raises:
        TableFault: the table of ephemeral ranges is missing or broken.
    """
    port = entry.port
    against: list[Hindrance] = []
    verdict = entry.life.verdict
    services = _services(entry)
    products = tuple(use.product for use in entry.unofficial)
    if port == 0:
        against.append(Hindrance("zero"))
    if services:
        against.append(Hindrance(_REGISTERED[verdict], services))
    elif verdict == "reserved":
        against.append(Hindrance("reserved"))
    if port <= SYSTEM.last:
        against.append(Hindrance("privileged"))
    systems = _systems(port)
    if ephemeral := tuple(name for name in systems if name != _NODE_PORTS):
        against.append(Hindrance("ephemeral", ephemeral))
    if products:
        against.append(Hindrance("in-use", products))
    if entry.assignments and verdict == "unassigned":
        against.append(Hindrance("noted", _words(entry)))
    if entry.suspicious_uses:
        names = dict.fromkeys(use.name for use in entry.suspicious_uses)
        against.append(Hindrance("suspicious", tuple(names)))
    if entry.browser_blocked:
        against.append(Hindrance("blocked"))
    if _NODE_PORTS in systems:
        against.append(Hindrance("node-port", (_NODE_PORTS,)))
    return Advice(against[0].code if against else "free-to-take", tuple(against))


def better_near(port: int, count: int = 3) -> tuple[FreeNumber, ...]:
    """The `count` nearest other numbers against which the tables have nothing, nearest first.

    Of two at the same distance the lower comes first.

    Raises:
        BadPort: `port` is no port number.
        TableFault: a table is missing or broken.
    """
    _check(port)
    free = _free()
    ports = free.ports
    above = bisect_right(ports, port)
    below = bisect_left(ports, port) - 1
    found: list[FreeNumber] = []
    while len(found) < count:
        if below >= 0 and (above == len(ports) or port - ports[below] <= ports[above] - port):
            place, below = below, below - 1
        elif above < len(ports):
            place, above = above, above + 1
        else:
            break
        run = bisect_right(free.starts, ports[place]) - 1
        found.append(FreeNumber(ports[place], free.starts[run], free.ends[run], REASONS))
    return tuple(found)


def free_numbers() -> tuple[int, ...]:
    """Every number against which the tables have nothing, lowest first; 60 ms the first time.

    Raises:
        TableFault: a table is missing or broken.
    """
    return _free().ports


def neighbours(port: int) -> Neighbours:
    """The numbers next to `port` that have a registration, of whatever service.

    Raises:
        BadPort: `port` is no port number.
        TableFault: a table is missing or broken.
    """
    _check(port)
    taken = _taken()
    below = bisect_left(taken, port) - 1
    above = bisect_right(taken, port)
    return Neighbours(
        _neighbour(taken[below]) if below >= 0 else None,
        _neighbour(taken[above]) if above < len(taken) else None,
    )


_NODE_PORTS = "kubernetes"
_EPHEMERAL = ("system", "first", "last", "setting")
_SUSPICIOUS = ("port", "transport", "name", "category", "confidence", "source")
_BLOCKED = ("port", "service")


class _Range(Record):
    first: int
    last: int
    system: str


class _Free(Record):
    """The numbers to take, and the runs that they form."""

    ports: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def _check(port: int) -> None:
    if port.__class__ is not int or not 0 <= port <= LAST_PORT:
        raise BadPort(f"{port!r} is no port: 0-{LAST_PORT}")


def _neighbour(port: int) -> Neighbour:
    return Neighbour(port, _services(lookup(port)))


def _services(entry: PortEntry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.service for each in entry.assignments if each.service))


def _words(entry: PortEntry) -> tuple[str, ...]:
    """What the registry says of a number that it gives to nobody, but for "Unassigned"."""
    texts = (
        text
        for each in entry.assignments
        for text in (each.description, each.unauthorized_use, each.notes)
        if text and text.casefold() != "unassigned"
    )
    return tuple(dict.fromkeys(texts))


@until_reload
def _taken() -> tuple[int, ...]:
    """The numbers with a registration."""
    return tuple(sorted(registered_ports()))


@until_reload
def _ranges() -> tuple[_Range, ...]:
    rows = open_shipped("ephemeral_ranges.tsv", _EPHEMERAL).all_rows()
    return tuple(_Range(int(first), int(last), system) for system, first, last, _ in rows)


def _systems(port: int) -> tuple[str, ...]:
    """Whose default ranges hold the number, each once."""
    return tuple(each.system for each in _ranges() if each.first <= port <= each.last)


@until_reload
def _free() -> _Free:
    """The numbers with the advice `free-to-take`: asking for each would take 20 times as long."""
    refused: set[int] = set()
    for table in (
        open_assignments(),
        open_evidence().table,
        open_shipped("browser_blocked.tsv", _BLOCKED),
        open_shipped("suspicious.tsv", _SUSPICIOUS),
    ):
        refused.update(table.by_port())
    for each in _ranges():
        refused.update(range(each.first, each.last + 1))
    ports = [port for port in range(USER.first, USER.last + 1) if port not in refused]
    starts, ends = _runs(ports)
    return _Free(tuple(ports), starts, ends)


def _runs(ports: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where the runs of numbers that follow each other begin and end."""
    known = set(ports)
    starts = tuple(port for port in ports if port - 1 not in known)
    ends = tuple(port for port in ports if port + 1 not in known)
    return starts, ends
