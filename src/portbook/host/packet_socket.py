"""A packet socket of our network namespace: filtered before it hears anything, read by a ring.

packet(7). It sees what the filter passes on one interface or on all of them, both ways; it sends
nothing and does not make the interface promiscuous.
"""

import _socket as socket  # `socket` itself builds enums: 3 ms of every start (measured)
import errno
import select
import struct
from array import array
from collections.abc import Iterator

from portbook.host.interfaces import interfaces
from portbook.host.packet_filter import NOTHING, Filter
from portbook.host.packet_ring import RING_BYTES, SOL_PACKET, Ring
from portbook.model.errors import EnvironmentFault, NotPermitted, UsageError
from portbook.model.record import Record

PACKET_STATISTICS = 6
SO_ATTACH_FILTER = 26
ETH_P_ALL = 0x0003

_STATISTICS = struct.Struct("=3I")


class Statistics(Record):
    """What the kernel counted since the socket was bound (struct tpacket_stats_v3).

    `packets` passed the filter, `drops` of them were lost because the ring was full, `freezes` is
    how often it was.
    """

    packets: int
    drops: int
    freezes: int


class PacketSocket:
    """Packets as the kernel hands them over: blocks of TPACKET_V3 frames (see packet_ring)."""

    def __init__(
        self, program: Filter, interface: str | None = None, *, ring_bytes: int = RING_BYTES
    ) -> None:
        """Listen on `interface`, or on every one.

        Raises:
            NotPermitted: CAP_NET_RAW is missing.
            UsageError: no interface has that name.
            EnvironmentFault: the kernel has no packet sockets, or no memory for the ring.
        """
        self.interface = interface
        self.number = 0
        self.fell = False
        self._counted = Statistics(0, 0, 0)
        if not hasattr(socket, "AF_PACKET"):
            raise EnvironmentFault("packets can be watched on Linux only")
        try:
            # bind() of Python cannot say "every interface" (it asks for the index of a name), but a
            # socket that is made with a protocol hears them all at once.
            kind = 0 if interface else socket.htons(ETH_P_ALL)
            self._link = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, kind)
        except PermissionError as error:
            raise NotPermitted(
                "packets can be seen only with the capability CAP_NET_RAW",
                hint="run as root, or as a unit with AmbientCapabilities=CAP_NET_RAW",
            ) from error
        except OSError as error:
            raise EnvironmentFault(
                f"this kernel has no packet sockets ({error.strerror})",
                hint="modprobe af_packet",
            ) from error
        self._ring: Ring | None = None
        try:
            self.number = index_of(interface)
            # What came unfiltered is thrown away when the ring is made, and then not counted:
            # nothing passes in between.
            self._attach(NOTHING)
            self._ring = Ring(self._link, size=ring_bytes)
            self.statistics()
            self._counted = Statistics(0, 0, 0)
            self._attach(program)
            if interface:
                self._link.bind((interface, ETH_P_ALL))
        except OSError as error:
            self.close()
            raise EnvironmentFault(f"no packets can be read: {error.strerror}") from error
        except BaseException:
            self.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._link.fileno(), select.POLLIN)

    def _attach(self, program: Filter) -> None:
        code = array("B", program.code)
        address, _ = code.buffer_info()
        # struct sock_fprog, read by the kernel before setsockopt() returns.
        fprog = struct.pack("@HP", len(program.instructions), address)
        self._link.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)

    def blocks(self, timeout: float) -> Iterator[bytes]:
        """Wait at most `timeout` seconds for packets, then a copy of each block that is ready.

        `fell` is set when the kernel says that the named interface went down. It says so once, and
        not again when the interface goes away after that: ask `interfaces` from time to time.

        Raises:
            EnvironmentFault: the kernel says that packets cannot be read any more.
        """
        if self._ring is None:
            return
        ready = False
        for block in self._ring.blocks():
            ready = True
            yield block
        if ready or not self._poll.poll(max(0, round(timeout * 1000))):
            return
        # ENETDOWN wakes us, too: an interface went down or is gone. Asking for it clears it.
        fault = self._link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        yield from self._ring.blocks()
        if fault == errno.ENETDOWN:
            self.fell = True
        elif fault:
            raise EnvironmentFault(f"no packets can be read: {errno.errorcode.get(fault, fault)}")

    def statistics(self) -> Statistics:
        """The kernel's counters; they stay what they were once the socket is closed."""
        if self._link.fileno() >= 0:
            # Reading sets the kernel's to 0.
            told = self._link.getsockopt(SOL_PACKET, PACKET_STATISTICS, _STATISTICS.size)
            fresh = _STATISTICS.unpack(told)
            self._counted = Statistics(
                *(old + new for old, new in zip(self._counted, fresh, strict=True))
            )
        return self._counted

    def close(self) -> None:
        """Stop listening. May be called again."""
        if self._ring is not None:
            self.statistics()
            self._ring.close()
            self._ring = None
        self._link.close()


def index_of(interface: str | None) -> int:
    """The index of the interface with that name; 0 for None, which is every one.

    Raises:
        UsageError: no interface has that name.
        OSError: rtnetlink is refused, or gives no answer that can be read.
    """
    if interface is None:
        return 0
    known = interfaces()
    for each in known:
        if each.name == interface:
            return each.number
    names = ", ".join(each.name for each in known)
    raise UsageError(f"no interface is called {interface!r}", hint=f"there are: {names}")
