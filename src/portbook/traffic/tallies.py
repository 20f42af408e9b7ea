"""What is kept of every source and every contact, when their flows are over: the tallies.

A contact is (source, own address, own port, transport). A flow that has ended adds one to its kind
in the source's row, and its kind, openers and rhythm to its contact's; then it is forgotten.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from portbook.traffic.facts import KINDS, MARKS
from portbook.traffic.flows import KIND
from portbook.traffic.marks import MARK, FirstPackets, nmap_pair, unicornscan_pair
from portbook.traffic.table import Table

SOURCE: dict[str, Any] = {
    "kinds": (np.uint32, len(KINDS)),
    "marks": (np.uint32, len(MARKS)),
    "first": np.int64,
    "last": np.int64,
    "packets": np.uint64,
    "bytes": np.uint64,
    "sequence": np.uint32,
    "ports": np.uint32,
    "paired": np.bool_,
    "tool": np.uint8,
    "said": np.uint64,
}
"""`sequence` and `ports` are of the last raw first packet (`paired`: there was one), for pairs;
`tool` is what openers gave away (index in TOOLS + 1), `said` has bit c for each opener code c."""

CONTACT: dict[str, Any] = {
    "key": np.uint64,
    "source": np.int32,
    "own": np.uint16,
    "port": np.uint16,
    "protocol": np.uint8,
    "first": np.int64,
    "kinds": np.uint32,
    "openers": np.uint64,
    "beat": np.int64,
    "beats": np.uint32,
    "spacing": np.float64,
    "squares": np.float64,
}
"""`key` is that of `batch.contact_keys`. `kinds` has bit k for each kind k of its flows, `openers`
bit c for each opener code c. `beat` is when the last flow that said nothing began, `beats` how many
intervals there were between such flows, `spacing` and `squares` the sums of these intervals
(seconds) and of their squares."""

OWN, UNTOLD = -1, -2
"""In place of a flow's contact: we began it; there were too many."""

_SILENT = np.zeros(len(KINDS), np.bool_)
_SILENT[[KIND[name] for name in ("empty", "empty-reset", "half-open", "greeted", "refused")]] = True

_SECOND = 1e9


