"""Why rows are passed over, told for many at once, so that a flood of them costs no more."""

import numpy as np
from numpy.typing import NDArray

from portbook.traffic.columns_ip import Layers
from portbook.traffic.columns_links import NOT_IP
from portbook.traffic.columns_window import field
from portbook.traffic.dissect import (
    AUTHENTICATION,
    CHAINED,
    ERRORS,
    FRAGMENT,
    ICMP,
    ICMPV6,
    TOO_BIG,
)
from portbook.traffic.packets import SCTP, TCP, UDP

ERROR_TYPES = {version: sorted(types) for version, types in ERRORS.items()}


def _protocols(*read: int) -> NDArray[np.bool_]:
    """Return a table of protocol numbers: true for those that are not read."""
    table = np.ones(256, np.bool_)
    table[list(read)] = False
    return table


_NOT_READ = {
    4: _protocols(TCP, UDP, SCTP, ICMP),
    6: _protocols(TCP, UDP, SCTP, ICMPV6, *CHAINED, FRAGMENT, AUTHENTICATION),
}


def told(layers: Layers, version: NDArray[np.uint8], passed: dict[str, int]) -> NDArray[np.int64]:
    """Count the rows whose reason is plain in `passed`; return those that must be read one by one.

    The order of the questions is that of `dissect.dissect`.
    """
    rows = np.flatnonzero(~layers.good)
    rows = _less(rows, version[rows] == NOT_IP, "not-ip", passed)
    rows = _less(rows, layers.fragment[rows], "fragment", passed)
    sound = layers.sound[rows]
    left = [rows[~sound]]
    rows = rows[sound]
    six = version[rows] == 6
    for number, of in ((4, rows[~six]), (6, rows[six])):
        protocol = layers.protocol[of]
        unread = _less(of, _NOT_READ[number][protocol], "other-protocol", passed)
        left.append(_by_transport(layers, number, unread, passed))
    return np.sort(np.concatenate(left))


def _by_transport(
    layers: Layers, version: int, rows: NDArray[np.int64], passed: dict[str, int]
) -> NDArray[np.int64]:
    """Count transport headers that are not there or wrong, and ICMP that is no error."""
    protocol, room, left = layers.protocol[rows], layers.room[rows], layers.left[rows]
    tcp, udp = protocol == TCP, protocol == UDP
    icmp = protocol == (ICMP if version == 4 else ICMPV6)
    known = tcp | udp | icmp
    shortest = np.where(tcp, 20, 8)
    malformed = known & (room < shortest)
    cut = known & ~malformed & (left < shortest)
    whole = ~malformed & ~cut
    size = layers.size[rows]
    malformed |= whole & tcp & ((size < 20) | (room < size))
    # What is left of TCP is a SYN whose options were cut; of UDP, a length that cannot be.
    cut |= whole & tcp & ~malformed
    malformed |= whole & udp
    headers = layers.transport[rows]
    kind, code = field(headers, 0, "u1"), field(headers, 1, "u1")
    plain = ~np.isin(kind, ERROR_TYPES[version])
    if version == 4:
        plain |= (kind == TOO_BIG[0]) & (code == TOO_BIG[1])
    plain &= icmp & whole
    _count(passed, "malformed", malformed)
    _count(passed, "cut", cut)
    _count(passed, "other-icmp", plain)
    unread: NDArray[np.int64] = rows[~(malformed | cut | plain)]
    return unread


def _less(
    rows: NDArray[np.int64], mask: NDArray[np.bool_], reason: str, passed: dict[str, int]
) -> NDArray[np.int64]:
    """Return the rows outside `mask`; those in it are counted."""
    _count(passed, reason, mask)
    left: NDArray[np.int64] = rows[~mask]
    return left


def _count(passed: dict[str, int], reason: str, mask: NDArray[np.bool_]) -> None:
    """Add to the frames passed over."""
    if frames := int(mask.sum()):
        passed[reason] = passed.get(reason, 0) + frames
