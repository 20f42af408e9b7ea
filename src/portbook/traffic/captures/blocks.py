"""Reads the parts of pcapng blocks that are not packets: interfaces, options, counters.

Source: draft-ietf-opsawg-pcapng, sections 3.5 (options), 4.2 (interface description) and 4.6
(interface statistics).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from portbook.model.record import Record

SECTION = 0x0A0D0D0A
INTERFACE = 1
OBSOLETE = 2
SIMPLE = 3
STATISTICS = 5
ENHANCED = 6

ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
"""The byte order of a section by its byte-order magic."""

_TSRESOL, _TSOFFSET = 9, 14
_IFDROP, _OSDROP = 5, 7
_MOST_OPTIONS = 64
"""Blocks of these kinds have a handful of options; more are not looked at."""
_END_OF_TIME = (1 << 63) - 1


class Interface(Record):
    """An interface of a section: its link type, its snap length (0: none) and its clock.

    A tick is 10 to the power of `-exponent` seconds, or of 2 where `binary`; `offset` are
    nanoseconds to add.
    """

    link: int
    snaplen: int
    binary: bool = False
    exponent: int = 6
    offset: int = 0


def _number(data: bytes, order: str) -> int:
    return int.from_bytes(data, "little" if order == "<" else "big")


def options(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Codes and values of the options in `data`, as far as they are whole."""
    at = 0
    for _ in range(_MOST_OPTIONS):
        code, size = _number(data[at : at + 2], order), _number(data[at + 2 : at + 4], order)
        value = data[at + 4 : at + 4 + size]
        if not code or len(value) < size:
            return
        yield code, value
        at += 4 + (size + 3) // 4 * 4


_CUT = Interface(0xFFFF, 0)
"""What a description too short to say its link type tells."""


def interface(body: bytes, order: str) -> Interface:
    """The interface that a description block's body (what is between its lengths) tells."""
    if len(body) < 8:
        return _CUT
    binary, exponent, offset = False, 6, 0
    for code, value in options(body[8:], order):
        if code == _TSRESOL and len(value) == 1:
            binary, exponent = bool(value[0] & 0x80), value[0] & 0x7F
        elif code == _TSOFFSET and len(value) == 8:
            seconds = _number(value, order)
            seconds -= (seconds >> 63) << 64
            offset = max(-_END_OF_TIME, min(_END_OF_TIME, seconds * 1_000_000_000))
    return Interface(_number(body[0:2], order), _number(body[4:8], order), binary, exponent, offset)


def dropped(body: bytes, order: str) -> tuple[int, int]:
    """The interface of a statistics block's body, and the packets that it says were dropped.

    What the interface dropped for lack of room (isb_ifdrop) and what the system dropped
    (isb_osdrop) are counts since the capture began.
    """
    counts = {
        code: _number(value, order)
        for code, value in options(body[12:], order)
        if code in (_IFDROP, _OSDROP) and len(value) == 8
    }
    # All ones is what some drivers say for "not known".
    return _number(body[:4], order), sum(n for n in counts.values() if n < 1 << 63)


def nanoseconds(ticks: NDArray[np.uint64], clock: Interface) -> NDArray[np.int64]:
    """Times since 1970 of `ticks` of the interface's clock, from 0 to the last that fits."""
    exponent = clock.exponent
    if clock.binary:
        whole = ticks >> np.uint64(exponent) if exponent < 64 else np.zeros_like(ticks)
        part = ticks - (whole << np.uint64(exponent)) if exponent < 64 else ticks
        # 2**34 parts of a second are below a nanosecond, and times 10**9 still fit 64 bits.
        surplus = max(0, exponent - 34)
        part = part >> np.uint64(surplus) if surplus < 64 else np.zeros_like(ticks)
        part = part * np.uint64(1_000_000_000) >> np.uint64(exponent - surplus)
        at = np.minimum(whole, np.uint64(9_223_372_035)) * np.uint64(1_000_000_000) + part
    elif exponent <= 9:
        scale = 10 ** (9 - exponent)
        at = np.minimum(ticks, np.uint64(_END_OF_TIME // scale)) * np.uint64(scale)
    else:
        scale = 10 ** (exponent - 9)
        at = ticks // np.uint64(scale) if scale < 1 << 64 else np.zeros_like(ticks)
    since: NDArray[np.int64] = np.minimum(at, np.uint64(_END_OF_TIME)).astype(np.int64)
    if clock.offset > 0:
        since = np.minimum(since, _END_OF_TIME - clock.offset)
    since += clock.offset
    return np.maximum(since, 0, out=since)
