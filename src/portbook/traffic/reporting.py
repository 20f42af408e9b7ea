"""What the tables say, as `portbook/traffic/1` tells it: sources, ports, what was passed over."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from portbook.model.traffic import TOOLS, VERDICTS, Judged, Ours, PortSeen, SourceSeen, Traffic
from portbook.model.unknown import Gap
from portbook.traffic.engine import (
    ANSWERED,
    MOST_CONTACTS,
    MOST_OWN,
    MOST_SOURCES,
    REFUSED,
    Engine,
)
from portbook.traffic.evidence import evidence
from portbook.traffic.keyed import distinct
from portbook.traffic.openers import NAMES, fits
from portbook.traffic.own_side import address_text
from portbook.traffic.packets import SLOT, TCP
from portbook.traffic.sentences import port_sentence
from portbook.traffic.source_facts import TRANSPORTS, SourceFacts, Spoken
from portbook.traffic.trw import DEFAULT, Rates

MOST_PORTS = 1000
"""Ports that have a sentence of their own."""
_MOST_LISTED_PORTS = 32
_SECOND = 1_000_000_000
_NUMBERS = {name: number for number, name in TRANSPORTS.items()}
_PRIORITY = ("scan", "probe", "unknown", "health-check", "client", "backscatter")
"""In which order sources are listed."""


def report(
    engine: Engine,
    *,
    ours: Ours,
    spoken: Spoken,
    listed: int = 10_000,
    name_unlisted: bool = True,
    rates: Rates = DEFAULT,
    dropped: int | None = None,
    gaps: Sequence[Gap] = (),
    final: bool = True,
) -> Traffic:
    """Everything that was seen, judged.

    Args:
        engine: has taken the packets.
        ours: what is told of our side.
        spoken: what our listeners speak.
        listed: how many sources are listed, 0 for all.
        name_unlisted: sources that are not listed are a gap (they were not left out on purpose).
        rates: of the sequential test.
        dropped: the kernel's count of packets that did not fit, of a live watch.
        gaps: what could not be had.
        final: no packet will come any more; False costs a copy of the tables.
    """
    facts = SourceFacts(engine, engine.standing(final=final), spoken, rates)
    place, verdicts = facts.judged()
    codes = np.array([VERDICTS.index(each.verdict) for each in verdicts] or [0], np.int8)
    totals = np.bincount(codes[place], minlength=len(VERDICTS)) if len(place) else [0] * 6
    chosen = _chosen(facts, place, codes, listed)
    left = len(facts.rows) - len(chosen)
    told = list(gaps)
    if left and name_unlisted:
        told.append(
            Gap(
                f"{left:,} of {len(facts.rows):,} sources are counted, not listed",
                "only so many are listed",
                "--top 0 lists all",
            )
        )
    told += _bounds(engine)
    ports, more = _ports(engine, facts, place, verdicts, spoken)
    if more:
        told.append(
            Gap(
                f"{more:,} more ports have no sentence of their own",
                f"only the {MOST_PORTS:,} ports with most sources have one",
                "name the ports to watch",
            )
        )
    span = (engine.last or 0) - (engine.first or 0)
    return Traffic(
        sources=tuple(
            _source(engine, facts, int(facts.rows[each]), verdicts[place[each]], spoken, rates)
            for each in chosen
        ),
        ports=ports,
        packets=engine.packets,
        sources_total=len(facts.rows),
        verdicts=tuple(
            (name, int(total)) for name, total in zip(VERDICTS, totals, strict=True) if total
        ),
        ours=ours,
        first=None if engine.first is None else moment(engine.first),
        last=None if engine.last is None else moment(engine.last),
        seconds=round(span / _SECOND, 6),
        passed=tuple(sorted(engine.passed.items())),
        dropped=dropped,
        incomplete=tuple(told),
    )


def _bounds(engine: Engine) -> list[Gap]:
    """What was too much to be told apart."""
    found = []
    way_out = "watch fewer ports, or a shorter time"
    if sources := engine.passed.get("too-many-sources"):
        what = f"{sources:,} packets of further sources"
        found.append(
            Gap(what, f"after about {MOST_SOURCES:,} sources no more are told apart", way_out)
        )
    if contacts := engine.passed.get("too-many-contacts"):
        what = f"the ports of {contacts:,} further flows"
        why = f"after about {MOST_CONTACTS:,} contacts no more are told apart"
        found.append(Gap(what, why, way_out))
    if engine.own.size > MOST_OWN:
        what = f"own addresses beyond {MOST_OWN:,}"
        found.append(Gap(what, "they count as one", "give fewer with --host"))
    return found


def moment(at: int) -> str:
    """Nanoseconds since 1970 as ISO 8601 UTC with milliseconds; what no calendar has is cut."""
    seconds = min(max(at // _SECOND, 0), 253_402_300_799)
    day = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return f"{day:%Y-%m-%dT%H:%M:%S}.{at % _SECOND // 1_000_000:03}Z"


def _chosen(
    facts: SourceFacts, place: NDArray[np.int32], codes: NDArray[np.int8], listed: int
) -> NDArray[np.intp]:
    """Which of `facts.rows` are listed: by verdict, then by packets."""
    rank = np.array([_PRIORITY.index(name) for name in VERDICTS])
    packets = facts.tallies.sources["packets"][facts.rows].astype(np.int64)
    order = np.lexsort((facts.rows, -packets, rank[codes[place]]))
    return order[:listed] if listed else order


def _misfits(facts: SourceFacts, row: int, spoken: Spoken) -> tuple[str, ...]:
    """Which protocol the source spoke where, and what the port speaks: the first misfit."""
    contacts = facts.tallies.contacts
    rows = facts.contacts_of(row)
    for contact in rows[facts.outcomes.wrong[rows]].tolist():
        transport = TRANSPORTS.get(int(contacts["protocol"][contact]), "tcp")
        port = int(contacts["port"][contact])
        protocols = spoken(transport, port)
        said = int(contacts["openers"][contact]) >> 2
        for code, name in enumerate(NAMES):
            if said >> code & 1 and not fits(name, protocols):
                there = f"{port}/{transport}, which speaks {', '.join(sorted(protocols))}"
                return (f"opens with {name} at {there}",)
    return ()


def _source(
    engine: Engine, facts: SourceFacts, row: int, judged: Judged, spoken: Spoken, rates: Rates
) -> SourceSeen:
    one = facts.row(row)
    told, against = evidence(one, judged, rates)
    told = (*_misfits(facts, row, spoken), *told)
    sources, contacts = facts.tallies.sources, facts.tallies.contacts
    ports = np.unique(contacts["port"][facts.contacts_of(row)])
    return SourceSeen(
        address=address_text(int(engine.addresses.high[row]), int(engine.addresses.low[row])),
        verdict=judged.verdict,
        scan_type=judged.scan_type,
        tool=judged.tool,
        confidence=judged.confidence,
        contacts=one.contacts,
        ports=tuple(ports[:_MOST_LISTED_PORTS].tolist()),
        ports_total=one.ports,
        first=moment(int(sources["first"][row])),
        last=moment(int(sources["last"][row])),
        evidence=told,
        against=against,
        openers=tuple(engine.speech.openers.get(row, ())),
        decided_after=one.decided_after if one.decision else None,
        packets=int(sources["packets"][row]),
        bytes=int(sources["bytes"][row]),
    )


def _ports(
    engine: Engine,
    facts: SourceFacts,
    place: NDArray[np.int32],
    verdicts: Sequence[Judged],
    spoken: Spoken,
) -> tuple[tuple[PortSeen, ...], int]:
    """A row for each own port that was touched or is watched, and how many more there are."""
    contacts = facts.tallies.contacts
    verdict_of = np.full(facts.tallies.sources.size, -1, np.int32)
    verdict_of[facts.rows] = place
    spot = contacts["protocol"].astype(np.int64) << 16 | contacts["port"]
    pairs = distinct(spot << 32 | facts.who)
    spots, who = pairs >> 32, pairs & 0xFFFFFFFF
    starts = np.flatnonzero(np.diff(spots, prepend=-1))
    found, sizes = spots[starts], np.diff(starts, append=len(spots))
    wanted = {_NUMBERS[transport] << 16 | port for port, transport in engine.ports if transport} | {
        TCP << 16 | port for port, transport in engine.ports if transport is None
    }
    wanted -= set(found.tolist()) if len(wanted) < MOST_PORTS else wanted
    order = np.lexsort((found, -sizes))
    shown = order[:MOST_PORTS]
    rows = []
    for each in shown.tolist():
        members = who[starts[each] : starts[each] + sizes[each]]
        counted = np.bincount(verdict_of[members], minlength=len(verdicts))
        rows.append(_port(engine, int(found[each]), int(sizes[each]), counted, verdicts, spoken))
    rows += [_port(engine, spot, 0, np.zeros(0, np.int64), (), spoken) for spot in sorted(wanted)]
    rows.sort(key=lambda row: (row.port, row.transport))
    return tuple(rows), len(order) - len(shown)


def _port(
    engine: Engine,
    spot: int,
    sources: int,
    counted: NDArray[np.int64],
    verdicts: Sequence[Judged],
    spoken: Spoken,
) -> PortSeen:
    protocol, port = spot >> 16, spot & 0xFFFF
    transport = TRANSPORTS.get(protocol, "tcp")
    by_verdict: dict[str, int] = {}
    by_tool: dict[str, int] = {}
    scanning: dict[str, int] = {}
    for each in np.flatnonzero(counted).tolist():
        judged, number = verdicts[each], int(counted[each])
        by_verdict[judged.verdict] = by_verdict.get(judged.verdict, 0) + number
        if judged.tool in TOOLS:
            by_tool[judged.tool] = by_tool.get(judged.tool, 0) + number
            if judged.verdict == "scan":
                scanning[judged.tool] = scanning.get(judged.tool, 0) + number
    heard = int(engine.heard[SLOT[protocol], port])
    listening = True if heard & ANSWERED else False if heard & REFUSED else None
    speaks = tuple(sorted(spoken(transport, port)))
    most = _most_first(by_verdict)
    seconds = ((engine.last or 0) - (engine.first or 0)) / _SECOND
    return PortSeen(
        port=port,
        transport=transport,
        listening=listening,
        speaks=speaks,
        sources=sources,
        verdicts=most,
        tools=_most_first(by_tool),
        sentence=port_sentence(
            port, transport, listening, speaks, most, _most_first(scanning), seconds, sources
        ),
    )


def _most_first(numbers: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0])))
