"""Tool marks: packets in the shape of each tool, and packets that miss it by one field."""

from ipaddress import IPv4Address, ip_network
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.traffic.engine import Engine
from portbook.traffic.facts import MARKS
from portbook.traffic.marks import FirstPackets, nmap_pair, unicornscan_pair
from traffic.packets_made import ACK, FIN, OURS, PSH, RST, SYN, URG, Sent, columns

THEM = "198.51.100.9"
OUR_NUMBER = int(IPv4Address(OURS))
NONE, MSS, LINUX, WINDOWS, BSD, OS_PROBE = range(6)


def syn(port: int = 80, **fields: Any) -> Sent:
    """Return a SYN to one of our ports, from a source port that follows from it."""
    sent = Sent(0, THEM, 40000 + port % 20000, OURS, port, SYN)
    return sent._replace(**fields)


def masscan_id(port: int, sequence: int) -> int:
    """Return the IP ID that masscan gives a packet."""
    return (OUR_NUMBER ^ port ^ sequence) & 0xFFFF


def zmap(**fields: Any) -> Sent:
    """Return a SYN as ZMap up to 4.0 sends it."""
    shape: dict[str, Any] = {
        "window": 65535,
        "dont_fragment": False,
        "ttl": 242,
        "ip_id": 54321,
        "options": NONE,
    }
    return syn(**{**shape, "mss": 0, "sequence": 77, **fields})


def zmap41(**fields: Any) -> Sent:
    """Return a SYN as ZMap from 4.1 on sends it."""
    return zmap(**{"ip_id": 4711, "options": WINDOWS, "mss": 1460, **fields})


def masscan(port: int = 80, **fields: Any) -> Sent:
    """Return a SYN as masscan 1.3.2 sends it."""
    shape: dict[str, Any] = {
        "window": 1024,
        "dont_fragment": False,
        "ttl": 241,
        "options": NONE,
        "mss": 0,
    }
    sequence = 0xABCD1234
    return syn(
        port, **{**shape, "sequence": sequence, "ip_id": masscan_id(port, sequence), **fields}
    )


def masscan_now(port: int = 80, **fields: Any) -> Sent:
    """Return a SYN as masscan has sent it since November 2023."""
    return masscan(port, **{"window": 1025, "options": MSS, "mss": 1460, **fields})


def mirai(**fields: Any) -> Sent:
    """Return a SYN as Mirai and its kin send it."""
    return syn(23, **{"sequence": OUR_NUMBER, "options": NONE, "window": 27441, **fields})


def nmap(port: int = 80, **fields: Any) -> Sent:
    """Return a SYN as nmap -sS sends it."""
    shape: dict[str, Any] = {
        "window": 1024,
        "dont_fragment": False,
        "ttl": 44,
        "options": MSS,
        "ip_id": 999,
    }
    return syn(port, **{**shape, "sequence": 0x5A5A1234, **fields})


def marks_of(*sent: Sent) -> dict[str, int]:
    """Return the counts of the source's marks, those that are not 0."""
    engine = Engine((), [ip_network(OURS), ip_network("2001:db8::7")])
    engine.take(columns(sent))
    counts = engine.tallies.sources["marks"][0].tolist()
    return {name: number for name, number in zip(MARKS, counts, strict=True) if number}


@pytest.mark.parametrize(
    ("sent", "marks"),
    [
        (zmap(), {"zmap-id": 1, "raw": 1}),
        (zmap(options=MSS, mss=1460), {"zmap-id": 1, "zmap-shape": 1, "raw": 1}),
        (zmap41(), {"zmap-shape": 1, "raw": 1}),
        (masscan(), {"masscan-id": 1, "masscan-old": 1, "raw": 1}),
        (masscan_now(), {"masscan-id": 1, "masscan-mss": 1, "raw": 1}),
        (mirai(), {"mirai": 1, "raw": 1}),
        (nmap(), {"nmap-shape": 1, "raw": 1}),
        (nmap(flags=FIN, options=NONE), {"nmap-shape": 1, "raw": 1}),
        (nmap(flags=0, options=NONE), {"nmap-shape": 1, "raw": 1}),
        (nmap(flags=ACK, options=NONE), {"nmap-shape": 1, "raw": 1}),
        (syn(options=OS_PROBE, window=1), {"nmap-os": 1, "raw": 1}),
        (syn(flags=SYN | FIN | URG | PSH, window=256), {"nmap-os": 1}),
        (syn(), {"stack": 1}),
        (syn(options=WINDOWS, ttl=128), {"stack": 1}),
        (syn(options=BSD), {"stack": 1}),
    ],
)
def test_a_tool_leaves_its_marks(sent: Sent, marks: dict[str, int]) -> None:
    """One packet in the shape of each tool, or of a system's own stack."""
    assert marks_of(sent) == marks


