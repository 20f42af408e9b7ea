from collections.abc import Iterator
from contextlib import suppress
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iana_forms import as_csv
from portbook.model import Assignment, ImportRefused
from portbook.registry.iana_csv import CELL_LIMIT, COLUMNS, read_csv

HEADER = ",".join(COLUMNS)
ROWS = [
    Assignment("echo", 7, 7, "tcp", "Echo", "Jo_Doe", "Jo_Doe"),
    Assignment("x11", 6000, 6063, "udp", 'Says "hello", twice', None, None, "2002-02"),
    Assignment("exp1", 1021, 1021, "dccp", "Experiment", "IESG", "Chair", reference="1 RFC4727"),
    Assignment(None, 81, 81, None, "Unassigned", modified="2007-09-06"),
    Assignment("named", None, None, "tcp", "No port", notes="Defined TXT keys: None"),
]
VALID = as_csv(ROWS)


def read(text: str) -> list[Assignment]:
    """The rows below IANA's header in `text`, whose lines end as IANA's do."""
    return list(read_csv([f"{HEADER}\n{text}".replace("\n", "\r\n").encode()]))


def test_every_kind_of_row_is_read_as_it_was_written() -> None:
    """Ranges, names without port, ports without name, several references: all come back."""
    assert list(read_csv([VALID])) == ROWS


def test_a_quoted_cell_may_hold_commas_quotes_and_lines() -> None:
    """A cell of several lines is one cell, and its white space is folded."""
    (row,) = read('whoispp,63,tcp,"whois++, the\n ""new"" one",[A],[B],,,,,,\n')
    assert row.description == 'whois++, the "new" one'
    assert (row.assignee, row.contact) == ("A", "B")


def test_a_byte_order_mark_and_bare_line_feeds_are_accepted() -> None:
    """A file that an editor saved again is still IANA's."""
    assert list(read_csv([b"\xef\xbb\xbf" + VALID.replace(b"\r\n", b"\n")])) == ROWS


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_the_way_the_bytes_arrive_makes_no_difference(size: int) -> None:
    """Cells, lines and characters may be torn between two chunks."""
    text = as_csv([*ROWS, Assignment("umlaut", 9, 9, "tcp", "Göttingen ≠ Tromsø")])
    torn = [text[start : start + size] for start in range(0, len(text), size)]
    assert list(read_csv(torn)) == list(read_csv([text]))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo,7,tcp,Echo\n", "4 cells"),
        ("echo,7,tcp,Echo,,,,,,,,,more\n", "13 cells"),
        ("echo,70000,tcp,,,,,,,,,\n", "65535"),
        ("echo,9-7,tcp,,,,,,,,,\n", "range"),
        ("echo,seven,tcp,,,,,,,,,\n", "no port"),
        ("echo,7,ipx,,,,,,,,,\n", "transport"),
        ("echo,7,tcp,,,,yesterday,,,,,\n", "date"),
        ("echo,7,tcp,E\x1b[31mcho,,,,,,,,\n", "control character"),
        ("echo,7,tcp,E\x00cho,,,,,,,,\n", "control character"),
        ("echo,7,tcp,E\u202echo,,,,,,,,\n", "control character"),
        (f"echo,7,tcp,{'e' * (CELL_LIMIT + 1)},,,,,,,,\n", "longer than"),
        ('echo,7,tcp,"Echo,,,,,,,,\n', "broken CSV"),
        ("echo,7,tcp,Echo,,,,,,,,cut", "cut short"),
        ("echo,7,tcp,Ec", "cut short"),
    ],
)
def test_a_row_that_does_not_fit_is_refused(text: str, reason: str) -> None:
    """One bad row refuses the file, and the reason says where or why."""
    with pytest.raises(ImportRefused, match=reason) as refused:
        read(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\r\n", "columns|column 1"),
        (b"Port,Name\r\n", "column 1"),
        (VALID.replace(b"Reference", b"Source", 1), "column 9"),
        (VALID.replace(b",Assignment Notes", b"", 1), "11 columns"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "UTF-8|column 1"),
        (VALID.replace(b"Echo", b"Ec\xff\xfeho"), "UTF-8"),
        (HEADER.encode("utf-16"), "UTF-8"),
    ],
)
def test_what_is_not_ianas_csv_is_refused(data: bytes, reason: str) -> None:
    """Other columns, other encodings and other formats are no registry."""
    with pytest.raises(ImportRefused, match=reason):
        list(read_csv([data]))


@pytest.mark.parametrize("start", ["echo,7,tcp,", 'echo,7,tcp,"', 'echo,7,tcp,"\r\n'])
@pytest.mark.parametrize("filler", [b"a" * 65536, b"a\r\n" * 21845])
def test_an_endless_cell_is_refused_after_little_of_it(start: str, filler: bytes) -> None:
    """A cell of a gigabyte is given up long before it fills the memory."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield f"{HEADER}\r\n{start}".encode()
        for chunk in repeat(filler):
            taken += len(chunk)
            yield chunk

    with pytest.raises(ImportRefused):
        list(read_csv(endless()))
    assert taken < 1 << 20


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    """No input raises anything but ImportRefused."""
    with pytest.raises(ImportRefused):
        list(read_csv([data]))


@given(st.binary(max_size=200))
def test_arbitrary_rows_are_read_or_refused(data: bytes) -> None:
    """Behind a good header, too."""
    with suppress(ImportRefused):
        list(read_csv([HEADER.encode() + b"\r\n" + data]))


@given(st.integers(0, len(VALID)), st.integers(0, 40), st.binary(max_size=8))
def test_a_changed_file_is_read_or_refused(at: int, drop: int, put: bytes) -> None:
    """Any bytes lost, changed or added in a good file raise nothing but ImportRefused."""
    with suppress(ImportRefused):
        list(read_csv([VALID[:at] + put + VALID[at + drop :]]))


@given(st.integers(1, len(VALID) - 1))
def test_a_cut_file_is_refused_unless_cut_between_rows(length: int) -> None:
    """Every cut inside a row is noticed; one at the end of a row is for the size check to find."""
    cut = VALID[:length]
    try:
        rows = list(read_csv([cut]))
    except ImportRefused:
        assert not cut.endswith(b"\r\n")
    else:
        assert cut.endswith(b"\n")
        assert rows == ROWS[: len(rows)]
