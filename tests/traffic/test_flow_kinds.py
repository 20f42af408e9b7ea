"""How flows end: each kind by a conversation that has it, and those that only look so."""

from ipaddress import ip_network

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


CONVERSATIONS = {
    "conversed": wire().shaken().them(PSH | ACK, b"GET").us(PSH | ACK, b"200").them(FIN | ACK),
    "greeted": wire().shaken().us(PSH | ACK, b"SSH-2.0").them(ACK).them(FIN | ACK),
    "empty": wire().shaken().them(FIN | ACK).us(FIN | ACK).them(ACK),
    "empty-reset": wire().shaken().them(RST | ACK),
    "open": wire().shaken(),
    "half-open": wire().them(SYN).us(SYN | ACK).them(RST),
    "half-silent": wire().them(SYN).us(SYN | ACK).us(SYN | ACK),
    "refused": wire().them(SYN).us(RST | ACK),
    "ignored": wire().them(SYN).them(SYN),
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
    ],
)
def test_a_reflector_answers_any_port(own: int, theirs: int, kind: str) -> None:
    """Who abuses it may have named any port above the system's, which then is closed."""
    sent = [each._replace(protocol=UDP) for each in wire(own, theirs).them(0, b"long").sent]
    assert kind_of(sent) == kind


def test_an_error_about_nothing_that_we_sent_is_backscatter() -> None:
    """Over UDP and over TCP."""
    assert kind_of([icmp("in")]) == "back-icmp"
    assert kind_of([icmp("in", protocol=6)]) == "back-icmp"


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


LOOK_ALIKES = {
    "keepalives of a connection from before the capture": (
        wire().them(ACK).us(ACK).them(ACK).us(ACK),
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
