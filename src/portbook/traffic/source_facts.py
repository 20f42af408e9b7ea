"""Facts of every source as columns, and a verdict for each.

A verdict is asked once for every distinct row of facts: of a million sources that sent one SYN
each, there are a few dozen.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portbook.model.record import Record
from portbook.model.traffic import Judged
from portbook.traffic.engine import Engine
from portbook.traffic.facts import KINDS, Facts
from portbook.traffic.flows import KIND
from portbook.traffic.judging import judge
from portbook.traffic.keyed import Index, distinct
from portbook.traffic.marks import MARK
from portbook.traffic.openers import NAMES, fits
from portbook.traffic.packets import SCTP, TCP, UDP
from portbook.traffic.speech import CUT_SHORT
from portbook.traffic.table import Table
from portbook.traffic.tallies import Tallies
from portbook.traffic.trw import Rates, walk_all

Spoken = Callable[[str, int], Collection[str]]
"""What our listener on (transport, port) speaks: protocols as `identify` names them, or none."""

TRANSPORTS = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}

_EXACT_BITS = 6
"""Counts below 2 to this power are told apart when a source is judged; above, 32 of each octave."""
_SECOND = 1_000_000_000
_LEAST_CHANCE, _DEVIATIONS = 0.5, 5
"""From so many marks expected by chance on they are weighed; their number is Poisson's."""
_UNRECOGNISED = np.uint64(2)
_NO_PROTOCOL = np.uint64(1 | 2 | 1 << CUT_SHORT)
"""Opener codes that name none: no bytes, bytes that nobody recognises, and those cut short."""
_EVERY_PROTOCOL = (1 << len(NAMES)) - 1 << 2


def _mask(*names: str) -> np.uint32:
    return np.uint32(sum(1 << KIND[name] for name in names))


_ANSWERED = _mask("conversed", "midstream", "udp-answered", "sctp-answered")
_FAILED = _mask(
    *("half-open", "half-silent", "refused", "ignored", "empty", "empty-reset", "greeted"),
    *("fin", "null", "xmas", "maimon", "ack", "syn-fin", "odd"),
    *("udp-closed", "udp-empty", "sctp-init"),
)
_OWN_ALONE = _mask("own")
_BEGUN = np.zeros(len(KINDS), np.uint32)
_BEGUN[
    [
        KIND[name]
        for name in (
            *("conversed", "greeted", "empty", "empty-reset", "open"),
            *("half-open", "half-silent", "refused", "ignored"),
        )
    ]
] = 1


class Outcomes(Record):
    """One row for each contact: whether it went well, badly or neither, and what it spoke."""

    success: NDArray[np.bool_]
    failure: NDArray[np.bool_]
    right: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    unknown: NDArray[np.bool_]


