"""The filter program, run by an interpreter of classic BPF, against a plain description of it."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.host import packet_filter
from portbook.host.packet_filter import (
    ANCILLARY,
    ARPHRD_LOOPBACK,
    ETH_P_IP,
    ETH_P_IPV6,
    MOST_INSTRUCTIONS,
    NOTHING,
    PACKET_OTHERHOST,
    PACKET_OUTGOING,
    Assembler,
    Filter,
    filter_for,
    ranges_of,
)
from portbook.model.record import Record

EXTENSIONS = {0, 43, 44, 51, 60, 135, 139, 140}


class Seen(Record):
    """A packet as the kernel shows it to a filter of a SOCK_DGRAM packet socket."""

    data: bytes
    ethertype: int = ETH_P_IP
    packet_type: int = 0
    device_type: int = 1
    vlan: int = 0


def run(program: Filter, packet: Seen) -> int:
    """What the kernel's interpreter returns (___bpf_prog_run of the classic instructions)."""
    beside = {
        0: packet.ethertype,
        4: packet.packet_type,
        28: packet.device_type,
        44: packet.vlan,
    }
    forms = {0x00: ">I", 0x08: ">H", 0x10: ">B"}
    a = x = at = 0
    while True:
        code, then, otherwise, k = program.instructions[at]
        at += 1
        if code in (0x20, 0x28, 0x30, 0x40, 0x48, 0x50):
            if k >= ANCILLARY:
                a = beside[k - ANCILLARY]
                continue
            place = k + (x if code & 0x40 else 0)
            form = forms[code & 0x18]
            if place + struct.calcsize(form) > len(packet.data):
                return 0
            a = struct.unpack_from(form, packet.data, place)[0]
        elif code == 0xB1:
            if k >= len(packet.data):
                return 0
            x = 4 * (packet.data[k] & 0xF)
        elif code == 0x01:
            x = k
        elif code == 0x04:
            a = (a + k) & 0xFFFFFFFF
        elif code == 0x0C:
            a = (a + x) & 0xFFFFFFFF
        elif code == 0x54:
            a &= k
        elif code == 0x64:
            a = (a << k) & 0xFFFFFFFF
        elif code == 0x07:
            x = a
        elif code == 0x05:
            at += k
        elif code in (0x15, 0x35, 0x45):
            true = {0x15: a == k, 0x35: a >= k, 0x45: bool(a & k)}[code]
            at += then if true else otherwise
        elif code == 0x06:
            return k
        else:
            raise AssertionError(f"instruction {code:#x}")


def ports_pass(data: bytes, ports: set[int]) -> bool:
    """Whether two ports at the beginning of `data` concern any of `ports`."""
    if not ports:
        return True
    if len(data) >= 2 and int.from_bytes(data[:2]) in ports:
        return True
    return len(data) >= 4 and int.from_bytes(data[2:4]) in ports


def wanted(packet: Seen, ports: set[int], *, own_tags: bool) -> bool:
    """The filter in plain words."""
    data = packet.data
    if packet.packet_type == PACKET_OTHERHOST:
        return False
    if packet.packet_type == PACKET_OUTGOING and packet.device_type == ARPHRD_LOOPBACK:
        return False
    if packet.vlan & 0xFFF and not own_tags:
        return False
    if packet.ethertype == ETH_P_IP:
        return ipv4_wanted(data, ports)
    if packet.ethertype == ETH_P_IPV6:
        return ipv6_wanted(data, ports)
    return False


def ipv4_wanted(data: bytes, ports: set[int]) -> bool:
    """The same for IPv4."""
    if len(data) < 10:
        return False
    length = 4 * (data[0] & 0xF)
    later = int.from_bytes(data[6:8]) & 0x1FFF
    if data[9] in (6, 17, 132):
        return bool(later) or ports_pass(data[length:], ports)
    quote = data[length + 8 :]
    if data[9] != 1 or later or len(data) <= length or data[length] not in (3, 11, 12):
        return False
    if len(quote) < 8:
        return False
    if int.from_bytes(quote[6:8]) & 0x1FFF:
        return True
    if len(quote) < 10 or quote[9] not in (6, 17, 132):
        return False
    return ports_pass(quote[4 * (quote[0] & 0xF) :], ports)


def ipv6_wanted(data: bytes, ports: set[int]) -> bool:
    """The same for IPv6."""
    if len(data) < 7:
        return False
    if data[6] in (6, 17, 132):
        return ports_pass(data[40:], ports)
    if data[6] == 0:
        return len(data) > 40 and data[40] != 58
    if data[6] in EXTENSIONS:
        return True
    if data[6] != 58 or len(data) <= 54 or data[40] not in (1, 2, 3, 4):
        return False
    if data[54] in (6, 17, 132):
        return ports_pass(data[88:], ports)
    return data[54] in EXTENSIONS


SOME = st.sampled_from((22, 80, 81, 3255, 3256, 40000, 0, 65535))
PORTS = st.one_of(SOME, st.integers(0, 65535))


