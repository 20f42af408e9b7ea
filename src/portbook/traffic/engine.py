"""The engine: packets become flows, flows that are over are tallied for their sources.

Batches of columns in, tables of columns kept; nothing is done packet by packet but reading a flow's
first bytes. What the tables say is read in `reporting`.
"""

import secrets
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from portbook.traffic import flows as flow
from portbook.traffic.batch import Batch, contact_keys, flow_keys, moved, whole
from portbook.traffic.keyed import Addresses, Index, among
from portbook.traffic.marks import FirstPackets, tcp_firsts
from portbook.traffic.own_side import ELSEWHERE, OUTBOUND, Network, OwnSide, watched_ports
from portbook.traffic.packets import ACK, ICMP_ERROR, RST, SLOT, SLOTS, SYN, TCP, Packets
from portbook.traffic.speech import Speech
from portbook.traffic.table import Table
from portbook.traffic.tallies import OWN, UNTOLD, Tallies

MOST_SOURCES = (1 << 21) - 1
"""Sources that are told apart; packets of later ones are counted as `too-many-sources`."""
MOST_OWN = (1 << 9) - 1
"""Own addresses that are told apart; later ones count as one."""
MOST_FLOWS = 3_000_000
"""Flows kept at a time: some 250 MB. Beyond, the oldest are taken as over."""

MOST_CONTACTS = 4_000_000
"""Contacts (source, own address, own port, transport) that are told apart: some 600 MB. Flows of
later ones count for their source as kinds only, and are counted as `too-many-contacts`."""
_SECOND = 1_000_000_000
_OVER = 60 * _SECOND
"""After this time without a packet a flow is over, unless it is established. TCP gives up on an
unanswered SYN after 63 s or more on Linux, but the fifth try comes 31 s after the first."""
_IDLE = 3600 * _SECOND
"""The same for established connections: keepalives come every 2 hours or more often."""
_SWEEP = 30 * _SECOND
_YEAR = 366 * 24 * _IDLE
"""Stamps so far from those beside them are wrong, and count for no span."""

FLOW = {
    "key": np.uint64,
    "source": np.int32,
    "contact": np.int32,
    "protocol": np.uint8,
    "bits": np.uint32,
    "first": np.int64,
    "last": np.int64,
    "packets": np.uint32,
    "bytes": np.uint64,
    "opener": np.uint8,
    "due": np.uint32,
}
"""`key` is that of `batch.flow_keys`. `contact` is a row, `OWN` or `UNTOLD`. `bytes` is payload
from the source, `due` the sequence number of the first byte (after a SYN) that its opener lacks."""

ANSWERED, REFUSED = 1, 2


