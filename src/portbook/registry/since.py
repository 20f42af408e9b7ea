"""What changed in the registry since 2015-07: per number, and which numbers were given up.

The table has each record with a port that was added, removed or changed until its date `until`;
`portbook update` does not lengthen it. A record is a service on a number over one transport.
"""

from portbook.model import Assignment, TableFault
from portbook.model.record import Record
from portbook.registry.kept import until_reload
from portbook.registry.lookup import lookup
from portbook.registry.registrations import registered_ports
from portbook.registry.tables import Table, open_shipped

CHANGE_COLUMNS = (
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
_FACTS = frozenset(Assignment._fields[4:])


class FactChange(Record):
    """One fact of a record: the name of a field of `Assignment`, before and after.

    None where the field is empty. A fact of a removed record is None afterwards.
    """

    fact: str
    before: str | None
    after: str | None


class RecordChange(Record):
    """What happened to one record.

    `event`: `added`, `removed`, `changed`. `date` is ISO 8601 as coarse as the registry has it,
    None where it tells none. `facts` is empty for an added record and for a changed one of which
    but the date of its last change is known. `others`: services that came to the number and
    transport of a removed record (often its new name), or that left those of an added one.
    """

    port: int
    last_port: int
    transport: str | None
    service: str
    event: str
    date: str | None
    facts: tuple[FactChange, ...]
    others: tuple[str, ...] = ()


class Comparison(Record):
    """The two registries that were compared (ISO dates), and how many numbers had a service."""

    first: str
    last: str
    ports_then: int
    ports_now: int


class Freed(Record):
    """A number that had a service in 2015-07 and has none now.

    `services`, `transports`, `description`, `assignee`, `registered` are those of what was
    removed; `date` (ISO) is when, None where nothing tells. `life`: what the number is now, for
    IANA keeps most of them back (RFC 6335 section 8.2) and so they are `reserved`.
    """

    port: int
    services: tuple[str, ...]
    transports: tuple[str, ...]
    description: str | None
    assignee: str | None
    registered: str | None
    date: str | None
    life: str


def changes() -> tuple[RecordChange, ...]:
    """Every change, by port, then by transport and service.

    Raises:
        TableFault: the table is missing or broken.
    """
    return _changes().all


def changes_of(port: int) -> tuple[RecordChange, ...]:
    """The changes of the records that cover `port`, the latest first, undated ones last.

    Raises:
        TableFault: the table is missing or broken.
    """
    return _changes().by_port.get(port, ())


def comparison() -> Comparison:
    """Between what the changes are.

    Raises:
        TableFault: the table is missing or broken.
    """
    return _changes().comparison


@until_reload
def freed() -> tuple[Freed, ...]:
    """The numbers that lost their last service, lowest first.

    A number that was registered again, in the table in use, is none of them.

    Raises:
        TableFault: a table is missing or broken.
    """
    taken = registered_ports()
    removed: dict[int, list[RecordChange]] = {}
    for change in changes():
        if change.event == "removed":
            for port in range(change.port, change.last_port + 1):
                if port not in taken:
                    removed.setdefault(port, []).append(change)
    return tuple(_freed(port, gone) for port, gone in sorted(removed.items()))


class _Changes(Record):
    all: tuple[RecordChange, ...]
    by_port: dict[int, tuple[RecordChange, ...]]
    comparison: Comparison


@until_reload
def _changes() -> _Changes:
    table = open_shipped("changes.tsv", CHANGE_COLUMNS)
    found = _read(table)
    by_port: dict[int, list[RecordChange]] = {}
    for change in found:
        for port in range(change.port, change.last_port + 1):
            by_port.setdefault(port, []).append(change)
    return _Changes(
        tuple(found),
        {
            port: tuple(sorted(some, key=lambda change: change.date or "", reverse=True))
            for port, some in by_port.items()
        },
        _comparison(table),
    )


def _read(table: Table) -> list[RecordChange]:
    records: dict[tuple[str, ...], list[FactChange]] = {}
    for row in table.all_rows():
        facts = records.setdefault(tuple(row[:6]), [])
        if row[6] in _FACTS:
            facts.append(FactChange(row[6], row[7] or None, row[8] or None))
    came: dict[tuple[str, str, str], list[str]] = {}
    left: dict[tuple[str, str, str], list[str]] = {}
    for port, last_port, transport, service, event, _ in records:
        if event != "changed":
            side = came if event == "added" else left
            side.setdefault((port, last_port, transport), []).append(service)
    found = []
    for (port, last_port, transport, service, event, date), facts in records.items():
        side = {"added": left, "removed": came}.get(event, {})
        found.append(
            RecordChange(
                int(port),
                int(last_port),
                transport or None,
                service,
                event,
                date or None,
                tuple(facts),
                tuple(side.get((port, last_port, transport), ())),
            )
        )
    return found


def _comparison(table: Table) -> Comparison:
    header = table.header
    try:
        return Comparison(
            header["from"], header["until"], int(header["ports then"]), int(header["ports now"])
        )
    except (KeyError, ValueError):
        raise TableFault(
            f"table {table.path} does not say what it compares", hint="reinstall portbook"
        ) from None


def _freed(port: int, gone: list[RecordChange]) -> Freed:
    def before(fact: str) -> str | None:
        told = (each.before for change in gone for each in change.facts if each.fact == fact)
        return min((value for value in told if value), default=None)

    return Freed(
        port,
        tuple(sorted({change.service for change in gone})),
        tuple(sorted({change.transport for change in gone if change.transport})),
        before("description"),
        before("assignee"),
        before("registered"),
        max((change.date for change in gone if change.date), default=None),
        lookup(port).life.verdict,
    )
