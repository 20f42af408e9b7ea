"""The printing edge: outside text made safe, tables that fit."""

from unicodedata import bidirectional, category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.cli.render import Column, Style, cut, safe, table, width, wrap

PLAIN = Style(color=False, width=80, cut=False)


@given(st.text())
def test_no_text_steers_a_terminal(text: str) -> None:
    """No control character, override or lone surrogate survives; the rest is untouched."""
    printed = safe(text)
    assert not {category(sign) for sign in printed} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {bidirectional(sign) for sign in printed} & {"RLO", "LRO", "RLE", "LRE", "PDF"}
    printed.encode()


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\nb", r"a\x0ab"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\x9b31m", r"\x9b31m"),
        ("grün 日本", "grün 日本"),
    ],
)
def test_escapes_are_readable(text: str, printed: str) -> None:
    """What was taken out can still be read."""
    assert safe(text) == printed


def test_endless_text_is_cut() -> None:
    """An argument of megabytes is no output of megabytes."""
    assert len(safe("x" * 10**6)) < 5000


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Mn", "Me"))), st.integers(2, 30))
def test_cut_text_fits_its_cells(text: str, limit: int) -> None:
    """Double-width characters count as two."""
    assert width(cut(text, limit)) <= limit


@given(
    st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60)), max_size=5),
    st.integers(20, 120),
)
def test_a_table_never_is_wider_than_its_terminal(rows: list[tuple[str, str]], wide: int) -> None:
    """Flexible columns give way, and in the end the line is cut."""
    lines = table(
        (Column("A", right=True), Column("B", flexible=True)),
        rows,
        Style(color=False, width=wide, cut=True),
    )
    assert len(lines) == 1 + len(rows)
    assert all(width(line) <= wide for line in lines)


def test_columns_are_aligned() -> None:
    """Numbers to the right, words to the left."""
    lines = table((Column("N", right=True), Column("WORD")), [("1", "a"), ("100", "bb")], PLAIN)
    assert lines == ["  N  WORD", "  1  a", "100  bb"]


def test_long_sentences_are_wrapped_behind_their_label() -> None:
    """Continued lines stand below the first word."""
    lines = wrap("one two three four", Style(color=False, width=30, cut=True), "    ", "lab ")
    assert lines == ["lab one two three four"]
    narrow = wrap("one two three four five six", Style(color=False, width=20, cut=True), "  ", "")
    assert all(len(line) <= 22 for line in narrow)
    assert narrow[1].startswith("  ")
