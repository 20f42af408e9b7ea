"""What a program's output says of a port that it could not have. Pure: text in, mentions out.

A line that tells of such an error is known by a few words (error_words), and the number is looked
for in that line first, then near it. Every search is linear: words are found by str.find, patterns
have bounded repetitions and see a bounded part of a line.
"""

import re
from bisect import bisect_right, insort

from portbook.model.record import Record
from portbook.survey.error_paths import follows, is_unix, path_in
from portbook.survey.error_ports import Place, place_near, places_in, transport_in
from portbook.survey.error_programs import program_of
from portbook.survey.error_words import TRIGGERS, kind_of

LONGEST = 1 << 20
"""Bytes of a program's output that are looked at, the last ones."""
MOST = 8
"""Ports that are told of one output."""
_MOST_LINES = 2_000
"""Lines with a trigger that are looked at, at the beginning and as many at the end."""
_MOST_SEARCHES = 32
_AROUND = 600
_SHOWN = 240
_BEFORE, _AFTER, _NEAR = 60, 15, 3
"""Lines around an error in which its number may stand; the nearest after it count first."""
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]?|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b.?|\0")
_SERVICE = re.compile(r"(\S{1,100})\s{1,60}\| ")
"""How `docker compose` begins the lines of each service."""


class Mention(Record):
    """A port that a program could not have, by its own words.

    `error`: `in-use`, `denied`, `unavailable` (the address is not this machine's). `line` tells of
    it; `number_line` is the one that the number is taken from where that is another. `address` is
    None where none was named, `program` where nothing gives it away.
    """

    port: int
    transport: str
    address: str | None
    error: str
    line: str
    number_line: str | None
    program: str | None


class UnixSocket(Record):
    """An error about a socket that has a path and no port; None where the line names no path."""

    line: str
    path: str | None


class ErrorText(Record):
    """What was found; `unnumbered` is an error's line where no number could be found for it."""

    mentions: tuple[Mention, ...]
    unnumbered: str | None
    sockets: tuple[UnixSocket, ...]


class _Signal(Record):
    """A line that tells of such an error: which, and whether that is sure without a number."""

    line: int
    text: str
    kind: str
    strong: bool


def read_errors(data: bytes) -> ErrorText:
    """The ports that an output complains of, those that its errors name themselves first."""
    lines = _lines(data[-LONGEST:])
    signals = _signals(lines)
    found: dict[tuple[int, str], Mention] = {}
    numbered: dict[str, list[int]] = {}
    sockets: dict[str | None, UnixSocket] = {}
    last_socket = -2
    open_ends: list[_Signal] = []
    for each in signals:
        known = numbered.setdefault(_service(each.text), [])
        if each.line == last_socket + 1 and follows(each.text):
            continue
        places = places_in(each.text)
        if not places:
            above = [_part(line) for line in lines[max(0, each.line - 3) : each.line]]
            if is_unix(each.text, above, strong=each.strong):
                last_socket = each.line
                known.append(each.line)
                if len(sockets) < MOST:
                    path = path_in([each.text, *reversed(above)])
                    sockets.setdefault(path, UnixSocket(_shown(each.text), path))
            elif each.strong:
                open_ends.append(each)
            continue
        known.append(each.line)
        for place in places:
            _add(found, _mention(lines, each, place, None))
    unnumbered = None
    searched = 0
    for each in open_ends:
        known = numbered[_service(each.text)]
        if _is_near(known, each.line) or searched >= _MOST_SEARCHES or len(found) >= MOST:
            continue
        searched += 1
        near = _number_near(lines, each)
        if near is None:
            unnumbered = unnumbered or _shown(each.text)
            continue
        insort(known, each.line)
        text, place = near
        _add(found, _mention(lines, each, place, _shown(text, str(place.port))))
    return ErrorText(tuple(found.values()), unnumbered, tuple(sockets.values()))


def _service(line: str) -> str:
    """Whose line it is where those of several services are mixed; nothing for one alone."""
    found = _SERVICE.match(line)
    return found[1] if found else ""


