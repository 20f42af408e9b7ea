"""One port across all hosts, for the book: groups of equal listeners, a page of them, what was."""

from portbook.fleet.inventory_rows import LISTENERS, listeners_of
from portbook.fleet.stored_rows import PERIODS, periods_of
from portbook.model.fleet import FleetListener, FleetPeriod
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from portbook.host.postgres import Link

MOST_GROUPS = 50
MOST_ROWS = 100
"""Listeners of one page."""
MOST_PERIODS = 50


class PortGroup(Record):
    """Listeners on one port with the same program and verdict; `since` when the first was seen.

    `process` is None where it is not known.
    """

    process: str | None
    verdict: str
    transports: tuple[str, ...]
    hosts: int
    listeners: int
    since: str


class PortAcross(Record):
    """What listens on a port, on every host.

    `hosts` and `total` count all; `groups` are the largest, `listeners` those of one page that fit
    the filter, of which there are `fitting`. `periods` are what ended last.
    """

    port: int
    hosts: int
    total: int
    groups: tuple[PortGroup, ...]
    fitting: int
    listeners: tuple[FleetListener, ...]
    periods: tuple[FleetPeriod, ...]


class Wanted(Record):
    """Which of a port's listeners: of a process ("" is one that is not known), with a verdict."""

    process: str | None = None
    verdict: str | None = None
    page: int = 1


_FITS = """l.port = %(port)s
    AND (%(process)s::text IS NULL OR coalesce(l.process, '') = %(process)s)
    AND (%(verdict)s::text IS NULL OR l.verdict = %(verdict)s)"""


def across(link: "Link", port: int, wanted: Wanted) -> PortAcross:
    """A port on all hosts."""
    values = {
        **wanted._asdict(),
        "port": port,
        "most": MOST_ROWS,
        "over": (wanted.page - 1) * MOST_ROWS,
    }
    total = _one(
        link, "SELECT count(DISTINCT host), count(*) FROM listener WHERE port = %(port)s", values
    )
    groups = link.execute(
        b"""SELECT process, verdict, array_agg(DISTINCT transport ORDER BY transport),
            count(DISTINCT host), count(*),
            to_char(min(since), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        FROM listener WHERE port = %(port)s GROUP BY process, verdict
        ORDER BY 4 DESC, 5 DESC, process, verdict LIMIT %(limit)s""",
        {**values, "limit": MOST_GROUPS},
    ).fetchall()
    fitting = total[1]
    if wanted.process is not None or wanted.verdict is not None:
        (fitting,) = _one(link, f"SELECT count(*) FROM listener l WHERE {_FITS}", values)  # noqa: S608 - a constant
    rows = link.execute(
        f"""{LISTENERS} {_FITS}
        ORDER BY h.id, l.transport, l.address, l.netns, l.inode
        LIMIT %(most)s OFFSET %(over)s""".encode(),
        values,
    ).fetchall()
    periods = link.execute(
        f"{PERIODS} l.port = %s ORDER BY l.until DESC LIMIT %s".encode(), (port, MOST_PERIODS)
    ).fetchall()
    return PortAcross(
        port,
        total[0],
        total[1],
        tuple(PortGroup(each[0], each[1], tuple(each[2]), *each[3:]) for each in groups),
        fitting,
        listeners_of(rows),
        periods_of(periods),
    )


def _one(link: "Link", sql: str, values: "dict[str, Any]") -> "tuple[Any, ...]":
    found = link.execute(sql.encode(), values).fetchone()
    return found or ()
