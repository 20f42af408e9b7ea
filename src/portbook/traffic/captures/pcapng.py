"""Reads pcapng files: sections of blocks, packets among them, interfaces that say what they mean.

Source: draft-ietf-opsawg-pcapng. Blocks of unknown types are left out, whatever their length.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from portbook.model.unknown import Gap
from portbook.traffic.captures import blocks
from portbook.traffic.captures.fault import CaptureFault
from portbook.traffic.captures.pcap import BATCH
from portbook.traffic.captures.walking import Bytes, Chain, Looks, Places, numbers, walk
from portbook.traffic.captures.window import LONGEST, Window
from portbook.traffic.packets import Frames

_PACKETS = (blocks.ENHANCED, blocks.OBSOLETE, blocks.SIMPLE)
_KNOWN = (blocks.SECTION, blocks.INTERFACE, blocks.STATISTICS, *_PACKETS)
_MOST_INTERFACES = 65_536
"""More interfaces than this in one section are damage; a machine has hundreds."""
_SLICE = 4_096
"""Packets of several link types change places within as many, never farther."""


def is_pcapng(first: bytes) -> bool:
    """Whether a file that begins so is a pcapng file."""
    return first[:4] == b"\x0a\x0d\x0d\x0a"


def _plural(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class Pcapng:
    """The packets of a pcapng file. Raises CaptureFault where its first block is no section."""

    def __init__(self, window: Window, gaps: list[Gap]) -> None:
        self._window = window
        self._gaps = gaps
        self._chain = Chain("<", 4, 8, 0, 12, LONGEST, 4)
        self._interfaces: list[blocks.Interface] = []
        self._drops: dict[int, int] = {}
        self._dropped = self._timeless = self._homeless = 0
        self._last = 0
        if not window.need(16):
            raise CaptureFault("the capture ends in the middle of its first section header")
        if wrong := self._section():
            raise CaptureFault(f"the capture begins like pcapng, but {wrong}")

    def batches(self) -> Iterator[Frames]:
        """All packets up to the end, or up to where the file is damaged or cut: then a gap."""
        yield from self._blocks()
        self._close_section()
        gaps = self._gaps
        if self._dropped:
            why = f"the capturing program dropped {_plural(self._dropped, 'packet')}"
            gaps.append(Gap("packets that were never captured", why))
        if self._timeless:
            why = (
                f"{_plural(self._timeless, 'packet')} stored without a time stamp (simple packet "
                "blocks); taken to have come with the packet before"
            )
            gaps.append(Gap("the time of some packets", why))
        if self._homeless:
            why = (
                f"{_plural(self._homeless, 'packet')} of an interface that is nowhere described, "
                "or longer than the block around"
            )
            gaps.append(Gap("some packets", why))

    def _blocks(self) -> Iterator[Frames]:
        window = self._window
        while True:
            there = window.end - window.begin
            if there >= 16 and self._word(0) == blocks.SECTION and (wrong := self._section()):
                self._damaged(wrong)
                return
            chain = self._chain
            starts, reached = walk(
                window.data, window.begin, window.end, chain, _looks(chain.order)
            )
            if len(starts):
                taken = self._certain(starts)
                if not taken:
                    self._damaged("the lengths before and behind a block differ")
                    return
                yield from self._sections(starts[:taken])
                window.begin = reached if taken == len(starts) else int(starts[taken])
                continue
            if there >= 16 or (there >= 8 and self._word(0) != blocks.SECTION):
                length = self._word(4)
                packed = length > LONGEST and self._word(0) in _KNOWN
                if length < 12 or length % 4 or packed:
                    self._damaged(f"a block of {length:,} bytes")
                    return
                if length > LONGEST:
                    if window.skip(length):
                        continue
                    self._cut()
                    return
            if not window.more():
                break
        if window.end > window.begin:
            self._cut()

    def _word(self, at: int) -> int:
        """The 32-bit number `at` bytes after the begin of the window."""
        begin = self._window.begin + at
        word = self._window.data[begin : begin + 4].tobytes()
        return int.from_bytes(word, "little" if self._chain.order == "<" else "big")

    def _cut(self) -> None:
        why = f"the capture ends in the middle of a block at byte {self._window.offset:,}"
        self._gaps.append(Gap("the last packet", why))

    def _damaged(self, what: str) -> None:
        why = f"the capture is damaged at byte {self._window.offset:,}: {what}"
        self._gaps.append(Gap("the rest of the capture", why))

    def _section(self) -> str | None:
        """Take the byte order of the section that begins here; what is wrong with it, or None."""
        begin = self._window.begin
        head = self._window.data[begin : begin + 16].tobytes()
        order = blocks.ORDERS.get(head[8:12])
        if order is None:
            return f"the byte order of a section is {head[8:12].hex(' ')}"
        major = int.from_bytes(head[12:14], "little" if order == "<" else "big")
        if major != 1:
            return f"the version of a section is {major}, which is not read"
        self._chain = self._chain._replace(order=order)
        return None

    def _close_section(self) -> None:
        self._dropped += sum(self._drops.values())
        self._drops.clear()
        self._interfaces.clear()

    def _certain(self, starts: Places) -> int:
        """How many of the blocks can be taken: up to a wrong length behind, or another order."""
        data, order = self._window.data, self._chain.order
        head = numbers(data, starts, 8, order)
        kind, length = head[:, 0], head[:, 1]
        wrong = numbers(data, starts + length - 4, 4, order)[:, 0] != length
        sections = kind == blocks.SECTION
        if sections.any():
            wrong |= sections & (length < 28)
            magic = numbers(data, starts[sections], 16, order)[:, 2:]
            # Another order or version: walked anew from there on.
            other = (magic[:, 0] != 0x1A2B3C4D) | (magic[:, 1] != magic[0, 1])
            first = np.flatnonzero(sections)
            wrong[first[other & (first > 0)]] = True
        return int(wrong.argmax()) if wrong.any() else len(starts)

    def _sections(self, starts: Places) -> Iterator[Frames]:
        kinds = numbers(self._window.data, starts, 4, self._chain.order)[:, 0]
        begins = np.flatnonzero(kinds == blocks.SECTION).tolist()
        edges = sorted({0, len(starts), *begins})
        for begin, end in pairwise(edges):
            if kinds[begin] == blocks.SECTION:
                self._close_section()
            yield from self._packets(starts[begin:end], kinds[begin:end])

    def _packets(self, starts: Places, kinds: NDArray[np.uint32]) -> Iterator[Frames]:
        """The packets of blocks of one section; their interfaces are taken in first."""
        for at in starts[kinds == blocks.INTERFACE].tolist():
            if len(self._interfaces) < _MOST_INTERFACES:
                self._interfaces.append(blocks.interface(self._body(at), self._chain.order))
        for at in starts[kinds == blocks.STATISTICS].tolist():
            which, drops = blocks.dropped(self._body(at), self._chain.order)
            if which < len(self._interfaces):
                self._drops[which] = drops
        packets = starts[np.isin(kinds, _PACKETS)]
        for begin in range(0, len(packets), BATCH):
            yield from self._batch(packets[begin : begin + BATCH])

    def _body(self, at: int) -> bytes:
        length = self._word(at - self._window.begin + 4)
        return self._window.data[at + 8 : at + length - 4].tobytes()

    def _batch(self, starts: Places) -> Iterator[Frames]:
        order = self._chain.order
        head = numbers(self._window.data, starts, 28, order)
        kind = head[:, 0]
        which, room = head[:, 2].astype(np.int64), head[:, 1].astype(np.int64) - 32
        kept, length = head[:, 5].astype(np.int64), head[:, 6].astype(np.int64)
        start = starts + 28
        obsolete, simple = kind == blocks.OBSOLETE, kind == blocks.SIMPLE
        if obsolete.any():
            # Two numbers of 16 bits: the interface, then packets dropped before (all ones: unknown)
            pair = which[obsolete] & 0xFFFF, which[obsolete] >> 16
            which[obsolete], drops = pair if order == "<" else pair[::-1]
            self._dropped += int(drops[drops != 0xFFFF].sum())
        if simple.any():
            snaplen = self._interfaces[0].snaplen if self._interfaces else 0
            which[simple] = 0
            room[simple] += 16
            start[simple] -= 16
            length[simple] = head[simple, 2]
            kept[simple] = np.minimum(length[simple], room[simple])
            if snaplen:
                kept[simple] = np.minimum(kept[simple], snaplen)
        good = (room >= 0) & (kept >= 0) & (kept <= room) & (which < len(self._interfaces))
        self._homeless += len(good) - int(np.count_nonzero(good))
        if not good.all():
            start, kept, length, which = start[good], kept[good], length[good], which[good]
            head, simple = head[good], simple[good]
        if len(start):
            at = self._times(head, which, simple)
            links = np.array([one.link for one in self._interfaces])[which]
            yield from self._by_link(start, kept, length, at, links)

    def _times(
        self, head: NDArray[np.uint32], which: Places, simple: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        ticks = head[:, 3].astype(np.uint64) << np.uint64(32) | head[:, 4]
        clocks = [one._replace(link=0, snaplen=0) for one in self._interfaces]
        if len(set(clocks)) == 1:
            at = blocks.nanoseconds(ticks, clocks[0])
        else:
            at = np.zeros(len(which), np.int64)
            for one in np.unique(which).tolist():
                mine = which == one
                at[mine] = blocks.nanoseconds(ticks[mine], clocks[one])
        if simple.any():
            self._timeless += int(np.count_nonzero(simple))
            latest = np.maximum.accumulate(np.where(simple, -1, np.arange(len(at))))
            at = np.where(latest < 0, self._last, at[latest])
        self._last = int(at[-1])
        return at

    def _by_link(
        self, start: Places, kept: Places, length: Places, at: Places, links: Places
    ) -> Iterator[Frames]:
        """The batch, whole where it has one link type, else in small slices by link type."""
        view = self._window.view
        if (links == links[0]).all():
            yield Frames(view, start, kept, length, at, int(links[0]))
            return
        for begin in range(0, len(start), _SLICE):
            part = slice(begin, begin + _SLICE)
            for link in np.unique(links[part]).tolist():
                mine = begin + np.flatnonzero(links[part] == link)
                yield Frames(view, start[mine], kept[mine], length[mine], at[mine], link)


def _looks(order: str) -> Looks:
    """Enhanced packet blocks, by their type and the length that stands before and behind."""

    def plausible(data: Bytes, at: Places, end: int) -> NDArray[np.bool_]:
        head = numbers(data, at, 8, order)
        length = head[:, 1].astype(np.int64)
        good: NDArray[np.bool_] = (
            (head[:, 0] == blocks.ENHANCED) & (length >= 32) & (length % 4 == 0)
        )
        good &= at + length <= end
        where = at[good] + length[good] - 4
        good[good] = numbers(data, where, 4, order)[:, 0] == length[good]
        return good

    return Looks((0, 6), (1, 0), plausible) if order == "<" else Looks((3, 6), (2, 0), plausible)