def _add(found: dict[tuple[int, str], Mention], made: Mention) -> None:
    key = (made.port, made.transport)
    known = found.get(key)
    if known is None:
        if len(found) < MOST:
            found[key] = made
    elif known.program is None and made.program is not None:
        found[key] = known._replace(program=made.program)


def _mention(lines: list[str], signal: _Signal, place: Place, number_line: str | None) -> Mention:
    around = lines[max(0, signal.line - 12) : signal.line + 6]
    return Mention(
        place.port,
        transport_in(signal.text, place.port),
        place.address,
        signal.kind,
        _shown(signal.text, "" if number_line else str(place.port)),
        number_line,
        program_of(signal.text, [_part(each) for each in around]),
    )


def _lines(data: bytes) -> list[str]:
    """The text in lines, without what steers a terminal; a carriage return ends a line too."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") and b"\0" in data[:4096]:
        text = data.decode("utf-16", "replace")  # what PowerShell redirects
    else:
        text = data.decode("utf-8", "replace")
    return _CONTROL.sub("", text).replace("\r", "\n").split("\n")


def _signals(lines: list[str]) -> list[_Signal]:
    """The lines that tell of such an error, in order."""
    lower = [line.lower() for line in lines]
    found = []
    for number, part in _flagged(lower):
        shown = lines[number]
        if part >= 0:
            shown = shown[max(0, (part - 1) * _AROUND) : (part + 2) * _AROUND]
        above = [each[-_AROUND:] for each in lower[max(0, number - 6) : number]]
        kind = kind_of(shown.lower(), above)
        if kind is not None:
            found.append(_Signal(number, shown, *kind))
    return found


def _flagged(lower: list[str]) -> list[tuple[int, int]]:
    """(line, part) where a trigger stands; the part of a long line, -1 for a whole one."""
    text = "\n".join(lower)
    starts = [0]
    for line in lower:
        starts.append(starts[-1] + len(line) + 1)
    at: set[tuple[int, int]] = set()
    for word in TRIGGERS:
        position = text.find(word)
        while position >= 0:
            number = bisect_right(starts, position) - 1
            short = len(lower[number]) <= 2 * _AROUND
            part = -1 if short else (position - starts[number]) // _AROUND
            at.add((number, part))
            # One look at a line is enough, and one at each part of a long one.
            following = starts[number + 1] if short else starts[number] + (part + 1) * _AROUND
            position = text.find(word, max(following, position + 1))
    found = sorted(at)
    return found if len(found) <= 2 * _MOST_LINES else found[:_MOST_LINES] + found[-_MOST_LINES:]


def _is_near(numbered: list[int], line: int) -> bool:
    """Whether an error close by has a number of its own: then this is the same one."""
    at = bisect_right(numbered, line)
    return any(-_BEFORE <= other - line <= _BEFORE for other in numbered[max(0, at - 1) : at + 1])


def _number_near(lines: list[str], signal: _Signal) -> tuple[str, Place] | None:
    """The line that an error's number stands in most likely, and the number."""
    last = len(lines)
    line = signal.line
    service = _service(signal.text)
    debugger = "transport error 202" in signal.text.lower()
    at: int
    for at in (
        *range(line + 1, min(last, line + 1 + _NEAR)),
        *range(line - 1, max(-1, line - 1 - _BEFORE), -1),
        *range(line + 1 + _NEAR, min(last, line + 1 + _AFTER)),
    ):
        text = _part(lines[at])
        if service and _service(text) != service:
            continue
        place = place_near(text, after=at > line and not follows(text), debugger=debugger)
        if place is not None:
            return lines[at], place
    return None


def _part(line: str) -> str:
    return line if len(line) <= 2 * _AROUND else line[: 2 * _AROUND]


def _shown(text: str, about: str = "") -> str:
    """So much of a line as is worth reading, of a long one what stands around the number."""
    line = text.strip()
    if len(line) <= _SHOWN:
        return line
    begin = max(0, line.find(about) - 2 * _SHOWN // 3) if about else 0
    cut = line[begin : begin + _SHOWN]
    return f"{'…' if begin else ''}{cut}{'…' if begin + _SHOWN < len(line) else ''}"
