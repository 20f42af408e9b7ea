"""Variables in compose files, .env files and Dockerfiles: what comes out, and where it was written.

`$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:+other}`, `${NAME+other}`,
`${NAME:?message}`, nested in one another; `$$` is a dollar (compose specification 12).
"""

import re
from collections.abc import Iterator, Mapping

from portbook.lint.parts import EnvFile, Variable, Written
from portbook.model.declared import Place
from portbook.model.record import Record

UNKNOWN = "\0"
"""Stands in a filled text for a variable that has no value in any file."""

MOST_TEXT = 8192
"""Longer results count as unknown: values that double one another would fill the memory."""

_MOST_DEPTH = 8
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{0,20}$")
_BRACE = re.compile(r"\$\{|\}")


class Value(Record):
    """A variable's value; `place` is where it is written as such, None where nowhere."""

    text: str
    place: Place | None


class Piece(Record):
    """A part of a filled text.

    `start` and `length` are what it takes of the written text. `written` is whether `text` is
    just those characters, `origin` where else they are written.
    """

    text: str
    start: int
    length: int
    written: bool
    origin: Place | None = None


class Span(Record):
    """Where characters of a filled text are written, as a declaration wants to know it."""

    place: Place
    written: bool
    sources: tuple[Place, ...]


class Filled(Record):
    """A written text with its variables put in."""

    source: Written
    pieces: tuple[Piece, ...]
    text: str

    def span(self, start: int, end: int) -> Span:
        """Where the characters from `start` to `end` of the text come from."""
        touched = []
        at = 0
        for piece in self.pieces:
            if at < end and at + len(piece.text) > start:
                touched.append((at, piece))
            at += len(piece.text)
        if not touched or not self.source.raw:
            return Span(self.source.place, written=False, sources=())
        at, piece = touched[0]
        if len(touched) > 1:
            last_at, last = touched[-1]
            first = piece.start + (start - at if piece.written else 0)
            behind = last.start + (end - last_at if last.written else last.length)
            return Span(within(self.source, first, behind - first), written=False, sources=())
        if piece.written:
            place = within(self.source, piece.start + start - at, end - start)
            return Span(place, written=True, sources=())
        origin = piece.origin
        if origin is not None:
            origin = origin._replace(column=origin.column + start - at, length=end - start)
        place = within(self.source, piece.start, piece.length)
        return Span(place, written=False, sources=() if origin is None else (origin,))

    def as_written(self, start: int, end: int) -> str:
        """The characters of the file that became those from `start` to `end`."""
        found = []
        at = 0
        for piece in self.pieces:
            low, high = max(start, at), min(end, at + len(piece.text))
            if low < high:
                own = self.source.text[piece.start : piece.start + piece.length]
                found.append(own[low - at : high - at] if piece.written else own)
            at += len(piece.text)
        return "".join(found)


def within(written: Written, start: int, length: int) -> Place:
    """The place of a part of a text; of a text that is not raw it is the place of the whole."""
    place = written.place
    if not written.raw:
        return place
    above = written.text.count("\n", 0, start)
    if above:
        column = start - written.text.rfind("\n", 0, start)
        return Place(place.path, place.line + above, column, length)
    return Place(place.path, place.line, place.column + start, length)


def part(written: Written, start: int, end: int) -> Written:
    """A part of a text, as a text of its own."""
    length = max(1, end - start)
    return Written(written.text[start:end], within(written, start, length), written.raw)


def fill(written: Written, values: Mapping[str, Value]) -> Filled:
    """A text with its variables put in; those without value and default become UNKNOWN."""
    text = written.text
    if "$" not in text:
        return Filled(written, (Piece(text, 0, len(text), written=True),), text)
    pieces = []
    length = 0
    for piece in _pieces(text, 0, len(text), values, 0):
        length += len(piece.text)
        if length > MOST_TEXT:
            pieces = [Piece(UNKNOWN, 0, len(text), written=False)]
            break
        pieces.append(piece)
    return Filled(written, tuple(pieces), "".join(piece.text for piece in pieces))


