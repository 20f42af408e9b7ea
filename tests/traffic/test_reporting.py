"""What the tables say: verdicts, ports, and what is left out."""

from collections.abc import Collection
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.model.traffic import VERDICTS, Ours, Traffic
from portbook.traffic.engine import Engine
from portbook.traffic.judging import judge
from portbook.traffic.reporting import moment, report
from portbook.traffic.source_facts import SourceFacts
from portbook.traffic.trw import Rates
from traffic.packets_made import ACK, FIN, OURS, PSH, RST, SYN, UDP, Sent, Wire, columns

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: curl/8.5\r\n\r\n"
SSH = b"SSH-2.0-OpenSSH_9.2\r\n"


def told(*sent: list[Sent], listed: int = 100, spoken: dict[int, str] | None = None) -> Traffic:
    """Return the report on these packets, all at once."""
    engine = Engine((), [ip_network("192.0.2.0/24")])
    engine.take(columns([each for one in sent for each in one]))

    def speaks(transport: str, port: int) -> Collection[str]:
        return (spoken[port],) if spoken and port in spoken else ()

    return report(engine, ours=Ours((OURS,), "given"), spoken=speaks, listed=listed)


def visit(source: str, data: bytes = GET, port: int = 80, at: float = 0.0) -> list[Sent]:
    """Return a request and its answer."""
    wire = Wire(source, port, at=at).shaken().them(PSH | ACK, data).us(PSH | ACK, b"answer")
    return wire.them(FIN | ACK).us(FIN | ACK).them(ACK).sent


def sweep(source: str, ports: Collection[int], at: float = 0.0) -> list[Sent]:
    """Return SYNs of a stack to closed ports."""
    wires = [
        Wire(source, port, source_port=50000 + n, at=at + n / 100).them(SYN).us(RST | ACK)
        for n, port in enumerate(ports)
    ]
    return [each for wire in wires for each in wire.sent]


def test_a_client_and_a_sweep_are_told_apart() -> None:
    """One asked for a page, the other tried ten closed ports."""
    traffic = told(visit("198.51.100.1"), sweep("198.51.100.2", range(1, 11), 1))
    by = {row.address: row for row in traffic.sources}
    client, scan = by["198.51.100.1"], by["198.51.100.2"]
    assert (client.verdict, client.contacts, client.ports) == ("client", 1, (80,))
    assert client.openers[0].protocol == "http"
    assert ("user-agent", "curl/8.5") in client.openers[0].details
    assert (scan.verdict, scan.scan_type) == ("scan", "connect") or scan.scan_type == "syn"
    assert (scan.contacts, scan.ports_total, scan.decided_after) == (10, 10, 4)
    assert scan.evidence and client.evidence
    assert dict(traffic.verdicts) == {"client": 1, "scan": 1}
    assert traffic.sources[0].verdict == "scan"


def test_the_ports_own_protocol_makes_the_difference() -> None:
    """The same bytes: a client of a web server, a probe of an SSH server."""
    web = told(visit("198.51.100.1"), spoken={80: "http"}).sources[0]
    wrong = told(visit("198.51.100.1"), spoken={80: "ssh"}).sources[0]
    assert (web.verdict, wrong.verdict) == ("client", "probe")
    assert wrong.evidence[0] == "opens with http at 80/tcp, which speaks ssh"


def test_a_wrong_opener_and_then_the_right_one_is_a_client() -> None:
    """As browsers do that try TLS first."""
    hello = bytes.fromhex("16030100050100000103") + b"\x03"
    both = visit("198.51.100.1", hello) + visit("198.51.100.1", GET, at=1)
    both = [
        each._replace(source_port=41000) if each.at >= 1 and each.source != OURS else each
        for each in both
    ]
    both = [
        each._replace(destination_port=41000) if each.at >= 1 and each.source == OURS else each
        for each in both
    ]
    assert told(both, spoken={80: "http"}).sources[0].verdict == "client"


def test_every_port_that_was_touched_has_its_row() -> None:
    """Who came, whether anything answers there, and a sentence."""
    traffic = told(visit("198.51.100.1"), visit("198.51.100.3"), sweep("198.51.100.2", (80, 81), 1))
    rows = {row.port: row for row in traffic.ports}
    assert (rows[80].listening, rows[80].sources) == (True, 3)
    assert (rows[81].listening, rows[81].sources) == (False, 1)
    assert rows[81].sentence.startswith("81: no service here; 1 source")
    assert dict(rows[80].verdicts)["client"] == 2


def test_watched_ports_that_nobody_touched_are_told_too() -> None:
    """A row with no source: the answer to the question."""
    engine = Engine([(3255, "tcp"), (53, "udp")], [ip_network(OURS)])
    engine.take(columns(visit("198.51.100.1")))
    traffic = report(engine, ours=Ours((OURS,), "given"), spoken=lambda _transport, _port: ())
    assert [(row.port, row.transport, row.sources) for row in traffic.ports] == [
        (53, "udp", 0),
        (3255, "tcp", 0),
    ]
    assert traffic.packets == 8
    assert dict(traffic.passed) == {"other-port": 8}


def test_sources_that_are_not_listed_are_counted_and_named() -> None:
    """Scans come first; the rest is a gap that says how to see it."""
    clients = [visit(f"198.51.100.{n}") for n in range(1, 30)]
    traffic = told(*clients, sweep("203.0.113.1", range(1, 9), 1), listed=5)
    assert len(traffic.sources) == 5
    assert traffic.sources[0].address == "203.0.113.1"
    assert traffic.sources_total == 30
    assert dict(traffic.verdicts)["client"] == 29
    assert "25 of 30 sources" in str(traffic.incomplete[0].what)


