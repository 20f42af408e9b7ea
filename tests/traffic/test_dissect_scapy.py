from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import LLC, SNAP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Dot3, Ether
from scapy.layers.l2 import Loopback as Loop
from scapy.layers.sctp import SCTP, SCTPChunkInit
from scapy.packet import Packet, Raw

from portbook.traffic.columns import packets_of
from portbook.traffic.dissect import Row, dissect
from portbook.traffic.packets import ICMP_ERROR
from traffic import frames_made as made

PORT = st.integers(1, 65535)
NUMBER = st.integers(0, 2**32 - 1)
MACS: dict[str, Any] = {"src": "02:00:00:00:00:09", "dst": "02:00:00:00:00:07"}
"""Given, as scapy would ask the network for them otherwise."""

LINKS: dict[int, list[Packet | None]] = {
    made.ETHERNET: [
        Ether(**MACS),
        Ether(**MACS) / Dot1Q(vlan=7),
        Ether(**MACS) / Dot1AD(vlan=7) / Dot1Q(vlan=9),
        Ether(**MACS) / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3),
        Dot3(**MACS) / LLC() / SNAP(),
    ],
    made.SLL: [CookedLinux()],
    made.SLL2: [CookedLinuxV2()],
    made.NULL: [Loop()],
    made.RAW: [None],
}
EXTENSIONS = [
    IPv6ExtHdrHopByHop(),
    IPv6ExtHdrDestOpt(),
    IPv6ExtHdrRouting(addresses=[]),
    IPv6ExtHdrFragment(offset=0, m=0, id=7),
]


@st.composite
def networks(draw: st.DrawFn) -> Packet:
    """An IP layer of scapy, with what may stand between it and the transport."""
    ttl = draw(st.integers(1, 255))
    if draw(st.booleans()):
        options = [IPOption_NOP()] * (4 * draw(st.integers(0, 10)))
        flags = draw(st.sampled_from(["", "DF"]))
        ip_id = draw(st.integers(0, 65535))
        return IP(src=made.THEIRS, dst=made.OURS, ttl=ttl, flags=flags, id=ip_id, options=options)
    layer: Packet = IPv6(src=made.THEIRS6, dst=made.OURS6, hlim=ttl)
    for extension in draw(st.lists(st.sampled_from(EXTENSIONS), max_size=3)):
        layer /= extension.copy()
    return layer


@st.composite
def transports(draw: st.DrawFn) -> Packet:
    """A transport layer of scapy, with a payload."""
    ports: dict[str, Any] = {"sport": draw(PORT), "dport": draw(PORT)}
    which = draw(st.sampled_from([TCP, TCP, UDP, SCTP]))
    if which is SCTP:
        return SCTP(**ports) / SCTPChunkInit()
    load = draw(st.binary(max_size=30))
    if which is UDP:
        return UDP(**ports) / Raw(load)
    options = draw(st.sampled_from([[], [("MSS", 1400)], [("NOP", None), ("Timestamp", (5, 6))]]))
    return TCP(
        **ports,
        flags=draw(st.integers(0, 255)),
        seq=draw(NUMBER),
        ack=draw(NUMBER),
        window=draw(st.integers(0, 65535)),
        options=options,
    ) / Raw(load)


def agree(read: Row, packet: Packet) -> None:
    """Compare a row with what scapy reads in the same bytes."""
    ip: Any = packet[IP] if IP in packet else packet[IPv6]
    four = IP in packet
    lows = (read.source_low, read.destination_low)
    highs = (read.source_high, read.destination_high)
    for high, low, text in zip(highs, lows, (ip.src, ip.dst), strict=True):
        whole = (high << 64 | low).to_bytes(16)
        assert whole == (bytes(10) + b"\xff\xff" if four else b"") + made.address(text)
    assert read.version == ip.version == (4 if four else 6)
    assert read.ttl == (ip.ttl if four else ip.hlim)
    assert read.ip_id == (ip.id if four else 0)
    assert read.dont_fragment == (four and "DF" in ip.flags)
    transport: Any = next(packet[layer] for layer in (TCP, UDP, SCTP) if layer in packet)
    assert (read.source_port, read.destination_port) == (transport.sport, transport.dport)
    load = packet[Raw].load if Raw in packet else b""
    if TCP in packet:
        assert (read.protocol, read.flags) == (6, int(transport.flags))
        assert (read.sequence, read.acknowledgement) == (transport.seq, transport.ack)
        assert read.window == transport.window
        mss = dict(option for option in transport.options if option[0] == "MSS").get("MSS", 0)
        assert read.mss == (mss if (read.flags & 0x12) == 2 else 0)
    if SCTP in packet:
        assert (read.protocol, read.flags) == (132, 1)
    else:
        assert read.payload == read.payload_kept == len(load)
        if load:
            assert bytes(packet)[read.payload_at :][: len(load)] == load