class SourceFacts:
    """`Facts` of every source as columns; `row(i)` is one of them, `rows` which sources count.

    `met` are the rows of contacts that count, `who` the source of every contact.
    """

    def __init__(self, engine: Engine, tallies: Tallies, spoken: Spoken, rates: Rates) -> None:
        self.tallies = tallies
        _without_chance(tallies)
        self.outcomes = _outcomes(tallies, spoken)
        contacts, sources = tallies.contacts, tallies.sources
        size, who = sources.size, contacts["source"].astype(np.int64)
        self.who = who
        self._order: NDArray[np.intp] | None = None
        self._sorted = who

        def tally(where: NDArray[np.bool_]) -> NDArray[np.int64]:
            return np.bincount(who[where], minlength=size)

        # What turned out to be left over of our own connections is nobody's visit.
        met = np.flatnonzero(contacts["kinds"] != _OWN_ALONE)
        self.met = met
        self.contacts = np.bincount(who[met], minlength=size)
        self.rows = np.flatnonzero(self.contacts)
        self.ports, self.hosts = self.contacts, (self.contacts > 0).astype(np.int64)
        if engine.own.size > 1:
            ports, protocols = contacts["port"][met], contacts["protocol"][met]
            self.ports = _distinct(who[met], ports, protocols, size)
            self.hosts = _distinct(who[met], contacts["own"][met], None, size)
        told = self.outcomes
        self.columns: dict[str, NDArray[Any]] = {
            "contacts": self.contacts,
            "ports": self.ports,
            "hosts": self.hosts,
            "successes": tally(told.success),
            "failures": tally(told.failure),
            "right": tally(told.right),
            "wrong": tally(told.wrong),
            "unknown_bytes": tally(told.unknown),
        }
        order = _by_time(who, contacts["first"])
        counted = order[told.success[order] | told.failure[order]]
        decision, after = walk_all(who[counted], told.success[counted], rates, size)
        self.columns |= {"decision": decision, "decided_after": after}
        self.columns |= _rhythm(tallies, size)
        self.columns["told_tool"] = sources["tool"]
        self.columns["seconds"] = np.round((sources["last"] - sources["first"]) / _SECOND, 3)
        self.columns["syns"] = sources["kinds"] @ _BEGUN

    def row(self, source: int, *, coarse: bool = False) -> Facts:
        """The facts of one source; `coarse` as they are judged (see `_coarse`)."""
        return self._facts(np.array([source]), coarse=coarse)[0]

    def _facts(self, sources: NDArray[np.integer[Any]], *, coarse: bool) -> list[Facts]:
        """The facts of these sources."""
        tables = self.tallies.sources
        columns: list[list[Any]] = []
        for name in ("kinds", "marks"):
            table = tables[name][sources]
            columns.append([tuple(each) for each in (_coarse(table) if coarse else table).tolist()])
        for name in Facts._fields[2:]:
            column = self.columns[name][sources]
            if coarse and column.dtype.kind == "f":
                column = np.round(column, 2)
                # Two leading digits: what is judged needs no more, and so fewer rows differ.
                exact = name == "variation"
                columns.append(
                    [each if exact else float(f"{each:.1e}") for each in column.tolist()]
                )
            else:
                columns.append((_coarse(column) if coarse else column).tolist())
        return [Facts(*each) for each in zip(*columns, strict=True)]

    def judged(self) -> tuple[NDArray[np.int32], list[Judged]]:
        """For each of `rows` the place of its verdict in the list."""
        rows = self.rows
        mixed = np.zeros(len(rows), np.uint64)
        odd = np.uint64(0x9E3779B97F4A7C15)
        sources = self.tallies.sources

        def mix(column: NDArray[np.generic]) -> None:
            nonlocal mixed
            mixed = (mixed ^ column.astype(np.uint64)) * odd
            mixed ^= mixed >> np.uint64(32)

        for name in ("kinds", "marks"):
            table = sources[name]
            for code in range(table.shape[1]):
                column = table[rows, code]
                if column.any():
                    mix(_coarse(column))
                    mix(np.full(len(rows), code))
        for name, column in self.columns.items():
            if column.dtype.kind == "f":
                mix(_rounded_all(column[rows], exact=name == "variation"))
            else:
                mix(_coarse(column[rows]))
        known = Index()
        place = known.find_or_add(mixed)
        example = np.zeros(known.size, np.intp)
        example[place] = rows
        return place, [judge(each) for each in self._facts(example, coarse=True)]

    def contacts_of(self, source: int) -> NDArray[np.intp]:
        """The rows of a source's contacts."""
        if self._order is None:
            self._order = self.met[np.argsort(self.who[self.met])]
            self._sorted = self.who[self._order]
        first, last = np.searchsorted(self._sorted, (source, source + 1))
        return self._order[first:last]


def _outcomes(tallies: Tallies, spoken: Spoken) -> Outcomes:
    contacts = tallies.contacts
    kinds, openers = contacts["kinds"], contacts["openers"]
    answered = (kinds & _ANSWERED) != 0
    right, wrong = np.zeros(len(kinds), np.bool_), np.zeros(len(kinds), np.bool_)
    # Bytes that nobody knows, or to a port of which nobody knows what it speaks.
    unknown = answered & (openers != 0)
    for protocol, port, rows in _by_place(contacts, np.flatnonzero(openers)):
        transport = TRANSPORTS.get(protocol, "tcp")
        protocols = spoken(transport, port)
        if not protocols:
            continue
        fitting = np.uint64(
            sum(1 << 2 + code for code, name in enumerate(NAMES) if fits(name, protocols))
        )
        said, talked = openers[rows], answered[rows]
        right[rows] = talked & (said & fitting != 0)
        misfits = ~fitting & ~_NO_PROTOCOL
        if transport == "tcp" and fitting not in (0, _EVERY_PROTOCOL):
            # A client of this port is recognised by its first bytes: others are none.
            misfits |= _UNRECOGNISED
        wrong[rows] = said & misfits != 0
        unknown[rows] &= (said & _NO_PROTOCOL != 0) & ~right[rows] & ~wrong[rows]
    success = answered & (right | ~wrong)
    failure = ~success & ((kinds & _FAILED != 0) | wrong)
    return Outcomes(success, failure, right, wrong, unknown)


