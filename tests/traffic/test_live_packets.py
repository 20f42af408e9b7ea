"""Packets of the watched ports from the kernel, in namespaces of the tests' own."""

import os
import shutil
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

import numpy as np
import pytest

from portbook.host import clock
from portbook.host.packet_filter import filter_for
from portbook.model.errors import EnvironmentFault, NotPermitted, UsageError
from portbook.model.record import Record
from portbook.traffic.live import LINKTYPE_RAW, Live
from traffic.own_network import OwnNetwork, own_network

pytestmark = [
    pytest.mark.live,
    pytest.mark.root,
    pytest.mark.skipif(sys.platform != "linux", reason="packet sockets are Linux"),
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="ip is not installed"),
    pytest.mark.allow_hosts(["127.0.0.1", "::1", "10.9.0.1", "10.9.0.2", "fd09::1"]),
]

SYN, RST, ACK = 0x02, 0x04, 0x10


class Seen(Record):
    """One packet, read without the code that reads them in earnest."""

    source: str
    destination: str
    protocol: int
    ports: tuple[int, int]
    rest: bytes
    kept: int
    length: int
    at: int

    @property
    def flags(self) -> int:
        """TCP's flags."""
        return self.rest[13]

    @property
    def payload(self) -> bytes:
        """What TCP or UDP carries."""
        return self.rest[(self.rest[12] >> 4) * 4 :] if self.protocol == 6 else self.rest[8:]


def packets(live: Live, seconds: float = 0.3) -> list[Seen]:
    """What comes in a while that is longer than the kernel keeps a packet."""
    found = []
    for frames in live.frames(seconds):
        assert frames.link == LINKTYPE_RAW
        for start, kept, length, at in zip(
            frames.start, frames.kept, frames.length, frames.at, strict=True
        ):
            data = bytes(frames.buffer[start : start + kept])
            if data[0] >> 4 == 4:
                source, destination, number = data[12:16], data[16:20], data[9]
                rest = data[4 * (data[0] & 15) :]
                assert int.from_bytes(data[2:4]) == length
            else:
                assert data[0] >> 4 == 6
                source, destination, number = data[8:24], data[24:40], data[6]
                rest = data[40:]
                assert int.from_bytes(data[4:6]) + 40 == length
            ports = struct.unpack_from(">HH", rest)
            texts = str(ip_address(source)), str(ip_address(destination))
            found.append(Seen(*texts, number, ports, rest, int(kept), int(length), int(at)))
    return found


@pytest.fixture
def net() -> Iterator[OwnNetwork]:
    """A namespace with loopback alone."""
    with own_network() as made:
        yield made


@pytest.fixture
def pair(net: OwnNetwork) -> Iterator[tuple[OwnNetwork, OwnNetwork]]:
    """Two namespaces joined by a veth pair: 10.9.0.1 and fd09::1, 10.9.0.2 and fd09::2."""
    with own_network() as far:
        there = far(os.readlink, "/proc/thread-self")
        net.ip(
            *("link", "add", "near", "type", "veth", "peer", "name", "far"),
            *("netns", there.split("/")[-1]),
        )
        for side, name, number in ((net, "near", 1), (far, "far", 2)):
            side.ip("addr", "add", f"10.9.0.{number}/24", "dev", name)
            side.ip("addr", "add", f"fd09::{number}/64", "dev", name, "nodad")
            side.ip("link", "set", name, "up")
        yield net, far


def port_of(opened: socket.socket) -> int:
    """The port that a socket is bound to."""
    return int(opened.getsockname()[1])


def converse(served: socket.socket, client: socket.socket) -> None:
    """One connection: five bytes from the client, three from the server, both ends close."""
    client.connect(served.getsockname()[:2])
    accepted, _ = served.accept()
    with accepted:
        client.sendall(b"hello")
        assert accepted.recv(9) == b"hello"
        accepted.sendall(b"yes")
        assert client.recv(9) == b"yes"
    client.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_connection_is_seen_once_and_whole(net: OwnNetwork, address: str) -> None:
    """Handshake, bytes and end of a connection over loopback, each packet once, in order."""
    with net.server(address) as served, net.client(address) as client:
        before = time.time_ns()
        with net(Live, {port_of(served)}) as live:
            converse(served, client)
            seen = packets(live)
            assert live.statistics().packets == len(seen)
            assert live.statistics().drops == 0
        assert [each.flags & (SYN | ACK) for each in seen[:3]] == [SYN, SYN | ACK, ACK]
        sequences = [(each.ports, each.rest[4:14]) for each in seen]
        assert len(set(sequences)) == len(sequences)
        assert {each.source for each in seen} == {address}
        ours = [each for each in seen if each.ports[1] == port_of(served)]
        assert b"".join(each.payload for each in ours) == b"hello"
        theirs = [each for each in seen if each.ports[0] == port_of(served)]
        assert b"".join(each.payload for each in theirs) == b"yes"
        assert len(ours) + len(theirs) == len(seen)
        times = [each.at for each in seen]
        assert times == sorted(times)
        assert before <= times[0] <= times[-1] <= time.time_ns()


