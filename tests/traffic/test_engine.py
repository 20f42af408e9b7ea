"""The engine beside a plain one in dicts, batches of any size, and what it forgets."""

from collections import Counter
from ipaddress import ip_network

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portbook.traffic.engine import ANSWERED, REFUSED, Engine
from portbook.traffic.facts import KINDS
from portbook.traffic.own_side import address_text
from traffic.packets_made import (
    ACK,
    BEGIN,
    FIN,
    OURS,
    PSH,
    RST,
    SECOND,
    SYN,
    UDP,
    URG,
    Sent,
    Wire,
    columns,
)
from traffic.plain_engine import begins_again, tallied, visits_of

_FLAGS = st.sampled_from(
    [
        *(SYN, SYN | ACK, ACK, PSH | ACK, FIN | ACK, FIN, RST, RST | ACK, 0, FIN | PSH | URG),
        *(SYN | FIN, SYN | FIN | URG | PSH, URG, SYN | RST, PSH, SYN | PSH, FIN | URG),
    ]
)
_THEM = st.sampled_from(["198.51.100.1", "198.51.100.2", "2001:db8::5"])


@st.composite
def _sent(draw: st.DrawFn) -> list[Sent]:
    """Return packets of a few flows, in any order, with no 5-tuple used again after its end."""
    packets: list[Sent] = []
    for _ in range(draw(st.integers(1, 25))):
        them = (draw(_THEM), draw(st.sampled_from([53, 40000, 40001])))
        ours = (OURS, draw(st.sampled_from([80, 50000])))
        ends = (*them, *ours) if draw(st.booleans()) else (*ours, *them)
        udp = draw(st.integers(0, 3)) == 0
        flags = 0 if udp else draw(_FLAGS)
        data = draw(st.sampled_from([b"", b"", b"x"])) if udp or flags & ACK else b""
        if flags & (SYN | FIN | RST):
            data = b""
        made = Sent(len(packets) * 0.01, *ends, flags, data)
        packets.append(made._replace(protocol=UDP) if udp else made)
    return packets


def engine_of(*batches: list[Sent]) -> Engine:
    """Return an engine that has taken these batches."""
    engine = Engine((), [ip_network(OURS)])
    for batch in batches:
        engine.take(columns(batch))
    return engine


def kinds_by_source(engine: Engine) -> dict[str, Counter[str]]:
    """Return the counts of every source by kind."""
    tallies = engine.standing(final=True)
    found = {}
    for row in range(engine.addresses.size):
        address = address_text(int(engine.addresses.high[row]), int(engine.addresses.low[row]))
        counts = tallies.sources["kinds"][row].tolist()
        found[address] = Counter({KINDS[code]: n for code, n in enumerate(counts) if n})
    return found


@settings(max_examples=400, deadline=None)
@given(_sent())
def test_flows_end_as_packet_by_packet(sent: list[Sent]) -> None:
    """All at once in columns, or one after the other in dicts: the same kinds."""
    assert kinds_by_source(engine_of(sent)) == tallied(sent)


@settings(deadline=None)
@given(_sent(), st.integers(1, 9))
def test_batches_may_be_cut_anywhere(sent: list[Sent], size: int) -> None:
    """Flows go on over batches; none of these begins again after its end."""
    assume(not begins_again(sent))
    batches = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert kinds_by_source(engine_of(sent)) == kinds_by_source(engine_of(*batches))


@settings(deadline=None)
@given(_sent())
def test_no_packet_is_lost_or_counted_twice(sent: list[Sent]) -> None:
    """Packets and payload of all sources are those of the flows that we did not begin."""
    engine = engine_of(sent)
    sources = engine.standing(final=True).sources
    visits = visits_of(sent)
    assert engine.packets == len(sent)
    assert sources["packets"].sum() == len(visits)
    assert sources["bytes"].sum() == sum(len(each.data) for each in visits if each.source != OURS)
    first = min(each.at for each in sent)
    assert engine.first == BEGIN + round(first * SECOND)


@settings(deadline=None)
@given(_sent())
def test_looking_changes_nothing(sent: list[Sent]) -> None:
    """The tallies as they stand are a copy: asked twice they are the same, and go on."""
    half = len(sent) // 2
    engine = engine_of(sent[:half] or sent)
    seen = [engine.standing(final=False) for _ in range(2)]
    for table in ("sources", "contacts"):
        one, two = (getattr(each, table) for each in seen)
        assert (one["kinds"] == two["kinds"]).all()
    if half:
        engine.take(columns(sent[half:]))
        assert engine.standing(final=True).sources["packets"].sum() == len(visits_of(sent))


