"""The whole fleet in numbers, for the book: hosts by state, ports by hosts, verdicts, what changed.

Two kinds of questions. `standing` reads the table of hosts, one row each, and the newest history:
some 50 ms with 100,000 hosts. `counted` reads every listener once, in seconds where there are
millions: who asks keeps its answer and asks again only now and then.
"""

from portbook.fleet.inventory_rows import LISTENERS, listeners_of, stamp
from portbook.fleet.stored_rows import HOST, PERIODS, STATE, host_of, periods_of
from portbook.model import Gap
from portbook.model.fleet import Asked, FleetChange, FleetHost
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from portbook.host.postgres import Link

MOST_SILENT = 200
"""Silent hosts that are named; the others are counted."""
MOST_CHANGES = 20
MOST_LISTED = 100
"""Hosts that one page lists."""
STATES = ("fresh", "silent", "duplicate", "never")
_SPANS = ("1 hour", "1 day", "30 days")
"""How far the history is searched for the newest changes: its index is by blocks of time."""


class Standing(Record):
    """How the fleet stands: hosts by state, and what ended last.

    `asked` names some of the silent hosts, and `incomplete` says how many more there are.
    `listeners` is the sum of what the hosts reported.
    """

    asked: Asked
    hosts: dict[str, int]
    listeners: int
    ended: tuple[FleetChange, ...]
    incomplete: tuple[Gap, ...]


class PortUse(Record):
    """How many hosts have a listener on a port."""

    port: int
    hosts: int


class Counted(Record):
    """Every listener counted once: by port, by verdict, and those that are newest.

    `hosts` has the number of hosts for each port, by its number. `took` is in seconds.
    """

    as_of: str
    hosts: tuple[int, ...]
    verdicts: dict[str, int]
    opened: tuple[FleetChange, ...]
    took: float

    def busiest(self, most: int) -> tuple[PortUse, ...]:
        """The ports that most hosts use, then by number."""
        used = [PortUse(port, hosts) for port, hosts in enumerate(self.hosts) if hosts]
        return tuple(sorted(used, key=lambda each: (-each.hosts, each.port))[:most])


def standing(link: "Link") -> Standing:
    """How the fleet stands now."""
    counts = dict.fromkeys(STATES, 0)
    listeners = 0
    for state, hosts, total in link.execute(
        f"SELECT {STATE}, count(*), coalesce(sum(h.total), 0) FROM host h GROUP BY 1".encode()  # noqa: S608 - a constant
    ):
        counts[state], listeners = hosts, listeners + int(total)
    silent = link.execute(
        f"""SELECT h.id FROM host h WHERE {STATE} IN ('silent', 'never')
        ORDER BY h.as_of, h.id LIMIT %s""".encode(),  # noqa: S608 - a constant
        (MOST_SILENT,),
    ).fetchall()
    gaps: tuple[Gap, ...] = ()
    more = counts["silent"] + counts["never"] - len(silent)
    if more:
        gaps = (Gap("hosts", f"{more} more hosts are silent", "portbook fleet hosts"),)
    asked = Asked(
        sum(counts.values()),
        counts["fresh"] + counts["duplicate"],
        tuple(ident for (ident,) in silent),
        "stored",
        _now(link),
    )
    return Standing(asked, counts, listeners, _ended(link), gaps)


def _ended(link: "Link") -> tuple[FleetChange, ...]:
    """What was closed last."""
    for span in _SPANS:
        rows = link.execute(
            f"""{PERIODS} l.until > now() - %s::interval AND l.ended = 'closed'
            ORDER BY l.until DESC, l.host, l.port LIMIT %s""".encode(),
            (span, MOST_CHANGES),
        ).fetchall()
        if len(rows) == MOST_CHANGES:
            break
    return tuple(
        FleetChange(each.host, each.name, "closed", each.until or "", None, each.listener)
        for each in periods_of(rows)
    )


def counted(link: "Link") -> Counted:
    """Count every listener: for somebody who can wait for it.

    The primary key begins with host and port, so the pairs of them come without sorting.
    """
    from portbook.host import clock

    began = clock.monotonic()
    as_of = _now(link)
    hosts = [0] * 65_536
    for port, number in link.execute(
        b"SELECT port, count(*) FROM (SELECT DISTINCT host, port FROM listener) pair GROUP BY port"
    ):
        hosts[port] = number
    verdicts: dict[str, int] = dict(
        link.execute(
            b"SELECT verdict, count(*) FROM listener GROUP BY 1 ORDER BY 2 DESC LIMIT 20"
        ).fetchall()
    )
    newest = "(SELECT * FROM listener WHERE since = changed ORDER BY since DESC LIMIT %s)"
    rows = link.execute(
        f"""{LISTENERS.replace("listener", newest, 1)} true
        ORDER BY l.since DESC, h.id, l.port""".encode(),
        (MOST_CHANGES,),
    ).fetchall()
    changes = tuple(
        FleetChange(each.host, each.name, "opened", str(each.since), each, None)
        for each in listeners_of(rows)
    )
    return Counted(as_of, tuple(hosts), verdicts, changes, clock.monotonic() - began)


def listed(link: "Link", page: int, state: str | None = None) -> tuple[FleetHost, ...]:
    """Hosts by id, a page of MOST_LISTED and one more where there is a next; `page` from 1."""
    rows = link.execute(
        f"""SELECT {HOST} FROM host h WHERE %s::text IS NULL OR {STATE} = %s
        ORDER BY h.id LIMIT %s OFFSET %s""".encode(),  # noqa: S608 - columns are constants
        (state, state, MOST_LISTED + 1, (page - 1) * MOST_LISTED),
    )
    return tuple(map(host_of, rows))


def _now(link: "Link") -> str:
    found: Any = link.execute(b"SELECT now()").fetchone()
    return stamp(found[0])