def test_another_port_is_not_seen(net: OwnNetwork) -> None:
    """What happens on a port that is not watched stays out of the ring."""
    with net.server("127.0.0.1") as watched, net.server("127.0.0.1") as other:
        with net(Live, {port_of(watched)}) as live:
            for served in (other, watched, other):
                converse(served, net.client("127.0.0.1"))
            seen = packets(live)
            assert live.statistics().packets == len(seen)
        assert seen
        assert all(port_of(watched) in each.ports for each in seen)


def test_a_closed_port_is_seen_to_refuse(net: OwnNetwork) -> None:
    """SYN and RST, over IPv4 and IPv6, of a port with no listener."""
    for address in ("127.0.0.1", "::1"):
        with net.server(address) as gone:
            port = port_of(gone)
        with net(Live, {port}) as live, net.client(address) as client:
            with pytest.raises(ConnectionRefusedError):
                client.connect((address, port))
            seen = packets(live)
        assert [each.flags for each in seen] == [SYN, RST | ACK]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_datagram_to_a_closed_port_is_seen_with_the_error_that_quotes_it(
    net: OwnNetwork, address: str
) -> None:
    """UDP, and the ICMP error; the same on another port is not seen."""
    with net.server(address, socket.SOCK_DGRAM) as gone:
        port = port_of(gone)
    with (
        net(Live, {port}) as live,
        net.server(address, socket.SOCK_DGRAM) as other,
        net.client(address, socket.SOCK_DGRAM) as client,
    ):
        closed = port_of(other)
        other.close()
        client.sendto(b"not watched", (address, closed))
        client.sendto(b"hi", (address, port))
        seen = packets(live)
    datagram, error = seen
    assert (datagram.protocol, datagram.ports[1], datagram.payload) == (17, port, b"hi")
    assert error.protocol == (1 if address == "127.0.0.1" else 58)
    assert tuple(error.rest[:2]) == ((3, 3) if address == "127.0.0.1" else (1, 4))
    assert error.rest[8:].endswith(b"hi")


def test_a_long_packet_is_cut_and_its_length_kept(net: OwnNetwork) -> None:
    """1,024 bytes are kept by default; the length on the wire is told."""
    with (
        net.server("127.0.0.1", socket.SOCK_DGRAM) as served,
        net.client("127.0.0.1", socket.SOCK_DGRAM) as client,
        net(Live, {port_of(served)}) as live,
        net(Live, {port_of(served)}, snap_length=60) as short,
    ):
        client.sendto(b"x" * 9000, served.getsockname())
        (one,) = packets(live)
        (other,) = packets(short)
    assert (one.length, one.kept, len(one.payload)) == (9028, 1024, 996)
    assert (other.length, other.kept) == (9028, 60)


def test_later_fragments_are_seen(pair: tuple[OwnNetwork, OwnNetwork]) -> None:
    """A datagram over the MTU of 1,500 comes as a first fragment and others without ports."""
    near, far = pair
    with (
        near.server("10.9.0.1", socket.SOCK_DGRAM) as served,
        far.client("10.9.0.1", socket.SOCK_DGRAM) as client,
        near(Live, {port_of(served)}) as live,
    ):
        client.sendto(b"x" * 4000, served.getsockname())
        port = port_of(served)
        seen = packets(live)
    assert sum(each.length - 20 for each in seen) == 4008
    assert [port in each.ports for each in seen] == [True, False, False]


@pytest.mark.parametrize("interface", [None, "near"])
@pytest.mark.parametrize("here", ["10.9.0.1", "fd09::1"])
def test_a_neighbour_is_seen_both_ways(
    pair: tuple[OwnNetwork, OwnNetwork], interface: str | None, here: str
) -> None:
    """Over a real device there is no second copy either, of what leaves or of what comes."""
    near, far = pair
    with near.server(here) as served, far.client(here) as client:
        with near(Live, {port_of(served)}, interface) as live:
            converse(served, client)
            seen = packets(live)
        assert {each.source for each in seen} == {here, here[:-1] + "2"}
        keys = [(each.ports, each.rest[4:14]) for each in seen]
        assert len(set(keys)) == len(keys)
        assert [each.flags & (SYN | ACK) for each in seen[:3]] == [SYN, SYN | ACK, ACK]


