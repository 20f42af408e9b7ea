"""What a number or a name means by the tables, the same on every machine. Looks at no host.

The first questions are each answered by bisection. Who asks for many numbers gets the tables read
once as a whole, and every answer is kept.
"""

from functools import cache

from portbook.model import (
    LAST_PORT,
    BadPort,
    Evidence,
    PortEntry,
    SuspiciousUse,
    Transport,
    UnknownService,
    range_of,
)
from portbook.registry.names import near, ordered
from portbook.registry.tables import (
    Table,
    assignment_of,
    open_assignments,
    open_evidence,
    open_services,
    open_shipped,
)

TYPE_CHECKING = False  # importing `typing` is a tenth of the start-up budget
if TYPE_CHECKING:
    from typing import overload

_MANY = 1000
"""After this many numbers the tables are read whole: that takes as long as 1,000 bisections."""

_TRANSPORTS = frozenset(Transport)
_SUSPICIOUS = ("port", "transport", "name", "category", "confidence", "source")
_BLOCKED = ("port", "service")


if TYPE_CHECKING:

    @overload
    def lookup(what: int, transport: str | None = None) -> PortEntry: ...
    @overload
    def lookup(what: str, transport: str | None = None) -> tuple[PortEntry, ...]: ...


def lookup(what: int | str, transport: str | None = None) -> PortEntry | tuple[PortEntry, ...]:
    """The entry of a port, or those of every port that has the service name `what`.

    A name may be known and have no port: then there are no entries. `transport` leaves only what
    concerns it (and what the tables have without a transport); the life is the number's.

    Raises:
        BadPort: `what` is no port number, or `transport` no transport.
        UnknownService: no row has the name, in any case; the error carries near names.
        TableFault: a table is missing or broken.
    """
    if transport is not None and transport not in _TRANSPORTS:
        raise BadPort(f"{transport!r} is no transport: tcp, udp, sctp or dccp")
    book = _book()
    if isinstance(what, str):
        found = book.named.get((what, transport))
        if found is None:
            ports = book.ports(what, transport)
            found = tuple(
                _only(book.kept.get(port) or book.entry(port), transport) for port in ports
            )
            book.named[what, transport] = found
        return found
    entry = book.kept.get(what)
    # True and 80.0 are equal to numbers of ports, but are none.
    if entry is None or what.__class__ is not int:
        entry = book.entry(what)
    return _only(entry, transport)


def evidence_rows(port: int) -> list[tuple[Evidence, str]]:
    """Every trace on `port`, each with the kind of its source."""
    return _book().traces(port)


def reload() -> None:
    """Forget every answer and open table: for a long-lived process after an update."""
    _book.cache_clear()


class _Book:
    """The open tables and the answers already given."""

    def __init__(self) -> None:
        self.kept: dict[int, PortEntry] = {}
        self.named: dict[tuple[str, str | None], tuple[PortEntry, ...]] = {}
        self._assignments = _Shelf(open_assignments())
        evidence, self._sources, self._as_of = open_evidence()
        self._evidence = _Shelf(evidence)
        self._suspicious = _Shelf(open_shipped("suspicious.tsv", _SUSPICIOUS))
        self._blocked = frozenset(
            int(row[0]) for row in open_shipped("browser_blocked.tsv", _BLOCKED).all_rows()
        )

    def entry(self, port: int) -> PortEntry:
        """The answer about one number, built and kept."""
        if port.__class__ is not int or not 0 <= port <= LAST_PORT:
            raise BadPort(f"{port!r} is no port: 0-{LAST_PORT}")
        if len(self.kept) >= _MANY:
            for shelf in (self._assignments, self._evidence, self._suspicious):
                shelf.read_whole()
        from portbook.registry.life import life_of

        evidence = self.traces(port)
        assignments = ordered(map(assignment_of, self._assignments.rows(port)), evidence)
        life, unofficial = life_of(
            port, assignments, evidence, sources_checked=self._sources, as_of=self._as_of
        )
        suspicious = tuple(
            SuspiciousUse(name, transport or None, category, confidence, source)
            for _, transport, name, category, confidence, source in self._suspicious.rows(port)
        )
        entry = PortEntry(
            port,
            range_of(port),
            assignments,
            life,
            unofficial,
            suspicious,
            port in self._blocked,
        )
        self.kept[port] = entry
        return entry

    def traces(self, port: int) -> list[tuple[Evidence, str]]:
        """The evidence on one number."""
        return [
            (Evidence(source, port, transport or None, product, note or None), kind)
            for _, transport, source, product, note, kind in self._evidence.rows(port)
        ]

    def ports(self, name: str, transport: str | None) -> list[int]:
        """The numbers that have the service name, lowest first."""
        services = open_services()
        rows = services.named(name)
        if not rows:
            raise UnknownService(name, near=near(name, (row[0] for row in services.all_rows())))
        found: set[int] = set()
        for _, spans in rows:
            for span in spans.split():
                ports, _, layer = span.partition("/")
                first, _, last = ports.partition("-")
                if transport is None or layer in ("", transport):
                    found.update(range(int(first), int(last or first) + 1))
        return sorted(found)


class _Shelf:
    """One table by port: bisected at first, in memory once it was read whole."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._whole: dict[int, list[list[str]]] | None = None

    def rows(self, port: int) -> list[list[str]]:
        if self._whole is None:
            return self._table.rows(port)
        return self._whole.get(port, [])

    def read_whole(self) -> None:
        if self._whole is None:
            self._whole = self._table.by_port()


@cache
def _book() -> _Book:
    return _Book()


def _only(entry: PortEntry, transport: str | None) -> PortEntry:
    """`entry` with what concerns `transport` alone."""
    if transport is None:
        return entry
    fits = (transport, None)
    return entry._replace(
        assignments=tuple(each for each in entry.assignments if each.transport in fits),
        unofficial=tuple(each for each in entry.unofficial if each.transport in fits),
        suspicious_uses=tuple(each for each in entry.suspicious_uses if each.transport in fits),
    )
