"""What the tables say, as `portbook/traffic/1` tells it: sources, ports, what was passed over."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from portbook.model.traffic import VERDICTS, Judged, Ours, SourceSeen, Traffic
from portbook.model.unknown import Gap
from portbook.traffic.engine import MOST_CONTACTS, MOST_OWN, Engine
from portbook.traffic.evidence import evidence
from portbook.traffic.keyed import distinct
from portbook.traffic.openers import NAMES, fits
from portbook.traffic.own_side import address_text
from portbook.traffic.port_rows import MOST_PORTS, NUMBERS, port_rows
from portbook.traffic.source_facts import TRANSPORTS, SourceFacts, Spoken
from portbook.traffic.trw import DEFAULT, Rates

_MOST_LISTED_PORTS = 32
_SECOND = 1_000_000_000
_PRIORITY = ("scan", "probe", "unknown", "health-check", "client", "backscatter")
"""In which order sources are listed."""


def report(
    engine: Engine,
    *,
    ours: Ours,
    spoken: Spoken,
    listed: int = 10_000,
    each_port: int = 0,
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
        each_port: at least so many are listed of each watched port, if it had so many.
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
    chosen = _chosen(engine, facts, place, codes, (listed, each_port))
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
    ports, more = port_rows(engine, facts, place, verdicts, spoken)
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
            Gap(
                what, f"after about {engine.most_sources:,} sources no more are told apart", way_out
            )
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
    engine: Engine,
    facts: SourceFacts,
    place: NDArray[np.int32],
    codes: NDArray[np.int8],
    most: tuple[int, int],
) -> NDArray[np.intp]:
    """Which of `facts.rows` are listed, by verdict, then by packets: so many, so many a port.

    Equal ones stand as they came first, then by address: their rows hang on a salt that is drawn.
    """
    listed, each_port = most
    rank = np.array([_PRIORITY.index(name) for name in VERDICTS])
    sources = facts.tallies.sources
    packets = sources["packets"][facts.rows].astype(np.int64)
    high, low = (half[facts.rows] for half in (engine.addresses.high, engine.addresses.low))
    weight = (rank[codes[place]] << 32) - packets
    order = np.lexsort((low, high, sources["first"][facts.rows], weight))
    if not listed:
        return order
    if not each_port or not engine.ports:
        return order[:listed]
    standing = np.full(facts.tallies.sources.size, len(order), np.int64)
    standing[facts.rows[order]] = np.arange(len(order))
    shown = [np.arange(min(listed, len(order)))]
    contacts = facts.tallies.contacts
    for port, transport in sorted(engine.ports, key=str):
        there = contacts["port"][facts.met] == port
        if transport is not None:
            there &= contacts["protocol"][facts.met] == NUMBERS[transport]
        shown.append(distinct(standing[facts.who[facts.met[there]]])[:each_port])
    return order[distinct(np.concatenate(shown))]


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
    misfits = _misfits(facts, row, spoken)
    if judged.verdict in ("probe", "scan"):
        told = (*misfits, *told)
    else:
        against = (*misfits, *against)
    sources, contacts = facts.tallies.sources, facts.tallies.contacts
    ports = np.unique(contacts["port"][facts.contacts_of(row)])
    if engine.ports and len(ports) > _MOST_LISTED_PORTS:
        # What was asked for first.
        asked = np.isin(ports, [port for port, _ in engine.ports])
        ports = np.concatenate((ports[asked], ports[~asked]))[:_MOST_LISTED_PORTS]
        ports.sort()
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
