"""Packets of the watched ports as they come and go: batches of frames from the kernel's ring.

Only our own network namespace, and only with CAP_NET_RAW. Every packet comes once: not a second
time from a loopback device, a VLAN's parent, or the port of a bridge or bond.
"""

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Self

import numpy as np
from numpy.typing import NDArray

from portbook.host import clock
from portbook.host.interfaces import interfaces, seen_twice
from portbook.host.packet_filter import SNAP_LENGTH, filter_for
from portbook.host.packet_ring import RING_BYTES, offsets
from portbook.host.packet_socket import PacketSocket, Statistics
from portbook.model.errors import EnvironmentFault
from portbook.model.said import Said
from portbook.model.unknown import Gap
from portbook.traffic.packets import Frames

LINKTYPE_RAW = 101

# Where a packet's header has what, in 32-bit words (struct tpacket3_hdr, then sockaddr_ll).
_SECONDS, _NANOSECONDS, _KEPT, _LENGTH, _PLACES, _INTERFACE = 1, 2, 3, 4, 6, 13

_FRESH = 5.0
"""Seconds after which the devices are asked for again: 0.2 ms, and containers come and go."""
_CHECKED = 2.0
"""The same for the named interface, while it is up."""
_TIMES_TOLD = 3
"""Times for which the interface was down that are told one by one."""


class InterfaceGone(EnvironmentFault):
    """The interface that is watched does not exist any more."""


