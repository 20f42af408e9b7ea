"""Questions to the store about the past: who held a port and when, what changed since then."""

from collections.abc import Sequence
from datetime import UTC, datetime

from portbook.fleet.filter_sql import condition, labels_condition
from portbook.fleet.filters import EVERYTHING, LABEL, Filter, Group, Not
from portbook.fleet.inventory_rows import (
    LISTENERS,
    listeners_of,
    reach_of,
    reading,
    rows_of,
    stamp,
)
from portbook.model import Gap
from portbook.model.fleet import Asked, FleetChange, FleetListener, FleetPeriod
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from portbook.fleet.filter_sql import Values
    from portbook.host.postgres import Link

MOST_PERIODS = 1_000
MOST_VERSIONS = 1_000_000
"""What a drift compares at most."""

COMPARED = (
    *("state", "reach", "process", "exe", "user", "unit", "container", "package"),
    *("speaks", "verdict", "severity", "rules"),
)
"""Fields in which a change is one. A restart alters `pid` alone, and is none."""

_KEPT = LISTENERS.replace("listener l", "history l")
_OLD = _KEPT.replace("SELECT ", "SELECT l.until AS ended_at, l.ended, l.since AS version, ", 1)
_OLD = _OLD.replace("h.as_of", "l.until", 1)
_NEW = LISTENERS.replace(
    "SELECT ",
    "SELECT NULL::timestamptz AS ended_at, NULL::text AS ended, l.changed AS version, ",
    1,
)
_HEAD = 3
"""Columns before those of a listener: in `history` until, ended and since of the version."""

_GONE = "l.until > %(moment)s AND l.since <= %(moment)s AND "
_COME = "l.changed > %(moment)s AND "
_STAYED = """l.changed <= %(moment)s
    AND (l.host, l.port, l.transport, l.address, l.netns) IN (
        SELECT host, port, transport, address, netns FROM history
            WHERE until > %(moment)s AND since <= %(moment)s
        UNION
        SELECT host, port, transport, address, netns FROM listener WHERE changed > %(moment)s
    ) AND """


class Periods(Record):
    """The document of `fleet history`, oldest first."""

    asked: Asked
    periods: tuple[FleetPeriod, ...]
    incomplete: tuple[Gap, ...]


class Changes(Record):
    """The document of `fleet drift`: what is other now than it was at `since`."""

    asked: Asked
    since: str
    changes: tuple[FleetChange, ...]
    incomplete: tuple[Gap, ...]


def history(
    link: "Link",
    where: Filter,
    since: float | None = None,
    *,
    labels: Sequence[tuple[str, str]] = (),
    limit: int = MOST_PERIODS,
) -> Periods:
    """Every version of listeners that fit, from when to when it was so.

    Args:
        link: the store.
        where: such as one port, or one host.
        since: seconds since 1970; versions that ended before are left out.
        labels: those that a host has.
        limit: the newest so many; 0 for all.
    """
    from psycopg.sql import SQL, Literal

    values: Values = {}
    chosen = labels_condition(labels, values)
    about: Values = dict(values)
    fits = condition(where, values) + SQL(" AND ") + chosen
    values["moment"] = datetime.fromtimestamp(since or 0, UTC)
    statement = (
        SQL("(" + _OLD) + fits + SQL(" AND l.until >= %(moment)s) UNION ALL (" + _NEW) + fits
    ) + SQL(") ORDER BY ended_at DESC NULLS FIRST, version DESC")
    if limit:
        statement += SQL(" LIMIT {}").format(Literal(limit + 1))
    with reading(link):
        rows = rows_of(link, statement, values).fetchall()
        reach = reach_of(link, chosen, about)
    gaps = reach.incomplete
    if limit and len(rows) > limit:
        del rows[limit:]
        gaps += (Gap("older periods", f"only the newest {limit} are shown", "--limit 0"),)
    return Periods(reach.asked, _periods(rows), gaps)


def _periods(rows: "Sequence[tuple[Any, ...]]") -> tuple[FleetPeriod, ...]:
    found = [
        FleetPeriod(
            each.host,
            each.name,
            each,
            stamp(row[2]),
            None if row[0] is None else stamp(row[0]),
            row[1],
        )
        for row, each in zip(rows, listeners_of([row[_HEAD:] for row in rows]), strict=True)
    ]
    found.sort(key=lambda each: (each.host, each.listener.port, each.since, each.until or "~"))
    return tuple(found)


