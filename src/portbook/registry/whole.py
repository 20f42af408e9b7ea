"""All 65,536 numbers at once: the life and the year of each, for whoever draws them.

`lookup` of every number takes 0.7 s, because it builds everything there is to say about each. Here
the tables are read once and only the verdict is asked for: 0.1 s (measured).
"""

from portbook.model import DYNAMIC, LAST_PORT, Assignment, Evidence
from portbook.model.record import Record
from portbook.registry.life import verdict_on
from portbook.registry.tables import ASSIGNMENT_COLUMNS, open_assignments, open_evidence

_REGISTERED = ASSIGNMENT_COLUMNS.index("registered")


class Lives(Record):
    """The life of every number, in order; in how many sources traces were looked for, and when."""

    values: tuple[str, ...]
    sources_checked: int
    as_of: str


def lives() -> Lives:
    """The life of every number, as `lookup(port).life.verdict` has it.

    Raises:
        TableFault: a table is missing or broken.
    """
    evidence, sources_checked, as_of = open_evidence()
    traces = evidence.by_port()
    values = ["unassigned"] * DYNAMIC.first + ["dynamic"] * (LAST_PORT + 1 - DYNAMIC.first)
    for port, rows in open_assignments().by_port().items():
        values[port] = verdict_on(
            port,
            [_judged(row) for row in rows],
            [
                (Evidence(source, port, transport or None, product), kind)
                for _, transport, source, product, _, kind in traces.get(port, ())
            ],
            as_of=as_of,
        )
    return Lives(tuple(values), sources_checked, as_of)


def years() -> tuple[int | None, ...]:
    """The year in which each number was first registered: 0 if undated, None if it is not.

    Raises:
        TableFault: a table is missing or broken.
    """
    values: list[int | None] = [None] * (LAST_PORT + 1)
    for port, rows in open_assignments().by_port().items():
        named = [row for row in rows if row[3]]
        if named:
            # A row without a date is older than IANA's dates: the first registration was earlier.
            values[port] = min(int(row[_REGISTERED][:4] or 0) for row in named)
    return tuple(values)


def _judged(row: list[str]) -> Assignment:
    """What a verdict asks of a row: 13,000 whole ones would take twice as long."""
    port, last_port, transport, service, description = row[:5]
    return Assignment(
        service or None,
        int(port),
        int(last_port),
        transport or None,
        description or None,
        registered=row[_REGISTERED] or None,
    )
