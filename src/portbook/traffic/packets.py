"""`Packets`: a batch of dissected packets as columns, one numpy array for each field.

Columns instead of objects because a capture is judged at a million packets a second, and making one
Python object costs as much as everything else that is done for a packet (bench/watch.py).
"""

import numpy as np
from numpy.typing import NDArray

TCP, UDP, SCTP = 6, 17, 132

SLOT = np.zeros(256, np.uint8)
SLOT[[TCP, UDP, SCTP]] = 1, 2, 3
"""A small number for each protocol number, for tables by transport and port."""
SLOTS = 4

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
"""TCP's flags in its 14th byte (RFC 9293, 3.1; ECE and CWR RFC 3168)."""

PLAIN, ICMP_ERROR = 0, 1
"""`kind`: a packet itself, or an ICMP error that quotes one of our packets (see `Packets`)."""

OPTIONS_NONE = 0
OPTIONS_MSS = 1
OPTIONS_LINUX = 2
OPTIONS_WINDOWS = 3
OPTIONS_BSD = 4
OPTIONS_OS_PROBE = 5
OPTIONS_OTHER_STACK = 6
OPTIONS_ODD = 7
"""Shapes of a SYN's TCP options, in the order in which they stand:
none; MSS alone; Linux (MSS, SACK, TS, NOP, WS: all 20 bytes); Windows (MSS, NOP, WS, NOP, NOP,
SACK:
12 bytes, also the default of ZMap from 4.1 on); BSD and macOS (MSS, NOP, WS, NOP, NOP, TS, SACK,
EOL);
a timestamp whose value is 0xffffffff (operating system detection); any other with at least MSS and
SACK permitted (another stack); everything else. Only SYN packets have a shape: others have 0."""

LINKS = {
    0: "null",
    1: "ethernet",
    12: "raw",
    14: "raw",
    101: "raw",
    108: "loop",
    113: "linux-sll",
    228: "raw",
    229: "raw",
    276: "linux-sll2",
}
"""Link types that are read (LINKTYPE_ values of the pcap specification), and how."""


class Frames:
    """A batch of captured frames, not yet dissected: one buffer and where each frame lies in it.

    `buffer` holds bytes (any object with the buffer protocol that numpy can read without a copy);
    frame i is `buffer[start[i]:start[i] + kept[i]]`, was `length[i]` bytes long on the wire
    (`kept <= length` except in odd files) and came at `at[i]` nanoseconds since 1970 (UTC).
    All frames of a batch have the link type `link` (a LINKTYPE_ value, key of `LINKS` or not).
    """

    __slots__ = ("at", "buffer", "kept", "length", "link", "start")

    def __init__(
        self,
        buffer: bytes | bytearray | memoryview,
        start: NDArray[np.int64],
        kept: NDArray[np.int64],
        length: NDArray[np.int64],
        at: NDArray[np.int64],
        link: int,
    ) -> None:
        self.buffer = buffer
        self.start = start
        self.kept = kept
        self.length = length
        self.at = at
        self.link = link

    def __len__(self) -> int:
        return len(self.start)


class Packets:
    """Dissected packets: columns of equal length, in the order of the capture.

    Addresses are two 64-bit halves of the IPv6 form, IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
    `payload` is the length of the transport's payload in bytes by the IP header, `payload_at` where
    it begins in `buffer` and `payload_kept` how much of it was captured there. `options` is one of
    the shapes above. For UDP and SCTP the TCP columns are 0, but `flags` of SCTP: 1 for INIT, 2 for
    INIT ACK, 4 for ABORT, 8 for anything else (of the first chunk).

    A row of `kind` ICMP_ERROR (destination unreachable, time exceeded, parameter problem, packet
    too
    big is none) reads as an answer to the packet that it quotes: `source` is who sent the error,
    `destination` our address, `protocol` the quoted one, `source_port` the quoted destination port,
    `destination_port` the quoted source port, `flags` the ICMP code and `options` the ICMP type,
    `sequence` the quoted one's. Errors whose quoted source is not their destination are passed over
    (`misquoted`). `quoted_high` and `quoted_low` are the address that the quoted packet was sent to
    (0 in other rows): for an error from a router on the way it differs from `source`.
    """

    __slots__ = (
        *("at", "version", "kind", "protocol"),
        *("source_high", "source_low", "destination_high", "destination_low"),
        *("source_port", "destination_port", "flags", "sequence", "acknowledgement", "window"),
        *("ip_id", "ttl", "dont_fragment", "options", "mss"),
        *("payload", "payload_at", "payload_kept", "quoted_high", "quoted_low", "buffer"),
    )

    at: NDArray[np.int64]
    version: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    protocol: NDArray[np.uint8]
    source_high: NDArray[np.uint64]
    source_low: NDArray[np.uint64]
    destination_high: NDArray[np.uint64]
    destination_low: NDArray[np.uint64]
    source_port: NDArray[np.uint16]
    destination_port: NDArray[np.uint16]
    flags: NDArray[np.uint8]
    sequence: NDArray[np.uint32]
    acknowledgement: NDArray[np.uint32]
    window: NDArray[np.uint16]
    ip_id: NDArray[np.uint16]
    ttl: NDArray[np.uint8]
    dont_fragment: NDArray[np.bool_]
    options: NDArray[np.uint8]
    mss: NDArray[np.uint16]
    payload: NDArray[np.uint32]
    payload_at: NDArray[np.int64]
    payload_kept: NDArray[np.int64]
    quoted_high: NDArray[np.uint64]
    quoted_low: NDArray[np.uint64]
    buffer: bytes | bytearray | memoryview

    def __len__(self) -> int:
        return len(self.at)

    def taken(self, rows: NDArray[np.intp]) -> "Packets":
        """These packets alone."""
        made = Packets()
        for name in COLUMNS:
            setattr(made, name, getattr(self, name)[rows])
        made.buffer = self.buffer
        return made


COLUMNS = {
    "at": np.int64,
    "version": np.uint8,
    "kind": np.uint8,
    "protocol": np.uint8,
    "source_high": np.uint64,
    "source_low": np.uint64,
    "destination_high": np.uint64,
    "destination_low": np.uint64,
    "source_port": np.uint16,
    "destination_port": np.uint16,
    "flags": np.uint8,
    "sequence": np.uint32,
    "acknowledgement": np.uint32,
    "window": np.uint16,
    "ip_id": np.uint16,
    "ttl": np.uint8,
    "dont_fragment": np.bool_,
    "options": np.uint8,
    "mss": np.uint16,
    "payload": np.uint32,
    "payload_at": np.int64,
    "payload_kept": np.int64,
    "quoted_high": np.uint64,
    "quoted_low": np.uint64,
}
"""Every column and its type."""