class Live:
    """A watch of `ports` (empty: every port) on `interface` or on all of them.

    `gaps` says what this watch cannot see; it may grow while frames are read. What passes has a
    watched port on either side, or none that the kernel can see (a later fragment): the reader
    looks again.

    Raises:
        NotPermitted: CAP_NET_RAW is missing.
        UsageError: no interface has that name.
        EnvironmentFault: the kernel has no packet sockets.
    """

    def __init__(
        self,
        ports: Collection[int] = (),
        interface: str | None = None,
        *,
        snap_length: int = SNAP_LENGTH,
        ring_bytes: int = RING_BYTES,
    ) -> None:
        program = filter_for(ports, snap_length=snap_length, own_tags=interface is not None)
        self._gaps: list[Gap] = []
        if ports and program.every_port:
            # Nothing is lost over it but room in the ring.
            self._gaps.append(
                Gap(
                    Said("a filter for the watched ports alone"),
                    Said("they are too many for the kernel: packets of every port are read"),
                    Said("watch fewer ports, or ranges of them"),
                )
            )
        self.every_port = program.every_port
        self._all = interface is None
        self._outages = _Outages(interface or "")
        self._checked = clock.monotonic()
        self._twice: frozenset[int] = frozenset()
        self._asked = -_FRESH
        self._socket = PacketSocket(program, interface, ring_bytes=ring_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def frames(self, timeout: float) -> Iterator[Frames]:
        """The batches that come within `timeout` seconds, and first those that are ready.

        A packet is ready at most 0.1 s after it came. Each batch has a buffer of its own, so it
        stays valid. A caller may stop in between and call again: nothing is lost over it.

        Raises:
            InterfaceGone: the named interface is.
            EnvironmentFault: the kernel says that packets cannot be read any more.
        """
        until = clock.monotonic() + timeout
        left = timeout
        while True:
            for block in self._socket.blocks(left):
                frames, interface = frames_of(block)
                if self._all and (again := self._again(interface)) is not None:
                    frames = _without(frames, again)
                if len(frames):
                    yield frames
            if not self._all:
                self._check()
            left = until - clock.monotonic()
            if left <= 0:
                break

    @property
    def gaps(self) -> list[Gap]:
        """What this watch cannot see, or could not for a while, up to now."""
        return [*self._gaps, *self._outages.gaps()]

    def _check(self) -> None:
        """Look whether the named interface is there and up, every few seconds.

        Raises:
            InterfaceGone: it is not there.
        """
        now = clock.monotonic()
        fell, self._socket.fell = self._socket.fell, False
        if not (fell or self._outages.lasting or now - self._checked > _CHECKED):
            return
        self._checked = now
        try:
            known = interfaces()
        except OSError:
            return
        found = [each for each in known if each.number == self._socket.number]
        if not found:
            self._outages.note(up=False)
            raise InterfaceGone(f"the interface {self._socket.interface} is gone")
        if fell:
            self._outages.note(up=False)
        self._outages.note(up=found[0].up)

    def _again(self, interface: NDArray[np.uint32]) -> NDArray[np.bool_] | None:
        """Which frames come a second time from another device; None where none do."""
        now = clock.monotonic()
        if now - self._asked > _FRESH:
            self._asked = now
            with suppress(OSError):
                self._twice = seen_twice(interfaces())
        if not self._twice:
            return None
        return np.isin(interface, sorted(self._twice))

    def statistics(self) -> Statistics:
        """What the kernel counted: packets that passed the filter, and how many it dropped."""
        return self._socket.statistics()

    def close(self) -> None:
        """Stop watching; `statistics` keeps its answer. May be called again."""
        self._socket.close()


class _Outages:
    """When an interface was down, for how long, and how that is told."""

    def __init__(self, interface: str) -> None:
        self._interface = interface
        self._since: float | None = None
        self._began: list[str] = []
        self._lasted: list[float] = []
        self._more = 0

    @property
    def lasting(self) -> bool:
        """Whether it is down."""
        return self._since is not None

    def note(self, *, up: bool) -> None:
        """It is up, or down, now."""
        if up and self._since is not None:
            if len(self._lasted) < len(self._began):
                self._lasted.append(clock.monotonic() - self._since)
            self._since = None
        elif not up and self._since is None:
            self._since = clock.monotonic()
            if len(self._began) < _TIMES_TOLD:
                self._began.append(clock.iso(clock.now()))
            else:
                self._more += 1

    def gaps(self) -> list[Gap]:
        """One, where it was down."""
        if not self._began:
            return []
        lasted = list(self._lasted)
        if len(lasted) < len(self._began) and self._since is not None:
            lasted.append(clock.monotonic() - self._since)
        told = [
            f"from {began} for {_seconds(span)}"
            for began, span in zip(self._began, lasted, strict=True)
        ]
        if self._more:
            told.append(f"{self._more:,} more times")
        what = f"packets while the interface {self._interface} was down"
        return [Gap(what, f"it was down {', '.join(told)}")]


def _seconds(span: float) -> str:
    return f"{span:,.0f} s" if span >= 1 else "less than a second"


def frames_of(block: bytes) -> tuple[Frames, NDArray[np.uint32]]:
    """The packets of a block of the ring, and the index of the interface of each.

    The frames share the bytes of `block`, and none reaches beyond them.

    Raises:
        BadBlock: what is no block.
    """
    begin = np.asarray(offsets(block), dtype=np.int64)
    words = np.frombuffer(block, dtype=np.uint32, count=len(block) // 4)
    row = begin >> 2
    # tp_mac: for SOCK_DGRAM the IP header.
    start = np.minimum(begin + (words[row + _PLACES] & 0xFFFF), len(block))
    kept = np.minimum(words[row + _KEPT].astype(np.int64), len(block) - start)
    length = words[row + _LENGTH].astype(np.int64)
    at = words[row + _SECONDS].astype(np.int64) * 1_000_000_000
    at += words[row + _NANOSECONDS]
    return Frames(block, start, kept, length, at, LINKTYPE_RAW), words[row + _INTERFACE]


def _without(frames: Frames, some: NDArray[np.bool_]) -> Frames:
    keep = ~some
    return Frames(
        frames.buffer,
        frames.start[keep],
        frames.kept[keep],
        frames.length[keep],
        frames.at[keep],
        frames.link,
    )
