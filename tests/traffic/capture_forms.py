"""Builders of pcap and pcapng bytes, written by hand from the specifications, and a reader of all.

pcap: draft-ietf-opsawg-pcap; pcapng: draft-ietf-opsawg-pcapng.
"""

import struct
from collections.abc import Iterable
from pathlib import Path

from portbook.model.record import Record
from portbook.model.unknown import Gap
from portbook.traffic.captures import Capture

MICRO, NANO, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
BASE = 1_790_000_000
"""Seconds of the first packet: 2026-09-21."""


class Seen(Record):
    """One frame as it was read."""

    at: int
    length: int
    data: bytes
    link: int


def pcap_header(
    order: str = "<", magic: int = MICRO, link: int = 1, snaplen: int = 262_144
) -> bytes:
    """A file header of version 2.4."""
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snaplen, link)


def pcap_record(
    data: bytes,
    seconds: int = BASE,
    fraction: int = 0,
    length: int | None = None,
    order: str = "<",
    magic: int = MICRO,
) -> bytes:
    """A record; the modified form has interface, protocol, type and padding in its header, too."""
    wire = len(data) if length is None else length
    head = struct.pack(f"{order}IIII", seconds, fraction, len(data), wire)
    if magic == MODIFIED:
        head += struct.pack(f"{order}IHBB", 2, 0x0800, 0, 0)
    return head + data


def pcap(packets: Iterable[bytes], order: str = "<", magic: int = MICRO, link: int = 1) -> bytes:
    """A whole file, a packet each 7 ticks."""
    records = (
        pcap_record(data, BASE, 7 * number, order=order, magic=magic)
        for number, data in enumerate(packets)
    )
    return pcap_header(order, magic, link) + b"".join(records)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A block around `body`, which is padded."""
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """One option, padded."""
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<", length: int = -1, major: int = 1, comment: bytes = b"") -> bytes:
    """A section header block; its length is unknown by default."""
    body = struct.pack(f"{order}IHHq", 0x1A2B3C4D, major, 0, length)
    return block(0x0A0D0D0A, body + (option(1, comment, order) if comment else b""), order)


def interface(
    link: int = 1,
    order: str = "<",
    snaplen: int = 0,
    resolution: int | None = None,
    offset: int | None = None,
) -> bytes:
    """An interface description block with if_tsresol and if_tsoffset where they are given."""
    body = struct.pack(f"{order}HHI", link, 0, snaplen) + option(2, b"eth0", order)
    if resolution is not None:
        body += option(9, bytes([resolution]), order)
    if offset is not None:
        body += option(14, struct.pack(f"{order}q", offset), order)
    return block(1, body + option(0, b"", order), order)


def enhanced(
    data: bytes,
    ticks: int = BASE * 1_000_000,
    which: int = 0,
    order: str = "<",
    length: int | None = None,
    kept: int | None = None,
    options: bytes = b"",
) -> bytes:
    """An enhanced packet block; `kept` and `length` may lie."""
    wire = len(data) if length is None else length
    head = struct.pack(
        f"{order}5I",
        which,
        ticks >> 32,
        ticks & 0xFFFFFFFF,
        len(data) if kept is None else kept,
        wire,
    )
    return block(6, head + data + bytes(-len(data) % 4) + options, order)


def simple(data: bytes, length: int | None = None, order: str = "<") -> bytes:
    """A simple packet block."""
    wire = len(data) if length is None else length
    return block(3, struct.pack(f"{order}I", wire) + data, order)


def obsolete(
    data: bytes, ticks: int, which: int = 0, drops: int = 0xFFFF, order: str = "<"
) -> bytes:
    """A packet block, obsolete since 2009."""
    head = struct.pack(
        f"{order}HHIIII", which, drops, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)
    )
    return block(2, head + data, order)


def statistics(which: int, dropped: int, system: int = 0, order: str = "<") -> bytes:
    """An interface statistics block with isb_ifdrop and isb_osdrop."""
    body = struct.pack(f"{order}III", which, 0, 0)
    body += option(5, struct.pack(f"{order}Q", dropped), order)
    body += option(7, struct.pack(f"{order}Q", system), order)
    return block(5, body + option(0, b"", order), order)


def pcapng(packets: Iterable[bytes], order: str = "<") -> bytes:
    """A whole file of one section and one Ethernet interface, a packet each 7 microseconds."""
    return (
        section(order)
        + interface(order=order)
        + b"".join(
            enhanced(data, BASE * 1_000_000 + 7 * number, order=order)
            for number, data in enumerate(packets)
        )
    )


def read(path: Path | str) -> tuple[list[Seen], list[Gap]]:
    """Every frame of a file, and its gaps; checks that frames lie inside their buffer."""
    seen: list[Seen] = []
    with Capture(str(path)) as capture:
        for frames in capture.frames():
            view = memoryview(frames.buffer)
            assert 0 < len(frames) <= 65_536
            assert len(frames.kept) == len(frames.length) == len(frames.at) == len(frames)
            assert int(frames.start.min()) >= 0 and int(frames.kept.min()) >= 0
            assert int((frames.start + frames.kept).max()) <= len(view)
            rows = zip(frames.start.tolist(), frames.kept.tolist(), strict=True)
            data = [bytes(view[start : start + kept]) for start, kept in rows]
            times = zip(frames.at.tolist(), frames.length.tolist(), data, strict=True)
            seen += [Seen(at, length, one, frames.link) for at, length, one in times]
        gaps = list(capture.gaps)
    return seen, gaps


def read_bytes(folder: Path, data: bytes) -> tuple[list[Seen], list[Gap]]:
    """`read` of a file that holds `data`."""
    path = folder / "some.capture"
    path.write_bytes(data)
    return read(path)