def _pieces(
    text: str, at: int, end: int, values: Mapping[str, Value], depth: int
) -> Iterator[Piece]:
    while at < end:
        dollar = text.find("$", at, end)
        if dollar < 0:
            dollar = end
        if dollar > at:
            yield Piece(text[at:dollar], at, dollar - at, written=True)
        if dollar >= end:
            return
        following = text[dollar + 1 : dollar + 2] if dollar + 1 < end else ""
        if following == "$":
            yield Piece("$", dollar, 2, written=False)
            at = dollar + 2
        elif following == "{":
            close = _close(text, dollar + 2, end)
            if close is None:
                yield Piece(UNKNOWN, dollar, end - dollar, written=False)
                return
            yield from _braced(text, dollar, close, values, depth)
            at = close + 1
        else:
            name = _NAME.match(text, dollar + 1, end)
            at = name.end() if name else dollar + 1
            yield _named(values.get(name[0]) if name else None, dollar, at - dollar)


def _close(text: str, at: int, end: int) -> int | None:
    """Where the brace ends that was opened before `at`."""
    open_braces = 1
    for found in _BRACE.finditer(text, at, end):
        open_braces += 1 if found[0] == "${" else -1
        if not open_braces:
            return found.start()
    return None


def _braced(
    text: str, start: int, close: int, values: Mapping[str, Value], depth: int
) -> Iterator[Piece]:
    """The pieces of `${...}` from `start` to the brace at `close`."""
    whole = close + 1 - start
    name = _NAME.match(text, start + 2, close)
    if name is None or depth >= _MOST_DEPTH:
        yield Piece(UNKNOWN, start, whole, written=False)
        return
    value = values.get(name[0])
    empty_counts = text[name.end()] == ":"
    operator = text[name.end() + empty_counts]
    has = value is not None and not (empty_counts and not value.text)
    behind = name.end() + empty_counts + 1
    if operator in ("}", "?"):
        yield _named(value if has or operator == "}" else None, start, whole)
    elif operator == "-":
        if has:
            yield _named(value, start, whole)
        else:
            yield from _pieces(text, behind, close, values, depth + 1)
    elif operator == "+":
        if has:
            yield from _pieces(text, behind, close, values, depth + 1)
    else:
        yield Piece(UNKNOWN, start, whole, written=False)


def _named(value: Value | None, start: int, length: int) -> Piece:
    if value is None or UNKNOWN in value.text:
        return Piece(UNKNOWN, start, length, written=False)
    return Piece(value.text, start, length, written=False, origin=value.place)


def value_of(written: Written, values: Mapping[str, Value]) -> Value:
    """What a variable has that is set to this text; its place where all of it is in one place."""
    filled = fill(written, values)
    if not filled.text or "\n" in filled.text:
        return Value(filled.text, None)
    span = filled.span(0, len(filled.text))
    if span.written:
        return Value(filled.text, span.place)
    return Value(filled.text, span.sources[0] if span.sources else None)


def values_of(
    variables: tuple[Variable, ...], before: Mapping[str, Value] | None = None
) -> dict[str, Value]:
    """The values of variables in their order, each from those before it.

    Args:
        variables: those of a .env file; one that is only named has no value of its own.
        before: what is set already; it is not changed, and the new ones go before it.
    """
    found = dict(before or {})
    for variable in variables:
        if variable.value is not None:
            found[variable.name] = value_of(variable.value, found)
    return found


def scheme_of(text: str, start: int) -> str:
    """The scheme of the URL that goes on at an offset (`http`), empty where there is none."""
    # Bounded: a text of nothing but URLs would be looked through once for each of them.
    head, found, _ = text[max(0, start - 300) : start].rpartition("://")
    scheme = _SCHEME.search(head) if found else None
    return scheme[0].lower() if scheme else ""


def env_values(file: EnvFile | None) -> dict[str, Value]:
    """The values of a .env file, none where there is no file."""
    return values_of(file.variables) if file is not None else {}