def test_a_sweep_of_our_hosts_counts_hosts_and_ports() -> None:
    """The same port at twenty own addresses."""
    sent = [
        Sent(n / 10, "198.51.100.2", 50000 + n, f"192.0.2.{n + 1}", 445, SYN) for n in range(20)
    ]
    engine = Engine((), [ip_network("192.0.2.0/24")])
    engine.take(columns(sent))
    facts = SourceFacts(engine, engine.standing(final=True), lambda *_: (), Rates()).row(0)
    assert (facts.contacts, facts.ports, facts.hosts, facts.failures) == (20, 1, 20, 20)
    assert told(sent).sources[0].verdict == "scan"


def test_a_steady_beat_is_measured() -> None:
    """A check every two seconds that says nothing: seven intervals, no variation."""
    checks = [
        Wire("198.51.100.4", 80, source_port=41000 + n, at=2.0 * n).shaken().them(RST | ACK).sent
        for n in range(8)
    ]
    engine = Engine((), [ip_network(OURS)])
    engine.take(columns([each for one in checks for each in one]))
    facts = SourceFacts(engine, engine.standing(final=True), lambda *_: (), Rates()).row(0)
    assert (facts.beats, round(facts.period, 3), facts.variation) == (7, 2.0, 0.0)
    assert judge(facts).verdict == "health-check"


_KINDS = st.sampled_from(["visit", "sweep", "open", "empty", "udp", "greeted", "silent"])


@settings(deadline=None)
@given(st.lists(st.tuples(_KINDS, st.integers(1, 6), st.integers(1, 4)), min_size=1, max_size=12))
def test_sources_of_equal_facts_are_judged_once_and_as_if_alone(
    visits: list[tuple[str, int, int]],
) -> None:
    """The verdict of the shared row is that of each source's own row."""
    sent: list[Sent] = []
    for n, (kind, who, port) in enumerate(visits):
        wire = Wire(f"198.51.100.{who}", port, source_port=40000 + n, at=n * 1.0)
        if kind == "sweep":
            sent += sweep(f"198.51.100.{who}", range(100, 100 + 3 * port), n)
        elif kind == "udp":
            sent += [each._replace(protocol=UDP) for each in wire.them(0, b"?").sent]
        elif kind == "silent":
            sent += wire.them(SYN).sent
        else:
            wire.shaken()
            if kind == "visit":
                wire.them(PSH | ACK, GET).us(PSH | ACK, b"answer")
            elif kind == "greeted":
                wire.us(PSH | ACK, SSH)
            sent += (wire if kind == "open" else wire.them(FIN | ACK)).sent
    engine = Engine((), [ip_network(OURS)])
    engine.take(columns(sent))
    facts = SourceFacts(engine, engine.standing(final=True), lambda *_: (), Rates())
    place, verdicts = facts.judged()
    for each, row in zip(place.tolist(), facts.rows.tolist(), strict=True):
        assert verdicts[each] == judge(facts.row(row, coarse=True))
    traffic = told(sent)
    assert sum(number for _, number in traffic.verdicts) == traffic.sources_total
    assert {row.verdict for row in traffic.sources} <= set(VERDICTS)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_000_000_123_456_789, "2026-11-18T11:06:40.123Z"),
        (-5, "1970-01-01T00:00:00.999Z"),
        (2**62, "2116-02-20T23:53:38.427Z"),
    ],
)
def test_any_time_of_a_capture_has_a_text(at: int, text: str) -> None:
    """Also times that no clock has shown yet."""
    assert moment(at) == text


def test_an_opener_in_two_segments_is_read_whole() -> None:
    """Git writes four digits first, and a long hello of TLS has its name in the second segment."""
    git = Wire("198.51.100.1", 9418).shaken().them(PSH | ACK, b"003d")
    git.them(PSH | ACK, b"git-upload-pack /a.git\0host=b.example\0").us(PSH | ACK, b"0000")
    name = b"long.example"
    server = b"\0\0" + (len(name) + 5).to_bytes(2, "big") + (len(name) + 3).to_bytes(2, "big")
    server += b"\0" + len(name).to_bytes(2, "big") + name
    padding = b"\0\x15" + (1300).to_bytes(2, "big") + bytes(1300)
    extensions = padding + server
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\x13\x01" + b"\x01\0"
    body += len(extensions).to_bytes(2, "big") + extensions
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    record = b"\x16\x03\x01" + len(hello).to_bytes(2, "big") + hello
    tls = Wire("198.51.100.2", 443).shaken().them(ACK, record[:1360]).them(PSH | ACK, record[1360:])
    by = {row.address: row for row in told(git.sent, tls.sent).sources}
    assert [each.protocol for each in by["198.51.100.1"].openers] == ["git"]
    assert ("sni", "long.example") in by["198.51.100.2"].openers[0].details


def test_the_same_packets_are_the_same_report() -> None:
    """Rows hang on a salt that each run draws; what is told never does.

    Sources with as many packets came in the order of their first ones, or at the same moment.
    """
    sent = [visit(f"198.51.100.{n}", at=n // 2, port=80 + n % 3) for n in range(60)]
    sent += [visit(f"2001:db8::{n:x}", at=n // 2) for n in range(1, 40)]
    sent += [sweep(f"203.0.113.{n}", range(1, 6), 5 + n // 2) for n in range(40)]
    first = told(*sent)
    assert len(first.sources) == 100
    for _ in range(12):
        assert told(*sent) == first
    clients = [each for each in first.sources if each.verdict == "client"]
    assert [each.first for each in clients] == sorted(each.first for each in clients)
