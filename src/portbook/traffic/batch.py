"""`Batch`: packets to and from our ports, and of which source, flow and port each of them is."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from portbook.traffic.packets import ACK, FIN, RST, SLOT, SYN, TCP, Packets

SOURCE_SHIFT = np.uint64(43)
_OWN_SHIFT, _THEIR_SHIFT, _PORT_SHIFT = np.uint64(34), np.uint64(18), np.uint64(2)
_TRANSPORT = SLOT.astype(np.uint64)
_NO_PORT = np.uint64(0xFFFF << 18)
_PLACE = np.uint64((1 << 43) - 1)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)

MOST_AGAIN = 32
"""How often a 5-tuple may begin again within a batch and be told apart."""


class Batch:
    """Packets, and columns beside them.

    `outbound` says which are from us; `own_port` and `their_port` are the ports of the two sides.
    `own` is the row of our address, `source` that of the other one, `rows` that of the flow; `keys`
    are the flows' keys (see `flow_keys`). The last three are filled in as they become known.
    """

    __slots__ = ("keys", "outbound", "own", "own_port", "packets", "rows", "source", "their_port")

    own: NDArray[np.int32]
    source: NDArray[np.int32]
    rows: NDArray[np.int32]
    keys: NDArray[np.uint64]

    def __init__(self, packets: Packets, outbound: NDArray[np.bool_]) -> None:
        self.packets = packets
        self.outbound = outbound
        self.own_port = np.where(outbound, packets.source_port, packets.destination_port)
        self.their_port = np.where(outbound, packets.destination_port, packets.source_port)

    def __len__(self) -> int:
        return len(self.packets)

    def theirs(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The halves of the other side's addresses."""
        packets = self.packets
        return (
            np.where(self.outbound, packets.destination_high, packets.source_high),
            np.where(self.outbound, packets.destination_low, packets.source_low),
        )

    def ours(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The halves of our addresses."""
        packets = self.packets
        return (
            np.where(self.outbound, packets.source_high, packets.destination_high),
            np.where(self.outbound, packets.source_low, packets.destination_low),
        )

    def places(self) -> NDArray[np.uint64]:
        """The flows' keys without the source."""
        places: NDArray[np.uint64] = (
            self.own.astype(np.uint64) << _OWN_SHIFT
            | self.their_port.astype(np.uint64) << _THEIR_SHIFT
            | self.own_port.astype(np.uint64) << _PORT_SHIFT
            | _TRANSPORT[self.packets.protocol]
        )
        return places

    def generations(self) -> Iterator["Batch"]:
        """The batch in parts, so that no 5-tuple begins twice in one of them.

        A source port that is used again is rare, and mostly far apart in time; what begins more
        often than `MOST_AGAIN` times in a batch is not told apart further.
        """
        packets = self.packets
        flags = packets.flags & np.uint8(SYN | ACK | FIN | RST)
        syns = np.flatnonzero((flags == SYN) & (packets.protocol == TCP) & ~self.outbound)
        if len(syns) < 2:
            yield self
            return
        ends = self._ends(syns)
        order = np.argsort(ends, kind="stable")
        sorted_ends, sequence = ends[order], packets.sequence[syns[order]]
        again = (sorted_ends[1:] == sorted_ends[:-1]) & (sequence[1:] != sequence[:-1])
        if not again.any():
            yield self
            return
        repeated = np.zeros(len(self), np.uint8)
        repeated[syns[order[1:][again]]] = 1
        ends = self._ends(np.arange(len(self)))
        # The packets of those 5-tuples alone are counted through, in their order.
        known = np.flatnonzero(np.isin(ends, sorted_ends[1:][again]))
        known = known[np.argsort(ends[known], kind="stable")]
        total = np.cumsum(repeated[known], dtype=np.int64)
        starts = np.flatnonzero(np.diff(ends[known], prepend=ends[known[:1]] - np.uint64(1)))
        sizes = np.diff(starts, append=len(known))
        generation = np.zeros(len(self), np.int64)
        before = total[starts] - repeated[known[starts]]
        generation[known] = np.minimum(total - np.repeat(before, sizes), MOST_AGAIN)
        for number in range(int(generation.max()) + 1):
            yield self.taken(np.flatnonzero(generation == number))

    def _ends(self, rows: NDArray[np.intp]) -> NDArray[np.uint64]:
        """A number for the 5-tuple of each of these packets, the same in both directions."""
        packets, out = self.packets, self.outbound[rows]
        source = packets.source_low[rows] ^ packets.source_high[rows] * _SPREAD
        destination = packets.destination_low[rows] ^ packets.destination_high[rows] * _SPREAD
        theirs, ours = np.where(out, destination, source), np.where(out, source, destination)
        ports = self.their_port[rows].astype(np.uint64) << np.uint64(16) | self.own_port[rows]
        return (theirs * _SPREAD ^ ours) + ports * _SPREAD

    def taken(self, rows: NDArray[np.intp]) -> "Batch":
        """These packets alone."""
        return Batch(self.packets.taken(rows), self.outbound[rows])


def whole(
    high: NDArray[np.uint64], low: NDArray[np.uint64], places: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """A number for address and place together; two share one by a chance of 2^-64."""
    return (low ^ high * _SPREAD) * _SPREAD + places


def flow_keys(source: NDArray[np.int32], places: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The key of a flow: the row of its source (21 bits) and its place.

    The place is the row of our address (9 bits), their port and ours (16 each), transport (2).
    """
    return source.astype(np.uint64) << SOURCE_SHIFT | places


def contact_keys(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The key of a flow's contact: the same without the source's port."""
    return keys & ~_NO_PORT


def moved(keys: NDArray[np.uint64], source: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Keys of flows or contacts whose sources have new rows."""
    return source.astype(np.uint64) << SOURCE_SHIFT | keys & _PLACE
