"""Where IP begins in each frame of a batch: `links.network` for the frequent forms, all at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from portbook.traffic import links
from portbook.traffic.columns_window import Window
from portbook.traffic.packets import LINKS

READ_ONE_BY_ONE, NOT_IP = 0, 255
"""Instead of a version: `links.network` has to read the frame; there is no IP in it."""

TAGS_AT_ONCE = 2

Places = tuple[NDArray[np.int64], NDArray[np.uint8]]
"""For each frame where IP begins in the buffer, and its version (4, 6, or one of the above)."""


def networks(link: int, window: Window, start: NDArray[np.int64], end: NDArray[np.int64]) -> Places:
    """Return where IP begins in the frames from `start` to `end`; `link` is one of `LINKS`.

    A frame that ends before its link header does has any version: whoever reads IP there must look
    where the frame ends, as for all that follows.
    """
    how = LINKS[link]
    if how == "ethernet":
        return _typed(window, start + 12, start + 14, end)
    if how in links.COOKED:
        protocol_at, size = links.COOKED[how]
        return _typed(window, start + protocol_at, start + size, end)
    if how == "raw":
        version = window.numbers(start, "u1") >> np.uint8(4)
        known = (version == 4) | (version == 6)
        version[~known] = NOT_IP
        version[start >= end] = READ_ONE_BY_ONE
        return start, version
    family = window.numbers(start, "<u4")
    family = np.minimum(family, family.byteswap())
    version = _FAMILIES[np.minimum(family, 255)]
    version[start + 4 > end] = READ_ONE_BY_ONE
    return start + 4, version


def _families() -> NDArray[np.uint8]:
    """Return the IP version of each address family."""
    table = np.full(256, NOT_IP, np.uint8)
    table[list(links.FAMILIES)] = list(links.FAMILIES.values())
    return table


_FAMILIES = _families()


def _typed(
    window: Window,
    kind_at: NDArray[np.int64],
    place: NDArray[np.int64],
    end: NDArray[np.int64],
) -> Places:
    """Return where IP begins behind EtherTypes and up to two VLAN tags."""
    kind = window.numbers(kind_at, ">u2")
    version = _versions(kind)
    if version.all() and version.max() != NOT_IP:
        return place, version
    tagged = np.flatnonzero(np.isin(kind, links.TAGS))
    for _ in range(TAGS_AT_ONCE):
        if not len(tagged):
            break
        kind = window.numbers(place[tagged] + 2, ">u2")
        place[tagged] += 4
        version[tagged] = _versions(kind)
        tagged = tagged[np.isin(kind, links.TAGS)]
    # Tags were followed past the ends of frames: what was found there is nothing.
    version[(version == NOT_IP) & (place > end)] = READ_ONE_BY_ONE
    return place, version


def _versions(kind: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the IP version of each EtherType; tags and lengths are left for one by one."""
    four = kind == 0x0800
    version: NDArray[np.uint8] = four.view(np.uint8) << np.uint8(2)
    if four.all():
        return version
    version[kind == 0x86DD] = 6
    if version.all():
        return version
    odd = np.flatnonzero(version == 0)
    kind = kind[odd]
    plain = (kind >= 0x600) & ~np.isin(kind, links.TAGS)
    version[odd[plain]] = NOT_IP
    return version
