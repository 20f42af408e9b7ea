"""What anybody may see of a port: its connections with their peers, and the kernel's counters."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.stage import NOBODY, holding, port_of
from portbook.host import Host
from portbook.model import Transport, Unknown
from portbook.sockets import drop_counters
from portbook.sockets.connections import Connection, _by_procnet, connections, parse
from portbook.sockets.drop_counters import (
    MEANINGS,
    Counter,
    Counters,
    grown,
    parse_snmp6,
    parse_udp,
    read_counters,
    udp_drops,
)
from portbook.sockets.inet_diag import BadDiag
from strategies import done, message

RECORDINGS = Path(__file__).parent.parent / "recordings"
RECORDED = [file.read_bytes() for file in sorted(RECORDINGS.glob("*/sock_diag/*.bin"))]
root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@contextmanager
def connected(address: str = "127.0.0.1") -> Iterator[tuple[int, socket.socket, socket.socket]]:
    """(port, the client's end, the server's end) of a connection."""
    with holding(address) as served:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as client:
            client.connect(served.getsockname()[:2])
            accepted, _ = served.accept()
            with accepted:
                yield port_of(served), client, accepted


def settled(port: int, state: str) -> Connection:
    """The one connection of a port, once it is in `state`: an ACK may be delayed."""
    for _ in range(200):
        (row,) = connections(Host(), port)
        if row.state == state:
            return row
        time.sleep(0.02)
    raise AssertionError(f"{row.state}, not {state}")


def as_nobody(question: Callable[[], Any]) -> Any:
    """What a child of ours that has become the user nobody answers, through JSON."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        with suppress(BaseException):
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            with os.fdopen(write_end, "w") as answer:
                json.dump(question(), answer)
            code = 0
        os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        said = answer.read()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return json.loads(said)


@pytest.mark.live
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_connection_has_its_peer_and_its_queues(address: str) -> None:
    """Bytes that the server has not read are counted; the listener itself is no connection."""
    with connected(address) as (port, client, accepted):
        client.sendall(b"seven b")
        (row,) = connections(Host(), port)
        assert (row.address, row.port, row.state) == (address, port, "established")
        assert (row.peer, row.peer_port) == client.getsockname()[:2]
        assert (row.transport, row.received, row.sent) == (Transport.TCP, 7, 0)
        assert row.inode == os.fstat(accepted.fileno()).st_ino
        assert row.uid == os.geteuid()


@pytest.mark.live
def test_ipv4_through_an_ipv6_listener_is_ipv4() -> None:
    """A mapped address is the address that the peer has."""
    with (
        holding("::", v6only=False) as served,
        socket.create_connection(("127.0.0.1", port_of(served))) as client,
    ):
        (row,) = connections(Host(), port_of(served))
        assert (row.address, row.peer) == ("127.0.0.1", "127.0.0.1")
        assert row.peer_port == port_of(client)


@pytest.mark.live
def test_the_ends_of_a_connection_are_told_apart() -> None:
    """close-wait while only the peer has ended, time-wait where our side ended first."""
    with connected() as (port, client, _):
        client.close()
        assert settled(port, "close-wait").inode
    with connected() as (port, client, accepted):
        accepted.close()
        assert settled(port, "fin-wait-2").peer_port == port_of(client)
        client.close()
        assert settled(port, "time-wait").inode == 0


@pytest.mark.live
def test_a_udp_socket_with_a_peer_is_a_connection() -> None:
    """One without a peer is not."""
    with holding("127.0.0.1", "udp") as one, holding("127.0.0.1", "udp") as other:
        assert connections(Host(), port_of(one)) == ()
        one.connect(other.getsockname())
        (row,) = connections(Host(), port_of(one))
        assert (row.transport, row.state) == (Transport.UDP, "established")
        assert row.peer_port == port_of(other)


@pytest.mark.live
def test_a_half_open_connection_is_seen() -> None:
    """The kernel's request socket, not yet the listener's: syn-received, and nobody's inode."""
    with holding() as served:
        # The kernel then takes a handshake for complete only when the first byte is there.
        served.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)
        with socket.create_connection(served.getsockname()) as client:
            (row,) = connections(Host(), port_of(served))
            assert (row.state, row.inode) == ("syn-received", 0)
            assert (row.peer, row.peer_port) == client.getsockname()
            client.sendall(b"x")
            accepted, _ = served.accept()
            with accepted:
                (row,) = connections(Host(), port_of(served))
                assert (row.state, row.received) == ("established", 1)


@pytest.mark.live
@pytest.mark.root
@root
def test_the_user_nobody_sees_the_same() -> None:
    """No privilege is needed for connections, counters and drops."""
    with connected() as (port, client, _):
        client.sendall(b"abc")
        (ours,) = connections(Host(), port)
        (theirs,) = as_nobody(lambda: connections(Host(), port))
        assert theirs == json.loads(json.dumps(ours))
        names = as_nobody(lambda: [each.name for each in read_counters(Host()).counters])
        assert {"ListenOverflows", "ListenDrops", "NoPorts", "OutRsts"} <= set(names)


@pytest.mark.live
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::"])
def test_the_text_tables_say_the_same_without_queues(address: str) -> None:
    """Where netlink is refused the peer is still known; queues are unknown then, never 0."""
    with holding(address, v6only=None if address != "::" else False) as served:
        at = "127.0.0.1" if address == "::" else address
        with socket.create_connection((at, port_of(served))):
            (row,) = connections(Host(), port_of(served))
            (text,) = _by_procnet(Host(), port_of(served))
            assert text == row._replace(
                received=text.received, sent=text.sent, retransmits=text.retransmits
            )
            for fact in (text.received, text.sent, text.retransmits):
                assert isinstance(fact, Unknown)


