"""The months of history: made ahead, dropped when they are old, and nothing left between them."""

from portbook.fleet.migrating import open_store
from portbook.host.postgres import faults
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import psycopg

AHEAD = 3
"""Months that are there from today on: this one and the next two."""


class Retained(Record):
    """What was done, or would be (`dry_run`): months as `2026-11`.

    `moved` are rows that had come before their month was there, `dropped_rows` those of no month
    that were older than is kept.
    """

    kept_since: str
    made: tuple[str, ...]
    dropped: tuple[str, ...]
    moved: int
    dropped_rows: int
    dry_run: bool


_MONTHS = """
SELECT to_char(date_trunc('month', now()) + n * interval '1 month', 'YYYY-MM')
FROM generate_series(0, %(ahead)s - 1) AS n
UNION
-- What waits in the rest and is kept gets its month, whenever that was.
SELECT to_char(until, 'YYYY-MM') FROM portbook.history_rest WHERE until >= %(since)s
    AND until < date_trunc('month', now()) + %(ahead)s * interval '1 month'
GROUP BY 1 ORDER BY 1
"""
_THERE = """
SELECT replace(substring(relname FROM 'history_(\\d{4}_\\d{2})$'), '_', '-')
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'portbook.history'::regclass AND relname ~ 'history_\\d{4}_\\d{2}$' ORDER BY 1
"""


def retain(url: str, *, keep: float, dry_run: bool = False) -> Retained:
    """Make the months ahead, and drop those that ended more than `keep` seconds ago.

    Args:
        url: the store, as an operator.
        keep: seconds of history to keep; a month goes when all of it is older.
        dry_run: change nothing.

    Raises:
        NotReached, NotPermitted, EnvironmentFault: as `open_store`.
    """
    with faults(url), open_store(url, name="portbook fleet retain") as link:
        first = link.execute(
            "SELECT now() - %s * interval '1 second',"
            " to_char(now() - %s * interval '1 second', 'YYYY-MM-DD')",
            (keep, keep),
        ).fetchone()
        since, since_text = first or (None, "")
        said = {"since": since, "ahead": AHEAD}
        there = [month for (month,) in link.execute(_THERE)]
        wanted = [month for (month,) in link.execute(_MONTHS.encode(), said)]
        makes = tuple(month for month in wanted if month not in there)
        old = tuple(
            month
            for month in there
            if _one(
                link.execute(
                    "SELECT %s::date + interval '1 month' <= %s AT TIME ZONE 'UTC'",
                    (f"{month}-01", since),
                )
            )
        )
        if dry_run:
            moved = _one(
                link.execute(
                    "SELECT count(*) FROM portbook.history_rest"
                    " WHERE to_char(until, 'YYYY-MM') = ANY(%s)",
                    (list(makes),),
                )
            )
            rest = _one(
                link.execute(
                    "SELECT count(*) FROM portbook.history_rest WHERE until < %s", (since,)
                )
            )
            return Retained(since_text, makes, old, moved or 0, rest or 0, True)
        # Each month is a transaction of its own: writers wait for one, not for all of them.
        moved = sum(
            _one(link.execute("SELECT portbook.make_month(%s::date)", (f"{month}-01",))) or 0
            for month in makes
        )
        dropped = tuple(
            month
            for month in old
            if _one(link.execute("SELECT portbook.drop_month(%s::date)", (f"{month}-01",)))
        )
        rest = _one(link.execute("SELECT portbook.drop_rest(%s)", (since,)))
    return Retained(since_text, makes, dropped, moved, rest or 0, False)


def _one(cursor: "psycopg.Cursor[tuple[Any, ...]]") -> int | None:
    found = cursor.fetchone()
    return found[0] if found else None
