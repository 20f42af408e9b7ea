"""One row as IANA prints it, to a value or a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model import Assignment
from portbook.registry.iana import assignment

FACTS = (
    "service",
    "port",
    "transport",
    "description",
    "assignee",
    "contact",
    "registered",
    "modified",
    "reference",
    "unauthorized_use",
    "notes",
)


def row(**cells: str) -> Assignment:
    """The row of http on 80 with `cells` instead of its own."""
    return assignment(**{"service": "http", "port": "80", **dict.fromkeys(FACTS[2:], ""), **cells})


def test_empty_cells_are_none() -> None:
    """A row has only what its cells say."""
    assert row(transport="tcp") == Assignment("http", 80, 80, "tcp")


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("", (None, None)),
        ("0", (0, 0)),
        ("65535", (65535, 65535)),
        ("27000-27009", (27000, 27009)),
        ("4748-4748", (4748, 4748)),
        (" 80 ", (80, 80)),
    ],
)
def test_the_port_column_is_empty_a_number_or_a_range(
    port: str, expected: tuple[int | None, int | None]
) -> None:
    """Each of the three forms has its meaning."""
    found = row(port=port)
    assert (found.port, found.last_port) == expected


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"port": "65536"}, "above 65535"),
        ({"port": "1-65536"}, "above 65535"),
        ({"port": "9-8"}, "ends before"),
        ({"port": "80,81"}, "no port or range"),
        ({"port": "-80"}, "no port or range"),
        ({"port": "٨٠"}, "no port or range"),
        ({"transport": "quic"}, "unknown transport"),
        ({"service": "", "port": ""}, "neither"),
        ({"service": "x" * 65}, "longer than 64"),
        ({"notes": "x" * 4097}, "longer than 4096"),
        ({"description": "bell\x07"}, "control character"),
        ({"description": "\u202eright to left"}, "control character"),
        ({"registered": "12/7/00"}, "no ISO date"),
        ({"modified": "2026-13"}, "no ISO date"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_a_reason(cells: dict[str, str], why: str) -> None:
    """The message names what is wrong, in one short line."""
    with pytest.raises(ValueError, match=why) as caught:
        row(**cells)
    assert len(str(caught.value)) < 100


def test_ids_lose_their_brackets_and_are_joined_by_a_space() -> None:
    """The ids stay as IANA prints them; text without brackets is left alone."""
    found = row(
        assignee="[Jay_Eckles]", contact="[IESG][IETF_Chair]", reference="[RFC3501][RFC9051]"
    )
    assert found.assignee == "Jay_Eckles"
    assert found.contact == "IESG IETF_Chair"
    assert found.reference == "RFC3501 RFC9051"
    assert row(assignee="[]").assignee is None
    assert row(notes="Released by [RFC9900]").notes == "Released by [RFC9900]"


def test_several_lines_in_a_cell_become_one() -> None:
    """White space of every kind is folded to single spaces."""
    assert row(notes="one\r\n      two\t three").notes == "one two three"


@pytest.mark.parametrize(
    ("cell", "left"),
    [
        ("ada@example.org", None),
        ("[ada.b+c@mail.example.org]", None),
        ("[Ada_Byron][ada@example.org]", "Ada_Byron"),
        ("[Ada <ada&example.org> 15 June 2009]", "Ada 15 June 2009"),
        ("Ada <ada@localhost>", "Ada"),
    ],
)
def test_mail_addresses_are_dropped_wherever_they_stand(cell: str, left: str | None) -> None:
    """No registrant's address is kept, not even one in disguise; ids and dates are."""
    assert row(contact=cell).contact == left
    assert row(reference=cell).reference == left


def test_an_at_sign_that_is_no_address_stays() -> None:
    """A product may be written with one."""
    assert row(description="Miele@home Protocol").description == "Miele@home Protocol"


def test_old_names_and_names_beyond_ascii_are_kept() -> None:
    """Names from before RFC 6335 are registered names all the same."""
    for name in ("914c/g", "whois++", "z39.50", "Apple Remote Desktop (Net Assistant)", "été"):
        assert row(service=name).service == name


@given(st.fixed_dictionaries(dict.fromkeys(FACTS, st.text(max_size=70))))
def test_arbitrary_text_is_refused_or_makes_a_row(cells: dict[str, str]) -> None:
    """Nothing but `ValueError` comes out, and what comes out fits a table."""
    try:
        found = assignment(**cells)
    except ValueError:
        return
    assert all(str(cell).isprintable() for cell in found if cell is not None)
