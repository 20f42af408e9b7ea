"""Digits replaced in the bytes of a file, and everything else left as it is."""

from collections.abc import Iterable, Sequence

from portbook.model.declared import Place
from portbook.model.record import Record


class Edit(Record):
    """Digits, and what they become."""

    place: Place
    old: str
    new: str


class Moved(Exception):
    """A file that is not what was read any more."""


def digits_at(lines: Sequence[str], place: Place) -> str | None:
    """The text at a place; None where digits go on beside it, or it is behind the line's end."""
    if not 0 < place.line <= len(lines):
        return None
    line = lines[place.line - 1]
    start, end = place.column - 1, place.column - 1 + place.length
    if end > len(line):
        return None
    beside = (line[start - 1] if start else "") + line[end : end + 1]
    return None if any(sign.isdigit() for sign in beside) else line[start:end]


def rewritten(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes of a file with the edits made; line ends and a byte order mark stay.

    Raises:
        Moved: a place does not hold its digits.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Moved("it is not UTF-8") from error
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines = text.removeprefix(mark).split("\n")
    # From the right, so that a place keeps its column while others of its line change.
    for edit in sorted(edits, key=lambda e: (e.place.line, e.place.column), reverse=True):
        if digits_at(lines, edit.place) != edit.old:
            raise Moved(f"line {edit.place.line} does not say {edit.old}")
        line, start = lines[edit.place.line - 1], edit.place.column - 1
        lines[edit.place.line - 1] = line[:start] + edit.new + line[start + len(edit.old) :]
    return (mark + "\n".join(lines)).encode()
