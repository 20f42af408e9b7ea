from collections.abc import Iterator
from contextlib import suppress
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iana_forms import as_csv, as_xml
from portbook.model import Assignment, ImportRefused
from portbook.registry.iana_csv import CELL_LIMIT, read_csv
from portbook.registry.iana_xml import read_xml

OPEN = '<registry xmlns="http://www.iana.org/assignments" id="service-names-port-numbers">'
ROWS = [
    Assignment("echo", 7, 7, "tcp", "Echo", "Jo_Doe", "Jo_Doe"),
    Assignment("x11", 6000, 6063, "udp", 'Says "hello" & <waits>', None, None, "2002-02"),
    Assignment("exp1", 1021, 1021, "dccp", "Experiment", "IESG", "Chair", reference="1 RFC4727"),
    Assignment(None, 81, 81, None, "Unassigned", modified="2007-09-06"),
    Assignment("named", None, None, "tcp", "No port", notes="Defined TXT keys: None"),
    Assignment("old", 90, 90, "tcp", unauthorized_use="Known on 91", notes="Alias of new"),
    Assignment("new", 90, 90, "tcp", 'old IANA assigned this name as a replacement for "old".'),
]
VALID = as_xml(ROWS)


def read(records: str) -> list[Assignment]:
    """The records in `records`, which stand in IANA's registry."""
    return list(read_xml([f"{OPEN}\n{records}\n</registry>".encode()]))


def test_xml_and_csv_give_the_same_assignments() -> None:
    """The two forms of the same records are told apart by nothing."""
    assert list(read_xml([VALID])) == list(read_csv([as_csv(ROWS)])) == ROWS


def test_the_contact_is_the_assignee_unless_another_one_is_named() -> None:
    """IANA's XML leaves the assignee out where it is the contact; the CSV prints it twice."""
    one, two = read(
        '<record><name>a</name><number>1</number><xref type="person" data="A"/>'
        '<xref type="person" data="B"/></record>'
        '<record><name>b</name><number>2</number><assignee><xref type="person" data="IESG"/>'
        '</assignee><xref type="person" data="Chair"/></record>'
    )
    assert (one.assignee, one.contact) == ("A B", "A B")
    assert (two.assignee, two.contact) == ("IESG", "Chair")


def test_references_keep_their_order_and_show_what_the_csv_shows() -> None:
    """RFCs are upper case, a link with a text shows the text, notes and drafts their id."""
    (row,) = read(
        '<record><xref type="note" data="1"/><name>a</name><number>1</number>'
        '<xref type="rfc" data="rfc9110"/><xref type="draft" data="draft-a-b-01"/>'
        '<xref type="uri" data="https://a.example/x.pdf">TR-352</xref>'
        '<xref type="uri" data="https://a.example/y"/><xref type="text">ISO\n 13818</xref></record>'
    )
    assert row.reference == "1 RFC9110 draft-a-b-01 TR-352 https://a.example/y ISO 13818"


def test_a_cross_reference_inside_a_note_stands_in_the_note() -> None:
    """It is no reference of the record and no contact."""
    (row,) = read(
        '<record><number>2</number><note>previously a by <xref type="person" data="B_V"/></note>'
        "</record>"
    )
    assert (row.notes, row.contact, row.reference) == ("previously a by [B_V]", None, None)


def test_what_stands_outside_records_and_unknown_elements_are_passed_over() -> None:
    """The registry's own notes, its people, and elements that IANA may add."""
    (row,) = read(
        "<note>4 <name>not this</name></note><record><name>a</name><sc>12</sc><number>1</number>"
        '<added>x<xref type="rfc" data="rfc1"/></added></record><people><name>n</name></people>'
    )
    assert row == Assignment("a", 1, 1, None)


@pytest.mark.parametrize("size", [1, 3, 50])
def test_the_way_the_bytes_arrive_makes_no_difference(size: int) -> None:
    """Tags and characters may be torn between two chunks."""
    torn = [VALID[start : start + size] for start in range(0, len(VALID), size)]
    assert list(read_xml(torn)) == ROWS


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1/evil.dtd">',
        '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1/evil.dtd"> %p;]>',
        "<!DOCTYPE html>",
    ],
)
def test_document_types_and_entities_are_refused_outright(declaration: str) -> None:
    """Nothing is expanded and nothing is fetched: the declaration alone is enough."""
    with pytest.raises(ImportRefused, match="document type or entities"):
        list(read_xml([f"<?xml version='1.0'?>{declaration}{OPEN}&x;</registry>".encode()]))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<", "broken or cut"),
        (b"<registry/>", "not IANA's port registry"),
        (OPEN.replace("port-numbers", "ports").encode(), "not IANA's port registry"),
        (b'<registry id="service-names-port-numbers"/>', "not IANA's port registry"),
        (f"<?xml version='1.0' encoding='ISO-8859-1'?>{OPEN}</registry>".encode(), "UTF-8"),
        (f"{OPEN}&bomb;</registry>".encode(), "broken or cut"),
        (VALID.replace(b"Echo", b"Ec\xff\xfeho"), "broken or cut"),
        (VALID.replace(b"Echo", b"Ec\x1bho"), "broken or cut"),
        (VALID.replace(b"Echo", b"Ec&#x9b;ho"), "control character"),
        (VALID.replace(b"6063", b"66063"), "65535"),
        (VALID.replace(b"<number>7<", b"<number>seven<"), "no port"),
        (VALID.replace(b"</number>", b"</number><record></record>", 1), "record inside a record"),
        (f"{OPEN}{'<a>' * 20}".encode(), "nested"),
        (f"{OPEN}<record><note>{'n' * (CELL_LIMIT + 1)}".encode(), "longer than"),
        (f"{OPEN}<record></record></registry>".encode(), "neither"),
        (VALID + b"<more/>", "broken or cut"),
    ],
)
def test_what_does_not_fit_is_refused(data: bytes, reason: str) -> None:
    """Each kind of misfit has one line that names it."""
    with pytest.raises(ImportRefused, match=reason) as refused:
        list(read_xml([data]))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "start",
    [
        f"{OPEN}<record><note>",
        f'{OPEN}<record><xref data="',
        f"{OPEN}<record><note><b>x</b><xref>",
        f"{OPEN}<!-- ",
        f"{OPEN}<",
    ],
)
def test_an_endless_cell_tag_or_comment_is_refused_after_little_of_it(start: str) -> None:
    """A cell or tag of a gigabyte is given up long before it fills the memory."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield start.encode()
        for chunk in repeat(b"a" * 65536):
            taken += len(chunk)
            yield chunk

    with pytest.raises(ImportRefused, match="longer than"):
        list(read_xml(endless()))
    assert taken < 1 << 20


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    """No input raises anything but ImportRefused."""
    with pytest.raises(ImportRefused):
        list(read_xml([data]))


@given(st.integers(0, len(VALID)), st.integers(0, 40), st.binary(max_size=8))
def test_a_changed_file_is_read_or_refused(at: int, drop: int, put: bytes) -> None:
    """Any bytes lost, changed or added in a good file raise nothing but ImportRefused."""
    with suppress(ImportRefused):
        list(read_xml([VALID[:at] + put + VALID[at + drop :]]))


@given(st.integers(0, len(VALID) - 2))
def test_every_cut_file_is_refused(length: int) -> None:
    """XML says itself where it ends."""
    with pytest.raises(ImportRefused):
        list(read_xml([VALID[:length]]))