def test_a_port_that_is_used_again_is_another_flow() -> None:
    """SYN and RST twice with the same numbers, in two batches: refused twice."""
    once = Wire("198.51.100.9", 80).them(SYN).us(RST | ACK)
    again = [each._replace(at=each.at + 5) for each in once.sent]
    assert kinds_by_source(engine_of(once.sent, again))["198.51.100.9"] == {"refused": 2}


def test_flows_that_are_over_are_swept() -> None:
    """A minute after its last packet a flow is tallied; an established one waits an hour."""
    short = [Wire("198.51.100.1", port).them(SYN).us(RST | ACK).sent for port in (80, 81, 82)]
    long = Wire("198.51.100.2", 80).shaken().them(PSH | ACK, b"GET").us(PSH | ACK, b"200")
    engine = engine_of([each for one in short for each in one] + long.sent)
    for at in (20, 100, 200):
        engine.take(columns(Wire("198.51.100.3", 80, source_port=at, at=at).them(SYN).sent))
    assert engine.flows.size == 2
    assert engine.tallies.sources["kinds"].sum() == 5
    late = Wire("198.51.100.2", 80, at=201).them(PSH | ACK, b"more").us(PSH | ACK, b"bytes")
    engine.take(columns(late.sent))
    assert kinds_by_source(engine)["198.51.100.2"] == {"conversed": 1}


def test_forgotten_sources_take_nobody_with_them() -> None:
    """Those silent since then are gone; flows, contacts and openers of the others go on."""
    old = [Wire(f"198.51.100.{n}", 80).them(SYN).us(RST | ACK) for n in range(1, 40)]
    new = Wire("2001:db8::1", 80, at=100).shaken().them(PSH | ACK, b"GET / HTTP/1.0\r\n\r\n")
    engine = engine_of([each for one in old for each in one.sent], new.sent)
    engine.forget(BEGIN + 50 * SECOND)
    assert engine.addresses.size == engine.tallies.sources.size == 1
    assert engine.tallies.contacts.size == engine.flows.size == 1
    assert list(engine.speech.openers) == [0]
    engine.take(columns([each._replace(at=110) for each in Wire("2001:db8::1", 80).us(ACK).sent]))
    assert engine.flows.size == 1
    engine.take(columns(old[3].sent))
    assert kinds_by_source(engine) == {
        "2001:db8::1": {"conversed": 1},
        "198.51.100.4": {"refused": 1},
    }


def test_only_watched_ports_are_kept() -> None:
    """Others are counted and passed over, also our own connections to a port of that number."""
    engine = Engine([(80, "tcp")], [ip_network(OURS)])
    wanted = Wire("198.51.100.1", 80).them(SYN)
    other = Wire("198.51.100.1", 81).them(SYN)
    away = Wire("198.51.100.1", 50000, source_port=80).us(SYN).them(SYN | ACK)
    engine.take(columns(wanted.sent + other.sent + away.sent))
    assert engine.passed == {"other-port": 3}
    assert engine.standing(final=True).sources["packets"].sum() == 1


def test_what_our_ports_said_is_heard() -> None:
    """A SYN-ACK answers, a RST refuses; other ports are silent."""
    engine = engine_of(
        Wire("198.51.100.1", 80).them(SYN).us(SYN | ACK).sent,
        Wire("198.51.100.1", 81).them(SYN).us(RST | ACK).sent,
        Wire("198.51.100.1", 82).them(SYN).sent,
    )
    assert [int(engine.heard[1, port]) for port in (80, 81, 82)] == [ANSWERED, REFUSED, 0]


def test_more_own_addresses_than_are_told_apart() -> None:
    """Beyond 511 they count as one; no packet is lost."""
    engine = Engine((), [ip_network("10.0.0.0/16")])
    for part in range(3):
        sent = [
            Sent(n, "198.51.100.1", 40000, f"10.0.{n // 250}.{n % 250}", 80, SYN)
            for n in range(part * 500, part * 500 + 500)
        ]
        engine.take(columns(sent))
    tallies = engine.standing(final=True)
    assert tallies.sources["packets"].sum() == 1500
    assert 511 <= len(np.unique(tallies.contacts["own"])) <= 512
