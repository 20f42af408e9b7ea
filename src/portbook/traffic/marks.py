"""Marks that scanning tools leave in the first packet of a flow: `facts.MARKS`, as columns.

Every formula is arithmetic on header fields; docs/traffic.md tells each with its source.
"""

import numpy as np
from numpy.typing import NDArray

from portbook.traffic.facts import MARKS
from portbook.traffic.packets import (
    ACK,
    FIN,
    OPTIONS_BSD,
    OPTIONS_LINUX,
    OPTIONS_MSS,
    OPTIONS_NONE,
    OPTIONS_OS_PROBE,
    OPTIONS_OTHER_STACK,
    PSH,
    RST,
    SYN,
    TCP,
    URG,
    Packets,
)

MARK = {name: code for code, name in enumerate(MARKS)}

_ZMAP_ID = 54321
_OS_FLAGS = SYN | FIN | URG | PSH


class FirstPackets:
    """The first TCP packets of sources' flows: who sent them (`source`, rows), and their marks.

    `bits` has bit MARK[name] for each mark but the pairs. Pairs are looked for in `sequence` and
    `ports` (source port in the upper half) of the packets that are `raw`: SYNs that are no stack's
    and not Mirai's, and probes that are no part of a connection. `header` says which of all packets
    have nmap's own header: window 1024, no DF, and MSS 1460 alone or no options, whatever the TTL.
    """

    __slots__ = ("bits", "header", "ports", "raw", "sequence", "source")

    def __init__(self, packets: Packets, rows: NDArray[np.intp], source: NDArray[np.int32]) -> None:
        """`rows` of `packets` are TCP, `source` is the row of each one's source."""
        self.source = source
        self.sequence = packets.sequence[rows]
        sp = packets.source_port[rows].astype(np.uint32)
        dp = packets.destination_port[rows].astype(np.uint32)
        self.ports = sp << np.uint32(16) | dp
        self.bits, self.raw, self.header = _marks(packets, rows, self.sequence, dp)


def _marks(
    packets: Packets, rows: NDArray[np.intp], sequence: NDArray[np.uint32], dp: NDArray[np.uint32]
) -> tuple[NDArray[np.uint16], NDArray[np.bool_], NDArray[np.bool_]]:
    flags = packets.flags[rows] & np.uint8(FIN | SYN | RST | PSH | ACK | URG)
    syn = flags == SYN
    shape, window = packets.options[rows], packets.window[rows]
    ttl, ident = packets.ttl[rows], packets.ip_id[rows]
    ipv4 = packets.version[rows] == 4
    target = packets.destination_low[rows]
    loose = ipv4 & ~packets.dont_fragment[rows]
    bare = (shape == OPTIONS_NONE) | (shape == OPTIONS_MSS)
    stacked = (shape >= OPTIONS_LINUX) & (shape <= OPTIONS_OTHER_STACK)
    stacked &= shape != OPTIONS_OS_PROBE
    # Some stacks send no DF, but none that is used leaves out time stamps and DF at once.
    stamped = (shape == OPTIONS_LINUX) | (shape == OPTIONS_BSD)
    stack = syn & stacked & (~loose | stamped)
    masscan = (
        syn
        & loose
        & bare
        & (ident == ((target ^ dp ^ sequence) & np.uint32(0xFFFF)).astype(np.uint16))
    )
    zmap_like = syn & loose & (window == 65535)
    # The probes of nmap without SYN; a RST is an answer to our own SYN-ACK.
    probe = ~syn & (flags & np.uint8(SYN | RST) == 0)
    unsaid = probe & (packets.payload[rows] == 0)
    header = ~(ipv4 & packets.dont_fragment[rows]) & (window == 1024)
    header &= (syn & (shape == OPTIONS_MSS) & (packets.mss[rows] == 1460)) | (
        unsaid & (shape == OPTIONS_NONE)
    )
    odd_flags = flags == _OS_FLAGS
    found = {
        "zmap-id": zmap_like & bare & (ident == _ZMAP_ID),
        "zmap-shape": zmap_like & (ttl > 128) & (stacked | (shape == OPTIONS_MSS)),
        "masscan-id": masscan,
        "masscan-old": masscan & (window == 1024) & (shape == OPTIONS_NONE),
        "masscan-mss": masscan & (window == 1025) & (packets.mss[rows] == 1460),
        "mirai": syn & ipv4 & (sequence == target.astype(np.uint32)),
        "nmap-shape": header & ipv4 & (ttl <= 64) & ~masscan,
        "nmap-os": (syn & (shape == OPTIONS_OS_PROBE)) | odd_flags,
        "raw": ~stack & (syn | probe),
        "stack": stack,
    }
    bits = np.zeros(len(rows), np.uint16)
    for name, where in found.items():
        bits[where] |= np.uint16(1 << MARK[name])
    # Not Mirai, whose sequence numbers are our own address, nor the middle of a connection.
    raw = found["raw"] & ~found["mirai"]
    raw &= syn | header | (unsaid & (flags & ACK == 0))
    return bits, raw, header


def tcp_firsts(packets: Packets, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which of these rows are TCP packets themselves, and no answer of a victim (SYN-ACK, RST)."""
    flags = packets.flags[rows]
    answer = (flags & RST != 0) | (flags & (SYN | ACK) == SYN | ACK)
    first: NDArray[np.bool_] = (packets.protocol[rows] == TCP) & (packets.kind[rows] == 0) & ~answer
    return first


def nmap_pair(
    one: NDArray[np.uint32],
    other: NDArray[np.uint32],
    one_ports: NDArray[np.uint32],
    other_ports: NDArray[np.uint32],
    header: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Whether two sequence numbers come of one run: the same mask over try numbers.

    Equal ones are first tries, which have one source port. They count only where the later packet
    has nmap's own header: some devices begin every connection with the same number, and so do
    packets put together by hand.

    Args:
        one: sequence numbers.
        other: those before, of the same sources.
        one_ports: source port << 16 | destination port.
        other_ports: those before.
        header: which of the packets have nmap's own header (`FirstPackets.header`).
    """
    mixed = one ^ other
    low = mixed & np.uint32(0xFFFF)
    first_tries = header & ((one_ports ^ other_ports) < 1 << 16)
    pair: NDArray[np.bool_] = ((mixed >> np.uint32(16)) == low) & (low <= 0xFF)
    pair &= (mixed != 0) | first_tries
    return pair


def unicornscan_pair(
    one: NDArray[np.uint32],
    other: NDArray[np.uint32],
    one_ports: NDArray[np.uint32],
    other_ports: NDArray[np.uint32],
) -> NDArray[np.bool_]:
    """Whether two sequence numbers are one key over the ports (source << 16 + destination)."""
    pair: NDArray[np.bool_] = (one ^ other == one_ports ^ other_ports) & (one_ports != other_ports)
    return pair