def test_one_interface_alone_is_heard_where_it_is_named(
    pair: tuple[OwnNetwork, OwnNetwork],
) -> None:
    """Loopback is not heard on a watch of the veth."""
    near, far = pair
    with near.server("0.0.0.0") as served, near(Live, {port_of(served)}, "near") as live:
        for side, address in ((near, "127.0.0.1"), (far, "10.9.0.1")):
            with side.client(address) as client:
                client.connect((address, port_of(served)))
                served.accept()[0].close()
        seen = packets(live)
    assert {each.source for each in seen} == {"10.9.0.1", "10.9.0.2"}


def test_a_tagged_frame_counts_for_the_device_of_its_vlan(
    pair: tuple[OwnNetwork, OwnNetwork],
) -> None:
    """A frame with a VLAN number is left out on its parent, where that is not what was asked for.

    With number 0 (a priority tag) it is the parent's own.
    """
    near, far = pair
    near.ip("link", "set", "near", "address", "02:00:00:00:00:01")
    # The bytes of an IPv4 datagram from 10.9.0.2 to port 7 of 10.9.0.1.
    datagram = bytes.fromhex("4500001d000100004011 0000 0a090002 0a090001 9c40 0007 0009 0000 78")
    with (
        far(socket.socket, socket.AF_PACKET, socket.SOCK_RAW) as raw,
        near(Live, {7}) as everywhere,
        near(Live, {7}, "near") as named,
    ):
        raw.bind(("far", 0))
        for tag in (0x0007, 0xE000):
            head = bytes.fromhex("020000000001 020000000002 8100") + struct.pack(">HH", tag, 0x0800)
            raw.send(head + datagram)
        counts = len(packets(everywhere)), len(packets(named))
    assert counts == (1, 2)


def test_frames_that_come_again_from_another_device_are_left_out(net: OwnNetwork) -> None:
    """As from the port of a bridge, where the kernel has any: here loopback is taken for one."""
    with (
        net.client("127.0.0.1", socket.SOCK_DGRAM) as client,
        net(Live, {9}) as live,
        net(Live, {9}, "lo") as named,
    ):
        for each in (live, named):
            each._twice, each._asked = frozenset({1, 77}), clock.monotonic()
        client.sendto(b"x", ("127.0.0.1", 9))
        assert packets(live) == []
        assert live.statistics().packets == 2
        assert len(packets(named)) == 2


def test_a_thousand_ports_are_watched_and_more_are_said_to_be_all(net: OwnNetwork) -> None:
    """The kernel takes the longest program; beyond it every port passes and that is told."""
    with net.server("127.0.0.1", socket.SOCK_DGRAM) as served:
        port = port_of(served)
        many = set(range(port % 2, 1900, 2)) | {port}
        assert len(filter_for(many).instructions) > 3500
        with (
            net.client("127.0.0.1", socket.SOCK_DGRAM) as client,
            net(Live, many) as live,
            net(Live, set(range(0, 65536, 2))) as every,
        ):
            assert (live.every_port, every.every_port) == (False, True)
            client.sendto(b"one", served.getsockname())
            assert [each.payload for each in packets(live)] == [b"one"]
            assert [each.payload for each in packets(every)] == [b"one"]
            assert any("port" in gap.what for gap in every.gaps)
            assert live.gaps == []


def test_a_full_ring_is_told(net: OwnNetwork) -> None:
    """A reader that does not read loses packets, and the kernel's counter says how many."""
    with (
        net.server("127.0.0.1", socket.SOCK_DGRAM) as served,
        net.client("127.0.0.1", socket.SOCK_DGRAM) as client,
        net(Live, {port_of(served)}, ring_bytes=2 << 20) as live,
    ):
        served.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
        for _ in range(4000):
            client.sendto(bytes(2000), served.getsockname())
        seen = len(packets(live))
        counted = live.statistics()
    assert counted.packets == 4000
    assert 1000 < seen < 4000
    assert counted.drops == 4000 - seen
    assert counted.freezes > 0
    assert live.statistics() == counted


def test_batches_stay_what_they_were(net: OwnNetwork) -> None:
    """A batch has a buffer of its own: what comes later does not change it."""
    with (
        net.server("127.0.0.1", socket.SOCK_DGRAM) as served,
        net.client("127.0.0.1", socket.SOCK_DGRAM) as client,
        net(Live, {port_of(served)}, ring_bytes=2 << 20) as live,
    ):
        batches = []
        for turn in range(6):
            for _ in range(300):
                client.sendto(bytes([turn]) * 900, served.getsockname())
            batches += list(live.frames(0.15))
    payloads = [
        bytes(each.buffer[start + 28 : start + kept])
        for each in batches
        for start, kept in zip(each.start.tolist(), each.kept.tolist(), strict=True)
    ]
    assert payloads == [bytes([turn]) * 900 for turn in range(6) for _ in range(300)]
    assert all(each.at.dtype == np.int64 for each in batches)