@settings(max_examples=120, deadline=None)
@given(networks(), transports(), st.sampled_from(list(LINKS)), st.data())
def test_what_scapy_builds(
    network: Packet, transport: Packet, link: int, data: st.DataObject
) -> None:
    """Whatever scapy builds and reads again is read the same, alone and in a batch."""
    lead = data.draw(st.sampled_from(LINKS[link]))
    packet = network / transport if lead is None else lead.copy() / network / transport
    frame = bytes(packet)
    again = (type(packet))(frame)
    read = dissect(link, frame, len(frame), 0)
    assert isinstance(read, Row), read
    agree(read, again)
    batch = packets_of(made.frames(link, [frame, frame]), {})
    assert batch.sequence.tolist() == [read.sequence] * 2
    assert batch.payload_at.tolist() == [read.payload_at + 16, read.payload_at + 32 + len(frame)]


@pytest.mark.parametrize(
    "packet",
    [
        made.ipv4(made.tcp(0x18, options=b"\x01" * 12, payload=b"abc"), options=b"\x01" * 8),
        made.ipv4(made.udp(b"abc"), 17),
        made.ipv4(made.sctp(), 132),
        made.ipv6(made.tcp(0x12, acknowledgement=77)),
        made.ipv6(made.extension(60) + made.extension(44, 3) + made.fragment(17) + made.udp(), 0),
    ],
)
def test_scapy_reads_what_the_tests_build(packet: bytes) -> None:
    """The builders of these tests build what they say: scapy reads them the same."""
    read = dissect(made.RAW, packet, len(packet), 0)
    assert isinstance(read, Row)
    agree(read, (IP if packet[0] >> 4 == 4 else IPv6)(packet))
    kind = made.IP4 if packet[0] >> 4 == 4 else made.IP6
    for link, frame, layer in (
        (made.ETHERNET, made.ethernet(packet, kind, [0x8100]), Ether),
        (made.SLL, made.cooked(packet, kind), CookedLinux),
        (made.SLL2, made.cooked2(packet, kind), CookedLinuxV2),
        (made.ETHERNET, made.snap(packet, kind), Dot3),
    ):
        linked = dissect(link, frame, len(frame), 0)
        assert isinstance(linked, Row)
        agree(linked, layer(frame))


@given(NUMBER, PORT, PORT, st.sampled_from([0, 1, 3, 9, 10, 13]))
def test_errors_that_scapy_builds(sequence: int, ours: int, theirs: int, code: int) -> None:
    """ICMP and ICMPv6 errors quote as scapy quotes."""
    tcp = TCP(sport=ours, dport=theirs, seq=sequence)
    four = IP(src="203.0.113.1", dst=made.OURS) / ICMP(type=3, code=code)
    four /= IP(src=made.OURS, dst=made.THEIRS) / tcp
    six = IPv6(src="2001:db8::1", dst=made.OURS6) / ICMPv6DestUnreach(code=code)
    six /= IPv6(src=made.OURS6, dst=made.THEIRS6) / tcp
    for packet in (bytes(four), bytes(six)):
        read = dissect(made.RAW, packet, len(packet), 0)
        assert isinstance(read, Row)
        assert (read.kind, read.flags, read.sequence) == (ICMP_ERROR, code, sequence)
        assert (read.source_port, read.destination_port) == (theirs, ours)
