"""What every question to the store has in common: a transaction that only reads, rows as records.

Statements are put together from constants of these modules and from psycopg.sql; whatever comes
from outside is a parameter.
"""

import contextlib
from collections.abc import Iterator, Sequence

from portbook.host import clock
from portbook.model import Gap
from portbook.model.fleet import Asked, FleetListener
from portbook.model.record import Record
from portbook.model.unknown import Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from psycopg import Cursor
    from psycopg.sql import SQL, Composable, Composed

    from portbook.fleet.filter_sql import Values
    from portbook.host.postgres import Link

PATIENCE_S = 60
"""Seconds that one statement may take."""
SILENT_AFTER = 3
"""Intervals of its reports after which a host is silent."""
_MOST_NAMED = 5

FIELDS = FleetListener._fields
_PLACE = {name: place for place, name in enumerate(FIELDS)}
_MOMENT = "date_part('epoch', {})"
_OF_HOST = {"host": "h.id", "name": "h.name"}
# As seconds since 1970: 80,000 datetimes take 150 ms longer to make and to compare.
_OF_HOST |= {"as_of": _MOMENT.format("h.as_of"), "since": _MOMENT.format('l."since"')}
COLUMNS = ", ".join(_OF_HOST.get(field) or f'l."{field}"' for field in (*FIELDS, "unknown"))
"""The columns of FleetListener in their order, and `unknown`."""
_AS_OF, _SINCE, _RULES = _PLACE["as_of"], _PLACE["since"], _PLACE["rules"]

LISTENERS = f"SELECT {COLUMNS} FROM listener l JOIN host h ON h.number = l.host WHERE "  # noqa: S608 - constants
"""Of every listener; a condition is to follow."""


_REACH = """
SELECT now(), count(*),
    array_agg(h.id) FILTER (
        WHERE h.as_of IS NULL OR h.as_of < now() - {after} * h.every_ms * interval '1 ms'
    ),
    array_agg(h.id) FILTER (WHERE h.gaps <> '{{}}'),
    array_agg(h.id) FILTER (WHERE h.duplicate_at IS NOT NULL)
FROM host h WHERE {chosen}
"""
_REACH_OF_ALL = """
SELECT now(), (SELECT hosts FROM tally),
    (SELECT array_agg(h.id) FROM heard JOIN host h ON number = host WHERE silent_at < now()),
    (SELECT array_agg(h.id) FROM heard JOIN host h ON number = host WHERE odd AND gaps <> '{{}}'),
    (SELECT array_agg(h.id) FROM heard JOIN host h ON number = host
        WHERE odd AND duplicate_at IS NOT NULL)
"""
"""The same of every host, without a look at each: triggers keep the two tables."""


class Reach(Record):
    """Whom an answer from the store is from, and what about it is not whole."""

    asked: Asked
    incomplete: tuple[Gap, ...]


@contextlib.contextmanager
def reading(link: "Link", *, seconds: int = PATIENCE_S) -> "Iterator[Link]":
    """One transaction that sees one moment, writes nothing and ends in time."""
    with link.transaction():
        link.execute(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
            # Compiling a statement of many rows takes longer than its rows do.
            "SET LOCAL jit = off; SET LOCAL work_mem = '32MB';"
            f"SET LOCAL statement_timeout = {int(seconds * 1000)}".encode()
        )
        yield link


def rows_of(
    link: "Link", statement: "SQL | Composed", values: "Values"
) -> "Cursor[tuple[Any, ...]]":
    """The rows of a statement, in PostgreSQL's binary form: a third less work than its text."""
    cursor = link.cursor(binary=True)
    cursor.execute(statement, values)
    return cursor


def stamp(moment: "datetime") -> str:
    """A moment of the server as ISO 8601 in UTC, to the second."""
    return moment.isoformat()[:19] + "Z"


def stamp_or(moment: "datetime | None", other: str = "") -> str:
    """The same, with a word for a moment that there is none of."""
    return other if moment is None else stamp(moment)


def listeners_of(rows: "Sequence[tuple[Any, ...]]") -> tuple[FleetListener, ...]:
    """Rows of COLUMNS as records; 80,000 of them are a page of hosts."""
    make = FleetListener._make
    rules: dict[str, tuple[str, ...]] = {"": ()}
    stamps: dict[Any, str] = {None: ""}
    found = []
    for row in rows:
        text = row[_RULES]
        if text not in rules:
            rules[text] = tuple(text.split(","))
        as_of, since = row[_AS_OF], row[_SINCE]
        if as_of not in stamps:
            stamps[as_of] = clock.iso(as_of)
        if since not in stamps:
            stamps[since] = clock.iso(since)
        fields = list(row)
        fields[_AS_OF], fields[_SINCE], fields[_RULES] = stamps[as_of], stamps[since], rules[text]
        unknown = fields.pop()
        if unknown:
            for pair in unknown.split():
                name, _, why = pair.partition("=")
                if name in _PLACE:
                    fields[_PLACE[name]] = Unknown(why)
        found.append(make(fields))
    return tuple(found)


def reach_of(link: "Link", chosen: "Composable", values: "Values") -> Reach:
    """Which hosts there are and which are silent; `chosen` is a condition about `h`."""
    from psycopg.sql import SQL, Literal

    statement = SQL(_REACH).format(after=Literal(SILENT_AFTER), chosen=chosen)
    if not values:
        statement = SQL(_REACH_OF_ALL).format()
    now, asked, silent, gaps, twice = rows_of(link, statement, values).fetchone() or (None,) * 5
    silent = tuple(sorted(silent or ()))
    incomplete = []
    if gaps:
        incomplete.append(
            Gap(
                named(sorted(gaps)),
                "the agent could not see everything there",
                "portbook fleet hosts says what",
            )
        )
    if twice:
        incomplete.append(
            Gap(
                named(sorted(twice)),
                "two machines report under this host id",
                "give each its own: portbook fleet enrol",
            )
        )
    return Reach(
        Asked(int(asked), int(asked) - len(silent), silent, "stored", stamp_or(now)),
        tuple(incomplete),
    )


def named(hosts: "Sequence[str]") -> str:
    """Up to five hosts by name, and how many more there are."""
    more = len(hosts) - _MOST_NAMED
    return ", ".join(hosts[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