@st.composite
def ip_packets(draw: st.DrawFn, depth: int = 0) -> tuple[int, bytes]:
    """(ethertype, packet): well-formed more often than not, cut now and then."""
    rest = struct.pack(">HH", draw(PORTS), draw(PORTS)) + draw(st.binary(max_size=24))
    version = draw(st.sampled_from((4, 6)))
    icmp = 1 if version == 4 else 58
    number = draw(st.sampled_from((6, 17, 132, icmp, *EXTENSIONS, 50, 59)))
    if number == 0:
        rest = bytes((draw(st.sampled_from((6, 17, 58))),)) + rest
    if number == icmp:
        kind = draw(st.sampled_from((1, 2, 3, 4, 5, 8, 11, 12, 128)))
        quoted = draw(ip_packets(depth + 1))[1] if depth == 0 else b""
        rest = bytes((kind, 0, 0, 0, 0, 0, 0, 0)) + quoted
    if version == 4:
        words = draw(st.one_of(st.just(5), st.integers(0, 15)))
        fragment = draw(st.sampled_from((0, 0, 0, 0x4000, 0x2000, 0x2001, 0x1FFF)))
        header = struct.pack(">BxHHHBBH8x", 0x40 | words, 0, 0, fragment, 64, number, 0)
        header += bytes(max(0, 4 * words - 20))
    else:
        header = struct.pack(">IHBB32x", 6 << 28, len(rest), number, 64)
    whole = header + rest
    cut = draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    return (ETH_P_IP if version == 4 else ETH_P_IPV6), whole[:cut]


@st.composite
def seen(draw: st.DrawFn) -> Seen:
    """A packet with what the kernel knows of it."""
    ethertype, data = draw(ip_packets())
    data = draw(st.one_of(st.just(data), st.just(data), st.binary(max_size=120)))
    return Seen(
        data,
        draw(st.sampled_from((ethertype, ethertype, ethertype, ETH_P_IP, ETH_P_IPV6, 0x0806))),
        draw(st.sampled_from((0, 0, 0, 1, 2, PACKET_OTHERHOST, PACKET_OUTGOING))),
        draw(st.sampled_from((1, 1, ARPHRD_LOOPBACK, 65534))),
        draw(st.sampled_from((0, 0, 0, 7, 4095, 0x2000, 0xE001))),
    )


SETS = st.one_of(
    st.sets(PORTS, max_size=12),
    st.sampled_from(
        (
            {80},
            set(range(100)),
            set(range(0, 1200, 2)),
            set(range(1, 65536, 150)),
            set(range(60000, 65536)),
            set(range(65536)),
        )
    ),
)


@settings(max_examples=400, deadline=None)
@given(seen(), SETS, st.booleans())
def test_the_program_does_what_the_description_says(
    packet: Seen,
    ports: set[int],
    own_tags: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    """For any packet, cut or not, and any set of ports, the two agree."""
    program = filter_for(ports, own_tags=own_tags)
    asked = set() if program.every_port else ports
    expected = 1024 if wanted(packet, asked, own_tags=own_tags) else 0
    assert run(program, packet) == expected


@pytest.mark.parametrize("step", [1, 2, 3, 70, 131, 1000])
def test_every_single_port_is_told_apart(step: int) -> None:
    """All numbers as source and as destination, for sets from one range to a thousand."""
    ports = set(range(7, 65536, step))
    program = filter_for(ports)
    assert program.every_port == (step in (2, 3))
    asked = set(range(65536)) if program.every_port else ports
    head = struct.pack(">BxHHHBBH8x", 0x45, 0, 0, 0, 64, 6, 0)
    never = 1  # below the first of all sets
    for port in range(0, 65536, 1 if step == 131 else 7):
        for pair in ((port, never), (never, port)):
            packet = Seen(head + struct.pack(">HH", *pair))
            assert bool(run(program, packet)) == (not asked.isdisjoint(pair)), pair


@pytest.mark.parametrize("size", [0, 1, 2, 10, 99, 100, 101, 500, 900, 1500, 30000])
def test_a_program_keeps_the_rules_of_the_kernel(size: int) -> None:
    """At most 4,096 instructions, every jump lands inside, and the last one returns."""
    program = filter_for(range(0, 2 * size, 2))
    assert len(program.instructions) <= MOST_INSTRUCTIONS
    assert len(program.code) == 8 * len(program.instructions)
    assert program.every_port == (size not in (1, 2, 10, 99, 100, 101, 500, 900))
    for at, (code, then, otherwise, k) in enumerate(program.instructions):
        if code & 7 == 5:
            for distance in (k,) if code == 5 else (then, otherwise):
                assert at + 1 + distance < len(program.instructions)
                assert code == 5 or distance <= 255
    assert program.instructions[-1][0] == 6


def test_a_program_that_passes_nothing_passes_nothing() -> None:
    """It stands before the real one while the ring is made."""
    head = struct.pack(">BxHHHBBH8xHH", 0x45, 0, 0, 0, 64, 6, 0, 80, 80)
    assert run(filter_for({80}), Seen(head)) == 1024
    assert run(NOTHING, Seen(head)) == 0


def test_the_snap_length_is_what_passes_returns() -> None:
    """The kernel cuts a packet to what the program returns."""
    head = struct.pack(">BxHHHBBH8xHH", 0x45, 0, 0, 0, 64, 6, 0, 80, 80)
    assert run(filter_for({80}, snap_length=96), Seen(head)) == 96


def test_a_jump_backwards_is_refused() -> None:
    """Classic BPF has none: a mistake here must not become a jump of 2^32."""
    to = Assembler()
    to.label("back")
    to.do(packet_filter.RETURN, 0)
    to.go("back")
    with pytest.raises(ValueError, match="backwards"):
        to.assemble()


@given(st.sets(st.integers(0, 65535), max_size=50))
def test_ranges_hold_exactly_the_ports(ports: set[int]) -> None:
    """Nothing is lost or added, and neighbours share a range."""
    ranges = ranges_of(ports)
    assert {port for first, last in ranges for port in range(first, last + 1)} == ports
    assert all(before[1] + 1 < after[0] for before, after in pairwise(ranges))
