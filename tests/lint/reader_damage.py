"""What every reader must bear: any bytes, real files with damage, a megabyte of one character."""

import time
from pathlib import Path

from hypothesis import strategies as st

from portbook.lint.readers import reader_of
from portbook.lint.reading import Reading
from portbook.lint.source import MOST_BYTES, Source, Unreadable
from portbook.model.declared import Declared

SHAPES = Path(__file__).parent / "shapes"
MOST_SECONDS = 15
"""Of processor time for a megabyte. None takes 2 on the machine this was written on, and what
costs the square of its length takes hours."""

_PIECES = st.sampled_from(
    [
        "{",
        "}",
        '"',
        "'",
        "`",
        "\\",
        "\n",
        "#",
        ";",
        ":",
        "[",
        "]",
        "${",
        "{{",
        "<%=",
        "0",
        "\r",
        "é",
    ]
)


def reading_of(form: str, path: str, text: str) -> Reading:
    """What a reader makes of a text."""
    return reader_of(form).read(Source(path, text.encode()))


def told(reading: Reading) -> list[str]:
    """Its declarations as lines: `2:8 8080/tcp listen web`, and what is known beyond that."""
    return [_line(each) for each in reading.declared]


def _line(each: Declared) -> str:
    numbers = str(each.first) if each.first == each.last else f"{each.first}-{each.last}"
    beyond = " ".join(part for part in (each.address, each.speaks) if part)
    where = f"{each.place.line}:{each.place.column}"
    return f"{where} {numbers}/{each.transport} {each.role} {each.who} {beyond}".rstrip()


def bears(form: str, path: str, data: bytes) -> None:
    """A reader answers or says Unreadable, and every place has the digits it is said to have."""
    reader = reader_of(form)
    try:
        source = Source(path, data)
        wants = getattr(reader, "wants", None)
        if wants is not None:
            assert wants(source) in (True, False)
        reading = reader.read(source)
    except Unreadable:
        return
    lines = source.lines
    for each in reading.declared:
        line = lines[each.place.line - 1]
        text = line[each.place.column - 1 : each.place.column - 1 + each.place.length]
        first, _, last = text.partition("-")
        assert (int(first), int(last or first)) == (each.first, each.last)


def bears_a_megabyte(form: str, path: str, before: str, again: str) -> None:
    """A reader gets through as much of one text as a file may have, in time."""
    text = before + again * ((MOST_BYTES - len(before)) // len(again.encode()))
    began = time.process_time()
    bears(form, path, text.encode())
    assert time.process_time() - began < MOST_SECONDS


@st.composite
def damaged(draw: st.DrawFn, path: str) -> bytes:
    """A file of a shape with some of it missing, twice there, or with a character too many."""
    text = (SHAPES / path).read_text(encoding="utf-8")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 40)))
        what = draw(st.integers(0, 2))
        if what == 0:
            text = text[:at] + text[end:]
        elif what == 1:
            text = text[:end] + text[at:]
        else:
            text = text[:at] + draw(_PIECES) + text[at:]
    return text.encode()
