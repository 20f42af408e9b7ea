"""Reads pcap files: a header of 24 bytes, then records of a header and what was kept of a packet.

Sources: draft-ietf-opsawg-pcap (the format and its two magic numbers), and the form with 24-byte
record headers that Alexey Kuznetzov's patched libpcap wrote (magic number 0xa1b2cd34).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from portbook.model.unknown import Gap
from portbook.traffic.captures.fault import CaptureFault
from portbook.traffic.captures.walking import Bytes, Chain, Looks, Places, numbers, walk
from portbook.traffic.captures.window import LONGEST, Window
from portbook.traffic.packets import Frames

BATCH = 32_768
"""The most frames of one batch."""

_MICRO, _NANO, _MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
_FORMS = {
    number.to_bytes(4, "little" if order == "<" else "big"): (order, scale, header)
    for order in "<>"
    for number, scale, header in ((_MICRO, 1000, 16), (_NANO, 1, 16), (_MODIFIED, 1000, 24))
}
"""By the first four bytes: byte order, nanoseconds of a tick, length of a record's header."""

_USUAL = 262_144
"""The longest record of any program that keeps to libpcap's limit (MAXIMUM_SNAPLEN)."""


def is_pcap(first: bytes) -> bool:
    """Whether a file that begins so is a pcap file."""
    return first[:4] in _FORMS


def longest(snaplen: int) -> int:
    """The longest record that a file of this snap length may have; longer ones are damage.

    Files say 0, or numbers near 2 to the power of 31, where they mean "everything": then, and for
    all smaller ones, it is libpcap's own limit.
    """
    return snaplen if _USUAL < snaplen <= LONGEST else _USUAL


class Pcap:
    """The records of a pcap file. Raises CaptureFault where its header is cut or of no version."""

    def __init__(self, window: Window, gaps: list[Gap]) -> None:
        if not window.need(24):
            raise CaptureFault("the capture ends in the middle of its file header")
        header = window.data[window.begin : window.begin + 24].tobytes()
        self._order, self._scale, size = _FORMS[header[:4]]
        major = int(np.frombuffer(header, f"{self._order}u2", 1, 4)[0])
        if major != 2:
            raise CaptureFault(f"the capture is pcap of version {major}, which is not read")
        snaplen, network = np.frombuffer(header, f"{self._order}u4", 2, 16).tolist()
        # The upper bits tell the length of the frame check sequence (draft, section 4).
        self.link = network & 0xFFFF
        self._chain = Chain(self._order, 8, size, size, 0, longest(snaplen), 1)
        self._window = window
        self._gaps = gaps
        window.begin += 24

    def batches(self) -> Iterator[Frames]:
        """All records up to the end, or up to where the file is damaged or cut: then a gap."""
        window, chain = self._window, self._chain
        while True:
            looks = self._looks() if window.end - window.begin >= chain.header else None
            starts, reached = walk(window.data, window.begin, window.end, chain, looks)
            if len(starts):
                window.begin = reached
                yield from self._frames(starts)
                continue
            if window.end - window.begin >= chain.header:
                at = np.array([window.begin], np.int64)
                kept = int(numbers(window.data, at, 16, chain.order)[0, 2])
                if kept > chain.most:
                    self._damaged(kept)
                    return
            if not window.more():
                break
        if window.end > window.begin:
            why = f"the capture ends in the middle of a record at byte {window.offset:,}"
            self._gaps.append(Gap("the last packet", why))

    def _damaged(self, kept: int) -> None:
        why = (
            f"the capture is damaged at byte {self._window.offset:,}: "
            f"a record of {kept:,} bytes, where {self._chain.most:,} are the most"
        )
        self._gaps.append(Gap("the rest of the capture", why))

    def _looks(self) -> Looks:
        """Headers look like the next one: the same upper half of the seconds, lengths that fit."""
        window, chain = self._window, self._chain
        upper = (3, 2) if chain.order == "<" else (0, 1)
        first, second = ((byte, int(window.data[window.begin + byte])) for byte in upper)
        ticks = 1_000_000_000 // self._scale

        def plausible(data: Bytes, at: Places, end: int) -> NDArray[np.bool_]:
            head = numbers(data, at, 16, chain.order)
            good = (head[:, 1] < ticks) & (head[:, 2] <= chain.most) & (head[:, 2] <= head[:, 3])
            following = at + head[:, 2] + chain.add
            good &= following <= end - chain.header
            beyond = following[good]
            good[good] = (data[beyond + first[0]] == first[1]) & (
                data[beyond + second[0]] == second[1]
            )
            return good

        return Looks(first, second, plausible)

    def _frames(self, starts: Places) -> Iterator[Frames]:
        data, view, add = self._window.data, self._window.view, self._chain.add
        for begin in range(0, len(starts), BATCH):
            part = starts[begin : begin + BATCH]
            head = numbers(data, part, 16, self._order)
            at = head[:, 0].astype(np.int64)
            at *= 1_000_000_000
            at += head[:, 1].astype(np.int64) * self._scale
            kept, length = head[:, 2].astype(np.int64), head[:, 3].astype(np.int64)
            yield Frames(view, part + add, kept, length, at, self.link)
