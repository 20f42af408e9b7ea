"""Questions to the store about what listens now: who, ls, audit.

What was before is in inventory_time, hosts and free numbers are in inventory_hosts and
inventory_free. Each question is one transaction that only reads.
"""

from collections.abc import Sequence

from portbook.fleet.filter_sql import condition, labels_condition
from portbook.fleet.filters import EVERYTHING, Check, Filter, Group
from portbook.fleet.inventory_rows import (
    LISTENERS,
    listeners_of,
    reach_of,
    reading,
    rows_of,
)
from portbook.model import Gap
from portbook.model.fleet import Asked, FleetListener
from portbook.model.record import Record
from portbook.model.verdict import SEVERITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.fleet.filter_sql import Values
    from portbook.host.postgres import Link

Labels = Sequence[tuple[str, str]]

MOST = 200_000
"""Listeners of one answer, where nothing else is asked for: as much as one reads at all."""
WRONG = ("mismatch", "suspicious")
"""Verdicts that an audit names even where no rule fired."""


_MOST_SINGLE = 2_000
_FEW = (
    "SELECT count(*) FROM (SELECT FROM listener WHERE port = ANY(%s) AND port >= 0 LIMIT %s) AS few"
)


class Listing(Record):
    """The document of `fleet who`, `ls` and `audit`."""

    asked: Asked
    listeners: tuple[FleetListener, ...]
    incomplete: tuple[Gap, ...]


def who(
    link: "Link",
    ports: Sequence[int],
    transport: str | None = None,
    *,
    labels: Labels = (),
    limit: int = MOST,
) -> Listing:
    """Who listens on one of these ports, on every host that has these labels."""
    return ls(link, who_filter(ports, transport), labels=labels, limit=limit, numbers=ports)


def who_filter(ports: Sequence[int], transport: str | None) -> Filter:
    """The filter that `who` is."""
    asked: list[Filter] = [Check("port", "is", tuple(ports))]
    if len(ports) > 1 and ports[-1] - ports[0] == len(ports) - 1 and list(ports) == sorted(ports):
        asked = [Check("port", "within", (ports[0], ports[-1]))]
    if transport is not None:
        asked.append(Check("transport", "is", (transport,)))
    return Group("all", tuple(asked))


def ls(
    link: "Link",
    where: Filter = EVERYTHING,
    *,
    labels: Labels = (),
    limit: int = MOST,
    numbers: Sequence[int] = (),
) -> Listing:
    """Listeners that fit, by host and port; `limit` 0 is for all of them.

    `numbers` are the ports, where the filter asks for nothing else.
    """
    from psycopg.sql import SQL, Literal

    values: Values = {}
    chosen = labels_condition(labels, values)
    about: Values = dict(values)
    statement = SQL(LISTENERS) + condition(where, values) + SQL(" AND ") + chosen
    if limit:
        statement += SQL(" LIMIT {}").format(Literal(limit + 1))
    with reading(link):
        if numbers:
            _plan_for_few(link, numbers)
        rows = rows_of(link, statement, values).fetchall()
        reach = reach_of(link, chosen, about)
    more = limit and len(rows) > limit
    gaps = reach.incomplete
    if more:
        del rows[limit:]
        gaps += (Gap("further listeners", f"only {limit} are shown", "--limit 0, or --where"),)
    rows.sort(key=_by_host)
    return Listing(reach.asked, listeners_of(rows), gaps)


def _plan_for_few(link: "Link", numbers: Sequence[int]) -> None:
    """Have the hosts of a rare port looked up one by one.

    The statistics do not know rare ports, so that a table of all hosts is built (40 ms), or a
    worker is started (5 ms), for six rows.
    """
    found = link.execute(_FEW, (list(numbers), _MOST_SINGLE)).fetchone()
    if found is not None and found[0] < _MOST_SINGLE:
        link.execute(
            "SET LOCAL enable_hashjoin = off; SET LOCAL max_parallel_workers_per_gather = 0"
        )


def _by_host(row: "tuple[object, ...]") -> "tuple[object, ...]":
    # host, port, transport, address, netns: FleetListener's order.
    return (row[0], row[6], row[4], row[5], row[7])


def audit(
    link: "Link", where: Filter = EVERYTHING, *, labels: Labels = (), limit: int = MOST
) -> Listing:
    """What does not belong: rows with a rule that fired, or a wrong verdict; worst first."""
    found = ls(link, audit_filter(where), labels=labels, limit=limit)
    return found._replace(listeners=worst_first(found.listeners))


def audit_filter(where: Filter = EVERYTHING) -> Filter:
    """The filter that `audit` is; the store has an index for it."""
    return Group("all", (FINDINGS, where))


FINDINGS = Group("any", (Check("severity", "is", SEVERITIES), Check("verdict", "is", WRONG)))


def severity_of(row: FleetListener) -> str:
    """How bad a row of an audit is; a wrong verdict without a rule is `low`."""
    return row.severity or "low"


def worst_first(rows: Sequence[FleetListener]) -> tuple[FleetListener, ...]:
    """Rows by severity, then as they were."""
    rank = {severity: place for place, severity in enumerate(SEVERITIES)}
    return tuple(sorted(rows, key=lambda row: rank.get(severity_of(row), len(rank))))


def is_failed(rows: Sequence[FleetListener], at_least: str) -> bool:
    """Whether a finding is as severe as that, which is what `portbook audit` exits with 1 for."""
    bad = SEVERITIES[: SEVERITIES.index(at_least) + 1]
    return any(severity_of(row) in bad for row in rows)
