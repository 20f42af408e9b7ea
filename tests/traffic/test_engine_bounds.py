"""What the engine keeps stays bounded and right: hostile captures, odd clocks, ports used again."""

from ipaddress import ip_network

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.model.traffic import Ours, Traffic
from portbook.traffic import engine as engine_module
from portbook.traffic.engine import Engine
from portbook.traffic.facts import KINDS, MARKS
from portbook.traffic.reporting import report
from portbook.traffic.source_facts import SourceFacts, _coarse
from portbook.traffic.trw import Rates
from traffic.packets_made import ACK, FIN, OURS, PSH, RST, SYN, Sent, Wire, columns

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
YEAR = 366 * 86400


def engine_of(*batches: list[Sent]) -> Engine:
    """Return an engine that has taken these batches."""
    engine = Engine((), [ip_network("192.0.2.0/24")])
    for batch in batches:
        engine.take(columns(batch))
    return engine


def told(engine: Engine) -> Traffic:
    """Return its report."""
    return report(engine, ours=Ours((OURS,), "given"), spoken=lambda _transport, _port: ())


def kinds(engine: Engine) -> dict[str, int]:
    """Return the flows of all sources by kind."""
    counts = engine.standing(final=True).sources["kinds"].sum(axis=0).tolist()
    return {name: number for name, number in zip(KINDS, counts, strict=True) if number}


def probe(n: int, at: float, source: str = "198.51.100.1") -> Wire:
    """Return the nth refused SYN of a source."""
    return Wire(source, n % 60000, source_port=1000 + n % 60000, at=at).them(SYN).us(RST | ACK)


