"""The instructions of a Dockerfile, with the places of their characters.

Lines that go on, comments between them, the `escape` directive, here-documents.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

from portbook.lint.parts import Written
from portbook.lint.source import Source
from portbook.model.declared import Place
from portbook.model.record import Record

_DIRECTIVE = re.compile(r"\s*#\s*([A-Za-z][\w-]*)\s*=\s*(\S*)")
_KEYWORD = re.compile(r"\s*([A-Za-z]+)(?=\s|$)\s*")
_HEREDOC = re.compile(r"<<-?([\"']?)([A-Za-z_]\w*)\1")
_WORD = re.compile(r"(?:[^\s\"'\\]++|\\.|\"(?:[^\"\\]++|\\.)*+\"|'[^']*+'|[\"'\\])++", re.DOTALL)


class Word(Record):
    """A word and where it begins in its instruction's text."""

    text: str
    start: int


class Instruction(Record):
    """One instruction: its keyword in capitals, and its text without it.

    `starts` and `offsets` are where each stretch of `text` begins there and in the source.
    """

    keyword: str
    text: str
    line: int
    source: Source
    starts: tuple[int, ...]
    offsets: tuple[int, ...]

    def words(self) -> list[Word]:
        """The words of the text; quotes are kept, and what stands in them together."""
        return [Word(found[0], found.start()) for found in _WORD.finditer(self.text)]

    def place(self, start: int, length: int) -> Place:
        """The place of characters of the text."""
        stretch = max(0, bisect_right(self.starts, start) - 1)
        return self.source.place(self.offsets[stretch] + start - self.starts[stretch], length)

    def written(self, start: int, end: int) -> Written:
        """Characters of the text; raw where no line ends between them."""
        place = self.place(start, max(1, end - start))
        last = bisect_right(self.starts, max(start, end - 1)) - 1
        return Written(self.text[start:end], place, self.starts[last] <= start)


def instructions(source: Source) -> Iterator[Instruction]:
    """Every instruction of a Dockerfile; a keyword may be any word, so that the caller can tell."""
    text = source.text
    lines = text.split("\n")
    escape = _escape(lines)
    ends: dict[str, list[int]] | None = None
    offset = 0
    offsets = []
    for line in lines:
        offsets.append(offset)
        offset += len(line) + 1
    number = 0
    while number < len(lines):
        first = number
        stretches: list[tuple[int, str]] = []
        while number < len(lines):
            line = lines[number].removesuffix("\r")
            number += 1
            bare = line.strip()
            if bare.startswith("#") or (not bare and stretches):
                continue
            body = line.rstrip()
            goes_on = body.endswith(escape)
            stretches.append((offsets[number - 1], body[:-1] if goes_on else line))
            if not goes_on:
                break
        found = _joined(source, first + 1, stretches)
        if found is None:
            continue
        yield found
        if found.keyword in ("RUN", "COPY", "ADD") and "<<" in found.text:
            if ends is None:
                ends = _ends(lines)
            number = _behind(found.text, ends, number)


def _escape(lines: list[str]) -> str:
    for line in lines:
        found = _DIRECTIVE.fullmatch(line.rstrip())
        if found is None:
            break
        if found[1].lower() == "escape" and found[2] in ("`", "\\"):
            return found[2]
    return "\\"


def _joined(source: Source, line: int, stretches: list[tuple[int, str]]) -> Instruction | None:
    whole = "".join(text for _, text in stretches)
    keyword = _KEYWORD.match(whole)
    if keyword is None:
        bare = whole.strip()
        if not bare:
            return None
        return Instruction(bare.split(None, 1)[0], "", line, source, (0,), (stretches[0][0],))
    skipped = keyword.end()
    starts: list[int] = []
    offsets: list[int] = []
    at = 0
    for offset, text in stretches:
        if at + len(text) > skipped or not starts:
            cut = max(0, skipped - at)
            starts.append(max(0, at - skipped))
            offsets.append(offset + min(cut, len(text)))
        at += len(text)
    # A stretch that ends before the text begins gave its place to the next one.
    while len(starts) > 1 and starts[1] == 0:
        del starts[0], offsets[0]
    line = source.place(stretches[0][0], 1).line
    return Instruction(
        keyword[1].upper(), whole[skipped:].rstrip(), line, source, tuple(starts), tuple(offsets)
    )


def _ends(lines: list[str]) -> dict[str, list[int]]:
    """The numbers of the lines by their text, in which the ends of here-documents are found."""
    found: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        found.setdefault(line.strip(), []).append(number)
    return found


def _behind(text: str, ends: dict[str, list[int]], number: int) -> int:
    """The line behind the here-documents of an instruction; `number` where one has no end."""
    here = number
    for found in _HEREDOC.finditer(text):
        known = ends.get(found[2], [])
        after = bisect_right(known, here - 1)
        if after >= len(known):
            return number
        here = known[after] + 1
    return here
