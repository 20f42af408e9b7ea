import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.cli.render import LONGEST, safe, width

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@given(st.text())
def test_no_text_can_steer_a_terminal(text: str) -> None:
    """After `safe` there is no control, no direction override and no lone surrogate."""
    shown = safe(text)
    assert CONTROL.search(shown) is None
    shown.encode("utf-8")
    assert safe(shown) == shown or len(text) > LONGEST


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("naïve 日本", "naïve 日本"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc", "a\\x0ab\\x09c"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202eevil", "\\u202eevil"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_is_harmless_stays_and_the_rest_is_written_out(text: str, shown: str) -> None:
    """Letters of every script are kept; what steers is shown as an escape."""
    assert safe(text) == shown


def test_endless_text_is_cut() -> None:
    """Nobody can fill a terminal with one argument."""
    assert len(safe("x" * 10**6)) <= LONGEST + 3


@given(st.text(max_size=50))
def test_width_is_never_more_than_two_cells_a_sign(text: str) -> None:
    """Tables are aligned by cells, so a width is between nothing and two per character."""
    assert 0 <= width(text) <= 2 * len(text)