@pytest.mark.parametrize("pace", [0.0, 0.01])
def test_flows_are_bounded_whatever_the_clock_says(
    pace: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound the quietest half is tallied, also where all have one time stamp."""
    monkeypatch.setattr(engine_module, "MOST_FLOWS", 400)
    engine = Engine((), [ip_network(OURS)])
    for part in range(20):
        sent = [probe(n, n * pace).sent for n in range(part * 100, part * 100 + 100)]
        batch = [each._replace(at=n * pace) for n, one in enumerate(sent) for each in one]
        engine.take(columns(batch))
        assert engine.flows.size <= 500
    assert kinds(engine) == {"refused": 2000}


def test_contacts_are_bounded_and_what_is_over_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flows to further ports count for their source; the answer says how many."""
    monkeypatch.setattr(engine_module, "MOST_CONTACTS", 1000)
    engine = Engine((), [ip_network(OURS)])
    for part in range(30):
        sent = [probe(n, n / 100).sent for n in range(part * 100, part * 100 + 100)]
        engine.take(columns([each for one in sent for each in one]))
    traffic = told(engine)
    assert engine.tallies.contacts.size <= 1000
    assert traffic.sources[0].packets == 6000
    assert traffic.sources[0].verdict == "scan"
    assert any("further flows" in str(gap.what) for gap in traffic.incomplete)


def test_own_addresses_beyond_those_told_apart_are_a_gap() -> None:
    """A sweep of a thousand hosts is one, and the answer says that some count as one."""
    engine = Engine((), [ip_network("10.0.0.0/16")])
    sent = [
        Sent(n / 10, "198.51.100.2", 50000, f"10.0.{n // 250}.{n % 250}", 445, SYN, sequence=n)
        for n in range(1000)
    ]
    for part in range(10):
        engine.take(columns(sent[part * 100 : part * 100 + 100]))
    traffic = told(engine)
    assert any("own addresses" in str(gap.what) for gap in traffic.incomplete)
    assert traffic.sources[0].verdict == "scan"


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_source_port_that_is_used_again_is_another_connection(size: int) -> None:
    """Ten checks from one port, in batches of any size: ten flows and a rhythm."""
    sent = []
    for n in range(10):
        wire = Wire("198.51.100.4", 80, at=10.0 * n)
        wire._next = 7_000_000 * n
        sent += wire.shaken().them(RST | ACK).sent
    engine = engine_of(*[sent[at : at + size] for at in range(0, len(sent), size)])
    assert told(engine).sources[0].verdict == "health-check"


def test_a_flood_of_one_five_tuple_is_not_taken_apart_for_ever() -> None:
    """Beyond 32 beginnings in a batch it is one flow; no packet is lost."""
    sent = [Sent(n / 1000, "198.51.100.4", 7, OURS, 80, SYN, sequence=n * 99) for n in range(5000)]
    engine = engine_of(sent)
    assert sum(kinds(engine).values()) <= 40
    assert engine.tallies.sources["packets"].sum() == 5000


def test_one_wrong_time_stamp_moves_nothing() -> None:
    """A packet of the year 2105 neither ends flows nor lengthens the capture."""
    wire = Wire("198.51.100.1", 80).shaken().them(PSH | ACK, GET).us(PSH | ACK, b"200")
    wrong = probe(9, 0, "198.51.100.9").sent[0]._replace(at=79.0 * YEAR)
    later = Wire("198.51.100.1", 80, at=50)
    later._next = wire._next
    engine = engine_of([*wire.sent, wrong], later.them(FIN | ACK).us(FIN | ACK).sent)
    assert engine.flows.size == 1
    traffic = told(engine)
    assert traffic.seconds < 60
    assert kinds(engine) == {"conversed": 1, "ignored": 1}
    by = {row.address: row for row in traffic.sources}
    assert by["198.51.100.1"].verdict == "client"


def test_captures_put_together_in_the_wrong_order_are_swept_too() -> None:
    """Time that goes back a day ends what was open in the future."""
    late = [probe(n, 86400 * 2 + n / 100).sent for n in range(50)]
    early = [probe(100 + n, n / 100).sent for n in range(50)]
    engine = engine_of(*[[each for one in part for each in one] for part in (late, early, early)])
    assert engine.flows.size == 50


def test_our_own_connections_count_for_no_source() -> None:
    """Neither their bytes nor their times; and they make no port of ours a service."""
    out = Wire("198.51.100.5", 45678, source_port=443).us(SYN).them(SYN | ACK).us(ACK)
    out.us(PSH | ACK, GET).them(PSH | ACK, b"x" * 5000)
    asked = Wire("198.51.100.5", 45678, source_port=40001, at=60).them(SYN).us(RST | ACK)
    traffic = told(engine_of(out.sent + asked.sent))
    source = traffic.sources[0]
    assert (source.packets, source.bytes, source.contacts) == (2, 0, 1)
    assert source.first.endswith("11:07:40.000Z")
    assert [(port.port, port.listening) for port in traffic.ports] == [(45678, False)]


def test_more_bytes_than_32_bits_count() -> None:
    """One connection that sent five gigabytes."""
    packets = columns(Wire("198.51.100.1", 80).shaken().them(PSH | ACK, GET).sent)
    packets.payload[3] = 2**32 - 10
    engine = Engine((), [ip_network(OURS)])
    engine.take(packets)
    more = columns([each._replace(at=9) for each in Wire("198.51.100.1", 80).them(ACK, GET).sent])
    more.payload[0] = 2**30
    engine.take(more)
    assert told(engine).sources[0].bytes == 2**32 - 10 + 2**30


def test_the_rhythm_is_that_of_the_contact_repeated_most() -> None:
    """Three steady visits of a second port do not hide a hundred of the first."""
    sent = []
    for n in range(100):
        wire = Wire("198.51.100.4", 80, source_port=41000 + n, at=10 * n + (n % 3) * 0.4)
        sent += wire.shaken().them(RST | ACK).sent
    for n in range(3):
        wire = Wire("198.51.100.4", 81, source_port=42000 + n, at=1 + 10.0 * n)
        sent += wire.shaken().them(RST | ACK).sent
    engine = engine_of(sorted(sent, key=lambda each: each.at))
    facts = SourceFacts(engine, engine.standing(final=True), lambda *_: (), Rates()).row(0)
    assert facts.beats == 99
    assert 9.9 < facts.period < 10.1


@given(st.lists(st.integers(0, 2**40), min_size=1))
def test_coarse_counts_keep_their_ratio(numbers: list[int]) -> None:
    """Exact below 64; never more, and less by a thirty-second at the most; order is kept."""
    coarse = _coarse(np.array(numbers, np.int64)).tolist()
    for number, rounded in zip(numbers, coarse, strict=True):
        assert rounded <= number
        assert number < 64 or rounded > number * 31 / 32 - 1
        assert number >= 64 or rounded == number
    assert [x for _, x in sorted(zip(numbers, coarse, strict=True))] == sorted(coarse)


def test_a_busy_source_is_judged_by_its_ratios() -> None:
    """Seventy served and 4,300 refused contacts: a scan, however large the numbers are."""
    sent: list[Sent] = []
    for n in range(4370):
        wire = Wire("198.51.100.4", 1 + n, source_port=1000 + n, at=n / 50)
        if n % 62 == 5:
            wire.shaken().them(PSH | ACK, GET).us(PSH | ACK, b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            wire.them(SYN).us(RST | ACK)
        sent += wire.sent
    engine = engine_of(sent)
    assert told(engine).sources[0].verdict == "scan"


def test_what_is_left_of_our_own_connections_is_no_visit() -> None:
    """Connections from before the capture: no source, no port of ours, and packets that count."""
    sent = []
    for n in range(12):
        wire = Wire("198.51.100.5", 40000 + n, source_port=5432, at=n)
        sent += wire.them(ACK).us(ACK).them(FIN | ACK).us(RST).sent
    traffic = told(engine_of(sent))
    assert (traffic.sources, traffic.ports, traffic.packets) == ((), (), len(sent))


def test_twenty_thousand_own_addresses_asked_once_are_a_sweep() -> None:
    """Those that are not told apart do not look like a client that tries again."""
    engine = Engine((), [ip_network("10.0.0.0/16")])
    for part in range(20):
        engine.take(
            columns(
                [
                    Sent(n / 100, "198.51.100.2", 50000, f"10.0.{n >> 8}.{n & 255}", 445, SYN)
                    for n in range(part * 500, part * 500 + 500)
                ]
            )
        )
    assert told(engine).sources[0].verdict == "scan"


def test_marks_that_are_no_more_than_chance_are_taken_back() -> None:
    """Two hundred thousand forged SYNs: three carry masscan's mark, and masscan did not come."""
    chance = np.random.default_rng(5)
    total = 200_000
    engine = Engine((), [ip_network(OURS)])
    packets = columns([Sent(0, "198.51.100.1", 1, OURS, 80, SYN, options=0, dont_fragment=False)])
    flood = packets.taken(np.zeros(total, np.intp))
    flood.at = flood.at + np.arange(total) * 10_000
    flood.source_low = (0xFFFF << 32 | (11 << 24)) + np.arange(total).astype(np.uint64)
    flood.sequence = chance.integers(0, 2**32, total).astype(np.uint32)
    flood.ip_id = chance.integers(0, 2**16, total).astype(np.uint16)
    flood.source_port = chance.integers(1, 2**16, total).astype(np.uint16)
    for part in range(0, total, 50_000):
        engine.take(flood.taken(np.arange(part, part + 50_000)))
    assert engine.tallies.sources["marks"][:, MARKS.index("masscan-id")].sum() > 0
    port = told(engine).ports[0]
    assert port.tools == ()
    assert port.sentence.endswith("forged addresses")


def test_marks_of_a_tool_that_came_stay_among_a_flood() -> None:
    """A hundred sources with masscan's mark among a few hundred others are no chance."""
    sent = []
    for n in range(300):
        address = f"198.51.{n >> 8}.{n & 255}"
        ident = (0xC0000207 ^ 80 ^ 77) & 0xFFFF if n < 100 else n
        sent.append(
            Sent(n, address, 50000, OURS, 80, SYN, sequence=77, options=0, ip_id=ident)._replace(
                dont_fragment=False, window=1024
            )
        )
    assert dict(told(engine_of(sent)).ports[0].tools)["masscan"] >= 100


def test_a_client_elsewhere_is_none_where_it_was_refused() -> None:
    """The port's own counts say unknown for it; its verdict is a client's."""
    served = (
        Wire("198.51.100.1", 80)
        .shaken()
        .them(PSH | ACK, GET)
        .us(PSH | ACK, b"HTTP/1.1 200\r\n\r\n")
    )
    refused = Wire("198.51.100.1", 3255, source_port=40001, at=1).them(SYN).us(RST | ACK)
    traffic = told(engine_of(served.sent + refused.sent))
    assert traffic.sources[0].verdict == "client"
    assert {row.port: row.verdicts for row in traffic.ports} == {
        80: (("client", 1),),
        3255: (("unknown", 1),),
    }


def test_every_watched_port_lists_its_own_sources() -> None:
    """A flood of scans at one port does not hide the client of another."""
    engine = Engine([(80, "tcp"), (3255, "tcp")], [ip_network(OURS)])
    sent = []
    for n in range(200):
        sent += Wire(f"203.0.113.{n}", 3255, at=n / 10).them(SYN | FIN).us(RST | ACK).sent
    sent += Wire("198.51.100.1", 80, at=30).shaken().them(PSH | ACK, GET).us(PSH | ACK, b"!").sent
    engine.take(columns(sent))
    ours = Ours((OURS,), "given")
    traffic = report(engine, ours=ours, spoken=lambda *_: (), listed=5, each_port=2)
    assert [row.verdict for row in traffic.sources] == ["scan"] * 5 + ["client"]


def test_ports_that_were_asked_for_stand_among_those_listed() -> None:
    """Of a thousand ports of a sweep the watched one is among the 32 that are told."""
    engine = Engine([(port, "tcp") for port in (*range(1, 100), 60000)], [ip_network(OURS)])
    engine.take(columns([each for n in (*range(1, 99), 60000) for each in probe(n, n / 10).sent]))
    assert len(told(engine).sources[0].ports) == 32


def test_addresses_that_become_ours_later_are_ours_from_then_on() -> None:
    """What came before was somebody else's."""
    engine = Engine((), [ip_network(OURS)])
    there = Sent(0, "198.51.100.1", 40000, "192.0.2.99", 80, SYN)
    engine.take(columns([there]))
    assert engine.passed == {"elsewhere": 1}
    engine.add_networks([ip_network(OURS), ip_network("192.0.2.99")])
    engine.take(columns([there._replace(at=1)]))
    assert told(engine).sources[0].address == "198.51.100.1"


def test_fewer_sources_may_be_told_apart() -> None:
    """A bound for a watch that must stay small; what is over is told."""
    engine = Engine((), [ip_network(OURS)], most_sources=100)
    for n in range(300):
        engine.take(columns(Wire(f"198.51.{n >> 8}.{n & 255}", 80, at=n).them(SYN).sent))
    traffic = told(engine)
    assert 90 <= traffic.sources_total <= 100
    assert any("further sources" in str(gap.what) for gap in traffic.incomplete)
