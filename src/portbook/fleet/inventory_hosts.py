"""The hosts of a fleet as the store knows them: when they reported, what they lack."""

from collections.abc import Sequence

from portbook.fleet.filter_sql import labels_condition
from portbook.fleet.inventory_rows import SILENT_AFTER, reach_of, reading, rows_of, stamp
from portbook.model import Gap
from portbook.model.fleet import Asked, FleetHost
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.fleet.filter_sql import Values
    from portbook.host.postgres import Link

_HOSTS = """
SELECT h.id, h.name, h.as_of, floor(extract(epoch FROM now() - h.as_of))::bigint, h.total,
    h.labels, h.version, h.duplicate_at IS NOT NULL, h.duplicate_of, h.gaps,
    h.as_of < now() - {after} * h.every_ms * interval '1 ms'
FROM host h WHERE {chosen} ORDER BY h.id
"""


class Hosts(Record):
    """The document of `fleet hosts`."""

    asked: Asked
    hosts: tuple[FleetHost, ...]
    incomplete: tuple[Gap, ...]


def hosts(link: "Link", *, labels: Sequence[tuple[str, str]] = ()) -> Hosts:
    """Every host that has these labels, by id."""
    from psycopg.sql import SQL, Literal

    values: Values = {}
    chosen = labels_condition(labels, values)
    statement = SQL(_HOSTS).format(after=Literal(SILENT_AFTER), chosen=chosen)
    with reading(link):
        rows = rows_of(link, statement, values).fetchall()
        reach = reach_of(link, chosen, values)
    found = []
    for host, name, as_of, age, total, pairs, version, twice, other, gaps, late in rows:
        state = (
            "duplicate" if twice else "never" if as_of is None else "silent" if late else "fresh"
        )
        found.append(
            FleetHost(
                host,
                name,
                state,
                None if as_of is None else stamp(as_of),
                None if age is None else max(0, age),
                total,
                tuple(sorted((str(key), str(value)) for key, value in pairs.items())),
                version,
                other if twice else None,
                tuple(gaps),
            )
        )
    return Hosts(reach.asked, tuple(found), reach.incomplete)


def roster(link: "Link", *, labels: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """Those hosts, each with its name: who is expected to answer a live question."""
    from psycopg.sql import SQL

    values: Values = {}
    statement = SQL("SELECT h.id, h.name FROM host h WHERE {} ORDER BY h.id").format(
        labels_condition(labels, values)
    )
    with reading(link):
        return {str(host): str(name) for host, name in rows_of(link, statement, values)}
