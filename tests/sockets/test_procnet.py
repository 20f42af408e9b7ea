import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model import Socket, Transport, Unknown
from portbook.sockets.procnet_source import parse
from strategies import IPV4, IPV6, PORTS

HEADER = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
    "timeout inode\n"
)


def line(local: str, state: str = "0A", *, peer: str = "00000000:0000", tail: str = "") -> str:
    """One row as the kernel prints it."""
    return (
        f"   0: {local} {peer} {state} 00000000:00000003 00:00000000 00000000  1000        0 "
        f"4242 1 0000000000000000 100 0 0 10 0{tail}\n"
    )


def read(text: str, transport: str = "tcp", family: str = "ipv4") -> list[Socket | None]:
    """The rows of one table."""
    return list(parse(text, Transport(transport), family, 1))


@given(st.text(max_size=600), st.sampled_from(("tcp", "udp")), st.sampled_from(("ipv4", "ipv6")))
def test_arbitrary_text_is_rows_or_none(text: str, transport: str, family: str) -> None:
    """Whatever a table holds, nothing is raised: a row that cannot be read is None."""
    for row in read(HEADER + text, transport, family):
        assert row is None or 0 < row.port <= 65535


@given(st.lists(st.text(alphabet="0123456789ABCDEFabcdef: -", max_size=40), max_size=12))
def test_fields_of_the_right_kind_in_any_order_are_rows_or_none(fields: list[str]) -> None:
    """Hexadecimal text, which comes closer to a row, is no different."""
    for row in read(HEADER + " ".join(fields)):
        assert row is None or row.address


def test_a_listener_is_read_field_by_field() -> None:
    """Address and port in the host's order, state, waiting connections, user and inode."""
    (row,) = read(HEADER + line("0100007F:1F90"))
    assert row is not None
    assert (row.address, row.port, row.state) == ("127.0.0.1", 8080, "listen")
    assert (row.queued, row.uid, row.inode, row.dual_stack) == (3, 1000, 4242, False)
    assert isinstance(row.backlog, Unknown)
    assert isinstance(row.cgroup, Unknown)


def test_an_ipv6_wildcard_cannot_be_told_from_one_with_v6only() -> None:
    """/proc/net/tcp6 does not print IPV6_V6ONLY, so `dual_stack` is unknown."""
    (row,) = read(HEADER + line("0" * 32 + ":0050", peer="0" * 32 + ":0000"), family="ipv6")
    assert row is not None
    assert (row.address, row.port) == ("::", 80)
    assert isinstance(row.dual_stack, Unknown)


def test_a_connected_socket_has_its_peer() -> None:
    """The other end is named, and the row is no listener."""
    (row,) = read(HEADER + line("0100007F:1F90", "01", peer="0200000A:01BB"))
    assert row is not None
    assert (row.state, row.peer) == ("established", "10.0.0.2:443")


def test_a_broken_row_does_not_hide_the_next() -> None:
    """One bad line is counted, the others are read."""
    text = HEADER + "   0: nonsense\n" + line("0100007F:1F90") + line("0100007F:1F9")
    ports = [row.port if row else None for row in read(text)]
    assert ports == [None, 8080, 505]


def test_rows_without_a_port_are_left_out() -> None:
    """A socket that holds no port is of no interest."""
    assert read(HEADER + line("00000000:0000", "07"), "udp") == []


@pytest.mark.parametrize("local", ["0100007F", "0100007F:10000", "0100007F:-1", "01:0050", ":"])
def test_an_endpoint_that_is_none_breaks_only_its_row(local: str) -> None:
    """Bad addresses and ports are a None row."""
    assert read(HEADER + line(local)) == [None]


@given(st.one_of(IPV4, IPV6), PORTS)
def test_every_address_is_printed_and_read_back(address: str, port: int) -> None:
    """What the kernel would print for an address and port comes back as both."""
    import socket
    import struct

    family = "ipv6" if ":" in address else "ipv4"
    kind = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    packed = socket.inet_pton(kind, address)
    words = "".join(f"{word:08X}" for (word,) in struct.iter_unpack("=I", packed))
    peer = "0" * len(words) + ":0000"
    (row,) = read(HEADER + line(f"{words}:{port:04X}", peer=peer), family=family)
    assert row is not None
    assert (row.address, row.port) == (socket.inet_ntop(kind, packed), port)