def _by_place(
    contacts: Table, rows: NDArray[np.intp]
) -> Iterator[tuple[int, int, NDArray[np.intp]]]:
    """These contacts by (protocol number, own port)."""
    if not rows.size:
        return
    place = contacts["protocol"][rows].astype(np.int64) << 16 | contacts["port"][rows]
    order = np.argsort(place, kind="stable")
    rows, place = rows[order], place[order]
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    for start, end in zip(starts, np.append(starts[1:], len(rows)), strict=True):
        each = int(place[start])
        yield each >> 16, each & 0xFFFF, rows[start:end]


def _without_chance(tallies: Tallies) -> None:
    """Take back single marks of 2^-16 where there are no more of them than chance makes.

    Among two million forged SYNs some thirty carry a tool's mark. What agrees with a version of the
    tool besides, or came twice from one source, stays.
    """
    marks = tallies.sources["marks"]
    expected = int(marks[:, MARK["raw"]].sum()) / 65536
    if expected < _LEAST_CHANCE:
        return
    for name, versions in (("masscan-id", ("masscan-old", "masscan-mss")), ("zmap-id", ())):
        lone = marks[:, MARK[name]] == 1
        for version in versions:
            lone &= marks[:, MARK[version]] == 0
        if int(lone.sum()) <= expected + _DEVIATIONS * expected**0.5:
            marks[lone, MARK[name]] = 0


def _by_time(who: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.intp]:
    """The order of contacts by source, then time: one sort where both fit into 64 bits."""
    at = first - first.min() if first.size else first
    bits = int(at.max()).bit_length() if at.size else 0
    # Microseconds are enough to tell which contact came first: 2^43 of them are 101 days.
    at = at >> 10
    if bits - 10 > 42:
        return np.lexsort((at, who))
    return np.argsort(who << 42 | at)


def _distinct(
    who: NDArray[np.int64],
    what: NDArray[np.uint16],
    kind: NDArray[np.uint8] | None,
    size: int,
) -> NDArray[np.int64]:
    """How many distinct values each source has."""
    keys = who << 24 | what.astype(np.int64)
    if kind is not None:
        keys |= kind.astype(np.int64) << 16
    return np.bincount(distinct(keys) >> 24, minlength=size)


def _rhythm(tallies: Tallies, size: int) -> dict[str, NDArray[np.generic]]:
    """How often the most repeated contact of each source came again, and how evenly."""
    contacts = tallies.contacts
    beats = contacts["beats"].astype(np.int64)
    many, period, variation = np.zeros(size, np.int64), np.zeros(size), np.zeros(size)
    np.maximum.at(many, contacts["source"], beats)
    having = np.flatnonzero(beats >= 2)
    if having.size:
        times = beats[having]
        mean = contacts["spacing"][having] / times
        spread = np.sqrt(np.maximum(contacts["squares"][having] / times - mean**2, 0))
        relative = spread / np.maximum(mean, 1e-9)
        # Written from the fewest beats to the most, of equals the most regular: the last one holds.
        order = np.lexsort((-relative, times))
        who = contacts["source"][having[order]]
        period[who], variation[who] = mean[order], relative[order]
    return {"beats": many, "period": period, "variation": np.round(variation, 2)}


def _coarse(column: NDArray[Any]) -> NDArray[np.int64]:
    """Counts as they are judged: above 64 rounded down to 32 steps an octave, some 3 %.

    Ratios stay what they are, and busy sources share their rows.
    """
    counts: NDArray[np.int64] = column.astype(np.int64)
    large = counts >= 1 << _EXACT_BITS
    if large.any():
        bits = np.frexp(counts[large].astype(np.float64))[1].astype(np.int64) - _EXACT_BITS
        counts[large] = counts[large] >> bits << bits
    return counts


def _rounded_all(column: NDArray[np.float64], *, exact: bool) -> NDArray[np.int64]:
    if exact:
        return (column * 100).astype(np.int64)
    power = np.floor(np.log10(np.maximum(column, 1e-9)))
    lead = np.round(column / 10.0 ** (power - 1))
    rounded: NDArray[np.int64] = (lead + 1000 * (power + 20)).astype(np.int64)
    return rounded
