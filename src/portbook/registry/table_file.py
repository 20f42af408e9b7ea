"""The format of a table file, its reader and its one writer. Which tables exist: see tables.

A table is UTF-8 text with LF line ends:

    # portbook table: assignments     the name, then provenance as `# key: value` lines
    # rows: 13224                     how many rows follow
    # bytes: 1234567                  and their length, so that a cut file is noticed when opened
    # widest: 10                      the widest range among the sorted rows
    port<TAB>last_port<TAB>...        the column names
    80<TAB>80<TAB>...                 the rows, an empty cell for nothing

A table whose first column is `port` is sorted by it. Above its sorted rows stand first the ranges
wider than `widest`, which every search tries, then the rows without a port. Any other table is
sorted by its casefolded first column. A search bisects the text itself: there is no second index
to build, to ship or to go stale.
"""

import os
from collections.abc import Iterable, Iterator, Sequence

from portbook.model import LAST_PORT, TableFault

_WIDEST = 16  # of IANA's named ranges only swx, x11 and vrml-multi-use are wider
_TRANSPORTS = frozenset(("", "tcp", "udp", "sctp", "dccp"))
_HEADER_LIMIT = 1 << 16
_NEWLINE = 10


class Table:
    """One table file, in memory. Cheap checks when it is opened, each row's when it is read.

    Whatever is wrong with it is raised as a `TableFault` that names the file. It is read and not
    mapped, which takes 0.2 ms for 1 MB: a mapped file that somebody cuts kills the process.
    """

    def __init__(self, path: str, columns: Sequence[str], *, hint: str | None = None) -> None:
        self.path = path
        self._hint = hint
        self._columns = len(columns)
        self._by_port = columns[0] == "port"
        self._ranges = "last_port" in columns
        self._transport = columns.index("transport") if "transport" in columns else None
        try:
            # O_NONBLOCK: a FIFO that somebody put there must not keep us waiting for a writer.
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
            try:
                # So much and no more: a device that somebody put there has no end.
                self._text = os.read(fd, os.fstat(fd).st_size)
            finally:
                os.close(fd)
        except OSError as why:
            raise self._fault(f"cannot be read ({why.strerror})") from None
        if not self._text:
            raise self._fault("is empty")
        self._end = len(self._text)
        self.header, self._body = self._read_header(columns)
        self._count("rows")
        if self._count("bytes") != self._end - self._body or self._text[-1] != _NEWLINE:
            raise self._fault("is cut short or was changed by hand")
        self._widest = self._count("widest") if self._ranges else 1
        self._wide: list[list[str]] = []
        self._sorted = self._skip_wide()

    def rows(self, port: int) -> list[list[str]]:
        """The rows that cover `port`, ranges of many ports last."""
        text, position, before = self._text, self._bisect(port - self._widest + 1), -1
        found = []
        while position < self._end:
            first, tab = self._port_at(position)
            if first > port:
                break
            if first < before:
                raise self._fault("has rows out of order")
            before = first
            stop = text.find(b"\n", tab)
            if first == port or (first >= 0 and self._ranges and self._port_at(tab + 1)[0] >= port):
                found.append(self._cells(position, stop))
            position = stop + 1
        found += [row for row in self._wide if int(row[0]) <= port <= int(row[1])]
        return found

    def named(self, name: str) -> list[list[str]]:
        """The rows of a table by name whose first cell is `name` in any case."""
        wanted = name.casefold()
        low, high = self._body, self._end
        while low < high:
            start = self._start_of_line((low + high) // 2, low)
            if self._name_at(start) < wanted:
                low = self._end_of_line(start) + 1
            else:
                high = start
        found = []
        while low < self._end and self._name_at(low) == wanted:
            stop = self._end_of_line(low)
            found.append(self._cells(low, stop))
            low = stop + 1
        return found

    def all_rows(self) -> Iterator[list[str]]:
        """Every row, in the order of the file."""
        position = self._body
        while position < self._end:
            stop = self._end_of_line(position)
            yield self._cells(position, stop)
            position = stop + 1

    def body(self) -> str:
        """The lines below the column names, each ending in a newline.

        For whoever asks each line whether it fits: splitting 13,000 rows takes longer. Bytes that
        are no UTF-8 become replacement characters.
        """
        return self._text[self._body : self._end].decode("utf-8", "replace")

    def by_port(self) -> dict[int, list[list[str]]]:
        """Everything at once: what `rows` answers for each port that has rows."""
        found: dict[int, list[list[str]]] = {}
        wide = []
        for row in self.all_rows():
            if not row[0]:
                continue
            first = int(row[0])
            last = int(row[1]) if self._ranges else first
            if last - first >= self._widest:
                wide.append((first, last, row))
                continue
            for port in range(first, last + 1):
                found.setdefault(port, []).append(row)
        for first, last, row in wide:
            for port in range(first, last + 1):
                found.setdefault(port, []).append(row)
        return found

    def verify(self) -> None:
        """Check every row, their order and their number.

        Raises:
            TableFault: the first thing found wrong.
        """
        count = 0
        before: tuple[int, int, str] = (-1, 0, "")
        for count, row in enumerate(self.all_rows(), 1):
            place = self._place(row)
            if place < before:
                raise self._fault(f"has row {count} out of order")
            before = place
        if count != self._count("rows"):
            raise self._fault(f"has {count} rows instead of {self.header['rows']}")

    def _fault(self, why: str) -> TableFault:
        return TableFault(f"table {self.path} {why}", hint=self._hint)

    def _read_header(self, columns: Sequence[str]) -> tuple[dict[str, str], int]:
        """The provenance lines, and where the rows begin."""
        names = "\t".join(columns).encode() + b"\n"
        header = {}
        position = 0
        while self._text[position : position + 2] == b"# ":
            stop = self._text.find(b"\n", position, _HEADER_LIMIT)
            if stop < 0:
                raise self._fault("has a header without end")
            try:
                key, colon, value = self._text[position + 2 : stop].decode().partition(": ")
            except UnicodeDecodeError:
                raise self._fault("is no UTF-8") from None
            if not colon:
                raise self._fault("has a header line that is no `# key: value`")
            header[key] = value
            position = stop + 1
        body = position + len(names)
        if self._text[position:body] != names:
            raise self._fault("has no line of column names, or other columns")
        return header, body

    def _count(self, key: str) -> int:
        """A number of the header."""
        value = self.header.get(key, "")
        if not (value.isascii() and value.isdigit() and len(value) < 12):
            raise self._fault(f"has no number for {key!r} in its header")
        return int(value)

    def _skip_wide(self) -> int:
        """Read the ranges wider than `widest`; where the rows below them begin."""
        position = self._body
        while self._ranges and position < self._end:
            first, tab = self._port_at(position)
            if first < 0 or self._port_at(tab + 1)[0] - first < self._widest:
                break
            stop = self._end_of_line(position)
            self._wide.append(self._cells(position, stop))
            position = stop + 1
        return position

    def _bisect(self, port: int) -> int:
        """Where the first sorted row with a port not below `port` begins."""
        low, high = self._sorted, self._end
        while low < high:
            start = self._start_of_line((low + high) // 2, low)
            if self._port_at(start)[0] < port:
                low = self._end_of_line(start) + 1
            else:
                high = start
        return low

    def _start_of_line(self, position: int, lowest: int) -> int:
        """Where the line that holds `position` begins; `lowest` is the begin of a line."""
        return self._text.rfind(b"\n", lowest, position) + 1 or lowest

    def _end_of_line(self, position: int) -> int:
        """Where the newline is; there is one, for the last byte is checked when opening."""
        return self._text.find(b"\n", position)

    def _port_at(self, position: int) -> tuple[int, int]:
        """The port cell at `position` (-1 if empty) and where the tab behind it is."""
        tab = self._text.find(b"\t", position, position + 6)
        cell = self._text[position:tab]
        if tab < 0 or not (cell.isdigit() or not cell):
            raise self._fault("has a row without a port number in its place")
        return (int(cell) if cell else -1), tab

    def _name_at(self, position: int) -> str:
        """The casefolded first cell of the row at `position`."""
        stop = self._end_of_line(position)
        return self._decoded(position, stop).partition("\t")[0].casefold()

    def _decoded(self, start: int, stop: int) -> str:
        try:
            return self._text[start:stop].decode()
        except UnicodeDecodeError:
            raise self._fault("is no UTF-8") from None

    def _cells(self, start: int, stop: int) -> list[str]:
        """The cells of one row, checked."""
        row = self._decoded(start, stop).split("\t")
        if len(row) != self._columns:
            raise self._fault(f"has a row of {len(row)} cells instead of {self._columns}")
        if self._transport is not None and row[self._transport] not in _TRANSPORTS:
            raise self._fault("has a row with an unknown transport")
        if self._by_port:
            first, tab = self._port_at(start)
            last = self._port_at(tab + 1)[0] if self._ranges else first
            if not first <= last <= LAST_PORT or (first < 0 <= last):
                raise self._fault("has a row whose ports are none")
        return row

    def _place(self, row: list[str]) -> tuple[int, int, str]:
        """What the rows are sorted by."""
        if not self._by_port:
            return (0, 0, row[0].casefold())
        if not row[0]:
            return (1, 0, "")
        first = int(row[0])
        last = int(row[1]) if self._ranges else first
        return (2 if last - first < self._widest else 0, first, "")


def write_table(
    path: str, columns: Sequence[str], rows: Iterable[Sequence[str]], provenance: dict[str, str]
) -> None:
    """Write a table, sorted, with `provenance` and the counts on top. Same input, same bytes.

    Raises:
        ValueError: a cell or a provenance line would break the format.
    """
    by_port, ranges = columns[0] == "port", "last_port" in columns
    widest = 1

    def place(row: Sequence[str]) -> tuple[int, int, int, tuple[str, ...]]:
        nonlocal widest
        if not by_port:
            return (0, 0, 0, (row[0].casefold(), *row))
        if not row[0]:
            return (1, 0, 0, (row[columns.index("service")].casefold(), *row))
        first = int(row[0])
        last = int(row[1]) if ranges else first
        if last - first >= _WIDEST:
            return (0, first, last, tuple(row))
        widest = max(widest, last - first + 1)
        return (2, first, last, tuple(row))

    lines = []
    for row in sorted(rows, key=place):
        line = "\t".join(row)
        if len(row) != len(columns) or line.count("\t") != len(columns) - 1 or "\n" in line:
            raise ValueError(f"row that breaks the table: {line[:80]!r}")
        lines.append(line + "\n")
    body = "".join(lines).encode()
    header = {**provenance, "rows": str(len(lines)), "bytes": str(len(body))}
    if ranges:
        header["widest"] = str(widest)
    for key, value in header.items():
        if ": " in key or "\n" in key + value:
            raise ValueError(f"provenance that breaks the table: {key[:80]!r}")
    name = os.path.basename(path).removesuffix(".tsv")
    header = {"portbook table": name, **header}
    top = "".join(f"# {key}: {value}\n" for key, value in header.items())
    # Beside it and moved into place: another process may be reading the old file.
    with open(f"{path}.new", "wb") as file:
        file.write(top.encode() + "\t".join(columns).encode() + b"\n" + body)
    os.replace(f"{path}.new", path)
