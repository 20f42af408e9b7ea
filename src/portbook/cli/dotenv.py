"""Setting variables in a .env file: every other byte of it stays as it is.

Loaders agree that of several assignments the last one wins; so the last one is changed, and the
others are left. What stands inside a quoted text of several lines is no assignment.
"""

import re
from collections.abc import Mapping

from portbook.model.record import Record

_ASSIGNMENT = re.compile(
    rb"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=()[ \t]*", re.ASCII
)
_BOM = b"\xef\xbb\xbf"


class Assigned(Record):
    """Where a value stands in the file: without its quotes, its comment and the line end."""

    name: bytes
    start: int
    end: int


class Merge(Record):
    """The new content, and the names that were added and changed."""

    data: bytes
    added: tuple[str, ...]
    changed: tuple[str, ...]


def merge(data: bytes, variables: Mapping[str, str]) -> Merge:
    """Set each variable; those that the file does not have are put at its end.

    The new lines end as the last line that ends does; a file without a final line end stays one.
    Values are plain: digits, letters and what needs no quotes.
    """
    last = {each.name: each for each in assignments(data)}
    changed = []
    edits: list[tuple[int, int, bytes]] = []
    added: list[str] = []
    for name, value in variables.items():
        found = last.get(name.encode("ascii"))
        new = value.encode("ascii")
        if found is None:
            added.append(name)
        elif data[found.start : found.end] != new:
            changed.append(name)
            apart = b" " if data[found.end : found.end + 1] == b"#" else b""
            edits.append((found.start, found.end, new + apart))
    for start, end, new in sorted(edits, reverse=True):
        data = data[:start] + new + data[end:]
    if added:
        lines = [f"{name}={variables[name]}".encode("ascii") for name in added]
        data = _appended(data, lines)
    return Merge(data, tuple(added), tuple(changed))


def _appended(data: bytes, lines: list[bytes]) -> bytes:
    end = data.rfind(b"\n")
    newline = b"\r\n" if end > 0 and data[end - 1 : end] == b"\r" else b"\n"
    text = newline.join(lines)
    if not data or data == _BOM or data.endswith(b"\n"):
        return data + text + newline
    return data + newline + text


def numbers(data: bytes) -> dict[str, int]:
    """The variables that are set to a number of at most five digits, as the last line says."""
    found: dict[str, int] = {}
    for each in assignments(data):
        name, value = each.name.decode("ascii"), data[each.start : each.end]
        found.pop(name, None)
        if value.isdigit() and len(value) <= 5:
            found[name] = int(value)
    return found


def assignments(data: bytes) -> list[Assigned]:
    """Every assignment, in order."""
    found = []
    place = len(_BOM) if data.startswith(_BOM) else 0
    while place < len(data):
        stop = data.find(b"\n", place)
        stop = len(data) if stop < 0 else stop
        match = _ASSIGNMENT.match(data, place, stop)
        if match is None:
            place = stop + 1
            continue
        start, end, after = _value(data, match.end(), stop)
        if start == end == match.end():
            # Nothing is set: the value goes before the blanks, where a shell wants it.
            start = end = match.end(2)
        found.append(Assigned(match[1], start, end))
        stop = data.find(b"\n", after)
        place = len(data) if stop < 0 else stop + 1
    return found


def _value(data: bytes, start: int, stop: int) -> tuple[int, int, int]:
    """Where a value begins and ends, and where to go on from; `stop` is the end of its line."""
    quote = data[start : start + 1]
    if start < stop and quote in (b'"', b"'", b"`"):
        end = _closing(data, start + 1, quote)
        if end is not None:
            return start + 1, end, end + 1
    line = data[start:stop]
    for place in range(len(line)):
        # In `a#b` the sign is part of the value for most loaders.
        if line[place : place + 1] == b"#" and (place == 0 or line[place - 1] in b" \t"):
            line = line[:place]
            break
    return start, start + len(line.rstrip(b" \t\r")), stop


def _closing(data: bytes, start: int, quote: bytes) -> int | None:
    """Where a quoted text ends, lines further down if need be; None where nothing closes it."""
    place = start
    while (place := data.find(quote, place)) >= 0:
        slashes = 0
        while place - slashes > start and data[place - slashes - 1 : place - slashes] == b"\\":
            slashes += 1
        # Only between double quotes a backslash takes the next sign's meaning away.
        if quote != b'"' or slashes % 2 == 0:
            return place
        place += 1
    return None
