"""How flows end: each kind by a conversation that has it, and those that only look so."""

from ipaddress import ip_network
from itertools import product

import numpy as np
import pytest

from portbook.traffic.engine import Engine
from portbook.traffic.facts import KINDS
from traffic.packets_made import (
    ACK,
    FIN,
    OURS,
    PSH,
    RST,
    SCTP,
    SYN,
    UDP,
    URG,
    Sent,
    Wire,
    columns,
)

THEM = "198.51.100.9"


def wire(port: int = 80, source_port: int = 40000) -> Wire:
    """Return a conversation with one source."""
    return Wire(THEM, port, source_port=source_port)


def icmp(way: str, port: int = 53, protocol: int = UDP) -> Sent:
    """Return an ICMP error about a datagram, `in` or `out`."""
    ends = (OURS, port, THEM, 40000) if way == "out" else (THEM, 40000, OURS, port)
    return Sent(1, *ends, flags=3, kind=1, protocol=protocol, options=3, quoted=ends[0])


def talk() -> Wire:
    """Return a conversation without its end."""
    return wire().shaken().them(PSH | ACK, b"GET").us(PSH | ACK, b"200")


CONVERSATIONS = {
    "conversed": wire().shaken().them(PSH | ACK, b"GET").us(PSH | ACK, b"200").them(FIN | ACK),
    "greeted": wire().shaken().us(PSH | ACK, b"SSH-2.0").them(ACK).them(FIN | ACK),
    "empty": wire().shaken().them(FIN | ACK).us(FIN | ACK).them(ACK),
    "empty-reset": wire().shaken().them(RST | ACK),
    "open": wire().shaken(),
    "half-open": wire().them(SYN).us(SYN | ACK).them(RST),
    "half-silent": wire().them(SYN).us(SYN | ACK).us(SYN | ACK),
    "refused": wire().them(SYN).us(RST | ACK),
    "ignored": wire().them(SYN).them(SYN, sequence=1000),
    "fin": wire().them(FIN).us(RST | ACK),
    "null": wire().them(0).us(RST | ACK),
    "xmas": wire().them(FIN | PSH | URG).us(RST | ACK),
    "maimon": wire().them(FIN | ACK).us(RST),
    "ack": wire().them(ACK).us(RST),
    "syn-fin": wire().them(SYN | FIN).us(RST | ACK),
    "odd": wire().them(SYN | FIN | URG | PSH).us(RST | ACK),
    "midstream": wire().them(PSH | ACK, b"more").us(ACK).us(PSH | ACK, b"and more"),
    "back-syn-ack": wire(50000, 443).them(SYN | ACK).us(RST),
    "back-rst": wire(50000, 443).them(RST | ACK),
    "own": wire(50000, 443).us(SYN).them(SYN | ACK).us(ACK).us(PSH | ACK, b"GET").them(RST),
}

DATAGRAMS = {
    "udp-answered": wire(53).them(0, b"?").us(0, b"!"),
    "udp-silent": wire(514).them(0, b"<1>"),
    "udp-empty": wire(514).them(0).them(0),
    "reflection": wire(50000, 53).them(0, b"answer"),
    "own": wire(50000, 53).us(0, b"?").them(0, b"!"),
}


def kind_of(packets: list[Sent]) -> str:
    """Return the kind of the one flow that these packets are."""
    engine = Engine((), [ip_network(OURS)])
    engine.take(columns(packets))
    counts = engine.standing(final=True).sources["kinds"].sum(axis=0).tolist()
    assert sum(counts) == 1
    return KINDS[counts.index(1)]


@pytest.mark.parametrize("kind", CONVERSATIONS)
def test_a_tcp_flow_has_its_kind(kind: str) -> None:
    """One conversation of each kind."""
    assert kind_of(CONVERSATIONS[kind].sent) == kind


@pytest.mark.parametrize("kind", DATAGRAMS)
def test_datagrams_have_their_kind(kind: str) -> None:
    """The same over UDP."""
    assert kind_of([each._replace(protocol=UDP) for each in DATAGRAMS[kind].sent]) == kind


def test_our_port_unreachable_closes_a_datagram() -> None:
    """The error belongs to the flow that it is about."""
    sent = [each._replace(protocol=UDP) for each in wire(53).them(0, b"?").sent]
    assert kind_of([*sent, icmp("out")]) == "udp-closed"


@pytest.mark.parametrize(
    ("own", "theirs", "kind"),
    [
        (20000, 1900, "reflection"),
        (1025, 53, "reflection"),
        (50000, 11211, "reflection"),
        (80, 53, "udp-silent"),
        (5353, 5353, "udp-silent"),
        (20000, 514, "udp-silent"),
        (20000, 40000, "udp-silent"),
        (40000, 8801, "reflection"),
        (40000, 40001, "udp-silent"),
    ],
)
def test_a_reflector_answers_any_port(own: int, theirs: int, kind: str) -> None:
    """Who abuses it may have named any port above the system's, which then is closed."""
    sent = [each._replace(protocol=UDP) for each in wire(own, theirs).them(0, b"long").sent]
    assert kind_of(sent) == kind