@pytest.mark.parametrize(
    ("sent", "missing"),
    [
        (zmap(ip_id=54320), "zmap-id"),
        (zmap(window=64240), "zmap-id"),
        (zmap(dont_fragment=True), "zmap-id"),
        (zmap(options=LINUX), "zmap-id"),
        (zmap41(ttl=128), "zmap-shape"),
        (zmap41(dont_fragment=True), "zmap-shape"),
        (masscan(ip_id=masscan_id(80, 0xABCD1234) ^ 1), "masscan-id"),
        (masscan(options=LINUX), "masscan-id"),
        (masscan(dont_fragment=True), "masscan-id"),
        (masscan(window=1025), "masscan-old"),
        (masscan_now(mss=1400), "masscan-mss"),
        (mirai(sequence=OUR_NUMBER + 1), "mirai"),
        (nmap(window=1025), "nmap-shape"),
        (nmap(ttl=65), "nmap-shape"),
        (nmap(mss=536), "nmap-shape"),
        (nmap(dont_fragment=True), "nmap-shape"),
        (nmap(flags=ACK, options=NONE, data=b"x"), "nmap-shape"),
        (syn(options=NONE), "stack"),
        (syn(options=WINDOWS, dont_fragment=False), "stack"),
        (syn(), "raw"),
    ],
)
def test_one_field_away_is_no_mark(sent: Sent, missing: str) -> None:
    """Each condition counts."""
    assert missing not in marks_of(sent)


@given(st.integers(0, 65535), st.integers(0, 2**32 - 1))
def test_masscan_is_known_for_every_port_and_cookie(port: int, sequence: int) -> None:
    """Its IP ID follows from address, port and sequence number."""
    sent = masscan(port, sequence=sequence, ip_id=masscan_id(port, sequence))
    assert marks_of(sent)["masscan-id"] == 1


def test_an_ipv6_packet_has_no_mark_of_an_ip_id() -> None:
    """There is no ID in its header, and no DF that could be missing."""
    ends: dict[str, Any] = {"source": "2001:db8::9", "destination": "2001:db8::7"}
    assert marks_of(zmap41(**ends, ip_id=0)) == {"stack": 1}
    assert marks_of(masscan(**ends, ip_id=0)) == {"raw": 1}
    assert marks_of(mirai(**ends, sequence=7)) == {"raw": 1}


@given(st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(0, 255))
def test_two_probes_of_one_nmap_run_are_a_pair(mask: int, one: int, other: int) -> None:
    """Try numbers in both halves under one mask, and nothing a bit away."""
    first, second = ((n << 16 | n) ^ mask for n in (one, other))

    def pair(left: int, right: int) -> bool:
        numbers = np.array([left, right, 45000 << 16 | 80], np.uint32)[:, np.newaxis]
        header = np.array([one == other])
        return bool(nmap_pair(numbers[0], numbers[1], numbers[2], numbers[2], header)[0])

    assert pair(first, second)
    assert not pair(first, second ^ 0x100)
    assert not pair(first, second ^ 0x01000000)


def pair(one: Sent, other: Sent) -> bool:
    """Return whether two first packets are a pair of one nmap run."""
    firsts = first_packets(one, other)
    numbers, ports = firsts.sequence, firsts.ports
    found = nmap_pair(numbers[1:], numbers[:1], ports[1:], ports[:1], firsts.header[1:])
    return bool(found[0])


def first_packets(*sent: Sent) -> FirstPackets:
    """Return what is kept of first packets of one source."""
    return FirstPackets(columns(sent), np.arange(len(sent)), np.zeros(len(sent), np.int32))


