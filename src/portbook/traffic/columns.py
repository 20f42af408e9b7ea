"""Frames become columns: a whole batch dissected at once, in the order of the capture.

What is frequent (TCP and UDP behind a plain IP header) is read with numpy; whatever has a form of
its own goes through `dissect.dissect`, row by row, and the two agree in every case.
"""

import numpy as np
from numpy.typing import NDArray

from portbook.traffic import (
    columns_icmp,
    columns_ip,
    columns_links,
    columns_options,
    columns_reasons,
)
from portbook.traffic.columns_icmp import Changes
from portbook.traffic.columns_ip import Layers
from portbook.traffic.columns_window import Window, field
from portbook.traffic.dissect import LONGEST, MAPPED, Row, dissect
from portbook.traffic.packets import ACK, COLUMNS, LINKS, PLAIN, SYN, Frames, Packets


def packets_of(frames: Frames, passed: dict[str, int]) -> Packets:
    """Return the packets of a batch; frames passed over are added to `passed` by their reason.

    The reasons are those of `dissect.dissect`. `payload_at` counts from the buffer's begin.
    """
    if frames.link not in LINKS and len(frames):
        _count(passed, "link", len(frames))
    if frames.link not in LINKS or not len(frames):
        return _empty(frames.buffer)
    window = Window(frames.buffer)
    start = frames.start
    end = start + np.clip(frames.kept, 0, np.maximum(window.size - start, 0))
    length = np.minimum(np.maximum(frames.length, end - start), LONGEST)
    place, version = columns_links.networks(frames.link, window, start, end)
    layers = columns_ip.layers(window, place, version, end, start + length)
    if layers.good.all():
        return _columns(window, layers, frames.at, end, frames.buffer)
    left = columns_reasons.told(layers, version, passed)
    quoting = columns_icmp.errors(window, layers, left, version, end)
    keep = layers.good.copy()
    for rows, _ in quoting:
        keep[rows] = True
    changes = [*quoting, _one_by_one(frames, left[~keep[left]], end, passed)]
    keep[changes[-1][0]] = True
    kept = np.flatnonzero(keep)
    if not len(kept):
        return _empty(frames.buffer)
    if len(kept) < len(frames):
        layers, end = layers.only(kept), end[kept]
    packets = _columns(window, layers, frames.at[kept], end, frames.buffer)
    for rows, columns in changes:
        where = np.searchsorted(kept, rows)
        for name, values in columns.items():
            getattr(packets, name)[where] = values
    return packets


def _one_by_one(
    frames: Frames, rows: NDArray[np.int64], end: NDArray[np.int64], passed: dict[str, int]
) -> tuple[NDArray[np.int64], Changes]:
    """Return which of `rows` are packets, and their columns, each frame read for itself."""
    data = memoryview(frames.buffer)
    numbers, read = [], []
    for number in rows.tolist():
        start = int(frames.start[number])
        frame = bytes(data[start : int(end[number])])
        row = dissect(frames.link, frame, int(frames.length[number]), int(frames.at[number]))
        if isinstance(row, str):
            _count(passed, row, 1)
            continue
        numbers.append(number)
        read.append(row._replace(payload_at=row.payload_at + start if row.kind == PLAIN else 0))
    columns = zip(Row._fields, zip(*read, strict=True), strict=bool(read))
    made: Changes = {name: np.array(values, COLUMNS[name]) for name, values in columns}
    return np.array(numbers, np.int64), made


def _columns(
    window: Window,
    layers: Layers,
    at: NDArray[np.int64],
    end: NDArray[np.int64],
    buffer: bytes | bytearray | memoryview,
) -> Packets:
    """Return the columns of layers that are good; what others have in them is of no meaning."""
    rows = len(at)
    packets = Packets()
    packets.buffer, packets.at = buffer, at
    packets.protocol = layers.protocol
    _addresses(packets, layers)
    ports = layers.transport
    packets.source_port = field(ports, 0, ">u2").astype(np.uint16)
    packets.destination_port = field(ports, 2, ">u2").astype(np.uint16)
    packets.sequence = field(ports, 4, ">u4").astype(np.uint32)
    packets.acknowledgement = field(ports, 8, ">u4").astype(np.uint32)
    packets.window = field(ports, 14, ">u2").astype(np.uint16)
    packets.flags = layers.flags
    if len(layers.other):
        for name in ("sequence", "acknowledgement", "window"):
            getattr(packets, name)[layers.other] = 0
    payload = layers.room - layers.size
    packets.payload = payload.astype(np.uint32)
    packets.payload_at = layers.place + layers.size
    kept = np.minimum(payload, end - packets.payload_at)
    packets.payload_kept = np.maximum(kept, 0, out=kept)
    packets.options = np.zeros(rows, np.uint8)
    packets.mss = np.zeros(rows, np.uint16)
    syn = np.flatnonzero((layers.flags & (SYN | ACK)) == SYN)
    if len(syn):
        options_at, size = layers.place[syn] + 20, layers.size[syn] - np.uint8(20)
        # A row read one by one may look like any: what is not TCP's size is no size.
        size = np.where(size <= columns_options.LONGEST, size, np.uint8(0))
        packets.options[syn], packets.mss[syn] = columns_options.shapes(window, options_at, size)
    packets.kind = np.zeros(rows, np.uint8)
    packets.quoted_high = np.zeros(rows, np.uint64)
    packets.quoted_low = np.zeros(rows, np.uint64)
    return packets


def _addresses(packets: Packets, layers: Layers) -> None:
    """Fill what the IP header says: as of IPv4, then IPv6 where it is that."""
    ip, six, rows = layers.ip, layers.six, len(layers.ip)
    packets.version = np.full(rows, 4, np.uint8)
    packets.source_high = np.zeros(rows, np.uint64)
    packets.destination_high = np.zeros(rows, np.uint64)
    mapped = np.uint64(MAPPED)
    packets.source_low = field(ip, 12, ">u4").astype(np.uint64)
    packets.source_low |= mapped
    packets.destination_low = field(ip, 16, ">u4").astype(np.uint64)
    packets.destination_low |= mapped
    packets.ip_id = field(ip, 4, ">u2").astype(np.uint16)
    packets.ttl = field(ip, 8, "u1").copy()
    packets.dont_fragment = (field(ip, 6, "u1") & 0x40).astype(np.bool_)
    if not len(six):
        return
    ip = ip[six]
    packets.version[six] = 6
    for name, offset in (("source", 8), ("destination", 24)):
        getattr(packets, f"{name}_high")[six] = field(ip, offset, ">u8")
        getattr(packets, f"{name}_low")[six] = field(ip, offset + 8, ">u8")
    packets.ip_id[six] = 0
    packets.ttl[six] = field(ip, 7, "u1")
    packets.dont_fragment[six] = False


def _empty(buffer: bytes | bytearray | memoryview) -> Packets:
    """Return no packets."""
    packets = Packets()
    packets.buffer = buffer
    for name, kind in COLUMNS.items():
        setattr(packets, name, np.empty(0, kind))
    return packets


def _count(passed: dict[str, int], reason: str, frames: int) -> None:
    """Add to the frames passed over."""
    passed[reason] = passed.get(reason, 0) + frames
