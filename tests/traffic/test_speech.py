"""What is read of a flow's first bytes: by order, by the snap length, and what is kept of them."""

from ipaddress import ip_network

import pytest

from portbook.model.traffic import TOOLS
from portbook.traffic import speech
from portbook.traffic.engine import Engine
from portbook.traffic.packets import Packets
from traffic.packets_made import ACK, BEGIN, FIN, OURS, PSH, SECOND, SYN, UDP, Sent, Wire, columns

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
NSE = b"GET /x HTTP/1.1\r\nUser-Agent: Mozilla/5.0 (compatible; Nmap Scripting Engine)\r\n\r\n"
ZGRAB = b"GET /y HTTP/1.1\r\nHost: a\r\nUser-Agent: Mozilla/5.0 zgrab/0.x\r\n\r\n"


def engine_of(*batches: list[Sent]) -> Engine:
    """Return an engine that has taken these batches."""
    engine = Engine((), [ip_network(OURS)])
    for batch in batches:
        engine.take(columns(batch))
    return engine


def protocols(engine: Engine) -> list[str | None]:
    """Return what the first source speaks."""
    return [opener.protocol for opener in engine.speech.openers.get(0, ())]


def test_segments_out_of_order_are_read_in_order() -> None:
    """The second half first: only what stands behind the SYN is an opener."""
    wire = Wire("198.51.100.1", 80).shaken().them(ACK, GET[:20]).them(PSH | ACK, GET[20:])
    sent = wire.sent
    sent[3], sent[4] = sent[4], sent[3]
    assert protocols(engine_of(sent)) == ["http"]
    assert protocols(engine_of(*[[each] for each in sent])) == ["http"]


def test_a_retransmission_changes_nothing() -> None:
    """The same segment twice is one opener."""
    wire = Wire("198.51.100.1", 80).shaken().them(PSH | ACK, GET)
    engine = engine_of([*wire.sent, wire.sent[-1]._replace(at=1)])
    assert protocols(engine) == ["http"]


@pytest.mark.parametrize("first", [2, len(GET)])
@pytest.mark.parametrize("start", [1000, 2**32 - 2])
def test_bytes_in_the_syn_are_the_beginning(first: int, start: int) -> None:
    """TCP Fast Open, whole or in two parts, also where the sequence numbers wrap."""
    wire = Wire("198.51.100.1", 80).them(SYN, GET[:first], sequence=start).us(SYN | ACK).them(ACK)
    if first < len(GET):
        wire.them(PSH | ACK, GET[first:], sequence=(start + 1 + first) % 2**32)
    assert protocols(engine_of(wire.sent))[-1] == "http"


def cut(packets: Packets, kept: int) -> Packets:
    """Return the packets as a snap length leaves them."""
    packets.payload_kept = packets.payload_kept.clip(max=kept)
    return packets


def test_bytes_that_a_snap_length_cut_are_held_against_nobody() -> None:
    """Unrecognised because cut is not unrecognised: the port's protocol is known."""
    wire = (
        Wire("198.51.100.1", 5060).shaken().them(PSH | ACK, b"OPT" + b"IONS sip:a SIP/2.0\r\n" * 9)
    )
    engine = Engine((), [ip_network(OURS)])
    engine.take(cut(columns(wire.sent), 3))
    assert engine.flows["opener"].tolist() == [speech.CUT_SHORT]
    whole = Wire("198.51.100.1", 5060).shaken().them(PSH | ACK, b"\1\2\3" * 50)
    assert engine_of(whole.sent).flows["opener"].tolist() == [1]


@pytest.mark.parametrize(("later", "tool"), [(NSE, TOOLS.index("nmap") + 1), (ZGRAB, 6)])
@pytest.mark.parametrize("together", [True, False])
def test_a_scanning_program_shows_in_a_later_request_too(
    later: bytes, tool: int, *, together: bool
) -> None:
    """After an ordinary one, in the same batch or in another."""
    one = Wire("198.51.100.1", 80).shaken().them(PSH | ACK, GET).sent
    two = Wire("198.51.100.1", 80, source_port=40001, at=1).shaken().them(PSH | ACK, later).sent
    engine = engine_of(one + two) if together else engine_of(one, two)
    assert engine.tallies.sources["tool"].tolist() == [tool]


def test_an_opener_that_is_never_finished_takes_no_room_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The older half makes room; what is held is bounded, and nothing breaks."""
    monkeypatch.setattr(speech, "_WAITING", 10)
    sent = []
    for n in range(50):
        wire = Wire("198.51.100.1", 9418, source_port=1000 + n, at=n)
        sent += wire.shaken().them(PSH | ACK, b"00").sent
    engine = engine_of(sent[:90], sent[90:])
    assert 5 <= len(engine.speech._begun) <= 10
    assert 5 <= len(engine.speech._waiting) <= 10


def test_forgetting_sources_between_two_segments_accuses_nobody() -> None:
    """What was held of an opener is gone: the rest is no opener of its own."""
    wire = Wire("198.51.100.1", 9418).shaken().them(PSH | ACK, b"003d")
    rest = wire.sent.copy()
    wire.them(PSH | ACK, b"git-upload-pack /a.git\0host=b\0").us(PSH | ACK, b"00")
    engine = engine_of(rest)
    engine.forget(BEGIN - SECOND)
    engine.take(columns(wire.sent[len(rest) :]))
    assert engine.flows["opener"].tolist() == [speech.CUT_SHORT]


def test_four_first_replies_of_a_port_are_kept_with_their_questions() -> None:
    """A greeting has none; replies in the middle of a connection are not taken."""
    sent = []
    for n in range(6):
        wire = Wire("198.51.100.1", 80, source_port=1000 + n, at=n).shaken().them(PSH | ACK, GET)
        sent += wire.us(PSH | ACK, b"HTTP/1.1 200 OK\r\n\r\n").us(PSH | ACK, b"<p>").sent
    sent += Wire("198.51.100.1", 25, at=9).shaken().us(PSH | ACK, b"220 a\r\n").sent
    sent += Wire("198.51.100.1", 81, at=9).us(PSH | ACK, b"middle").them(ACK).sent
    datagram = Wire("198.51.100.1", 53, at=9).them(0, b"?").us(0, b"!").sent
    sent += [each._replace(protocol=UDP) for each in datagram]
    samples = {(kind, port): pairs for kind, port, pairs in engine_of(sent).speech.samples()}
    assert samples == {
        ("tcp", 80): [(GET, b"HTTP/1.1 200 OK\r\n\r\n")] * 4,
        ("tcp", 25): [(b"", b"220 a\r\n")],
        ("udp", 53): [(b"?", b"!")],
    }


def test_bytes_of_a_connection_from_before_are_no_opener() -> None:
    """In the middle of a connection a first payload says nothing of its protocol."""
    wire = Wire("198.51.100.1", 80).them(PSH | ACK, b"\1\2\3\4").us(PSH | ACK, b"5").them(FIN | ACK)
    engine = engine_of(wire.sent)
    assert engine.flows["opener"].tolist() == [0]
