"""The value types: frozen, and their JSON form has the design's names."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook import model
from portbook.model import (
    LAST_PORT,
    RANGES,
    Gap,
    Listener,
    PortRange,
    Socket,
    Transport,
    Unknown,
    Verdict,
    document,
    plain,
    range_of,
)

SOCKET = Socket(
    Transport.TCP, "::", 80, "ipv6", True, "listen", 4026531840, 7, 0, 511, 0, None, 1, None
)


@given(st.integers(0, LAST_PORT))
def test_every_port_is_in_exactly_one_range(port: int) -> None:
    """RFC 6335 leaves no gap and no overlap."""
    assert sum(each.first <= port <= each.last for each in RANGES) == 1
    found = range_of(port)
    assert found.first <= port <= found.last


@pytest.mark.parametrize("port", [-1, LAST_PORT + 1, 10**9])
def test_a_number_outside_has_no_range(port: int) -> None:
    """What is no port is refused."""
    with pytest.raises(ValueError, match="is no port"):
        range_of(port)


def test_values_are_frozen() -> None:
    """A fact cannot be changed after it was found."""
    with pytest.raises(AttributeError):
        SOCKET.port = 81  # type: ignore[misc]


def test_a_listener_is_printed_flat_and_without_what_is_only_ours() -> None:
    """The socket's fields stand beside the owner's; cgroup ids and peers stay inside."""
    listener = Listener(
        *(SOCKET, "root", "any", (), ("http",), None, Verdict("expected", ("because",))),
        *(None, None, None, None),
    )
    body = plain(listener)
    assert body["port"] == 80
    assert body["reach"] == "any"
    assert "socket" not in body
    assert "cgroup" not in body
    assert "peer" not in body


def test_an_unknown_fact_carries_why_and_a_hint() -> None:
    """Absence is an object, never null."""
    assert plain(SOCKET._replace(uid=Unknown("denied", "run as root")))["uid"] == {
        "unknown": "denied",
        "hint": "run as root",
    }


def test_a_document_names_its_schema_first() -> None:
    """Every document can be told by its first field."""
    text = json.dumps(document("why", {"port": 1, "incomplete": (Gap("a", "b"),)}))
    assert text.startswith('{"schema": "portbook/why/1", "port": 1')
    assert json.loads(text)["incomplete"] == [{"what": "a", "why": "b", "hint": None}]


def test_ranges_are_values() -> None:
    """Equal facts are equal values."""
    assert range_of(80) == PortRange("system", 0, 1023)
    assert len({range_of(80), range_of(81)}) == 1


def test_the_models_names_are_complete_and_sorted() -> None:
    """`__all__` lists what the module offers: constants, classes, functions."""

    def order(name: str) -> tuple[bool, bool, str]:
        return not name.isupper(), not name[0].isupper(), name

    assert list(model.__all__) == sorted(model.__all__, key=order)
    for name in model.__all__:
        assert hasattr(model, name)