class Engine:
    """Takes packets, and keeps what they tell of sources, contacts and own ports.

    `tallies` is what flows that are over left; `flows` those that are not. `heard` has for each of
    `packets.SLOT` and own port whether it `ANSWERED` (SYN-ACK, payload) or `REFUSED` (RST, ICMP).
    `passed` counts packets that were not judged, by reason. `first` and `last` are ns since 1970.
    """

    def __init__(
        self,
        ports: Collection[tuple[int, str | None]],
        networks: Sequence[Network],
        most_sources: int | None = None,
    ) -> None:
        """Watch these own ports ((port, None): every transport); every port if there are none.

        `most_sources` are told apart, where that should be fewer than `MOST_SOURCES`.
        """
        salt = secrets.randbits(64)
        self.ports = frozenset(ports)
        self.most_sources = min(most_sources or MOST_SOURCES, MOST_SOURCES)
        self.side = OwnSide(networks, salt)
        self.addresses = Addresses(salt)
        self.own = Addresses(salt)
        self.flows = Table(FLOW)
        self.tallies = Tallies()
        self.speech = Speech()
        self.heard = np.zeros((SLOTS, 65536), np.uint8)
        self.passed: dict[str, int] = {}
        self.packets = 0
        self.first: int | None = None
        self.last: int | None = None
        self._flow_rows = Index(salt)
        self._contact_rows = Index(salt)
        self._watched = watched_ports(ports)
        self._swept = 0

    def add_networks(self, networks: Sequence[Network]) -> None:
        """These are ours, too, from the next packet on."""
        self.side.add(networks)

    def take(self, packets: Packets) -> None:
        """Take a batch of packets, in the order in which they came."""
        if not len(packets):
            return
        self.packets += len(packets)
        # The middle of the batch: a single wrong stamp must not move the clock.
        few = np.sort(packets.at[:: max(1, len(packets) >> 6)])
        now = int(few[len(few) // 2])
        begin, end = int(packets.at.min()), int(packets.at.max())
        if end - begin > _YEAR:
            near = packets.at[np.abs(packets.at - now) < _YEAR]
            begin, end = int(near.min()), int(near.max())
        self.first = begin if self.first is None else min(self.first, begin)
        self.last = end if self.last is None else max(self.last, end)
        batch = self._ours(packets)
        for each in batch.generations() if len(batch) else ():
            self._take(each)
        if not self._swept:
            self._swept = now
        if abs(now - self._swept) > _SWEEP or self.flows.size > MOST_FLOWS:
            self._swept = now
            self.sweep(now)

    def _ours(self, packets: Packets) -> Batch:
        """Packets to and from watched ports of ours."""
        way = self.side.directions(packets, self._watched)
        kept = way != ELSEWHERE
        batch = Batch(packets, way == OUTBOUND)
        self._pass("elsewhere", len(packets) - int(kept.sum()))
        if self._watched is not None:
            watched = self._watched[SLOT[packets.protocol], batch.own_port]
            self._pass("other-port", int((kept & ~watched).sum()))
            kept &= watched
        return batch if kept.all() else batch.taken(np.flatnonzero(kept))

    def _pass(self, reason: str, packets: int) -> None:
        if packets:
            self.passed[reason] = self.passed.get(reason, 0) + packets

    def _take(self, batch: Batch) -> None:
        """Take a batch in which no connection begins twice."""
        batch.own = self._own_rows(batch)
        places = batch.places()
        high, low = batch.theirs()
        self._mend_errors(batch, high, low, places)
        known = self.addresses.size
        if known + len(batch) > self.most_sources:
            source = self.addresses.find(high, low)
            left = np.flatnonzero(source >= 0)
            self._pass("too-many-sources", len(batch) - left.size)
            own = batch.own
            batch = batch.taken(left)
            batch.own, batch.source, places = own[left], source[left], places[left]
        else:
            batch.source = self.addresses.find_or_add(high, low)
            self._add_sources(known)
        batch.keys = flow_keys(batch.source, places)
        before = self._flow_rows.size
        batch.rows = self._flow_rows.find_or_add(batch.keys)
        opening = self._open_flows(batch, before)
        self._hear(batch)
        self._add_up(batch)
        inbound = opening[~batch.outbound[opening]]
        began = inbound[tcp_firsts(batch.packets, inbound)]
        began = began[self.flows["contact"][batch.rows[began]] != OWN]
        if began.size:
            self.tallies.mark(FirstPackets(batch.packets, began, batch.source[began]))
        self.speech.listen(batch, self.flows, self.tallies.sources)

    def _own_rows(self, batch: Batch) -> NDArray[np.int32]:
        if self.side.alone:
            # One address is the rule: it needs no search.
            self.own.find_or_add(*self.side.alone)
            return np.zeros(len(batch), np.int32)
        high, low = batch.ours()
        if (low == low[0]).all() and (high == high[0]).all():
            high, low = high[:1], low[:1]
        if self.own.size >= MOST_OWN:
            found = self.own.find(high, low)
            found = np.where((found < 0) | (found > MOST_OWN), np.int32(MOST_OWN), found)
        else:
            found = np.minimum(self.own.find_or_add(high, low), np.int32(MOST_OWN))
        return found if len(found) == len(batch) else np.full(len(batch), found[0], np.int32)

    def _mend_errors(
        self,
        batch: Batch,
        high: NDArray[np.uint64],
        low: NDArray[np.uint64],
        places: NDArray[np.uint64],
    ) -> None:
        """An ICMP error may come from a router: it belongs to the flow that it quotes."""
        packets = batch.packets
        error = (packets.kind == ICMP_ERROR) & ~batch.outbound
        errors = np.flatnonzero(error)
        if not errors.size:
            return
        quoted_high, quoted_low = packets.quoted_high[errors], packets.quoted_low[errors]
        source = self.addresses.find(quoted_high, quoted_low)
        known = source >= 0
        keys = flow_keys(source[known], places[errors[known]])
        known[known] = self._flow_rows.find(keys) >= 0
        # The flow may begin in this very batch.
        others = np.flatnonzero(~error)
        known |= among(
            whole(quoted_high, quoted_low, places[errors]),
            whole(high[others], low[others], places[others]),
        )
        high[errors[known]] = quoted_high[known]
        low[errors[known]] = quoted_low[known]

    def _add_sources(self, known: int) -> None:
        if self.addresses.size == known:
            return
        table = self.tallies.sources
        table.grow_to(self.addresses.size)
        table["first"][known:] = np.iinfo(np.int64).max

    def _hear(self, batch: Batch) -> None:
        """What our ports answered; not what we said on connections that we began."""
        packets = batch.packets
        out = np.flatnonzero(batch.outbound)
        # A port that answered once is known to listen: that leaves few packets to look at.
        known = self.heard[SLOT[packets.protocol[out]], batch.own_port[out]]
        out = out[known & ANSWERED == 0]
        out = out[self.flows["contact"][batch.rows[out]] != OWN]
        if not out.size:
            return
        slot, port = SLOT[packets.protocol[out]], batch.own_port[out]
        error = packets.kind[out] == ICMP_ERROR
        flags = packets.flags[out]
        tcp = packets.protocol[out] == TCP
        answers = ~tcp | (flags & (SYN | ACK) == SYN | ACK) | (packets.payload[out] > 0)
        answers &= ~error
        refuses = error | (tcp & (flags & RST != 0))
        self.heard[slot[answers], port[answers]] |= ANSWERED
        self.heard[slot[refuses], port[refuses]] |= REFUSED

    def _open_flows(self, batch: Batch, before: int) -> NDArray[np.intp]:
        """Fill the rows of new flows; returns the packets that began a flow."""
        packets, rows, table = batch.packets, batch.rows, self.flows
        fresh = np.flatnonzero(rows >= before)
        first = np.full(self._flow_rows.size - before, len(rows), np.intp)
        np.minimum.at(first, rows[fresh] - before, fresh)
        again = self._begun_again(batch, before)
        opening = np.concatenate((first, again)) if again.size else first
        if not opening.size:
            return opening
        table.grow_to(self._flow_rows.size)
        new = rows[opening]
        table["key"][new] = batch.keys[opening]
        table["source"][new] = batch.source[opening]
        table["protocol"][new] = packets.protocol[opening]
        table["first"][new] = table["last"][new] = packets.at[opening]
        for name in ("packets", "bytes", "opener"):
            table[name][new] = 0
        table["bits"][new] = flow.first_bits(packets, opening, batch.outbound)
        ours = batch.outbound[opening] & (
            (packets.protocol[opening] != TCP)
            | (packets.flags[opening] & (SYN | ACK) == np.uint8(SYN))
        )
        ours &= packets.kind[opening] != ICMP_ERROR
        table["contact"][new] = OWN
        met = opening[~ours]
        table["contact"][rows[met]] = self._contacts(batch, met)
        first_of = self.tallies.sources.column("first")
        np.minimum.at(first_of, batch.source[met], packets.at[met])
        return opening

    def _begun_again(self, batch: Batch, before: int) -> NDArray[np.intp]:
        """SYNs on flows that are over: the old one is tallied, and a new one has its row.

        It is over when it was closed, or where a SYN has another sequence number: that is no
        retransmission (RFC 9293, 3.10.7).
        """
        packets, rows = batch.packets, batch.rows
        syn = (packets.flags & (SYN | ACK) == SYN) & (packets.protocol == TCP)
        syns: NDArray[np.intp] = np.flatnonzero(
            syn & ~batch.outbound & (rows < before) & (packets.kind == 0)
        )
        if not syns.size:
            return syns
        bits = self.flows["bits"][rows[syns]]
        other = self.flows["due"][rows[syns]] != packets.sequence[syns] + np.uint32(1)
        other &= (bits & np.uint32(flow.IN_SYN) != 0) & (self.flows["opener"][rows[syns]] == 0)
        ended: NDArray[np.intp] = syns[flow.closed(bits) | other]
        if not ended.size:
            return ended
        row, first = np.unique(rows[ended], return_index=True)
        self._tally(self.tallies, row)
        return ended[first]

    def _contacts(self, batch: Batch, met: NDArray[np.intp]) -> NDArray[np.int32]:
        before = self._contact_rows.size
        keys = contact_keys(batch.keys[met])
        if before + len(met) > MOST_CONTACTS:
            found = self._contact_rows.find(keys)
            self._pass("too-many-contacts", int((found < 0).sum()))
            return np.where(found < 0, np.int32(UNTOLD), found)
        contact = self._contact_rows.find_or_add(keys)
        if self._contact_rows.size > before:
            table = self.tallies.contacts
            table.grow_to(self._contact_rows.size)
            # A contact met twice in the batch: written backwards, so that the first one holds.
            fresh = np.flatnonzero(contact >= before)[::-1]
            row, at = contact[fresh], met[fresh]
            table["key"][row] = keys[fresh]
            table["source"][row] = batch.source[at]
            table["own"][row] = batch.own[at]
            table["port"][row] = batch.own_port[at]
            table["protocol"][row] = batch.packets.protocol[at]
            table["first"][row] = batch.packets.at[at]
        return contact

    def _add_up(self, batch: Batch) -> None:
        packets, rows, table = batch.packets, batch.rows, self.flows
        bits = flow.bits_of(packets, batch.outbound)
        np.bitwise_or.at(table.column("bits"), rows, bits)
        np.maximum.at(table.column("last"), rows, packets.at)
        np.add.at(table.column("packets"), rows, np.uint32(1))
        said = np.flatnonzero((packets.payload > 0) & ~batch.outbound)
        np.add.at(table.column("bytes"), rows[said], packets.payload[said].astype(np.uint64))
        syn = np.flatnonzero(bits & np.uint32(flow.IN_SYN))
        # Not for a SYN that comes again when the opener was begun.
        syn = syn[table["opener"][rows[syn]] == 0]
        table["due"][rows[syn]] = packets.sequence[syn] + np.uint32(1)

    def _tally(self, tallies: Tallies, rows: NDArray[np.integer[Any]]) -> None:
        kinds = flow.kinds_of(self.flows["bits"][rows], self.flows["protocol"][rows])
        tallies.add(self.flows, rows, kinds)

    def sweep(self, now: int) -> None:
        """Tally flows that are over at that time (ns since 1970), and forget them."""
        last = self.flows["last"]
        # What lies in the future was stamped by another clock, or the capture is of several.
        quiet = np.abs(now - last)
        over = quiet > np.where(flow.established(self.flows["bits"]), _IDLE, _OVER)
        if self.flows.size - int(over.sum()) > MOST_FLOWS // 2:
            over[np.argpartition(quiet, len(last) // 2)[len(last) // 2 :]] = True
        elif 3 * int(over.sum()) < self.flows.size:
            return
        self._tally(self.tallies, np.flatnonzero(over))
        left = np.flatnonzero(~over)
        self.flows.keep(left)
        self._flow_rows.rebuild(self.flows["key"].copy())

    def standing(self, *, final: bool) -> Tallies:
        """The tallies with every flow that is still open as it stands now.

        Args:
            final: no packet will come any more, so that nothing needs to be copied.
        """
        tallies = self.tallies if final else self.tallies.copy()
        self._tally(tallies, np.arange(self.flows.size))
        if final:
            self.flows.keep(np.zeros(0, np.intp))
            self._flow_rows.rebuild(np.zeros(0, np.uint64))
        return tallies

    def forget(self, before: int) -> None:
        """Forget sources from which nothing came since that time (ns since 1970)."""
        np.maximum.at(self.tallies.sources.column("last"), self.flows["source"], self.flows["last"])
        gone = self.tallies.sources["last"][self.flows["source"]] < before
        self._tally(self.tallies, np.flatnonzero(gone))
        self.flows.keep(np.flatnonzero(~gone))
        kept = np.flatnonzero(self.tallies.sources["last"] >= before)
        renamed = self.tallies.forget(before)
        self.speech.renamed(renamed, self.flows)
        self.addresses.keep(kept)
        self.flows["source"][:] = renamed[self.flows["source"]]
        self._rename(self.flows)
        self._rename(self.tallies.contacts)
        self._flow_rows.rebuild(self.flows["key"].copy())
        self._contact_rows.rebuild(self.tallies.contacts["key"].copy())
        met = np.flatnonzero(self.flows["contact"] >= 0)
        keys = contact_keys(self.flows["key"][met])
        self.flows["contact"][met] = self._contact_rows.find(keys)

    @staticmethod
    def _rename(table: Table) -> None:
        """Keys of flows or contacts, after sources have got new rows."""
        table["key"][:] = moved(table["key"], table["source"])
