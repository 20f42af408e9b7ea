"""One host through time, for the book: what listens there, and what did within some days."""

from portbook.fleet.inventory_rows import LISTENERS, listeners_of, stamp
from portbook.fleet.stored_rows import HOST, NOW, PERIODS, host_of, periods_of
from portbook.model import Gap
from portbook.model.fleet import FleetHost, FleetListener, FleetPeriod
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from portbook.host.postgres import Link

MOST_ROWS = 100
"""Listeners of one page."""
MOST_PERIODS = 400
"""Versions of listeners in one timeline."""


class HostThrough(Record):
    """A host and its listeners: those of one page, and all versions since `begin`, newest first.

    A period without an end is so now. `incomplete` says what is left out.
    """

    host: FleetHost
    begin: str
    end: str
    listeners: tuple[FleetListener, ...]
    periods: tuple[FleetPeriod, ...]
    incomplete: tuple[Gap, ...]


def through(link: "Link", ident: str, days: int, page: int) -> HostThrough | None:
    """A host in the last `days`; None where there is no such host."""
    found = link.execute(f"SELECT {HOST} FROM host h WHERE h.id = %s".encode(), (ident,)).fetchone()  # noqa: S608 - columns are constants
    if found is None:
        return None
    host, number = host_of(found), found[-1]
    span: Any = link.execute(b"SELECT now() - %s * interval '1 day', now()", (days,)).fetchone()
    begin, end = span
    rows = link.execute(
        f"""{LISTENERS} l.host = %s
        ORDER BY l.port, l.transport, l.address, l.netns, l.inode LIMIT %s OFFSET %s""".encode(),
        (number, MOST_ROWS, (page - 1) * MOST_ROWS),
    ).fetchall()
    now = link.execute(
        f"{NOW} l.host = %s ORDER BY l.changed DESC, l.port LIMIT %s".encode(),
        (number, MOST_PERIODS),
    ).fetchall()
    past = link.execute(
        f"""{PERIODS} l.host = %s AND l.until > %s
        ORDER BY l.until DESC, l.port LIMIT %s""".encode(),
        (number, begin, MOST_PERIODS),
    ).fetchall()
    gaps = []
    if len(now) == MOST_PERIODS or len(past) == MOST_PERIODS:
        why = f"the newest {MOST_PERIODS} listeners and the newest {MOST_PERIODS} that ended"
        gaps.append(Gap("timeline", f"it shows {why}", f"portbook fleet history --host {ident}"))
    return HostThrough(
        host,
        stamp(begin),
        stamp(end),
        listeners_of(rows),
        periods_of((*now, *past)),
        tuple(gaps),
    )
