"""The kernel as the oracle of the overlap relation: what it refuses at bind() is what overlaps."""

import errno
import socket

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from free_ports import free_port
from portbook.claims.overlap import Endpoint, conflicts, overlap

V4 = ("127.0.0.1", "127.0.0.2", "0.0.0.0")
V6 = ("::1", "::", "::ffff:127.0.0.1", "::ffff:127.0.0.2", "::ffff:0.0.0.0")
ENDPOINTS = st.builds(
    Endpoint,
    st.sampled_from(V4 + V6),
    v6only=st.booleans(),
    reuse=st.booleans(),
    listening=st.booleans(),
).map(lambda each: each if ":" in each.address else each._replace(v6only=False))


def bound(end: Endpoint, port: int, kind: int = socket.SOCK_STREAM) -> socket.socket | None:
    """A socket bound as `end` says; None if the kernel says that the address is in use."""
    family = socket.AF_INET6 if ":" in end.address else socket.AF_INET
    made = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, end.v6only)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, end.reuse)
        made.bind((end.address, port))
        if end.listening and kind == socket.SOCK_STREAM:
            made.listen()
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return made


def possible(end: Endpoint) -> bool:
    """Whether such a socket can be: an IPv4 address needs IPV6_V6ONLY to be off (ipv6(7))."""
    return not (end.v6only and "ffff" in end.address)


@given(first=ENDPOINTS, second=ENDPOINTS)
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_s11_the_kernel_agrees_on_what_overlaps(first: Endpoint, second: Endpoint) -> None:
    """A bind of the second fails while the first is bound exactly where the relation says so."""
    assume(possible(first) and possible(second))
    second = second._replace(listening=False)
    port = free_port()
    one = bound(first, port)
    assert one is not None
    with one:
        two = bound(second, port)
        if two is not None:
            two.close()
    assert (two is None) == conflicts(first, second), (first, second)


@pytest.mark.parametrize("listening", [False, True])
@pytest.mark.parametrize("first", V4 + V6)
@pytest.mark.parametrize("second", V4 + V6)
def test_s11_plain_addresses_overlap_as_plain_sockets_do(
    first: str, second: str, *, listening: bool
) -> None:
    """For sockets without options the relation of two claims is that of the kernel."""
    port = free_port()
    one = bound(Endpoint(first, listening=listening), port)
    assert one is not None
    with one:
        two = bound(Endpoint(second), port)
        if two is not None:
            two.close()
    assert (two is None) == overlap(first, second)


@pytest.mark.parametrize("first", V4 + V6)
@pytest.mark.parametrize("second", V4 + V6)
def test_s11_datagram_sockets_overlap_as_streams_do(first: str, second: str) -> None:
    """UDP has the same relation, as long as nobody sets SO_REUSEADDR."""
    port = free_port()
    one = bound(Endpoint(first), port, socket.SOCK_DGRAM)
    if one is None:
        pytest.skip("somebody has the UDP port")
    with one:
        two = bound(Endpoint(second), port, socket.SOCK_DGRAM)
        if two is not None:
            two.close()
    assert (two is None) == overlap(first, second)


@pytest.mark.parametrize("address", ["*", *V4, *V6])
def test_s11_every_address_overlaps_all(address: str) -> None:
    """A claim of `*` is in the way of every other, both ways round."""
    assert overlap("*", address)
    assert overlap(address, "*")


@given(
    first=st.ip_addresses().map(str) | st.just("*"),
    second=st.ip_addresses().map(str) | st.just("*"),
)
def test_s11_the_relation_is_symmetric_and_reflexive(first: str, second: str) -> None:
    """It does not matter who came first, and everything overlaps itself."""
    assert overlap(first, second) == overlap(second, first)
    assert overlap(first, first)
