"""One file's text, and the places of its characters."""

from bisect import bisect_right

from portbook.model.declared import Place

MOST_BYTES = 1 << 20
"""Longer files are not read: the longest compose file of public repositories that we know of has
200 kB, and what generated a longer one is what should be checked."""


class Unreadable(Exception):
    """A file, or a part of it, that is not understood; `line` is where, None for the whole."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(why)
        self.line = line


class Source:
    """The text of one file; a carriage return at the end of a line is part of it.

    Attributes:
        path: relative to the folder that is checked, with `/`.
        text: the whole text, without a byte order mark.
    """

    def __init__(self, path: str, data: bytes) -> None:
        if b"\0" in data[:8192]:
            raise Unreadable("it is binary")
        try:
            self.text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise Unreadable("it is not UTF-8", line) from None
        self.path = path
        self._starts: list[int] | None = None

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The folder relative to what is checked; empty for the top."""
        return self.path.rpartition("/")[0]

    @property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return [line.removesuffix("\r") for line in self.text.split("\n")]

    def place(self, start: int, length: int) -> Place:
        """The place of `length` characters from offset `start` on, in one line."""
        starts = self._line_starts()
        line = bisect_right(starts, start)
        return Place(self.path, line, start - starts[line - 1] + 1, length)

    def at(self, line: int, column: int, length: int) -> Place:
        """The place of characters by line and column, both from 1."""
        return Place(self.path, line, column, length)

    def offset(self, line: int) -> int:
        """Where a line (from 1) begins."""
        return self._line_starts()[line - 1]

    def _line_starts(self) -> list[int]:
        if self._starts is None:
            starts = [0]
            at = self.text.find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = self.text.find("\n", at + 1)
            self._starts = starts
        return self._starts
