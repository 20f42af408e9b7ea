"""The registry of today from that of 2015 and every change since. Pure: JSON and text in, rows out.

Names come from `base` (the whole registry of 2015-07) and `changes` (each record with a port that
was added, removed or changed since). Nameless rows have no record of changes, so `names`, the name
of every port and transport today, says which of them still stand and what they say.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from portbook.model import Assignment
from portbook.registry.iana import assignment

Key = tuple[str | None, int | None, int | None, str | None]

_BASE = {
    "service": "ServiceName",
    "port": "PortNumber",
    "transport": "TransportProtocol",
    "description": "Description",
    "assignee": "Assignee",
    "contact": "Contact",
    "registered": "RegistrationDate",
    "modified": "ModificationDate",
    "reference": "Reference",
    "unauthorized_use": "KnownUnauthorizedUses",
    "notes": "AssignmentNotes",
}
_FACTS = tuple(_BASE)[3:]
_PLAIN = frozenset(("unassigned", "(unassigned)"))


class Drift(NamedTuple):
    """Names that the check list has and the result lacks, and the other way round."""

    lacking: list[str]
    unknown: list[str]


def compile_rows(
    base: Iterable[Mapping[str, str]],
    changes: Iterable[Mapping[str, str]],
    names: Mapping[str, list[str]],
) -> list[Assignment]:
    """Every assignment of today, unsorted.

    Raises:
        ValueError: a row does not fit, or a change concerns a row that is not there.
    """
    rows = base_rows(base)
    named = apply({key_of(row): row for row in rows if row.service}, changes)
    return [*named.values(), *nameless([row for row in rows if not row.service], named, names)]


def base_rows(base: Iterable[Mapping[str, str]]) -> list[Assignment]:
    """The rows of the registry of 2015-07."""
    return [assignment(**{to: row.get(key, "") for to, key in _BASE.items()}) for row in base]


def key_of(row: Assignment) -> Key:
    """What a row is about: one port may have several names, one name several ports."""
    return (row.service, row.port, row.last_port, row.transport)


def apply(
    named: dict[Key, Assignment], changes: Iterable[Mapping[str, str]]
) -> dict[Key, Assignment]:
    """`named` after every change. In a change `=` is an unchanged cell and `-` one now empty."""
    result = dict(named)
    for change in changes:
        key = key_of(changed_row(change, None))
        match change["event"]:
            case "added" if key not in result:
                result[key] = changed_row(change, None)
            case "removed" if key in result:
                del result[key]
            case "changed" if key in result:
                result[key] = changed_row(change, result[key])
            case event:
                raise ValueError(f"{event} does not fit: {key}")
    return result


def changed_row(change: Mapping[str, str], before: Assignment | None) -> Assignment:
    """The row that a change leads to from the row `before`; a new one leaves nothing unchanged."""
    cells = {fact: change[fact].replace("=", "", change[fact] == "=") for fact in _FACTS}
    cells = {fact: "" if cell == "-" else cell for fact, cell in cells.items()}
    row = assignment(
        service=change["service"], port=change["port"], transport=change["transport"], **cells
    )
    if before is None:
        return row
    kept: dict[str, Any] = {fact: getattr(before, fact) for fact in _FACTS if change[fact] == "="}
    return row._replace(**kept)


def nameless(
    old: Iterable[Assignment],
    named: Iterable[Key],
    names: Mapping[str, list[str]],
) -> list[Assignment]:
    """The rows without a name that say something, as they are today.

    A row for one transport stands while `names` has no name there, with the words of `names`; rows
    that only `names` has are added. A row for no certain transport loses the ports that have a
    name by now; of the pieces of a plain "Unassigned" those stay that its note speaks of.
    """
    taken: dict[int, set[str]] = {}
    for _, first, last, transport in named:
        if first is not None and last is not None:
            for port in range(first, last + 1):
                taken.setdefault(port, set()).add(transport or "")
    now = {
        (int(port), transport): text
        for (port, _, transport), (name, text) in ((k.partition("/"), v) for k, v in names.items())
        if not name
    }
    found: list[Assignment] = []
    for row in old:
        if row.port is None or row.last_port is None:
            raise ValueError("nameless row without a port")
        if row.transport:
            text = now.pop((row.port, row.transport), row.description)
            free = not _taken(taken, row.port, row.transport)
            if free and not _plain(row := row._replace(description=text)):
                found.append(row)
        elif not _plain(row):
            found += _pieces(row, taken)
    found += [
        Assignment(None, port, port, transport, text)
        for (port, transport), text in now.items()
        if text.casefold() not in _PLAIN
    ]
    return found


def check(rows: Iterable[Assignment], names: Mapping[str, list[str]]) -> Drift:
    """Compare the names per port and transport; `names` keeps but one name for each pair.

    Pairs that `names` does not have at all (ranges, no certain transport) say nothing.
    """
    ours: dict[str, set[str]] = {}
    for row in rows:
        if row.service and row.port is not None and row.port == row.last_port and row.transport:
            ours.setdefault(f"{row.port}/{row.transport}", set()).add(row.service)
    lacking = [
        f"{pair} {name}" for pair, (name, _) in names.items() if name not in ours.get(pair, {name})
    ]
    lacking += [f"{pair} {name}" for pair, (name, _) in names.items() if name and pair not in ours]
    unknown = [f"{pair} {' '.join(sorted(ours[pair]))}" for pair in ours if pair not in names]
    return Drift(sorted(set(lacking)), sorted(unknown))


def _plain(row: Assignment) -> bool:
    """Whether a nameless row says nothing but that the number is free."""
    unassigned = (row.description or "").casefold() in _PLAIN
    return unassigned and not row.notes and not row.unauthorized_use


def _taken(taken: Mapping[int, set[str]], port: int, transport: str) -> bool:
    return bool(taken.get(port, set()) & {transport, ""})


def _pieces(row: Assignment, taken: Mapping[int, set[str]]) -> list[Assignment]:
    """`row` without the ports that have a name by now, as the ranges that are left."""
    assert row.port is not None
    assert row.last_port is not None
    pieces: list[tuple[int, int]] = []
    for port in range(row.port, row.last_port + 1):
        if port in taken:
            continue
        if pieces and pieces[-1][1] == port - 1:
            pieces[-1] = (pieces[-1][0], port)
        else:
            pieces.append((port, port))
    if (row.description or "").casefold() in _PLAIN:
        spoken = {int(n) for n in re.findall(r"[0-9]{2,5}", row.unauthorized_use or "")}
        spoken &= set(range(row.port, row.last_port + 1))
        if spoken:
            pieces = [(a, b) for a, b in pieces if any(a <= port <= b for port in spoken)]
    return [row._replace(port=first, last_port=last) for first, last in pieces]