def test_a_closed_port_is_no_answer_of_a_service() -> None:
    """Refused: from a known service it is a late answer, from any other port it asked us."""
    for theirs, kind in ((53, "reflection"), (20000, "udp-closed"), (40000, "udp-closed")):
        error = icmp("out", 50000)._replace(destination_port=theirs)
        sent = [each._replace(protocol=UDP) for each in wire(50000, theirs).them(0, b"?").sent]
        assert kind_of([*sent, error]) == kind


def test_our_error_alone_closes_a_datagram_that_was_not_captured() -> None:
    """But not the answer of somebody whom we may have asked."""
    assert kind_of([icmp("out")]) == "udp-closed"
    assert kind_of([icmp("out", 50000)._replace(destination_port=53)]) == "own"
    asked = wire(50000, 8801).us(0, b"?").them(0, b"!").sent
    error = icmp("out", 50000)._replace(destination_port=8801)
    assert kind_of([*(each._replace(protocol=UDP) for each in asked), error]) == "own"


def test_an_error_about_nothing_that_we_sent_is_backscatter() -> None:
    """Over every transport."""
    for protocol in (6, UDP, SCTP):
        assert kind_of([icmp("in", protocol=protocol)]) == "back-icmp"


def test_an_error_of_a_router_belongs_to_the_flow_that_it_quotes() -> None:
    """A SYN from an address behind a router which refuses our SYN-ACK: one source, not two."""
    sent = wire().them(SYN).us(SYN | ACK).sent
    error = Sent(1, "203.0.113.1", 40000, OURS, 80, flags=1, kind=1, options=3, quoted=THEM)
    assert kind_of([*sent, error]) == "half-silent"


def test_sctp_is_told_by_its_first_chunks() -> None:
    """INIT, INIT ACK and ABORT."""

    def chunks(*flags: tuple[str, int]) -> list[Sent]:
        made = wire(3868)
        for way, flag in flags:
            (made.them if way == "in" else made.us)(flag)
        return [each._replace(protocol=SCTP) for each in made.sent]

    assert kind_of(chunks(("in", 1), ("out", 2), ("in", 8))) == "sctp-answered"
    assert kind_of(chunks(("in", 1), ("out", 4))) == "sctp-init"
    assert kind_of(chunks(("in", 1))) == "sctp-init"
    assert kind_of(chunks(("in", 8))) == "midstream"
    assert kind_of(chunks(("out", 1), ("in", 2))) == "own"


OURS_FROM_BEFORE = {
    "the end of a server, nothing of ours captured": wire(40000, 5432).them(FIN | ACK),
    "its ACKs": wire(40000, 443).them(ACK).them(ACK),
    "its keepalive, our ACK and later our reset": wire(40000, 5432).them(ACK).us(ACK).us(RST | ACK),
    "its keepalive after we restarted": wire(40000, 5432).them(ACK).us(RST),
    "its end and our ACK": wire(40000, 5432).them(FIN | ACK).us(ACK),
    "what it sends, ours not captured": wire(40000, 443).them(PSH | ACK, b"more").them(ACK),
    "our keepalive": wire(40000, 5432).us(ACK),
    "our reset, where a program was ended": wire(40000, 5432).us(RST | ACK),
    "its SYN-ACK, our SYN not captured": wire(40000, 443).them(SYN | ACK).us(ACK),
    "its side alone": wire(40000, 443).them(SYN | ACK).them(ACK).them(PSH | ACK, b"200"),
    "its SYN-ACK at any port of ours": wire(1025, 443).them(SYN | ACK).us(PSH | ACK, b"GET"),
}


@pytest.mark.parametrize("name", OURS_FROM_BEFORE)
def test_what_is_left_of_our_own_connections_is_ours(name: str) -> None:
    """From a server's port to one that clients use, without the SYN, which was before."""
    assert kind_of(OURS_FROM_BEFORE[name].sent) == "own"


def test_what_is_left_and_speaks_both_ways_is_under_way() -> None:
    """Nothing tells then who asked whom."""
    both = wire(40000, 443).them(PSH | ACK, b"more").us(PSH | ACK, b"and more")
    assert kind_of(both.sent) == "midstream"


def test_scans_by_ack_and_fin_ack_stay_what_they_are() -> None:
    """Their source ports are those of clients, whatever ports they ask."""
    for port in (80, 32768, 60000):
        assert kind_of(wire(port, 33000).them(ACK).us(RST).sent) == "ack"
        assert kind_of(wire(port, 33000).them(ACK).sent) == "ack"
        assert kind_of(wire(port, 61000).them(FIN | ACK).us(RST).sent) == "maimon"


