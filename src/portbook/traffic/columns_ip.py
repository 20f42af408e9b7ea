"""The IP and transport headers of a batch, gathered and checked: which rows have the frequent form.

That form: IPv4 with any options and no fragment, or IPv6 without extension headers, then TCP or
UDP, all headers captured. The rest is not good, whatever is wrong with it.
"""

import numpy as np
from numpy.typing import NDArray

from portbook.traffic.columns_window import Window, field
from portbook.traffic.packets import ACK, SYN, TCP, UDP


class Layers:
    """Headers by row, with what was found of them.

    `ip` has 40 bytes from the IP header's begin, `transport` 20 from the transport's. `place` is
    where the transport's header begins in the buffer, `size` its length in bytes, `room` how many
    bytes IP gives to header and payload (UDP: its own length), `left` how many the frame has from
    there. `six` are the numbers of the rows with IPv6, `other` of those that are not TCP; `flags`
    are 0 there. `sound`: the IP header is whole and agrees with itself. `fragment` is
    true only where `sound` is.
    """

    __slots__ = (
        *("flags", "fragment", "good", "ip", "left", "other", "place", "protocol", "room"),
        *("six", "size", "sound", "transport"),
    )

    ip: NDArray[np.void]
    transport: NDArray[np.void]
    place: NDArray[np.int64]
    room: NDArray[np.int64]
    left: NDArray[np.int64]
    size: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    protocol: NDArray[np.uint8]
    six: NDArray[np.intp]
    other: NDArray[np.intp]
    good: NDArray[np.bool_]
    sound: NDArray[np.bool_]
    fragment: NDArray[np.bool_]

    def only(self, rows: NDArray[np.int64]) -> "Layers":
        """Return these rows, ascending numbers, of what the columns are made of."""
        kept = Layers()
        for name in ("ip", "transport", "place", "room", "size", "flags", "protocol"):
            setattr(kept, name, getattr(self, name)[rows])
        for name in ("six", "other"):
            marked = np.zeros(len(self.place), np.bool_)
            marked[getattr(self, name)] = True
            setattr(kept, name, np.flatnonzero(marked[rows]))
        return kept


def layers(
    window: Window,
    place: NDArray[np.int64],
    version: NDArray[np.uint8],
    end: NDArray[np.int64],
    wire_end: NDArray[np.int64],
) -> Layers:
    """Return the headers of packets whose IP header begins at `place`.

    Args:
        window: the batch's bytes.
        place: for each frame.
        version: 4, 6, or anything else where the frame is not to be read here.
        end: where in the buffer the captured bytes of the frame end.
        wire_end: where they would if all of it had been captured.
    """
    found = Layers()
    found.ip = window.gather(place, 40)
    found.protocol = field(found.ip, 9, "u1").copy()
    first = field(found.ip, 0, "u1").copy()
    total = field(found.ip, 2, ">u2").astype(np.int64)
    fragment = (field(found.ip, 6, "<u2") & 0xFF3F) != 0
    if (first == 0x45).all() and (version == 4).all():
        found.six = np.empty(0, np.intp)
        size = np.full(len(place), 20, np.uint8)
        found.sound = (end - place) >= 20
    else:
        found.six = np.flatnonzero(version == 6)
        size = (first & np.uint8(15)) << np.uint8(2)
        found.sound = (first >> 4) == version
        if len(found.six):
            ip = found.ip[found.six]
            fragment[found.six] = False
            found.protocol[found.six] = field(ip, 6, "u1")
            size[found.six] = 40
            total[found.six] = field(ip, 4, ">u2")
        # Not 4 or 6: bytes of some other protocol, which may still look like one of them.
        found.sound &= (version == 4) | (version == 6)
        found.sound &= size >= 20
        found.sound &= (end - place) >= np.where(version == 6, 40, 20)
    found.place = place + size
    found.room = total - size
    if len(found.six):
        found.room[found.six] = total[found.six]
    if not total.all():
        open_ended = np.flatnonzero(total == 0)
        found.room[open_ended] = (wire_end - found.place)[open_ended]
    found.sound &= found.room >= 0
    found.fragment = fragment & found.sound
    _transport(window, found, end)
    return found


def _transport(window: Window, found: Layers, end: NDArray[np.int64]) -> None:
    """Fill what is known of the transport, and which rows are good."""
    found.transport = window.gather(found.place, 20)
    found.left = end - found.place
    found.flags = field(found.transport, 13, "u1").copy()
    # The data offset is in words of four bytes, in the upper half of its byte.
    found.size = (field(found.transport, 12, "u1") >> np.uint8(2)) & np.uint8(0x3C)
    other = found.protocol != TCP
    found.other = np.flatnonzero(other)
    shortest: NDArray[np.uint8] | int = 20
    good = found.sound & ~found.fragment
    if len(found.other):
        found.flags[found.other] = 0
        found.size[found.other] = 8
        shortest = np.where(other, np.uint8(8), np.uint8(20))
        good &= ~other | (found.protocol == UDP)
    good &= found.room >= found.size
    good &= found.size >= shortest
    good &= found.left >= shortest
    if len(found.other):
        datagrams = found.other[good[found.other]]
        size = field(found.transport[datagrams], 4, ">u2").astype(np.int64)
        room = found.room[datagrams]
        size = np.where(size == 0, room, size)
        good[datagrams] = (size >= 8) & (size <= room)
        found.room[datagrams] = size
    syn = (found.flags & (SYN | ACK)) == SYN
    good &= ~syn | (found.left >= found.size)
    found.good = good