class Tallies:
    """The rows of sources and of contacts."""

    def __init__(self) -> None:
        self.sources = Table(SOURCE)
        self.contacts = Table(CONTACT)

    def copy(self) -> "Tallies":
        """The same in arrays of their own."""
        made = Tallies()
        made.sources, made.contacts = self.sources.copy(), self.contacts.copy()
        return made

    def add(self, flows: Table, rows: NDArray[np.integer[Any]], kinds: NDArray[np.uint8]) -> None:
        """Add flows that are over, or stand so now; `kinds` is the kind of each row of `flows`."""
        sources, contacts = self.sources, self.contacts
        source = flows["source"][rows]
        table = sources.column("kinds")
        np.add.at(table.reshape(-1), source.astype(np.int64) * len(KINDS) + kinds, np.uint32(1))
        # What we began ourselves is no visit.
        visits = np.flatnonzero(flows["contact"][rows] != OWN)
        rows, kinds, source = rows[visits], kinds[visits], source[visits]
        np.add.at(sources.column("packets"), source, flows["packets"][rows].astype(np.uint64))
        np.add.at(sources.column("bytes"), source, flows["bytes"][rows])
        np.maximum.at(sources.column("last"), source, flows["last"][rows])
        met = np.flatnonzero(flows["contact"][rows] >= 0)
        rows, kinds = rows[met], kinds[met]
        contact = flows["contact"][rows]
        bit = np.left_shift(np.uint32(1), kinds.astype(np.uint32))
        np.bitwise_or.at(contacts.column("kinds"), contact, bit)
        # The upper bit says that more of the opener was waited for.
        opener = flows["opener"][rows] & np.uint8(0x7F)
        told = np.flatnonzero(opener)
        if told.size:
            code = np.left_shift(np.uint64(1), opener[told].astype(np.uint64))
            np.bitwise_or.at(contacts.column("openers"), contact[told], code)
        silent = np.flatnonzero(_SILENT[kinds])
        if silent.size:
            self._beat(contact[silent], flows["first"][rows[silent]])

    def mark(self, firsts: FirstPackets) -> None:
        """Add the marks of first packets, and those of pairs of them."""
        sources = self.sources
        counts = sources.column("marks").reshape(-1)
        base = firsts.source.astype(np.int64) * len(MARKS)
        for code in range(len(MARKS)):
            having = np.flatnonzero(firsts.bits & np.uint16(1 << code))
            if having.size:
                np.add.at(counts, base[having] + code, np.uint32(1))
        raw = np.flatnonzero(firsts.raw)
        if raw.size:
            self._pair(firsts, raw)

    def _pair(self, firsts: FirstPackets, raw: NDArray[np.intp]) -> None:
        """Compare each raw first packet with the one before of the same source."""
        raw = raw[np.argsort(firsts.source[raw], kind="stable")]
        source, sequence, ports = firsts.source[raw], firsts.sequence[raw], firsts.ports[raw]
        table = self.sources
        starts = np.flatnonzero(np.diff(source, prepend=np.int32(-1)))
        ends = np.append(starts[1:], len(source)) - 1
        last_sequence, last_ports = np.empty_like(sequence), np.empty_like(ports)
        last_sequence[1:], last_ports[1:] = sequence[:-1], ports[:-1]
        last_sequence[starts] = table["sequence"][source[starts]]
        last_ports[starts] = table["ports"][source[starts]]
        paired = np.ones(len(source), np.bool_)
        paired[starts] = table["paired"][source[starts]]
        counts = table.column("marks").reshape(-1)
        base = source.astype(np.int64) * len(MARKS)
        for name, found in (
            (
                "nmap-pair",
                nmap_pair(sequence, last_sequence, ports, last_ports, firsts.header[raw]),
            ),
            ("unicornscan-pair", unicornscan_pair(sequence, last_sequence, ports, last_ports)),
        ):
            hit = np.flatnonzero(found & paired)
            np.add.at(counts, base[hit] + MARK[name], np.uint32(1))
        table["sequence"][source[ends]] = sequence[ends]
        table["ports"][source[ends]] = ports[ends]
        table["paired"][source[ends]] = True

    def _beat(self, contact: NDArray[np.int32], at: NDArray[np.int64]) -> None:
        """Flows that said nothing: the time since the one before, to the same contact."""
        order = np.lexsort((at, contact))
        contact, at = contact[order], at[order]
        table = self.contacts
        before = np.empty_like(at)
        before[1:] = at[:-1]
        starts = np.flatnonzero(np.diff(contact, prepend=contact.dtype.type(-1)))
        before[starts] = table["beat"][contact[starts]]
        ends = np.append(starts[1:], len(contact)) - 1
        table["beat"][contact[ends]] = np.maximum(table["beat"][contact[ends]], at[ends])
        gap = (at - before) / _SECOND
        # The first of all has no predecessor; what was settled out of order tells nothing.
        real = np.flatnonzero((before > 0) & (gap > 0))
        np.add.at(table.column("beats"), contact[real], np.uint32(1))
        np.add.at(table.column("spacing"), contact[real], gap[real])
        np.add.at(table.column("squares"), contact[real], gap[real] ** 2)

    def forget(self, before: int) -> NDArray[np.int64]:
        """Drop sources (and their contacts) that were last seen before that time (ns since 1970).

        Returns:
            The new row of each source, -1 for those dropped.
        """
        kept = np.flatnonzero(self.sources["last"] >= before)
        renamed = np.full(self.sources.size, -1, np.int64)
        renamed[kept] = np.arange(len(kept))
        staying = np.flatnonzero(renamed[self.contacts["source"]] >= 0)
        self.contacts["source"][:] = renamed[self.contacts["source"]]
        self.sources.keep(kept)
        self.contacts.keep(staying)
        return renamed
