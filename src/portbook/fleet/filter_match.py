"""Whether a row of a table fits a filter; PostgreSQL gives the same answer (fleet.filter_sql)."""

from portbook.fleet.filters import LABEL, MAY_BE_UNKNOWN, Check, Filter, Group, Not
from portbook.model.fleet import FleetRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def matches(
    where: Filter,
    row: FleetRow,
    host: str,
    name: str,
    labels: "Mapping[str, str]",
) -> bool:
    """Whether the row of this host is selected. The parser bounds the depth."""
    if isinstance(where, Not):
        return not matches(where.part, row, host, name, labels)
    if isinstance(where, Group):
        fits = (matches(part, row, host, name, labels) for part in where.parts)
        return all(fits) if where.kind == "all" else any(fits)
    return _fits(where, row, _value(where.field, row, host, name, labels))


def _value(
    field: str, row: FleetRow, host: str, name: str, labels: "Mapping[str, str]"
) -> str | int | None:
    if field == "host":
        return host
    if field == "name":
        return name
    if field == "rule":
        return row.rules
    if field.startswith(LABEL):
        return labels.get(field[len(LABEL) :])
    found: str | int | None = getattr(row, field)
    return found


def _fits(test: Check, row: FleetRow, value: str | int | None) -> bool:
    unknown = test.field in MAY_BE_UNKNOWN and f" {test.field}=" in f" {row.unknown}"
    if test.op == "unknown":
        return unknown
    if test.op == "absent":
        return value in (None, "") and not unknown
    if value is None:
        return False
    if test.op == "within":
        low, high = map(int, test.values)
        return isinstance(value, int) and low <= value <= high
    values = (value,) if test.field != "rule" else str(value).split(",") if value else ()
    if test.op == "is":
        return any(each in test.values for each in values)
    return any(is_like(str(each), str(test.values[0])) for each in values)


def is_like(text: str, pattern: str) -> bool:
    """Whether a text fits a pattern of `*` and `?`, in time of their lengths' product at most."""
    at = place = 0
    star, retry = -1, 0
    while at < len(text):
        sign = pattern[place] if place < len(pattern) else ""
        if sign == "*":
            star, retry = place, at
            place += 1
        elif sign and sign in ("?", text[at]):
            at += 1
            place += 1
        elif star >= 0:
            # The last star takes one character more; what came before it need not change.
            retry += 1
            at, place = retry, star + 1
        else:
            return False
    return pattern[place:].strip("*") == ""
