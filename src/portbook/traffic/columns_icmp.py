"""ICMP errors of a batch, read at once: what the victims of spoofed floods send by the million."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from portbook.traffic.columns_ip import Layers
from portbook.traffic.columns_window import Window, field
from portbook.traffic.dissect import ICMP, ICMPV6, MAPPED
from portbook.traffic.packets import ICMP_ERROR, SCTP, TCP, UDP

Changes = dict[str, NDArray[Any]]
"""By column, what the rows of errors have there instead of what their own headers say."""

_ENDS = {4: (12, 16), 6: (8, 24)}
"""Of both IP versions: where source and destination stand."""


def errors(
    window: Window,
    layers: Layers,
    rows: NDArray[np.int64],
    version: NDArray[np.uint8],
    end: NDArray[np.int64],
) -> list[tuple[NDArray[np.int64], Changes]]:
    """Return, for each IP version, which of `rows` are errors that quote our packet, and how.

    `rows` have no ICMP with a whole header that is not an error (`columns_reasons.told`). Errors
    whose quotation has options beyond IPv4's, or is wrong in any way, are left for one by one.
    """
    protocol = layers.protocol[rows]
    whole = layers.sound[rows] & (layers.room[rows] >= 8) & (layers.left[rows] >= 8)
    found = []
    for number, icmp in ((4, ICMP), (6, ICMPV6)):
        of = rows[whole & (version[rows] == number) & (protocol == icmp)]
        if len(of):
            found.append(_quoting(window, layers, of, number, end[of]))
    return found


def _quoting(
    window: Window,
    layers: Layers,
    rows: NDArray[np.int64],
    version: int,
    end: NDArray[np.int64],
) -> tuple[NDArray[np.int64], Changes]:
    """Return the rows whose quotation is plain, and their changes."""
    place = layers.place[rows] + 8
    # What lies behind the error's own end, such as padding, is not of the quotation.
    end = np.minimum(end, place - 8 + layers.room[rows])
    quoted = window.gather(place, 40)
    first = field(quoted, 0, "u1")
    good = (first >> 4) == version
    if version == 4:
        size = ((first & 15) << 2).astype(np.int64)
        good &= (size >= 20) & ((field(quoted, 6, "<u2") & 0xFF3F) == 0)
    else:
        size = np.full(len(rows), 40, np.int64)
    protocol = field(quoted, 9 if version == 4 else 6, "u1")
    good &= (protocol == TCP) | (protocol == UDP) | (protocol == SCTP)
    good &= end - place >= size + 8
    source_at, destination_at = _ENDS[version]
    ours = _address(layers.ip[rows], destination_at, version)
    for half, quoted_half in zip(ours, _address(quoted, source_at, version), strict=True):
        good &= half == quoted_half
    rows, quoted, protocol = rows[good], quoted[good], protocol[good]
    transport = window.gather((place + size)[good], 8)
    outer = layers.transport[rows]
    sequence = field(transport, 4, ">u4").astype(np.uint32)
    sequence[protocol != TCP] = 0
    high, low = _address(quoted, destination_at, version)
    nothing = np.zeros(len(rows), np.int64)
    return rows, {
        "kind": np.full(len(rows), ICMP_ERROR, np.uint8),
        "protocol": protocol,
        "source_port": field(transport, 2, ">u2"),
        "destination_port": field(transport, 0, ">u2"),
        "flags": field(outer, 1, "u1"),
        "options": field(outer, 0, "u1"),
        "sequence": sequence,
        **dict.fromkeys(("payload", "payload_at", "payload_kept"), nothing),
        "quoted_high": high,
        "quoted_low": low,
    }


def _address(
    headers: NDArray[np.void], offset: int, version: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return both halves of the address at `offset` of each IP header."""
    if version == 6:
        halves = (field(headers, place, ">u8").astype(np.uint64) for place in (offset, offset + 8))
        return next(halves), next(halves)
    low = field(headers, offset, ">u4").astype(np.uint64) | np.uint64(MAPPED)
    return np.zeros(len(headers), np.uint64), low
