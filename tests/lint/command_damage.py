"""What readers of commands must bear; their numbers may come from variables of the same file."""

import time

from portbook.lint.readers import reader_of
from portbook.lint.reading import Reading
from portbook.lint.source import MOST_BYTES, Source, Unreadable

MOST_SECONDS = 20
"""Of processor time for a megabyte; what costs the square of its length takes hours."""


def bears_commands(form: str, path: str, data: bytes) -> Reading | None:
    """A reader answers or says Unreadable, and the digits stand where they are said to stand."""
    reader = reader_of(form)
    try:
        source = Source(path, data)
        reading = reader.read(source)
    except Unreadable:
        return None
    lines = source.lines
    for each in reading.declared:
        assert each.written or each.sources or each.role == "mention"
        for place in each.digits:
            text = lines[place.line - 1][place.column - 1 :][: place.length]
            first, _, last = text.partition("-")
            assert (int(first), int(last or first)) == (each.first, each.last)
    return reading


def bears_a_megabyte_of(form: str, path: str, before: str, again: str, part: int = 1) -> None:
    """A reader gets through as much of one text as a file may have, or a part of it, in time."""
    text = before + again * ((MOST_BYTES // part - len(before)) // len(again.encode()))
    began = time.process_time()
    bears_commands(form, path, text.encode())
    assert time.process_time() - began < MOST_SECONDS
