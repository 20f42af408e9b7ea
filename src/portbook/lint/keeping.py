"""The baseline of a lint: what is there already, told apart from what is new.

An entry is a rule, a file, a number and a fingerprint of the line's text, so that it stays the same
when the line moves. The text itself is not kept: a line of .env may hold a password.
"""

import os
from collections.abc import Iterable, Sequence
from hashlib import sha256

from portbook.host.baseline_file import BadBaseline, baseline_rows, read_baseline_file
from portbook.lint.settings import Settings
from portbook.model.declared import LintFinding
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Lines = Callable[[str], list[str]]

SCHEMA = "portbook/lint-baseline/1"
_AGAIN = "write a new one: portbook lint --write-baseline FILE"
_MOST_TEXT = 8192


class Kept(Record):
    """Findings that are there already: `times` of them alike.

    `path` counts from the project's top folder, `line` is the fingerprint of the line's text.
    """

    rule: str
    path: str
    port: int | None
    line: str
    times: int


def fingerprint(text: str) -> str:
    """The same for the same text, however it is indented."""
    return sha256(" ".join(text.split()).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def path_from_top(path: str, settings: Settings, root: str) -> str:
    """A finding's path as it counts from the project's top folder."""
    whole = os.path.join(os.path.realpath(root), path)
    return os.path.relpath(whole, os.path.realpath(settings.top)).replace(os.sep, "/")


def kept(
    findings: Iterable[LintFinding], settings: Settings, *, root: str, lines: "Lines"
) -> tuple[Kept, ...]:
    """The entries of a baseline that has all of these findings, ordered."""
    times: dict[Kept, int] = {}
    for found in findings:
        entry = _entry_of(found, settings, root, lines)
        times[entry] = times.get(entry, 0) + 1
    entries = (entry._replace(times=number) for entry, number in times.items())
    return tuple(sorted(entries, key=lambda e: (e.path, e.rule, e.port or 0, e.line)))


def known(
    findings: Sequence[LintFinding],
    before: Iterable[Kept],
    settings: Settings,
    *,
    root: str,
    lines: "Lines",
) -> list[LintFinding]:
    """The findings, those `known` that a baseline has; of several alike as many as it has."""
    left: dict[Kept, int] = {}
    for entry in before:
        one = entry._replace(times=1)
        left[one] = left.get(one, 0) + entry.times
    told = []
    for found in findings:
        entry = _entry_of(found, settings, root, lines)
        had = left.get(entry, 0) > 0
        if had:
            left[entry] -= 1
        told.append(found._replace(known=had))
    return told


def _entry_of(found: LintFinding, settings: Settings, root: str, lines: "Lines") -> Kept:
    path = path_from_top(found.place.path, settings, root)
    return Kept(found.rule, path, found.port, fingerprint(line_of(found, lines)), 1)


def line_of(found: LintFinding, lines: "Lines") -> str:
    """The text of a finding's line; empty where the file has shrunk."""
    every = lines(found.place.path)
    return every[found.place.line - 1] if 0 < found.place.line <= len(every) else ""


def read_baseline(path: str) -> tuple[Kept, ...]:
    """The entries of a baseline file.

    Raises:
        EnvironmentFault: it is missing, no baseline, or one of another schema version.
    """
    return read_baseline_file(path, parse, hint=_AGAIN)


def parse(data: bytes) -> tuple[Kept, ...]:
    """The entries of a baseline's text.

    Raises:
        BadBaseline: it is none, or one of another schema version.
    """
    rows = baseline_rows(data, SCHEMA, "findings")
    return tuple(_entry(row, number) for number, row in enumerate(rows, start=1))


def _entry(row: "Any", number: int) -> Kept:
    where = f"is damaged in finding {number}"
    if not isinstance(row, dict):
        raise BadBaseline(where)
    rule, path, line = (_text(row.get(name), where) for name in ("rule", "path", "line"))
    port, times = row.get("port"), row.get("times")
    if port is not None and (not isinstance(port, int) or isinstance(port, bool)):
        raise BadBaseline(f"{where}: its port is none")
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        raise BadBaseline(f"{where}: times is no number")
    return Kept(rule, path, port, line, times)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise BadBaseline(where)
    return value