@given(st.lists(st.binary(max_size=300), max_size=3))
def test_arbitrary_bytes_are_connections_or_refused(datagrams: list[bytes]) -> None:
    """Nothing but BadDiag is raised."""
    with suppress(BadDiag):
        assert all(0 < row.peer_port <= 65535 for row in parse(datagrams, Transport.TCP))


@given(st.data())
def test_a_damaged_dump_is_connections_or_refused(data: st.DataObject) -> None:
    """The same for a real dump with bytes changed, or cut."""
    whole = bytearray(data.draw(st.sampled_from([*RECORDED, message(peer_port=9) * 3 + done()])))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    with suppress(BadDiag):
        list(parse([bytes(whole[:cut])], Transport.TCP))


@given(
    st.integers(1, 65535),
    st.integers(1, 65535),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
)
def test_a_connection_is_read_field_by_field(port: int, peer: int, waits: int, sent: int) -> None:
    """Ports and queues arrive as the kernel wrote them."""
    made = message(state=1, port=port, peer_port=peer, received=waits, sent=sent, uid=5, inode=6)
    (row,) = parse([made], Transport.TCP)
    assert row == Connection(
        Transport.TCP, "127.0.0.1", port, "0.0.0.0", peer, "established", waits, sent, 0, 5, 6
    )


def test_a_recording_has_no_connections() -> None:
    """Their peers are nobody's business."""
    recorded = next(folder for folder in sorted(RECORDINGS.iterdir()) if folder.is_dir())
    assert connections(Host(str(recorded)), 22) == ()


NETSTAT = """TcpExt: SyncookiesSent ListenOverflows ListenDrops Strange
TcpExt: 1 22 333 18446744073709551615
IpExt: InNoRoutes
IpExt: 7
"""


def test_pairs_of_lines_are_counters() -> None:
    """Each name has its value, the largest of 64 bits too."""
    assert list(drop_counters.parse(NETSTAT)) == [
        Counter("TcpExt", "SyncookiesSent", 1),
        Counter("TcpExt", "ListenOverflows", 22),
        Counter("TcpExt", "ListenDrops", 333),
        Counter("TcpExt", "Strange", 2**64 - 1),
        Counter("IpExt", "InNoRoutes", 7),
    ]
    assert list(parse_snmp6("Ip6InReceives\t5\nUdp6NoPorts   \t8\nUdp6InErrors x\n")) == [
        Counter("Udp6", "NoPorts", 8)
    ]


def test_lines_that_are_no_pair_are_left_out() -> None:
    """Fewer values than names, or values of another group, are not matched with names."""
    assert list(drop_counters.parse("A: x y\nA: 1\nB: 2\nD: 3\nC x\nC 1\n")) == []


@given(st.one_of(st.text(max_size=300), st.text("TcpExtUdp6:0123456789 \n", max_size=300)))
def test_any_text_is_counters_that_fit_64_bits(text: str) -> None:
    """Nothing is raised, and no text makes a number of unbounded length."""
    for read in (drop_counters.parse, parse_snmp6):
        assert all(0 <= each.value < 2**64 for each in read(text))
    assert all(0 <= each.port <= 65535 for each in parse_udp(f"head\n{text}"))


@given(st.lists(st.text("0123456789ABCDEFabcdef:-+_ ", max_size=12), max_size=15))
def test_any_row_of_udp_sockets_is_read_or_left_out(fields: list[str]) -> None:
    """The same for a row with any fields."""
    row = " ".join(field.replace(" ", "") or "x" for field in fields)
    assert all(0 <= each.port <= 65535 for each in parse_udp(f"head\n{row}"))


def test_only_what_grew_is_told() -> None:
    """A counter that is new counts from 0; one that went back (another namespace) is left out."""
    before = Counters((Counter("Tcp", "OutRsts", 5), Counter("Udp", "NoPorts", 9)))
    after = Counters(
        (
            Counter("Tcp", "OutRsts", 7),
            Counter("Udp", "NoPorts", 2),
            Counter("Udp6", "NoPorts", 3),
        )
    )
    assert grown(before, after) == (Counter("Tcp", "OutRsts", 2), Counter("Udp6", "NoPorts", 3))


@pytest.mark.live
def test_a_datagram_to_no_socket_and_one_without_room_are_counted() -> None:
    """The namespace counts the one, the socket the other."""
    before = read_counters(Host())
    assert before.gaps == ()
    assert {each.name for each in before.counters} <= set(MEANINGS)
    with ExitStack() as open_now:
        small = open_now.enter_context(holding("127.0.0.1", "udp"))
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
        sender = open_now.enter_context(holding("127.0.0.1", "udp"))
        for _ in range(50):
            sender.sendto(bytes(1000), small.getsockname())
        (drops,) = udp_drops(Host(), port_of(small))
        assert drops.drops > 0
        assert drops.inode == os.fstat(small.fileno()).st_ino
        closed = small.getsockname()
        small.close()
        sender.sendto(b"x", closed)
    more = {(each.group, each.name): each.value for each in grown(before, read_counters(Host()))}
    assert more["Udp", "NoPorts"] >= 1
    assert more["Udp", "RcvbufErrors"] >= drops.drops
