"""Frames made by the thousand: Ethernet, IPv4, TCP, UDP and ICMP as byte matrices, and a pcap file.

One call makes n frames of one shape: a matrix of n rows, in which the fields that differ are taken
from arrays of n numbers. Checksums are right (RFC 791, 792, 768, 9293).
"""

import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Field = int | Numbers

FIN, SYN, RST, PSH, ACK, URG = (1 << bit for bit in range(6))

MSS = struct.pack(">BBH", 2, 4, 1460)
LINUX = MSS + b"\x04\x02\x08\x0a\0\0\x10\0\0\0\0\0\x01\x03\x03\x07"
WINDOWS = MSS + b"\x01\x03\x03\x08\x01\x01\x04\x02"
BSD = MSS + b"\x01\x03\x03\x06\x01\x01\x08\x0a\0\0\x10\0\0\0\0\0\x04\x02\0\0"
TIMESTAMPS = b"\x01\x01\x08\x0a\0\0\x10\0\0\0\x10\0"
"""TCP options as stacks order them; the last is what follows in an established connection."""

ROUTER = b"\x02\0\0\0\0\x01"
HOST = b"\x02\0\0\0\0\x02"
_RECORD = 16
_PIECE = 4_000_000


def tcp(
    n: int,
    *,
    source: Field,
    destination: Field,
    source_port: Field,
    destination_port: Field,
    flags: int,
    sequence: Field = 0,
    acknowledgement: Field = 0,
    window: Field = 64240,
    ttl: Field = 64,
    dont_fragment: bool = True,
    ip_id: Field = 0,
    options: bytes = b"",
    payload: bytes = b"",
) -> Bytes:
    """TCP segments. `options` are whole 32-bit words."""
    header = 20 + len(options)
    frames = _packets(n, 6, source, destination, ttl, dont_fragment, ip_id, header + len(payload))
    segment = frames[:, 34:]
    _put(segment, 0, 2, source_port)
    _put(segment, 2, 2, destination_port)
    _put(segment, 4, 4, sequence)
    _put(segment, 8, 4, acknowledgement)
    segment[:, 12] = header // 4 << 4
    segment[:, 13] = flags
    _put(segment, 14, 2, window)
    segment[:, 20:] = np.frombuffer(options + payload, np.uint8)
    _put(segment, 16, 2, _checksum(frames, 34, 6))
    return frames


def udp(
    n: int,
    *,
    source: Field,
    destination: Field,
    source_port: Field,
    destination_port: Field,
    ttl: Field = 64,
    dont_fragment: bool = True,
    ip_id: Field = 0,
    payload: bytes = b"",
) -> Bytes:
    """UDP datagrams."""
    frames = _packets(n, 17, source, destination, ttl, dont_fragment, ip_id, 8 + len(payload))
    datagram = frames[:, 34:]
    _put(datagram, 0, 2, source_port)
    _put(datagram, 2, 2, destination_port)
    _put(datagram, 4, 2, 8 + len(payload))
    datagram[:, 8:] = np.frombuffer(payload, np.uint8)
    total = _checksum(frames, 34, 17)
    _put(datagram, 6, 2, np.where(total == 0, 0xFFFF, total))
    return frames


def icmp_error(
    quoted: Bytes, *, source: Field, code: int = 3, kind: int = 3, ttl: Field = 64
) -> Bytes:
    """ICMP errors (destination unreachable by default) that quote packets, sent to their source."""
    n = len(quoted)
    body = quoted[:, 14:]
    back = (body[:, 12:16].astype(np.int64) << np.array([24, 16, 8, 0])).sum(axis=1)
    frames = _packets(n, 1, source, back, ttl, False, 0, 8 + body.shape[1])
    frames[:, 34] = kind
    frames[:, 35] = code
    frames[:, 42:] = body
    _put(frames, 36, 2, _checksum(frames, 34, None))
    return frames


def _packets(
    n: int,
    protocol: int,
    source: Field,
    destination: Field,
    ttl: Field,
    dont_fragment: bool,  # noqa: FBT001 - internal, always given
    ip_id: Field,
    length: int,
) -> Bytes:
    frames = np.zeros((n, 34 + length), np.uint8)
    start = struct.pack(
        ">6s6sHBBHHH", HOST, ROUTER, 0x0800, 0x45, 0, 20 + length, 0, 0x4000 * dont_fragment
    )
    frames[:, : len(start)] = np.frombuffer(start, np.uint8)
    _put(frames, 18, 2, ip_id)
    frames[:, 22] = ttl
    frames[:, 23] = protocol
    _put(frames, 26, 4, source)
    _put(frames, 30, 4, destination)
    _put(frames, 24, 2, _fold(_words(frames[:, 14:34])))
    return frames


def turned(frames: Bytes) -> Bytes:
    """The same frames with the two Ethernet addresses exchanged: those that we send."""
    frames[:, :12] = np.concatenate((frames[:, 6:12], frames[:, :6]), axis=1)
    return frames


def _put(rows: Bytes, at: int, width: int, value: Field) -> None:
    for i in range(width):
        rows[:, at + i] = np.right_shift(value, 8 * (width - 1 - i)) & 0xFF


def _words(rows: Bytes) -> Numbers:
    high = rows[:, 0::2].sum(axis=1, dtype=np.int64)
    low = rows[:, 1::2].sum(axis=1, dtype=np.int64)
    words: Numbers = (high << 8) + low
    return words


def _fold(total: Numbers) -> Numbers:
    for _ in range(3):
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _checksum(frames: Bytes, at: int, pseudo: int | None) -> Numbers:
    """The checksum of everything from `at` on, with the pseudo-header of a transport."""
    total = _words(frames[:, at:])
    if pseudo is not None:
        total += _words(frames[:, 26:34]) + pseudo + frames.shape[1] - at
    return _fold(total)


class Writer:
    """A pcap file with nanoseconds, Ethernet. A batch is written in the order of its times."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115 - closed by __exit__
        self._file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
        self.packets = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, batch: Sequence[tuple[Numbers, Bytes]]) -> None:
        """Write frames with their times (nanoseconds since 1970), sorted over the whole batch."""
        sizes = np.repeat(
            [_RECORD + rows.shape[1] for _, rows in batch], [len(t) for t, _ in batch]
        )
        at = np.concatenate([times for times, _ in batch])
        order = np.argsort(at, kind="stable")
        offset = np.empty(len(at), np.int64)
        ends = np.cumsum(sizes[order])
        offset[order] = ends - sizes[order]
        out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
        done = 0
        for times, rows in batch:
            width = _RECORD + rows.shape[1]
            records = np.empty((len(rows), width), np.uint8)
            head = np.empty((len(rows), 4), "<u4")
            head[:, 0], head[:, 1] = times // 1_000_000_000, times % 1_000_000_000
            head[:, 2:] = rows.shape[1]
            records[:, :_RECORD] = head.view(np.uint8)
            records[:, _RECORD:] = rows
            step = max(1, _PIECE // width)
            where, columns = offset[done : done + len(rows)], np.arange(width)
            for first in range(0, len(rows), step):
                piece = where[first : first + step, None] + columns
                out[piece] = records[first : first + step]
            done += len(rows)
        self._file.write(out.data)
        self.packets += len(at)
