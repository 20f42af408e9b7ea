"""The TCP option shapes of a batch's SYNs: `tcp_options.read`, all at once."""

import numpy as np
from numpy.typing import NDArray

from portbook.traffic import tcp_options
from portbook.traffic.columns_window import Window, field
from portbook.traffic.packets import (
    OPTIONS_NONE,
    OPTIONS_ODD,
    OPTIONS_OS_PROBE,
    OPTIONS_OTHER_STACK,
)

Shapes = tuple[NDArray[np.uint8], NDArray[np.uint16]]
"""The shape of each SYN's options and its maximum segment size."""

LONGEST = 40


def shapes(window: Window, at: NDArray[np.int64], size: NDArray[np.uint8]) -> Shapes:
    """Return what the options look like that begin at `at` and are `size` bytes long (0 to 40)."""
    shape = np.full(len(at), OPTIONS_ODD, np.uint8)
    mss = np.zeros(len(at), np.uint16)
    rest = size > 0
    shape[~rest] = OPTIONS_NONE
    for name, pattern in tcp_options.LAYOUTS:
        values, mask = tcp_options.layout(pattern)
        rows = np.flatnonzero(size == len(values))
        if not len(rows):
            continue
        options = window.gather(at[rows], len(values))
        equal = np.ones(len(rows), np.bool_)
        for word in range(0, len(values), 4):
            wanted, bits = (np.frombuffer(part, "<u4", 1, word)[0] for part in (values, mask))
            equal &= field(options, word, "<u4") & bits == wanted
        if not equal.all():
            rows, options = rows[equal], options[equal]
        shape[rows] = name
        mss[rows] = field(options, 2, ">u2")
        rest[rows] = False
    others = np.flatnonzero(rest)
    if len(others):
        shape[others], mss[others] = _walk(window, at[others], size[others])
    return shape, mss


def _walk(window: Window, at: NDArray[np.int64], size: NDArray[np.uint8]) -> Shapes:
    """Return the same for options without a named layout: one option of every row at each step."""
    rows = len(at)
    # Two columns of zeros behind the options: the length of an option whose kind is the last byte.
    options = np.zeros((rows, LONGEST + 2), np.uint8)
    options[:, :LONGEST] = window.gather(at, LONGEST).view(np.uint8).reshape(rows, LONGEST)
    options[np.arange(LONGEST + 2) >= size[:, None]] = 0
    has_mss, has_sack, os_probe, odd = (np.zeros(rows, np.bool_) for _ in range(4))
    mss = np.zeros(rows, np.uint16)
    place = np.zeros(rows, np.int64)
    alive = np.arange(rows)
    while len(alive):
        where = place[alive]
        kind = options[alive, where]
        # Behind the options stand zeros, which end the list as TCP's end option does.
        going = kind != tcp_options.END
        alive, where, kind = alive[going], where[going], kind[going]
        long = options[alive, where + 1].astype(np.int64)
        long[kind == tcp_options.NOP] = 1
        broken = (kind != tcp_options.NOP) & ((long < 2) | (where + long > size[alive]))
        odd[alive[broken]] = True
        whole = ~broken
        alive, where, kind, long = alive[whole], where[whole], kind[whole], long[whole]
        place[alive] += long
        has_sack[alive[(kind == tcp_options.SACK_PERMITTED) & (long == 2)]] = True
        first = (kind == tcp_options.MSS) & (long == 4) & ~has_mss[alive]
        mss[alive[first]] = _number(options, alive[first], where[first] + 2)
        has_mss[alive[first]] = True
        stamp = (kind == tcp_options.TIMESTAMPS) & (long == 10)
        stamped, value_at = alive[stamp], where[stamp] + 2
        high = _number(options, stamped, value_at)
        low = _number(options, stamped, value_at + 2)
        os_probe[stamped[(high == 0xFFFF) & (low == 0xFFFF)]] = True
    shape = np.where(has_mss & has_sack, OPTIONS_OTHER_STACK, OPTIONS_ODD).astype(np.uint8)
    shape[os_probe] = OPTIONS_OS_PROBE
    shape[odd] = OPTIONS_ODD
    return shape, mss


def _number(
    options: NDArray[np.uint8], rows: NDArray[np.int64], place: NDArray[np.int64]
) -> NDArray[np.uint16]:
    """Return the 16-bit number at `place` of each of `rows`."""
    high = options[rows, place].astype(np.uint16)
    return (high << np.uint16(8)) | options[rows, place + 1]
