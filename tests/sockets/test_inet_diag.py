import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portbook.model import Socket, Transport, Unknown
from portbook.sockets.inet_diag import BadDiag, sockets
from strategies import attribute, done, message

RECORDED = [
    file.read_bytes()
    for file in sorted((Path(__file__).parent.parent / "recordings").glob("*/sock_diag/*.bin"))
]


def read(*datagrams: bytes, transport: Transport = Transport.TCP) -> list[Socket]:
    """Every row, with devices named by their number."""
    return list(sockets(datagrams, transport, 1, lambda index: f"eth{index}"))


@given(st.lists(st.binary(max_size=400), max_size=3), st.sampled_from(("tcp", "udp")))
def test_arbitrary_bytes_are_rows_or_refused(datagrams: list[bytes], transport: str) -> None:
    """Whatever arrives, nothing but BadDiag is raised."""
    try:
        rows = read(*datagrams, transport=Transport(transport))
    except BadDiag:
        return
    assert all(0 < row.port <= 65535 for row in rows)


@given(st.data())
def test_a_damaged_dump_is_rows_or_refused(data: st.DataObject) -> None:
    """A recorded dump with bytes changed, or cut, raises nothing but BadDiag."""
    whole = bytearray(data.draw(st.sampled_from([*RECORDED, message() * 3 + done()])))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    with suppress(BadDiag):
        read(bytes(whole[:cut]))


@pytest.mark.parametrize("dump", RECORDED, ids=range(len(RECORDED)))
def test_recorded_dumps_are_read(dump: bytes) -> None:
    """Dumps of real machines give rows with a port and an inode number."""
    for row in read(dump):
        assert 0 < row.port <= 65535
        assert isinstance(row.inode, int)


@given(
    st.integers(1, 65535),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
)
def test_a_listener_is_read_field_by_field(port: int, uid: int, inode: int, group: int) -> None:
    """Port, user, inode, queues and cgroup arrive as the kernel wrote them."""
    data = message(
        port=port,
        uid=uid,
        inode=inode,
        received=3,
        sent=128,
        attributes=attribute(21, struct.pack("=Q", group)),
    )
    (row,) = read(data + done())
    assert row == Socket(
        *(Transport.TCP, "127.0.0.1", port, "ipv4", False, "listen", 1, inode, uid, 128, 3),
        *(None, group, None),
    )


@pytest.mark.parametrize(("v6only", "dual"), [(b"\1", False), (b"\0", True)])
def test_v6only_decides_what_the_ipv6_wildcard_takes(v6only: bytes, *, dual: bool) -> None:
    """Attribute 11 is IPV6_V6ONLY."""
    (row,) = read(message(family=10, source=bytes(16), attributes=attribute(11, v6only)))
    assert (row.address, row.family, row.dual_stack) == ("::", "ipv6", dual)


def test_a_kernel_without_the_attributes_leaves_the_facts_unknown() -> None:
    """What is not told is a value that says so, neither true nor false."""
    (row,) = read(message(family=10, source=bytes(16)))
    assert isinstance(row.dual_stack, Unknown)
    assert isinstance(row.cgroup, Unknown)


@pytest.mark.parametrize(
    ("number", "transport", "state"),
    [
        *((10, "tcp", "listen"), (7, "tcp", "bound"), (13, "tcp", "bound")),
        *((7, "udp", "unconnected"), (1, "tcp", "established"), (6, "tcp", "time-wait")),
        (99, "tcp", "state-99"),
    ],
)
def test_states_have_names(number: int, transport: str, state: str) -> None:
    """CLOSE is a bound socket for TCP and an unconnected one for UDP; new states keep a number."""
    (row,) = read(message(state=number), transport=Transport(transport))
    assert row.state == state


def test_sockets_without_a_local_port_are_left_out() -> None:
    """A socket that was never bound holds nothing."""
    assert read(message(port=0), message()) == read(message())


def test_the_peer_and_the_device_are_named() -> None:
    """A connection has its other end; a socket bound to a device the device's name."""
    (row,) = read(message(state=1, peer_port=443, interface=4))
    assert (row.peer, row.interface) == ("0.0.0.0:443", "eth4")


def test_what_follows_the_closing_message_is_not_read() -> None:
    """NLMSG_DONE ends the dump."""
    assert len(read(message() + done() + message())) == 1


@pytest.mark.parametrize(
    "broken",
    [
        message()[:-4],
        struct.pack("=IHHII", 12, 20, 2, 1, 0),
        struct.pack("=IHHII", 20, 20, 2, 1, 0) + bytes(4),
        message(family=1),
        message(attributes=struct.pack("=HH", 3, 11)),
        message(attributes=struct.pack("=HH", 400, 11)),
    ],
    ids=["cut", "short header", "short socket", "family", "short attribute", "long attribute"],
)
def test_what_does_not_fit_is_refused(broken: bytes) -> None:
    """A message that contradicts itself is BadDiag, never a guess."""
    with pytest.raises(BadDiag):
        read(broken)


@example(attribute(21, b""))
@example(attribute(11, b""))
@given(st.binary(max_size=60))
def test_arbitrary_attributes_are_read_or_refused(block: bytes) -> None:
    """The attributes behind a socket are bytes from outside as well."""
    try:
        (row,) = read(message(attributes=block))
    except BadDiag:
        return
    assert row.port == 8080
