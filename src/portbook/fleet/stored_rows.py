"""Hosts and periods of the store as the model's values, for the pages."""

from portbook.fleet.inventory_rows import COLUMNS, SILENT_AFTER, listeners_of, stamp, stamp_or
from portbook.model.fleet import FleetHost, FleetPeriod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

STATE = f"""CASE WHEN h.duplicate_at IS NOT NULL THEN 'duplicate' WHEN h.as_of IS NULL THEN 'never'
    WHEN h.as_of < now() - {SILENT_AFTER} * h.every_ms * interval '1 ms' THEN 'silent'
    ELSE 'fresh' END"""
"""The word for a host, of a table `host` that is called `h`."""
HOST = f"""h.id, h.name, {STATE}, h.as_of, extract(epoch FROM now() - h.as_of)::bigint, h.total,
    h.labels, h.version, h.duplicate_of, h.gaps, h.number"""
"""The columns that `host_of` takes, and the number."""
PERIODS = f"""SELECT l.until, l.ended, {COLUMNS.replace("h.as_of", "l.until")}
    FROM history l JOIN host h ON h.number = l.host WHERE """  # noqa: S608 - constants
"""Of every version of a listener that is over; a condition is to follow."""
NOW = f"""SELECT NULL::timestamptz, NULL::text, {COLUMNS.replace('l."since"', "l.changed")}
    FROM listener l JOIN host h ON h.number = l.host WHERE """  # noqa: S608 - constants
"""The same of those that are so now."""
_HEAD = 2


def host_of(found: "tuple[Any, ...]") -> FleetHost:
    """A host of the columns HOST."""
    ident, name, state, as_of, silent, total, labels, version, other, gaps, *_ = found
    return FleetHost(
        ident,
        name or ident,
        state,
        stamp_or(as_of) or None,
        None if silent is None else max(0, silent),
        total,
        tuple(sorted((str(key), str(value)) for key, value in labels.items())),
        version,
        other,
        tuple(gaps),
    )


def periods_of(rows: "Sequence[tuple[Any, ...]]") -> tuple[FleetPeriod, ...]:
    """Versions of listeners, of rows of PERIODS and NOW."""
    told = listeners_of([row[_HEAD:] for row in rows])
    return tuple(
        FleetPeriod(
            each.host,
            each.name,
            each,
            str(each.since),
            None if row[0] is None else stamp(row[0]),
            row[1],
        )
        for row, each in zip(rows, told, strict=True)
    )
