"""The graveyard: registrations of which no public trace was found, and how many others live.

A row is a service on a number, its transports joined: `semaphore` on 3255, tcp and udp.
"""

from portbook.model import RANGES, Assignment, Evidence, Transport, UsageError
from portbook.model.record import Record
from portbook.registry.life import Trace, life_of_assignment
from portbook.registry.tables import ASSIGNMENT_COLUMNS, open_assignments, open_evidence

_ORDER = {each.value: place for place, each in enumerate(Transport)}
VERDICTS = ("alive", "overtaken", "orphan", "young")


class Tombstone(Record):
    """A registration without a public trace."""

    port: int
    last_port: int
    service: str
    transports: tuple[str, ...]
    description: str | None
    assignee: str | None
    registered: str | None


class OrphanReport(Record):
    """`counts`: services on a number by their life, of all that were selected."""

    counts: dict[str, int]
    rows: tuple[Tombstone, ...]
    sources_checked: int
    as_of: str


def orphans(
    *, range_name: str | None = None, assignee: str | None = None, year: int | None = None
) -> OrphanReport:
    """The orphans among the services in a range, of an assignee, registered in a year.

    `assignee` is one id as IANA prints it, in any case, with spaces or underscores.

    Raises:
        UsageError: there is no such range.
        TableFault: a table is missing or broken.
    """
    first, last = _span(range_name)
    wanted = _plain(assignee) if assignee is not None else None
    traces, sources_checked, as_of = _traces()
    counts = dict.fromkeys(VERDICTS, 0)
    found = []
    for group in _services().values():
        head = group[0]
        if not (first <= head.port and head.last_port <= last):
            continue
        if wanted is not None and not any(wanted in _ids(each.assignee) for each in group):
            continue
        if year is not None and not any(
            (each.registered or "").startswith(f"{year:04}") for each in group
        ):
            continue
        verdict = _verdict(group, traces, as_of)
        counts[verdict] += 1
        if verdict == "orphan":
            found.append(_tombstone(group))
    found.sort(key=lambda row: row[:3])
    return OrphanReport(counts, tuple(found), sources_checked, as_of)


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


def _traces() -> tuple[dict[int, list[list[str]]], int, str]:
    """The evidence by number, how many sources were asked, and when."""
    table, checked, as_of = open_evidence()
    return table.by_port(), checked, as_of


def _verdict(group: list[_Row], traces: dict[int, list[list[str]]], as_of: str) -> str:
    head = group[0]
    evidence: list[Trace] = [
        (Evidence(source, port, transport or None, product), kind)
        for port in range(head.port, head.last_port + 1)
        for _, transport, source, product, _, kind in traces.get(port, ())
    ]
    assignments = [
        Assignment(
            head.service,  # one name for all spellings
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
    return min(verdicts, key=("alive", "young", "overtaken", "orphan").index)


def _tombstone(group: list[_Row]) -> Tombstone:
    # An older spelling ("bmc_patroldb") stands behind the name that fits RFC 6335.
    group = sorted(group, key=lambda row: not row.service.replace("-", "").isalnum())
    head = group[0]
    return Tombstone(
        head.port,
        head.last_port,
        head.service,
        tuple(sorted({row.transport for row in group if row.transport}, key=_ORDER.__getitem__)),
        next((row.description for row in group if row.description), None),
        next((row.assignee for row in group if row.assignee), None),
        min((row.registered for row in group if row.registered), default=None),
    )


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


def _ids(assignees: str) -> tuple[str, ...]:
    """The ids of a row, each plain, and all of it."""
    return (_plain(assignees), *map(_plain, assignees.split())) if assignees else ()
