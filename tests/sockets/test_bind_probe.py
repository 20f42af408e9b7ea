import errno
import socket

import pytest

from live.stage import holding, port_of
from portbook.model import Transport
from portbook.sockets.bind_probe import try_bind

pytestmark = pytest.mark.live


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.UDP])
def test_a_port_is_free_then_taken_then_free(transport: Transport) -> None:
    """bind() is the authority, for TCP and UDP, and the attempt leaves nothing behind."""
    with holding(transport=transport) as served:
        port = port_of(served)
        result = try_bind(port, transport)
        assert (result.free, result.taken, result.denied) == (False, True, False)
        assert result.plain["0.0.0.0"] == errno.EADDRINUSE
        assert result.reuse["0.0.0.0"] == errno.EADDRINUSE
    for _ in range(3):
        result = try_bind(port, transport)
        assert (result.free, result.taken, result.reuse, result.elsewhere) == (
            True,
            False,
            {},
            None,
        )


def test_each_family_is_tried_by_itself() -> None:
    """An IPv4 holder leaves the IPv6 half open, and the other way round."""
    with holding("0.0.0.0") as served:
        plain = try_bind(port_of(served), Transport.TCP).plain
        assert plain == {"0.0.0.0": errno.EADDRINUSE, "::": 0}
    with holding("::", v6only=True) as served:
        plain = try_bind(port_of(served), Transport.TCP).plain
        assert plain == {"0.0.0.0": 0, "::": errno.EADDRINUSE}
    with holding("::", v6only=False) as served:
        assert set(try_bind(port_of(served), Transport.TCP).plain.values()) == {errno.EADDRINUSE}


def test_another_loopback_address_is_offered_unless_it_is_held_too() -> None:
    """`elsewhere` is the first loopback address that is not to be avoided and can be bound."""
    with holding("127.0.0.1") as served:
        port = port_of(served)
        assert try_bind(port, Transport.TCP, avoid=frozenset({"127.0.0.1"})).elsewhere == (
            "127.0.0.2"
        )
    with holding("0.0.0.0") as served:
        assert try_bind(port_of(served), Transport.TCP).elsewhere is None


def test_a_hold_with_so_reuseaddr_is_told_from_one_without() -> None:
    """A bound socket with SO_REUSEADDR refuses a plain server and lets in one that sets it."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("0.0.0.0", 0))
        result = try_bind(port_of(held), Transport.TCP)
        assert (result.free, result.reuse) == (False, {"0.0.0.0": 0})


def test_no_port_is_no_number_to_try() -> None:
    """A number that bind() cannot take raises, as a caller's mistake should."""
    with pytest.raises(OverflowError):
        try_bind(65536, Transport.TCP)