def drift(
    link: "Link",
    since: float,
    where: Filter = EVERYTHING,
    *,
    labels: Sequence[tuple[str, str]] = (),
    limit: int = MOST_VERSIONS,
) -> Changes:
    """The net effect since a moment, for each (host, netns, transport, address, port).

    What opened and closed again meanwhile is none, and no more is a restart: COMPARED says which
    fields count. A change is selected if what was or what is fits the filter.
    """
    from psycopg.sql import SQL, Literal

    moment = datetime.fromtimestamp(since, UTC)
    values: Values = {}
    chosen = labels_condition(labels, values)
    about: Values = dict(values)
    of_place, of_version = _split(where)
    of_these = SQL("{} AND {}").format(chosen, condition(of_place, values))
    fits = condition(of_version, values)
    values["moment"] = moment
    statement = SQL(" UNION ALL ").join(
        SQL(text.replace("SELECT ", "SELECT {}, {}, ({}), ", 1)).format(SQL(side), SQL(at), fits)
        + of_these
        for side, at, text in (
            ("'before'", "l.until", _KEPT + _GONE),
            ("'now'", "l.changed", LISTENERS + _COME),
            ("'both'", "l.changed", LISTENERS + _STAYED),
        )
    ) + SQL(" LIMIT {}").format(Literal(limit))
    with reading(link):
        rows = rows_of(link, statement, values).fetchall()
        reach = reach_of(link, chosen, about)
    gaps = reach.incomplete
    if len(rows) == limit:
        gaps += (Gap("further changes", f"only {limit} versions were compared", "a later --since"),)
    return Changes(reach.asked, stamp(moment), _net(rows), gaps)


_OF_PLACE = ("host", "name", "port", "transport", "address", "netns")


def _split(where: Filter) -> tuple[Filter, Filter]:
    """What is asked of the place, which no change alters, and what is asked of its versions.

    The first is asked before anything is fetched: that is the difference for one port among many.
    """
    parts = where.parts if isinstance(where, Group) and where.kind == "all" else (where,)
    return (
        Group("all", tuple(part for part in parts if _is_of_place(part))),
        Group("all", tuple(part for part in parts if not _is_of_place(part))),
    )


def _is_of_place(where: Filter) -> bool:
    if isinstance(where, Not):
        return _is_of_place(where.part)
    if isinstance(where, Group):
        return all(_is_of_place(part) for part in where.parts)
    return where.field in _OF_PLACE or where.field.startswith(LABEL)


def _net(rows: "Sequence[tuple[Any, ...]]") -> tuple[FleetChange, ...]:
    """Versions of then and now as changes, by host and port."""
    spots: dict[tuple[str, int, str, str, str], _Spot] = {}
    for row, each in zip(rows, listeners_of([row[_HEAD:] for row in rows]), strict=True):
        side, at, fits = row[:_HEAD]
        key = (each.host, each.port, each.transport, each.address, each.netns)
        spot = spots.get(key)
        if spot is None:
            spot = spots[key] = _Spot([], [], [], [])
        if side != "now":
            spot.before.append(each)
        if side != "before":
            spot.now.append(each)
        if side != "both":
            spot.at.append(stamp(at))
        if fits:
            spot.fits.append(True)
    found = (_change(spots[key]) for key in sorted(spots) if spots[key].fits)
    return tuple(change for change in found if change is not None)


class _Spot(Record):
    """What was and what is at one place of one host, when that came about, and whether it fits."""

    before: list[FleetListener]
    now: list[FleetListener]
    at: list[str]
    fits: list[bool]


def _change(spot: _Spot) -> FleetChange | None:
    """One place's net change. Several sockets may share it, so sets are compared."""
    before = {_compared(each): each for each in spot.before}
    now = {_compared(each): each for each in spot.now}
    if before.keys() == now.keys():
        return None
    was = next((each for each in spot.before if _compared(each) not in now), None)
    is_now = next((each for each in spot.now if _compared(each) not in before), None)
    was = was or next(iter(spot.before), None)
    is_now = is_now or next(iter(spot.now), None)
    at = max(spot.at)
    if is_now is None:
        return FleetChange(was.host, was.name, "closed", at, None, was) if was else None
    if was is None:
        return FleetChange(is_now.host, is_now.name, "opened", at, is_now, None)
    fields = tuple(name for name in COMPARED if getattr(was, name) != getattr(is_now, name))
    return FleetChange(is_now.host, is_now.name, "changed", at, is_now, was, fields)


def _compared(row: FleetListener) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in COMPARED)
