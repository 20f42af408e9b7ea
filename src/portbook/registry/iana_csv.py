"""IANA's CSV of the port registry, from bytes to assignments. Opens nothing: see offer.

The file is RFC 4180: CRLF between rows, quoted cells that hold commas and line ends. Source:
https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.csv
"""

import csv
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator

from portbook.model import Assignment, ImportRefused
from portbook.registry.iana import assignment

COLUMNS = (
    "Service Name",
    "Port Number",
    "Transport Protocol",
    "Description",
    "Assignee",
    "Contact",
    "Registration Date",
    "Modification Date",
    "Reference",
    "Service Code",
    "Unauthorized Use Reported",
    "Assignment Notes",
)

CELL_LIMIT = 16 << 10
"""Characters of one cell; the longest of 2026 has 1,532."""

_LINE_LIMIT = len(COLUMNS) * CELL_LIMIT


def read_csv(chunks: Iterable[bytes]) -> Iterator[Assignment]:
    """The assignments in the order of the file, read as they are asked for.

    No more than one row is held, and no row can be longer than twelve cells of `CELL_LIMIT`.

    Raises:
        ImportRefused: the bytes are not IANA's CSV, or are cut short.
    """
    reader = csv.reader(_lines(chunks), strict=True)
    header: list[str] | None = None
    try:
        for row in reader:
            if header is None:
                header = _header(row)
            else:
                yield _assignment(row, reader.line_num)
    except csv.Error as why:
        raise ImportRefused(f"broken CSV at line {reader.line_num}: {why}") from None
    if header is None:
        raise ImportRefused("the file is empty")


def _header(row: list[str]) -> list[str]:
    if tuple(row) == COLUMNS:
        return row
    for number, (found, wanted) in enumerate(zip(row, COLUMNS, strict=False), 1):
        if found != wanted:
            raise ImportRefused(
                f"not IANA's CSV: column {number} is {_short(found)} instead of {wanted!r}"
            )
    raise ImportRefused(f"not IANA's CSV: {len(row)} columns instead of {len(COLUMNS)}")


def _assignment(row: list[str], line: int) -> Assignment:
    if len(row) != len(COLUMNS):
        raise ImportRefused(f"the row at line {line} has {len(row)} cells, not {len(COLUMNS)}")
    if len(max(row, key=len)) > CELL_LIMIT:
        raise ImportRefused(f"a cell at line {line} is longer than {CELL_LIMIT} characters")
    (name, port, transport, text, assignee, contact, first, last, reference, _, misuse, notes) = row
    try:
        return assignment(
            service=name,
            port=port,
            transport=transport,
            description=text,
            assignee=assignee,
            contact=contact,
            registered=first,
            modified=last,
            reference=reference,
            unauthorized_use=misuse,
            notes=notes,
        )
    except ValueError as why:
        raise ImportRefused(f"the row at line {line}: {why}") from None


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Text lines with their ends. An endless line is refused, and so is a last one without end."""
    # utf-8-sig: a spreadsheet that saved the file again may have put a byte order mark in front.
    decoder = getincrementaldecoder("utf-8-sig")()
    rest = ""
    try:
        for chunk in chunks:
            rest += decoder.decode(chunk)
            *whole, rest = rest.split("\n")
            for line in whole:
                yield line + "\n"
            if len(rest) > _LINE_LIMIT:
                raise ImportRefused(f"a line is longer than {_LINE_LIMIT} characters")
        rest += decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise ImportRefused("not UTF-8 text") from None
    if rest:
        # IANA ends every row, the last one as well: without this a row cut inside its last cell
        # would pass as a complete one.
        raise ImportRefused("cut short: the last line has no end")


def _short(text: str) -> str:
    return repr(text if len(text) <= 30 else text[:30] + "…")
