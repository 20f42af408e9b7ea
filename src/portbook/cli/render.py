"""Printing: the one edge where text from outside is made safe, and where tables are laid out."""

import os
import sys
from collections.abc import Iterable, Sequence

from portbook.model.printable import LONGEST, safe
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_COLORS = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Style(Record):
    """How stdout is written: colours or not, how wide, and whether to cut to that width."""

    color: bool
    width: int
    cut: bool

    def paint(self, text: str, color: str) -> str:
        """`text` in a colour, where colours are on."""
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if self.color and text else text


def style_of(color: str) -> Style:
    """The style for stdout as it is: NO_COLOR, --color, COLUMNS, terminal or pipe."""
    terminal = sys.stdout.isatty()
    if color == "auto":
        colored = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    else:
        colored = color == "always"
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return Style(colored, max(int(columns), 20), True)
    if terminal:
        try:
            return Style(colored, max(os.get_terminal_size(sys.stdout.fileno()).columns, 20), True)
        except (OSError, ValueError):
            pass
    return Style(colored, 80, terminal)


def encodable(text: str, stream: "TextIO") -> str:
    """`text` with what the stream's encoding cannot say written as an escape."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        for sign, plain in (("…", "~"), ("·", "-"), ("←", "<-")):
            text = text.replace(sign, plain)
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def emit(lines: Iterable[str]) -> None:
    """Write lines to stdout; what its encoding cannot say is written as an escape."""
    text = "".join(f"{line}\n" for line in lines)
    text = encodable(text, sys.stdout)
    sys.stdout.write(text)
    sys.stdout.flush()


def emit_json(document: object, *, line: bool = False) -> None:
    """Write one JSON document; ASCII only, so that it survives every locale and pipe.

    It is laid out for reading on a terminal, and one line where a program reads it or `line` says
    so: laying out 200 listeners takes 14 ms, because json does that in Python (measured).
    """
    from json import dumps

    indent = 2 if not line and is_terminal() else None
    sys.stdout.write(dumps(document, indent=indent) + "\n")
    sys.stdout.flush()


def is_terminal() -> bool:
    """Whether a person is watching stdout."""
    return sys.stdout.isatty()


def clear_screen() -> None:
    """Start at the top of an empty terminal."""
    sys.stdout.write("\x1b[H\x1b[2J")


def abandon_stdout() -> None:
    """Point stdout nowhere, so that the interpreter's last flush finds no closed pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


class Column(Record):
    """A column of a table: its title, alignment, and whether it may be cut to fit."""

    title: str
    right: bool = False
    flexible: bool = False


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], style: Style, *, header: bool = True
) -> list[str]:
    """Aligned lines. Where the width is binding, flexible columns give way, the widest first.

    Cells are plain text without colour; characters of double width count as two.
    """
    cells = [[safe(cell) for cell in row] for row in rows]
    titles = [column.title for column in columns]
    widths = [
        max([width(titles[index]) if header else 0, *(width(row[index]) for row in cells)])
        for index in range(len(columns))
    ]
    if style.cut:
        _squeeze(widths, columns, style.width)
    lines = []
    for row in ([titles] if header else []) + cells:
        parts = []
        for index, column in enumerate(columns):
            text = cut(row[index], widths[index]) if style.cut else row[index]
            gap = " " * (widths[index] - width(text))
            parts.append(gap + text if column.right else text + gap)
        line = "  ".join(parts).rstrip()
        lines.append(cut(line, style.width) if style.cut else line)
    if header and lines:
        lines[0] = style.paint(lines[0], "bold")
    return lines


def _squeeze(widths: list[int], columns: Sequence[Column], limit: int) -> None:
    flexible = [index for index, column in enumerate(columns) if column.flexible]
    while flexible and sum(widths) + 2 * (len(widths) - 1) > limit:
        widest = max(flexible, key=lambda index: widths[index])
        if widths[widest] <= 6:
            return
        widths[widest] -= 1


def width(text: str) -> int:
    """The terminal cells that `text` takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text
    )


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` cells, the last one an ellipsis where something is missing."""
    if width(text) <= limit:
        return text
    kept = ""
    for sign in text:
        if width(kept) + width(sign) > limit - 1:
            break
        kept += sign
    return kept + "…"


def wrap(text: str, style: Style, indent: str, first: str | None = None) -> list[str]:
    """`text` in lines of the style's width: the first behind `first`, the others `indent`."""
    limit = max(style.width, len(indent) + 20) if style.cut else 100
    lines: list[str] = []
    line = indent if first is None else first
    empty = True
    for word in text.split():
        if not empty and width(line) + 1 + width(word) > limit:
            lines.append(line)
            line, empty = indent, True
        line += word if empty else f" {word}"
        empty = False
    return [*lines, line]


__all__ = [
    "LONGEST",
    "Column",
    "Style",
    "abandon_stdout",
    "clear_screen",
    "cut",
    "emit",
    "emit_json",
    "encodable",
    "is_terminal",
    "safe",
    "style_of",
    "table",
    "width",
    "wrap",
]
