"""A filter as SQL for PostgreSQL: names from here alone, and every value a parameter.

Tables are `l` (a listener) and `h` (its host). Where something could be NULL, `IS NOT TRUE` stands
for `not`: false and NULL are the same to `and`, `or` and WHERE, so nothing else has to mind it, and
a plain comparison can use an index.
"""

from portbook.fleet.filters import LABEL, MAY_BE_UNKNOWN, NUMBERS, Check, Filter, Not

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from psycopg.sql import Composable

    Values = dict[str, Any]

_OF_HOST = {"host": "id", "name": "name"}


def condition(where: Filter, values: "Values") -> "Composable":
    """What stands behind WHERE: true, false or NULL, which is false there.

    Args:
        where: what fleet.filters.parse gave, or a filter made of the same.
        values: the statement's parameters by name; those of the filter are put in.
    """
    from psycopg.sql import SQL

    if isinstance(where, Not):
        return SQL("(({}) IS NOT TRUE)").format(condition(where.part, values))
    if isinstance(where, Check):
        return _check(where, values)
    if not where.parts:
        return SQL("TRUE") if where.kind == "all" else SQL("FALSE")
    between = SQL(" AND ") if where.kind == "all" else SQL(" OR ")
    return SQL("({})").format(between.join(condition(part, values) for part in where.parts))


def labels_condition(labels: "Sequence[tuple[str, str]]", values: "Values") -> "Composable":
    """That a host `h` has all these labels; true where there are none."""
    from psycopg.sql import SQL
    from psycopg.types.json import Jsonb

    if not labels:
        return SQL("TRUE")
    return SQL("h.labels @> {}").format(_put(Jsonb(dict(labels)), values))


def _put(value: object, values: "Values") -> "Composable":
    """A place in the statement for a value."""
    from psycopg.sql import Placeholder

    name = f"f{len(values)}"
    values[name] = value
    return Placeholder(name)


def _check(check: Check, values: "Values") -> "Composable":
    from psycopg.sql import SQL

    column = _column(check.field, values)
    if check.op in ("unknown", "absent"):
        return _without(check, column, values)
    if check.op == "within":
        low, high = (_put(value, values) for value in check.values)
        return SQL("{} BETWEEN {} AND {}").format(column, low, high)
    if check.field == "rule":
        return _any_rule(check, values)
    if check.op == "like":
        return SQL("{} LIKE {}").format(column, _put(_pattern(check), values))
    if len(check.values) != 1:
        kind = SQL("int[]") if check.field in NUMBERS else SQL("text[]")
        given = _put(list(check.values), values)
        found = SQL("{} = ANY ({}::{})").format(column, given, kind)
        # Of more than 100 numbers PostgreSQL does not see that none is below 0, as its index is.
        return SQL("({} AND l.port >= 0)").format(found) if check.field == "port" else found
    if check.field.startswith(LABEL):
        # Containment rather than equality, because there is an index for it.
        label = (check.field[len(LABEL) :], str(check.values[0]))
        return labels_condition((label,), values)
    return SQL("{} = {}").format(column, _put(check.values[0], values))


def _column(field: str, values: "Values") -> "Composable":
    from psycopg.sql import SQL, Identifier

    if field.startswith(LABEL):
        return SQL("(h.labels ->> {})").format(_put(field[len(LABEL) :], values))
    if field in _OF_HOST:
        return Identifier("h", _OF_HOST[field])
    return Identifier("l", "rules" if field == "rule" else field)


def _without(check: Check, column: "Composable", values: "Values") -> "Composable":
    """That there is no such fact: it is unknown, or there is none."""
    from psycopg.sql import SQL

    unknown: Composable = SQL("FALSE")
    if check.field in MAY_BE_UNKNOWN:
        sought = _put(f" {check.field}=", values)
        unknown = SQL("strpos(' ' || l.unknown, {}) > 0").format(sought)
    if check.op == "unknown":
        return unknown
    none = SQL("{} IS NULL") if check.field in NUMBERS else SQL("coalesce({}, '') = ''")
    return SQL("({} AND NOT {})").format(none.format(column), unknown)


def _any_rule(check: Check, values: "Values") -> "Composable":
    """That one of the rules fits; they stand in one text with commas between."""
    from psycopg.sql import SQL

    if check.op == "is":
        given = _put(list(check.values), values)
        return SQL("string_to_array(l.rules, ',') && {}::text[]").format(given)
    return SQL(
        "EXISTS (SELECT FROM unnest(string_to_array(l.rules, ',')) AS rule WHERE rule LIKE {})"
    ).format(_put(_pattern(check), values))


def _pattern(check: Check) -> str:
    """A pattern of `*` and `?` as one of LIKE."""
    text = str(check.values[0])
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("*", "%").replace("?", "_")
