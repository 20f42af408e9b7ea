"""The ring that the kernel writes packets into, and where each packet lies in a block of it.

TPACKET_V3 (Documentation/networking/packet_mmap.rst, linux/if_packet.h): the kernel fills a block
of many packets and gives it to us; we copy what it holds and give it back at once, so a slow reader
holds no memory that the kernel could write to.
"""

import _socket as socket  # `socket` itself builds enums: 3 ms of every start (measured)
import mmap
import struct
from array import array
from collections.abc import Iterator

SOL_PACKET = 263
PACKET_RX_RING, PACKET_VERSION = 5, 10
TPACKET_V3 = 2
TP_STATUS_KERNEL, TP_STATUS_USER = 0, 1

BLOCK_BYTES = 1 << 20
RING_BYTES = 32 << 20
"""Three seconds of 50,000 small packets each."""
RETIRE_MS = 100
"""The kernel hands over a block that is not full after this time."""

HEADER_BYTES = 48
"""struct tpacket3_hdr; struct sockaddr_ll follows, of 20 bytes."""
ADDRESS_BYTES = 20

_REQUEST = struct.Struct("=7I")
# tpacket_block_desc: version, offset of private data, then tpacket_hdr_v1: status, packets, offset
# of the first packet, bytes in use (this header among them).
_BLOCK = struct.Struct("=8x4I")
_STATUS_AT = 8
# Validated but without meaning in version 3, which packs packets by their length.
_FRAME_BYTES = 2048


class BadBlock(ValueError):
    """Bytes that are no block of packets."""


class Ring:
    """The mapped ring of a packet socket."""

    def __init__(self, link: socket.socket, *, size: int = RING_BYTES) -> None:
        """Let the kernel make the ring of `size` bytes, a multiple of `BLOCK_BYTES`.

        Raises:
            OSError: the kernel is too old, or has not that much memory (ENOMEM).
        """
        self._blocks = size // BLOCK_BYTES
        self._next = 0
        link.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        frames = size // _FRAME_BYTES
        link.setsockopt(
            SOL_PACKET,
            PACKET_RX_RING,
            _REQUEST.pack(BLOCK_BYTES, self._blocks, _FRAME_BYTES, frames, RETIRE_MS, 0, 0),
        )
        self._memory = mmap.mmap(link.fileno(), self._blocks * BLOCK_BYTES)

    def blocks(self) -> Iterator[bytes]:
        """A copy of every block that is ready now, at most one round of the ring."""
        memory = self._memory
        for _ in range(self._blocks):
            begin = self._next * BLOCK_BYTES
            status, packets, _, used = _BLOCK.unpack_from(memory, begin)
            if not status & TP_STATUS_USER:
                return
            block = memory[begin : begin + min(used, BLOCK_BYTES)] if packets else b""
            struct.pack_into("=I", memory, begin + _STATUS_AT, TP_STATUS_KERNEL)
            self._next = (self._next + 1) % self._blocks
            if block:
                yield block

    def close(self) -> None:
        """Unmap it."""
        self._memory.close()


def offsets(block: bytes) -> "array[int]":
    """Where the header of each packet of a block begins: `tp_next_offset` from one to the next.

    Every header, with the address after it, is inside `block`, and so is `tp_mac + tp_snaplen`
    bytes of it where the kernel wrote the block; a reader of other bytes checks them.

    Raises:
        BadBlock: a block that is cut, or whose packets lie outside it or on each other.
    """
    if len(block) < _BLOCK.size:
        raise BadBlock(f"a block of {len(block)} bytes")
    _, packets, place, _ = _BLOCK.unpack_from(block)
    last = len(block) - HEADER_BYTES - ADDRESS_BYTES
    least = HEADER_BYTES + ADDRESS_BYTES
    if packets > len(block) // least:
        raise BadBlock(f"{packets} packets in {len(block)} bytes")
    found = array("q", bytes(8 * packets))
    if not packets:
        return found
    # A list lookup for each packet: 70 ns, where struct.unpack_from takes 150 (measured).
    words = memoryview(block)[: len(block) & ~3].cast("I")
    if place & 3 or place > last:
        raise BadBlock(f"a packet at {place} of {len(block)} bytes")
    found[0] = place
    for row in range(1, packets):
        step = words[place >> 2]
        place += step
        if step < least or step & 3 or place > last:
            raise BadBlock(f"a packet at {place} of {len(block)} bytes")
        found[row] = place
    return found
