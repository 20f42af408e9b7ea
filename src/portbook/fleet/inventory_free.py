"""Numbers that are free on every host: in no inventory, promised to nobody, registered to nobody.

The rule is that of `portbook free` (survey.choosing), with the tables of all hosts for the kernel's
table: nobody binds anything here. Without a range a number is below those that Linux gives to
outgoing connections as it comes, whatever the hosts are set to.
"""

from collections.abc import Iterable, Iterator, Sequence

from portbook.fleet.filter_sql import labels_condition
from portbook.fleet.inventory_rows import reach_of, reading, rows_of
from portbook.model import SYSTEM, USER, Gap
from portbook.model.fleet import Asked, FleetFreePort
from portbook.model.record import Record
from portbook.model.unknown import Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.fleet.filter_sql import Values
    from portbook.host.postgres import Link

EPHEMERAL = 32_768
"""From here on Linux gives numbers to outgoing connections, unless it is set otherwise."""

# An index scan that leaps from port to port: 65,536 leaps at most, whatever the rows are. The
# index is for questions that say `port >= 0` (schema/005_port_index.sql).
_EVERY_PORT = """
WITH RECURSIVE taken AS (
    (SELECT l.port, l.transport FROM listener l WHERE l.port >= 0
        ORDER BY l.port, l.transport LIMIT 1)
    UNION ALL
    SELECT next.port, next.transport FROM taken, LATERAL (
        SELECT l.port, l.transport FROM listener l
        WHERE l.port >= 0 AND (l.port, l.transport) > (taken.port, taken.transport)
        ORDER BY l.port, l.transport LIMIT 1
    ) AS next
)
SELECT DISTINCT port FROM taken WHERE transport = ANY (%(transports)s::text[])
"""
_PORTS_OF = """
SELECT DISTINCT l.port FROM listener l JOIN host h ON h.number = l.host
WHERE l.transport = ANY (%(transports)s::text[]) AND {}
"""
_PROMISED = """
SELECT port, port + size - 1 FROM claim
WHERE ended_ms IS NULL AND transport = ANY (%(transports)s::text[])
UNION ALL
SELECT port, port + size - 1 FROM reservation
"""


class FreePorts(Record):
    """The document of `fleet free`."""

    asked: Asked
    ports: tuple[FleetFreePort, ...]
    incomplete: tuple[Gap, ...]


def free(
    link: "Link",
    size: int = 1,
    *,
    labels: Sequence[tuple[str, str]] = (),
    first: int | None = None,
    last: int | None = None,
    transports: Sequence[str] = ("tcp", "udp"),
) -> FreePorts:
    """The best `size` numbers, lowest first; fewer where there are no more.

    Numbers that any host's claim or a reservation holds are left out, whatever the labels are.
    """
    from psycopg.sql import SQL

    values: Values = {}
    chosen = labels_condition(labels, values)
    about: Values = dict(values)
    values["transports"] = list(transports)
    statement = SQL(_PORTS_OF).format(chosen) if labels else SQL(_EVERY_PORT)
    with reading(link):
        taken = {int(row[0]) for row in rows_of(link, statement, values)}
        spoken_for, gaps = promised(link, list(transports))
        reach = reach_of(link, chosen, about)
    ports = choose(size, taken | spoken_for, first=first, last=last)
    return FreePorts(
        reach.asked,
        free_ports(ports, transports, reach.asked.asked),
        (*reach.incomplete, *gaps),
    )


def promised(link: "Link", transports: list[str]) -> tuple[set[int], tuple[Gap, ...]]:
    """What is claimed or reserved. A reader need not be allowed to see the claim book."""
    import psycopg
    from psycopg.sql import SQL

    try:
        with link.transaction():
            rows = rows_of(link, SQL(_PROMISED), {"transports": transports}).fetchall()
    except psycopg.errors.InsufficientPrivilege:
        gap = Gap("claims and reservations", "this role may not read them", "GRANT portbook_reader")
        return set(), (gap,)
    return {port for low, high in rows for port in range(low, high + 1)}, ()


def choose(
    size: int, taken: "set[int]", *, first: int | None = None, last: int | None = None
) -> tuple[int, ...]:
    """The best `size` numbers that are not taken, lowest first.

    Raises:
        TableFault: the registry cannot be read.
    """
    found: list[int] = []
    for port in _candidates(first, last):
        if len(found) == size:
            break
        if port not in taken:
            found.append(port)
    return tuple(sorted(found))


def _candidates(first: int | None, last: int | None) -> Iterator[int]:
    """Numbers to try, the best first."""
    from portbook.registry.nearby import free_numbers
    from portbook.survey.choosing import around, start_for

    nobodys = free_numbers()
    if first is None and last is None:
        begin, end = SYSTEM.last + 1, min(USER.last, EPHEMERAL - 1)
        yield from around(start_for(""), begin, end, nobodys)
        return
    begin, end = first or 1, last or USER.last
    yield from around(begin, begin, end, nobodys)
    # Who names a range has chosen it: what is registered there is taken rather than nothing.
    known = frozenset(nobodys)
    yield from (port for port in range(begin, end + 1) if port not in known)


def free_ports(
    ports: Iterable[int], transports: Sequence[str], hosts: "int | Unknown"
) -> tuple[FleetFreePort, ...]:
    """Numbers as an answer has them, with whose they are in the registry."""
    from portbook.registry.lookup import lookup

    found = []
    for port in ports:
        names = dict.fromkeys(row.service for row in lookup(port).assignments if row.service)
        count = hosts if isinstance(hosts, int) else 0
        found.append(FleetFreePort(port, tuple(transports), count, next(iter(names), None)))
    return tuple(found)
