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
from portbook.traffic.keyed import Addresses, Index
from portbook.traffic.marks import FirstPackets, tcp_firsts
from portbook.traffic.own_side import ELSEWHERE, OUTBOUND, Network, OwnSide, watched_ports
from portbook.traffic.packets import ACK, ICMP_ERROR, SLOT, SLOTS, SYN, TCP, Packets
from portbook.traffic.speech import Speech
from portbook.traffic.table import Table
from portbook.traffic.tallies import Tallies

MOST_SOURCES = (1 << 21) - 1
"""Sources that are told apart; packets of later ones are counted as `too-many-sources`."""
MOST_OWN = (1 << 9) - 1
"""Own addresses that are told apart; later ones count as one."""
MOST_FLOWS = 3_000_000
"""Flows kept at a time: some 250 MB. Beyond, the oldest are taken as over."""

_SECOND = 1_000_000_000
_OVER = 60 * _SECOND
"""After this time without a packet a flow is over, unless it is established. TCP gives up on an
unanswered SYN after 63 s or more on Linux, but the fifth try comes 31 s after the first."""
_IDLE = 3600 * _SECOND
"""The same for established connections: keepalives come every 2 hours or more often."""
_SWEEP = 15 * _SECOND

_TRANSPORT = SLOT.astype(np.uint64)

FLOW = {
    "key": np.uint64,
    "source": np.int32,
    "contact": np.int32,
    "protocol": np.uint8,
    "bits": np.uint32,
    "first": np.int64,
    "last": np.int64,
    "packets": np.uint32,
    "bytes": np.uint32,
    "opener": np.uint8,
    "due": np.uint32,
}
"""`key` is the 5-tuple: row of the source (21 bits), of the own address (9), the source's port,
ours, transport (2). `contact` is -1 for flows that we began. `bytes` is payload from the source,
`due` the sequence number of the first byte (after a SYN) that its opener still lacks."""

ANSWERED, REFUSED = 1, 2