def test_equal_numbers_are_a_pair_with_one_source_port_and_the_header_of_nmap() -> None:
    """The first tries of a run, whatever their TTL is, over IPv6 as well."""
    port = 45000
    first = nmap(80, source_port=port)
    six: dict[str, Any] = {"source": "2001:db8::9", "destination": "2001:db8::7", "ttl": 255}
    assert pair(first, nmap(81, source_port=port))
    assert pair(nmap(80, source_port=port, ttl=200), nmap(81, source_port=port, ttl=200))
    assert pair(nmap(80, source_port=port, **six), nmap(81, source_port=port, **six))
    assert pair(
        *(nmap(number, source_port=port, flags=FIN, options=NONE) for number in (80, 81)),
    )
    assert not pair(first, nmap(81, source_port=port + 1))
    assert not pair(first, nmap(81, source_port=port, window=2144))
    assert not pair(first, nmap(81, source_port=port, mss=536))
    assert not pair(first, nmap(81, source_port=port, dont_fragment=True))


def test_packets_that_all_begin_with_one_number_are_no_pairs() -> None:
    """Small devices do so, and programs that leave the field at 0."""
    device: dict[str, Any] = {"window": 2144, "options": MSS, "mss": 536, "dont_fragment": False}
    assert not pair(syn(80, **device), syn(80, **device, source_port=40001))
    by_hand: dict[str, Any] = {"window": 8192, "options": NONE, "dont_fragment": False}
    assert not pair(syn(80, **by_hand, source_port=20), syn(81, **by_hand, source_port=20))


@pytest.mark.parametrize(
    ("sent", "looked_at"),
    [
        (nmap(), True),
        (syn(options=NONE), True),
        (nmap(flags=ACK, options=NONE), True),
        (nmap(flags=FIN | ACK, options=NONE), True),
        (syn(flags=FIN), True),
        (syn(flags=0), True),
        (syn(), False),
        (mirai(), False),
        (syn(flags=ACK), False),
        (syn(flags=FIN | ACK), False),
        (syn(flags=ACK | PSH, data=b"x"), False),
        (nmap(flags=ACK | PSH, options=NONE, data=b"x"), False),
    ],
)
def test_pairs_are_looked_for_between_questions_alone(sent: Sent, looked_at: bool) -> None:  # noqa: FBT001 - a fact
    """Not in the middle of a connection, not in a stack's SYN, not in Mirai's."""
    assert first_packets(sent).raw.tolist() == [looked_at]


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=2))
def test_two_packets_of_one_unicornscan_are_a_pair(key: int, ports: list[int]) -> None:
    """The key over source and destination port; the same ports twice are no pair."""

    def pair(*numbers: int) -> bool:
        arrays = [np.array([number], np.uint32) for number in numbers]
        return bool(unicornscan_pair(arrays[0], arrays[1], arrays[2], arrays[3])[0])

    one, other = ports
    assert pair(key ^ one, key ^ other, one, other) == (one != other)
    assert not pair(key ^ one, key ^ other ^ 1, one, other)


def test_pairs_are_found_over_batches_and_only_between_raw_packets_of_one_source() -> None:
    """The last raw packet of each source is kept; a client's SYN between is passed over."""
    engine = Engine((), [ip_network(OURS)])
    engine.take(
        columns([nmap(80), syn(81, sequence=5), nmap(82, source="198.51.100.8", sequence=6)])
    )
    engine.take(columns([nmap(83, sequence=0x5A5A1234 ^ 0x00010001)]))
    engine.take(columns([nmap(84, sequence=0x5A5A1234 ^ 0x00010002), nmap(85)]))
    pairs = engine.tallies.sources["marks"][:, MARKS.index("nmap-pair")].tolist()
    assert pairs == [1, 0]


def test_equal_numbers_are_pairs_over_batches_where_a_packet_has_the_header_of_nmap() -> None:
    """A run's first tries are; a device that begins every connection with one number is not."""
    engine = Engine((), [ip_network(OURS)])
    device: dict[str, Any] = {"source": "198.51.100.8", "options": NONE, "sequence": 0}
    for port in (80, 81, 82):
        engine.take(columns([nmap(port, source_port=45000), syn(port, **device, source_port=20)]))
    pairs = engine.tallies.sources["marks"][:, MARKS.index("nmap-pair")].tolist()
    assert pairs == [2, 0]


def test_a_retransmission_is_no_pair() -> None:
    """The second SYN of one flow says nothing new, whatever its numbers are."""
    assert marks_of(nmap(80), nmap(80)) == {"nmap-shape": 1, "raw": 1}


def test_answers_of_victims_have_no_marks() -> None:
    """SYN-ACKs and RSTs to us are nobody's probes."""
    assert marks_of(nmap(flags=SYN | ACK), nmap(81, flags=RST), nmap(82, flags=RST | ACK)) == {}