def test_a_caller_may_stop_in_between(net: OwnNetwork) -> None:
    """What was not taken from one call comes with the next."""
    with (
        net.server("127.0.0.1", socket.SOCK_DGRAM) as served,
        net.client("127.0.0.1", socket.SOCK_DGRAM) as client,
        net(Live, {port_of(served)}) as live,
    ):
        for _ in range(3000):
            client.sendto(bytes(900), served.getsockname())
        first = next(iter(live.frames(1)))
        rest = sum(len(frames) for frames in live.frames(0.3))
    assert 0 < len(first) < 3000
    assert len(first) + rest == 3000


def test_an_interface_that_nobody_knows_is_named(net: OwnNetwork) -> None:
    """The error names those that there are."""
    with pytest.raises(UsageError, match="'eth9'") as refused:
        net(Live, {80}, "eth9")
    assert refused.value.hint == "there are: lo"


def test_an_interface_that_goes_down_is_heard_again_and_one_that_vanishes_ends_it(
    pair: tuple[OwnNetwork, OwnNetwork],
) -> None:
    """Down: a gap, and what comes later is seen. Gone: an error that says so."""
    near, far = pair
    with (
        near.server("10.9.0.1", socket.SOCK_DGRAM) as served,
        far.client("10.9.0.1", socket.SOCK_DGRAM) as client,
        near(Live, {port_of(served)}, "near") as live,
    ):
        near.ip("link", "set", "near", "down")
        assert packets(live, 0.1) == []
        (gap,) = live.gaps
        assert gap.what == "packets while the interface near was down"
        assert gap.why.startswith("it was down from 2")
        near.ip("link", "set", "near", "up")
        seen: list[Seen] = []
        for _ in range(50):
            with suppress(OSError):
                client.sendto(b"x", ("10.9.0.1", port_of(served)))
            seen = packets(live, 0.2)
            if seen:
                break
        assert seen
        near.ip("link", "del", "near")
        with pytest.raises(EnvironmentFault, match="the interface near is gone"):
            near(packets, live, 0.3)


def test_an_interface_that_is_down_at_first_is_heard_once_it_is_up(net: OwnNetwork) -> None:
    """The watch begins all the same, and tells that it heard nothing for a while."""
    net.ip("link", "add", "one", "type", "veth", "peer", "name", "two")
    net.ip("addr", "add", "10.9.0.1/24", "dev", "one")
    with net(Live, {9}, "one") as live, net.client("10.9.0.2", socket.SOCK_DGRAM) as client:
        assert packets(live, 0.05) == []
        assert len(live.gaps) == 1
        net.ip("link", "set", "two", "up")
        net.ip("link", "set", "one", "up")
        net.ip("neigh", "add", "10.9.0.2", "lladdr", "02:00:00:00:00:02", "dev", "one")
        client.sendto(b"x", ("10.9.0.2", 9))
        assert [each.payload for each in packets(live)] == [b"x"]
        assert len(live.gaps) == 1


def test_without_the_capability_it_says_what_helps() -> None:
    """A child that has become another user is refused with a hint."""
    pid = os.fork()
    if pid == 0:
        code = 1
        with suppress(BaseException):
            os.setgroups([])
            os.setresuid(65534, 65534, 65534)
            try:
                Live({80})
            except NotPermitted as refused:
                code = 0 if refused.hint and "CAP_NET_RAW" in refused.hint else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_closed_watch_stays_closed(net: OwnNetwork) -> None:
    """close() may be called again; nothing more is yielded, and nothing fails."""
    live = net(Live, {80})
    live.close()
    live.close()
    assert list(live.frames(0.01)) == []
    assert live.statistics().packets == 0


def test_the_filter_sees_what_the_kernel_shows(net: OwnNetwork) -> None:
    """Every port: TCP, UDP and errors over both families pass, nothing else comes."""
    with net(Live) as live:
        for address in ("127.0.0.1", "::1"):
            with net.server(address) as served:
                converse(served, net.client(address))
            with net.client(address, socket.SOCK_DGRAM) as client:
                client.sendto(b"x", (address, 9))
        seen = packets(live)
    assert {each.protocol for each in seen} == {1, 6, 17, 58}