class Engine:
    """Takes packets, and keeps what they tell of sources, contacts and own ports.

    `tallies` is what flows that are over left; `flows` those that are not. `heard` has for each of
    `packets.SLOT` and own port whether it `ANSWERED` (SYN-ACK, payload) or `REFUSED` (RST, ICMP).
    `passed` counts packets that were not judged, by reason. `first` and `last` are ns since 1970.
    """

    def __init__(
        self, ports: Collection[tuple[int, str | None]], networks: Sequence[Network]
    ) -> None:
        """Watch these own ports ((port, None): every transport); every port if there are none."""
        salt = secrets.randbits(64)
        self.ports = frozenset(ports)
        self.side = OwnSide(networks)
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

    def take(self, packets: Packets) -> None:
        """Take a batch of packets, in the order in which they came."""
        if not len(packets):
            return
        self.packets += len(packets)
        begin, end = int(packets.at.min()), int(packets.at.max())
        self.first = begin if self.first is None else min(self.first, begin)
        self.last = end if self.last is None else max(self.last, end)
        packets, outbound = self._ours(packets)
        errors = (packets.kind == ICMP_ERROR) & ~outbound
        if errors.any():
            # They belong to flows which may begin in this very batch: those come first.
            for rows in (np.flatnonzero(~errors), np.flatnonzero(errors)):
                if rows.size:
                    self._take(packets.taken(rows), outbound[rows])
        elif len(packets):
            self._take(packets, outbound)
        if self._swept == 0:
            self._swept = self.last
        if self.last - self._swept > _SWEEP or self.flows.size > MOST_FLOWS:
            self._swept = self.last
            self.sweep(self.last)

    def _ours(self, packets: Packets) -> tuple[Packets, NDArray[np.bool_]]:
        """Packets to and from watched ports of ours, and which of them are from us."""
        way = self.side.directions(packets, self._watched)
        outbound = way == OUTBOUND
        kept = way != ELSEWHERE
        self._pass("elsewhere", len(packets) - int(kept.sum()))
        if self._watched is not None:
            port = np.where(outbound, packets.source_port, packets.destination_port)
            watched = self._watched[SLOT[packets.protocol], port]
            self._pass("other-port", int((kept & ~watched).sum()))
            kept &= watched
        if kept.all():
            return packets, outbound
        rows = np.flatnonzero(kept)
        return packets.taken(rows), outbound[rows]

    def _pass(self, reason: str, packets: int) -> None:
        if packets:
            self.passed[reason] = self.passed.get(reason, 0) + packets

    def _take(self, packets: Packets, outbound: NDArray[np.bool_]) -> None:
        high = np.where(outbound, packets.destination_high, packets.source_high)
        low = np.where(outbound, packets.destination_low, packets.source_low)
        own_port = np.where(outbound, packets.source_port, packets.destination_port)
        their_port = np.where(outbound, packets.destination_port, packets.source_port)
        own = self._own_rows(packets, outbound)
        place = (
            own.astype(np.uint64) << np.uint64(34)
            | their_port.astype(np.uint64) << np.uint64(18)
            | own_port.astype(np.uint64) << np.uint64(2)
            | _TRANSPORT[packets.protocol]
        )
        self._mend_errors(packets, outbound, high, low, place)
        known = self.addresses.size
        if known + len(packets) > MOST_SOURCES:
            source = self.addresses.find(high, low)
            left = np.flatnonzero(source >= 0)
            if left.size < len(packets):
                self._pass("too-many-sources", len(packets) - left.size)
                packets, outbound, source = packets.taken(left), outbound[left], source[left]
                place, own, own_port = place[left], own[left], own_port[left]
        else:
            source = self.addresses.find_or_add(high, low)
            self._add_sources(known, source, packets.at)
        self._hear(packets, outbound, own_port)
        keys = source.astype(np.uint64) << np.uint64(43) | place
        before = self._flow_rows.size
        rows = self._flow_rows.find_or_add(keys)
        opening = self._open_flows(packets, outbound, rows, before, keys, source, own, own_port)
        bits = flow.bits_of(packets, outbound)
        self._add_up(packets, outbound, rows, bits)
        inbound = opening[~outbound[opening]]
        began = inbound[tcp_firsts(packets, inbound)]
        began = began[self.flows["contact"][rows[began]] >= 0]
        if began.size:
            self.tallies.mark(FirstPackets(packets, began, source[began]))
        self.speech.listen(packets, outbound, rows, own_port, self.flows, self.tallies.sources)

    def _own_rows(self, packets: Packets, outbound: NDArray[np.bool_]) -> NDArray[np.int32]:
        high = np.where(outbound, packets.source_high, packets.destination_high)
        low = np.where(outbound, packets.source_low, packets.destination_low)
        if (low == low[0]).all() and (high == high[0]).all():
            row = self.own.find_or_add(high[:1], low[:1])[0]
            return np.full(len(low), min(row, MOST_OWN), np.int32)
        if self.own.size >= MOST_OWN:
            found = self.own.find(high, low)
            return np.where((found < 0) | (found > MOST_OWN), np.int32(MOST_OWN), found)
        return np.minimum(self.own.find_or_add(high, low), np.int32(MOST_OWN))

    def _mend_errors(
        self,
        packets: Packets,
        outbound: NDArray[np.bool_],
        high: NDArray[np.uint64],
        low: NDArray[np.uint64],
        place: NDArray[np.uint64],
    ) -> None:
        """An ICMP error may come from a router: it belongs to the flow that it quotes."""
        errors = np.flatnonzero((packets.kind == ICMP_ERROR) & ~outbound)
        if not errors.size:
            return
        quoted = packets.quoted_high[errors], packets.quoted_low[errors]
        source = self.addresses.find(*quoted)
        keys = source.astype(np.int64).astype(np.uint64) << np.uint64(43) | place[errors]
        known = (source >= 0) & (self._flow_rows.find(keys) >= 0)
        high[errors[known]] = quoted[0][known]
        low[errors[known]] = quoted[1][known]

    def _add_sources(self, known: int, source: NDArray[np.int32], at: NDArray[np.int64]) -> None:
        if self.addresses.size == known:
            return
        table = self.tallies.sources
        table.grow_to(self.addresses.size)
        first = table["first"]
        first[known:] = np.iinfo(np.int64).max
        fresh = np.flatnonzero(source >= known)
        np.minimum.at(table.column("first"), source[fresh], at[fresh])

    def _hear(
        self, packets: Packets, outbound: NDArray[np.bool_], own_port: NDArray[np.uint16]
    ) -> None:
        out = np.flatnonzero(outbound)
        if not out.size:
            return
        protocol, port = packets.protocol[out], own_port[out]
        error = packets.kind[out] == ICMP_ERROR
        flags = packets.flags[out]
        tcp = protocol == TCP
        answers = (tcp & (flags & (SYN | ACK) == SYN | ACK)) | (~tcp & ~error)
        answers |= (tcp & (packets.payload[out] > 0)) & ~error
        refuses = error | (tcp & (flags & 4 != 0))
        self.heard[SLOT[protocol[answers]], port[answers]] |= ANSWERED
        self.heard[SLOT[protocol[refuses]], port[refuses]] |= REFUSED

    def _open_flows(
        self,
        packets: Packets,
        outbound: NDArray[np.bool_],
        rows: NDArray[np.int32],
        before: int,
        keys: NDArray[np.uint64],
        source: NDArray[np.int32],
        own: NDArray[np.int32],
        own_port: NDArray[np.uint16],
    ) -> NDArray[np.intp]:
        """Fill the rows of new flows; returns the packets that began a flow."""
        table = self.flows
        fresh = np.flatnonzero(rows >= before)
        first = np.full(self._flow_rows.size - before, len(rows), np.intp)
        np.minimum.at(first, rows[fresh] - before, fresh)
        again = self._begun_again(packets, outbound, rows, before)
        opening = np.concatenate((first, again)) if again.size else first
        if not opening.size:
            return opening
        table.grow_to(self._flow_rows.size)
        new = rows[opening]
        table["key"][new] = keys[opening]
        table["source"][new] = source[opening]
        table["protocol"][new] = packets.protocol[opening]
        table["first"][new] = packets.at[opening]
        table["last"][new] = packets.at[opening]
        table["packets"][new] = 0
        table["bytes"][new] = 0
        table["opener"][new] = 0
        table["bits"][new] = flow.first_bits(packets, opening, outbound)
        ours = outbound[opening] & (
            (packets.protocol[opening] != TCP)
            | (packets.flags[opening] & (SYN | ACK) == np.uint8(SYN))
        )
        ours &= packets.kind[opening] != ICMP_ERROR
        table["contact"][new] = -1
        met = opening[~ours]
        table["contact"][rows[met]] = self._contacts(packets, met, source, own, own_port)
        return opening

    def _begun_again(
        self,
        packets: Packets,
        outbound: NDArray[np.bool_],
        rows: NDArray[np.int32],
        before: int,
    ) -> NDArray[np.intp]:
        """SYNs on flows that were closed: the old flow is over, and a new one has its row."""
        syn = (packets.flags & (SYN | ACK) == SYN) & (packets.protocol == TCP)
        syns = np.flatnonzero(syn & ~outbound & (rows < before) & (packets.kind == 0))
        if not syns.size:
            return syns
        ended = syns[flow.closed(self.flows["bits"][rows[syns]])]
        if not ended.size:
            return ended
        row, first = np.unique(rows[ended], return_index=True)
        self._tally(self.tallies, row)
        return ended[first]

    def _contacts(
        self,
        packets: Packets,
        met: NDArray[np.intp],
        source: NDArray[np.int32],
        own: NDArray[np.int32],
        own_port: NDArray[np.uint16],
    ) -> NDArray[np.int32]:
        keys = (
            source[met].astype(np.uint64) << np.uint64(43)
            | own[met].astype(np.uint64) << np.uint64(34)
            | own_port[met].astype(np.uint64) << np.uint64(2)
            | _TRANSPORT[packets.protocol[met]]
        )
        before = self._contact_rows.size
        contact = self._contact_rows.find_or_add(keys)
        if self._contact_rows.size > before:
            table = self.tallies.contacts
            table.grow_to(self._contact_rows.size)
            # A contact met twice in the batch: written backwards, so that the first one holds.
            fresh = np.flatnonzero(contact >= before)[::-1]
            row, at = contact[fresh], met[fresh]
            table["source"][row] = source[at]
            table["own"][row] = own[at]
            table["port"][row] = own_port[at]
            table["protocol"][row] = packets.protocol[at]
            table["first"][row] = packets.at[at]
        return contact

    def _add_up(
        self,
        packets: Packets,
        outbound: NDArray[np.bool_],
        rows: NDArray[np.int32],
        bits: NDArray[np.uint32],
    ) -> None:
        table = self.flows
        np.bitwise_or.at(table.column("bits"), rows, bits)
        np.maximum.at(table.column("last"), rows, packets.at)
        np.add.at(table.column("packets"), rows, np.uint32(1))
        said = np.flatnonzero((packets.payload > 0) & ~outbound)
        np.add.at(table.column("bytes"), rows[said], packets.payload[said])
        syn = np.flatnonzero(bits & np.uint32(flow.IN_SYN))
        # Not for a SYN that comes again when the opener was begun.
        syn = syn[table["opener"][rows[syn]] == 0]
        # Bytes in the SYN itself stand behind it (RFC 7413).
        table["due"][rows[syn]] = packets.sequence[syn] + (packets.payload[syn] == 0)

    def _tally(self, tallies: Tallies, rows: NDArray[np.integer[Any]]) -> None:
        kinds = flow.kinds_of(self.flows["bits"][rows], self.flows["protocol"][rows])
        tallies.add(self.flows, rows, kinds)

    def sweep(self, now: int) -> None:
        """Tally flows that are over at that time (ns since 1970), and forget them."""
        last = self.flows["last"]
        quiet = now - last
        over = quiet > np.where(flow.established(self.flows["bits"]), _IDLE, _OVER)
        if self.flows.size - int(over.sum()) > MOST_FLOWS // 2:
            over |= last < np.partition(last, len(last) // 2)[len(last) // 2]
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
        self.speech.renamed(renamed)
        self.addresses.keep(kept)
        self.flows["source"][:] = renamed[self.flows["source"]]
        self._rebuild_keys()

    def _rebuild_keys(self) -> None:
        """Keys of flows and contacts, after sources have got new rows."""
        low = np.uint64((1 << 43) - 1)
        shift = np.uint64(43)
        table = self.flows
        table["key"][:] = table["source"].astype(np.uint64) << shift | table["key"] & low
        self._flow_rows.rebuild(table["key"].copy())
        contacts = self.tallies.contacts
        keys = (
            contacts["source"].astype(np.uint64) << shift
            | contacts["own"].astype(np.uint64) << np.uint64(34)
            | contacts["port"].astype(np.uint64) << np.uint64(2)
            | _TRANSPORT[contacts["protocol"]]
        )
        self._contact_rows.rebuild(keys)
        met = np.flatnonzero(table["contact"] >= 0)
        # The place in a flow's key is that of its contact, but for the source's port.
        port_bits = np.uint64(0xFFFF << 18)
        table["contact"][met] = self._contact_rows.find(table["key"][met] & ~port_bits)
