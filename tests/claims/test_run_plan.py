"""What `portbook run` makes of arguments: its own placeholders, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.cli.run_plan import Given, check_host, filled
from portbook.model.claim import Caller, Claim
from portbook.model.errors import UsageError

KNOWN = ("port", "host", "PORT", "WEB_PORT")
PIECES = st.sampled_from(["{", "}", "{{", "}}", "$", "${", *KNOWN, "WEB", "port}", "{port "])


def ours(port: int = 4173) -> list[Given]:
    """One claim, for WEB_PORT."""
    claim = Claim(
        *("c" * 16, 1, 1, "tcp", "*", port, 1, Caller(0), None, None, "reserved"),
        *(1000, 1000, 0.0, 0.0),
    )
    return [Given("WEB_PORT", claim)]


@given(st.lists(st.one_of(st.text(), PIECES)).map("".join))
def test_text_without_a_placeholder_stays(text: str) -> None:
    """Whatever braces and dollars it has."""
    if not re.search(r"(?<!\$)\{(port|host|PORT|WEB_PORT)\}", text):
        assert filled([text], ours(), "h") == [text]


@given(st.text(alphabet="ab{}$ "), st.sampled_from([*KNOWN, "HOME"]), st.text(alphabet="ab{}$ "))
def test_what_is_a_shells_stays(before: str, name: str, after: str) -> None:
    """`${PORT}` in a script is the shell's to fill in."""
    text = f"{before}${{{name}}}{after}"
    assert f"${{{name}}}" in filled([text], ours(), "h")[0]


def test_placeholders_are_filled() -> None:
    """Beside a dollar that is not its own, and in the middle of a word."""
    asked = ["{port}", "a{host}b", "$ {PORT}", "$x{WEB_PORT}", "{{port}}", "${PORT}:{port}"]
    told = ["4173", "ahb", "$ 4173", "$x4173", "{port}", "${PORT}:4173"]
    assert filled(asked, ours(), "h") == told


@pytest.mark.parametrize(
    "host", ["*", "0.0.0.0", "::", "::1", "fe80::1%eth0", "localhost", "a-b.example.org.", "my_box"]
)
def test_addresses_and_names_are_hosts(host: str) -> None:
    """As servers take them."""
    check_host(host)


@given(st.text())
def test_no_host_breaks_a_line_or_a_url(host: str) -> None:
    """Whatever is accepted is of the signs that an address or a name has."""
    try:
        check_host(host)
    except UsageError:
        return
    assert re.fullmatch(r"[A-Za-z0-9_.:*%-]+", host)