OUR_SIDE_ALONE = {
    "refused": wire().us(RST | ACK),
    "half-silent": wire().us(SYN | ACK).us(SYN | ACK),
    "open": wire().us(SYN | ACK).us(ACK),
    "midstream": wire().us(SYN | ACK).us(ACK).us(PSH | ACK, b"200"),
    "own": wire(50000, 443).us(SYN).us(ACK).us(PSH | ACK, b"GET"),
}


@pytest.mark.parametrize("kind", OUR_SIDE_ALONE)
def test_our_side_alone_tells_what_it_answers(kind: str) -> None:
    """A capture of one direction: our RST refused something, our SYN-ACK was asked for."""
    assert kind_of(OUR_SIDE_ALONE[kind].sent) == kind


MISSED = {
    "half-open": wire().us(SYN | ACK).them(RST),
    "open": wire().us(SYN | ACK).them(ACK),
    "empty": wire().us(SYN | ACK).them(ACK).them(FIN | ACK),
    "empty-reset": wire().us(SYN | ACK).them(ACK).them(RST | ACK),
    "midstream": wire().us(SYN | ACK).them(ACK).them(PSH | ACK, b"GET"),
}


@pytest.mark.parametrize("kind", MISSED)
def test_a_syn_that_was_missed_is_shown_by_what_answers_it(kind: str) -> None:
    """Only first words need more: it is not known that they are the first."""
    assert kind_of(MISSED[kind].sent) == kind


def test_no_flow_is_under_way_without_bytes_or_our_acks() -> None:
    """Of up to three packets, whatever their flags, from either side."""
    flags = (SYN, SYN | ACK, ACK, FIN | ACK, FIN, RST, RST | ACK, 0, PSH)
    packets = [(way, each) for way in ("us", "them") for each in flags]
    engine = Engine((), [ip_network(OURS)])
    sent: list[Sent] = []
    allowed = []
    for number, some in enumerate(product(packets, repeat=3)):
        made = Wire(f"10.1.{number >> 8}.{number & 255}", 80)
        for way, each in some:
            getattr(made, way)(each)
        sent += made.sent
        ours = {each for way, each in some if way == "us"}
        refused_first = some[0][0] == "us" and ours & {RST, RST | ACK}
        allowed.append(bool(ours & {ACK, FIN | ACK} or refused_first))
    engine.take(columns(sent))
    kinds = engine.standing(final=True).sources["kinds"]
    under_way = kinds[:, KINDS.index("midstream")] > 0
    assert under_way.any()
    assert not (under_way & ~np.array(allowed)).any()


LOOK_ALIKES = {
    "keepalives of a connection from before the capture": (
        wire().them(ACK).us(ACK).them(ACK).us(ACK),
        "midstream",
    ),
    "a packet without flags in a conversation": (talk().them(0).them(FIN | ACK), "conversed"),
    "one with FIN, PSH and URG": (talk().them(FIN | PSH | URG).them(FIN | ACK), "conversed"),
    "one with SYN and FIN": (talk().them(SYN | FIN).them(FIN | ACK), "conversed"),
    "one with FIN alone": (talk().them(FIN).them(FIN | ACK), "conversed"),
    "a keepalive of a connection that we then reset": (
        wire().them(ACK).us(ACK).us(RST),
        "midstream",
    ),
    "its end": (wire().them(FIN | ACK).us(FIN | ACK).them(ACK), "midstream"),
    "our end of it": (wire().us(FIN | ACK).them(ACK).them(FIN | ACK).us(ACK), "midstream"),
    "its reset after our data": (wire().us(PSH | ACK, b"late").them(RST), "midstream"),
    "congestion flags in the SYN": (
        wire().them(SYN | 64 | 128).us(SYN | ACK | 64).them(ACK).them(PSH | ACK, b"GET"),
        "conversed",
    ),
    "data in the SYN": (wire().them(SYN, b"GET").us(SYN | ACK).them(ACK), "conversed"),
    "a handshake whose SYN-ACK was lost once": (
        wire().them(SYN).us(SYN | ACK).us(SYN | ACK).them(ACK).them(PSH | ACK, b"GET"),
        "conversed",
    ),
    "reset by us after its request": (
        wire().shaken().them(PSH | ACK, b"GET").us(RST | ACK),
        "conversed",
    ),
    "one direction alone": (wire().them(SYN).them(ACK).them(PSH | ACK, b"GET"), "conversed"),
    "a window update": (wire().shaken().us(PSH | ACK, b"hi").them(ACK).them(RST), "greeted"),
}


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_what_clients_do_is_no_scan(name: str) -> None:
    """Harmless flows that have a packet which alone would look like a scan."""
    made, kind = LOOK_ALIKES[name]
    assert kind_of(made.sent) == kind
