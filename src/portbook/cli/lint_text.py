"""The findings of a lint for people, with the lines that they are about."""

import os
import re

from portbook.cli.render import Column, Style, cut, safe, table, width, wrap
from portbook.model.declared import Declared, LintFinding, Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from portbook.survey.linting import LintReport

_SHADES = {"error": "red", "warning": "yellow", "note": "cyan"}
_LEAST_SHOWN = 30
_SECRET = re.compile(
    r"://[^/\s:@]{0,200}:([^@/\s]{1,400})@"
    r"|(?:password|passwd|secret|token|api_?key)\w{0,40}[\"']?\s?[=:]\s?([^\s,;]{1,400})",
    re.IGNORECASE,
)


def report_lines(report: "LintReport", style: Style) -> list[str]:
    """Each finding with its line, then how many there are; what a baseline knows is counted."""
    lines: list[str] = []
    where = shown_from(report.root)
    for each in report.findings:
        if not each.known:
            lines += [*_finding(each, style, where, report.lines), ""]
    return [*lines, summary(report)]


def shown_from(root: str) -> "Callable[[str], str]":
    """How a path of a report is written: from here where it lies below here, else whole."""
    here = os.path.realpath(".")

    def shown(path: str) -> str:
        whole = os.path.join(root, path)
        near = os.path.relpath(whole, here)
        return whole if near.startswith(os.pardir + os.sep) or near == os.pardir else near

    return shown


def _finding(
    found: LintFinding,
    style: Style,
    where: "Callable[[str], str]",
    lines: "Callable[[str], list[str]]",
) -> list[str]:
    head = safe(f"{spot(found.place, where)}: ")
    said = style.paint(found.severity, _SHADES[found.severity])
    told = [f"{head}{said} {found.rule} {safe(found.message)}"]
    every = lines(found.place.path)
    if 0 < found.place.line <= len(every):
        told += line_shown(every[found.place.line - 1], found.place, style, found.severity)
    for each in found.related:
        told += wrap(safe(f"also {spot(each.place, where)}: {each.what}"), style, "       ", "  ")
    if found.hint:
        told += wrap(safe(f"help: {found.hint}"), style, "        ", "  ")
    return told


def spot(place: Place, where: "Callable[[str], str]") -> str:
    """`compose.yaml:5:9`, as editors and terminals make links of it."""
    return f"{where(place.path)}:{place.line}:{place.column}"


def line_shown(text: str, place: Place, style: Style, severity: str) -> list[str]:
    """A line of a file and carets under a place in it; of a long line what is around it."""
    text = without_secrets(text, place)
    start = place.column - 1
    before, marked, after = (
        _plain(part)
        for part in (text[:start], text[start : start + place.length], text[start + place.length :])
    )
    before = before.lstrip()
    gutter = f"{place.line:>5} | "
    room = max((style.width if style.cut else 100) - len(gutter), _LEAST_SHOWN)
    marked = cut(marked, room // 2)
    if width(before) + width(marked) > room * 2 // 3:
        before = _end_of(before, room * 2 // 3 - width(marked))
    after = cut(after, max(room - width(before) - width(marked), 0)) if after else ""
    carets = " " * width(before) + style.paint("^" * max(width(marked), 1), _SHADES[severity])
    return [f"{gutter}{before}{marked}{after}".rstrip(), f"{' ' * 5} | {carets}"]


def _plain(text: str) -> str:
    return safe(text.replace("\t", "    "))


def _end_of(text: str, limit: int) -> str:
    """The end of a text in at most `limit` cells, with a mark where something is missing."""
    kept = ""
    for sign in reversed(text[-max(limit, 1) :]):
        if width(kept) + width(sign) > limit - 1:
            break
        kept = sign + kept
    return "…" + kept


def without_secrets(text: str, place: Place) -> str:
    """A line with passwords as stars, in their length: a log is read by others."""
    signs = list(text[:_LONGEST_LINE])
    first, last = place.column - 1, place.column - 1 + place.length
    for match in _SECRET.finditer("".join(signs)):
        for group in (1, 2):
            for at in range(*match.span(group)) if match[group] else ():
                if not first <= at < last:
                    signs[at] = "*"
    return "".join(signs) + text[_LONGEST_LINE:]


_LONGEST_LINE = 1 << 16


def summary(report: "LintReport") -> str:
    """`3 findings (1 error, 2 warnings) in 2 files; 12 files with ports read`."""
    new = [each for each in report.findings if not each.known]
    parts = []
    for severity in _SHADES:
        number = sum(each.severity == severity for each in new)
        if number:
            parts.append(several(number, severity))
    text = several(len(new), "finding")
    if parts:
        files = len({each.place.path for each in new})
        text += f" ({', '.join(parts)}) in {several(files, 'file')}"
    before = len(report.findings) - len(new)
    if before:
        text += f", {before} more in the baseline"
    return f"{text}; {several(report.files, 'file')} with ports read"


def several(number: int, what: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


_COLUMNS = (
    Column("PORT", right=True),
    *(Column("ROLE"), Column("WHO", flexible=True), Column("ADDRESS"), Column("PLACE")),
)


def declared_lines(report: "LintReport", style: Style) -> list[str]:
    """Every declaration as a row, by number."""
    where = shown_from(report.root)
    rows: Sequence[Declared] = sorted(report.declared, key=lambda each: (each.first, each.last))
    cells = [
        [
            f"{port_text(each)}/{each.transport}",
            *(each.role, each.who, each.address or "", spot(each.place, where)),
        ]
        for each in rows
    ]
    lines = table(_COLUMNS, cells, style) if cells else []
    return [*lines, f"{several(len(cells), 'port')} declared in {several(report.files, 'file')}"]


def port_text(each: Declared) -> str:
    """`8080`, or `8000-8010`."""
    return str(each.first) if each.first == each.last else f"{each.first}-{each.last}"
