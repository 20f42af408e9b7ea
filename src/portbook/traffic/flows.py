"""What happened in a flow, as bits, and how it ended: one of `facts.KINDS`.

A flow's bits are gathered without regard to order, so packets can be taken in any order and many at
once; only what came first is kept apart (`FIRST_OUT`).
"""

import numpy as np
from numpy.typing import NDArray

from portbook.traffic.facts import KINDS
from portbook.traffic.packets import (
    ACK,
    FIN,
    ICMP_ERROR,
    PSH,
    RST,
    SCTP,
    SYN,
    TCP,
    UDP,
    URG,
    Packets,
)

IN_SYN, IN_SYN_ACK, IN_ACK, IN_FIN, IN_RST, IN_RST_ACK = (1 << bit for bit in range(6))
IN_BARE_FIN, IN_NULL, IN_XMAS, IN_SYN_FIN, IN_ODD = (1 << bit for bit in range(6, 11))
IN_DATA, IN_EMPTY, IN_ERROR, IN_INIT, IN_OTHER_CHUNK = (1 << bit for bit in range(11, 16))
OUT_SYN, OUT_SYN_ACK, OUT_ACK, OUT_FIN, OUT_RST = (1 << bit for bit in range(16, 21))
OUT_DATA, OUT_EMPTY, OUT_ERROR, OUT_INIT_ACK = (1 << bit for bit in range(21, 25))
FIRST_OUT, FIRST_ACK, FROM_SERVICE, LEFT_OVER = (1 << bit for bit in range(25, 29))
"""What was seen of a flow. IN is from the source to us. `IN_ACK` and `OUT_ACK` have ACK without
SYN or RST (`IN_ACK` without FIN, too), with payload or not; `DATA` is any payload, `EMPTY` a
datagram without.
`FIRST_OUT`: the first packet was ours; `FIRST_ACK`: the source's first was FIN ACK or ACK, no SYN
before it. `FROM_SERVICE`: UDP from a known service's port to one of ours that clients use.
`LEFT_OVER`: the ports are those of a flow that we began (theirs below the ephemeral range, ours
within it), and the first packet was no SYN: what is left of it from before, or its answer."""

KIND = {name: code for code, name in enumerate(KINDS)}

_EPHEMERAL = 32768
"""The lowest port of Linux' ephemeral range; most other systems begin higher."""
_SERVICES = 1024

_REFLECTORS = np.zeros(65536, np.bool_)
_REFLECTORS[[17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 520, 1434, 1900, 3283, 3702]] = True
_REFLECTORS[[5353, 5683, 10001, 11211, 27015, 37810]] = True
"""UDP services that answer anybody at length: who asks them in our name may name any of our ports
above the system's (US-CERT TA14-017A, and those that became known since)."""

_OTHER = np.uint32(0)


def _by_flags() -> NDArray[np.uint32]:
    """The bits of each TCP flags byte: row 0 inbound, row 1 outbound."""
    table = np.zeros((2, 256), np.uint32)
    for flags in range(256):
        core = flags & (FIN | SYN | RST | PSH | ACK | URG)
        shook = core & (SYN | ACK | FIN | RST)
        if shook == SYN:
            table[:, flags] = IN_SYN, OUT_SYN
            if core & (URG | PSH):
                table[0, flags] = IN_ODD
        elif shook == SYN | ACK:
            table[:, flags] = IN_SYN_ACK, OUT_SYN_ACK
        elif core & SYN:
            table[:, flags] = IN_SYN_FIN if shook == SYN | FIN and not core & URG else IN_ODD, 0
        elif core & RST:
            table[:, flags] = IN_RST_ACK if core & ACK else IN_RST, OUT_RST
        elif core & ACK and core & FIN:
            table[:, flags] = IN_FIN, OUT_FIN | OUT_ACK
        elif core & ACK:
            table[:, flags] = IN_ACK, OUT_ACK
        elif core == FIN | PSH | URG:
            table[:, flags] = IN_XMAS, 0
        elif core == FIN:
            table[:, flags] = IN_BARE_FIN, 0
        elif core == 0:
            table[:, flags] = IN_NULL, 0
        else:
            table[:, flags] = IN_ODD, 0
    return table


_BY_PLACE = _by_flags().reshape(-1)
_DATA = np.array([0, 0, IN_DATA, OUT_DATA], np.uint32)


def bits_of(packets: Packets, outbound: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """The bits that each packet adds to its flow."""
    # Row and column of the table in one index: half the time of two (measured, numpy 2.4).
    place = packets.flags | outbound.astype(np.uint16) << np.uint16(8)
    bits = _BY_PLACE[place]
    bits |= _DATA[outbound.astype(np.uint8) + np.uint8(2) * (packets.payload > 0)]
    others = np.flatnonzero((packets.protocol != TCP) | (packets.kind == ICMP_ERROR))
    if others.size:
        bits[others] = _bits_of_others(packets, outbound, others)
    return bits


def _bits_of_others(
    packets: Packets, outbound: NDArray[np.bool_], rows: NDArray[np.intp]
) -> NDArray[np.uint32]:
    out, full = outbound[rows], packets.payload[rows] > 0
    bits = np.where(
        out,
        np.where(full, np.uint32(OUT_DATA), np.uint32(OUT_EMPTY)),
        np.where(full, np.uint32(IN_DATA), np.uint32(IN_EMPTY)),
    )
    chunk = packets.flags[rows]
    sctp = packets.protocol[rows] == SCTP
    bits[sctp & ~out] = IN_OTHER_CHUNK
    bits[sctp & ~out & (chunk == 1)] = IN_INIT
    bits[sctp & out] = OUT_EMPTY
    bits[sctp & out & (chunk == 2)] = OUT_INIT_ACK
    bits[sctp & out & (chunk == 4)] = OUT_RST
    error = packets.kind[rows] == ICMP_ERROR
    bits[error] = np.where(out[error], np.uint32(OUT_ERROR), np.uint32(IN_ERROR))
    return bits


def first_bits(
    packets: Packets, first: NDArray[np.intp], outbound: NDArray[np.bool_]
) -> NDArray[np.uint32]:
    """The bits that only the first packet of a flow can add; `first` are rows of `packets`."""
    out = outbound[first]
    bits = np.where(out, np.uint32(FIRST_OUT), _OTHER)
    flags = packets.flags[first]
    tcp = (packets.protocol[first] == TCP) & (packets.kind[first] != ICMP_ERROR)
    acked = tcp & ~out & (flags & ACK != 0) & (flags & (SYN | RST) == 0)
    bits[acked] |= np.uint32(FIRST_ACK)
    theirs = np.where(out, packets.destination_port[first], packets.source_port[first])
    ours = np.where(out, packets.source_port[first], packets.destination_port[first])
    client = ours >= _EPHEMERAL
    udp = packets.protocol[first] == UDP
    service = (theirs < _SERVICES) & client
    service |= _REFLECTORS[theirs] & (ours >= _SERVICES) & (ours != theirs)
    bits[udp & service] |= np.uint32(FROM_SERVICE)
    # A RST of theirs may answer somebody who used our address, one of ours is the end of a flow.
    late = tcp & np.where(out, flags & SYN == 0, acked)
    bits[(late | udp) & client & (theirs < _EPHEMERAL)] |= np.uint32(LEFT_OVER)
    return bits


def closed(bits: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether a TCP flow has ended, so that another of the same 5-tuple may begin."""
    reset = _has(bits, IN_RST | IN_RST_ACK | OUT_RST)
    return reset | (_has(bits, IN_FIN) & _has(bits, OUT_FIN))


def established(bits: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Whether a TCP flow is past its handshake and has not ended: it may be silent for long."""
    return _has(bits, IN_ACK | OUT_ACK | IN_DATA | OUT_DATA) & ~closed(bits)


def _has(bits: NDArray[np.uint32], mask: int) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (bits & np.uint32(mask)) != 0
    return found


def kinds_of(bits: NDArray[np.uint32], protocol: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The kind of each flow (index in `facts.KINDS`) by what was seen of it up to now."""
    kinds = np.full(len(bits), KIND["odd"], np.uint8)
    tcp = protocol == TCP
    if tcp.all():
        return _tcp_kinds(bits)
    kinds[tcp] = _tcp_kinds(bits[tcp])
    udp = protocol == UDP
    kinds[udp] = _udp_kinds(bits[udp])
    sctp = protocol == SCTP
    kinds[sctp] = _sctp_kinds(bits[sctp])
    return kinds


def _tcp_kinds(bits: NDArray[np.uint32]) -> NDArray[np.uint8]:
    def has(mask: int) -> NDArray[np.bool_]:
        return _has(bits, mask)

    syn, shaken = has(IN_SYN), has(OUT_SYN_ACK)
    acked = has(IN_ACK | IN_FIN)
    said, answered = has(IN_DATA), has(OUT_DATA)
    silent = ~said & ~answered
    reset = has(IN_RST | IN_RST_ACK)
    refused = has(OUT_RST | OUT_ERROR)
    # Our stack sends an ACK alone in a connection only (RFC 9293, 3.10.7).
    known = has(OUT_ACK)
    first_out = has(FIRST_OUT)
    # Nothing that a source sends is without a kind: what has none is ours.
    kinds = np.full(len(bits), KIND["own"], np.uint8)

    def name(kind: str, where: NDArray[np.bool_]) -> None:
        kinds[where] = KIND[kind]

    # From the weakest statement to the strongest: what is written last holds.
    stray = ~syn & ~shaken & ~has(OUT_SYN)
    alone = stray & silent & ~known
    name("refused", alone & refused)
    # What came after our RST or error is not what that answered: of a connection from before.
    name("midstream", alone & refused & first_out & acked)
    name("back-rst", alone & reset & ~first_out)
    name("back-icmp", alone & has(IN_ERROR) & ~first_out)
    name("ack", alone & has(IN_ACK) & ~first_out & (refused | has(FIRST_ACK)))
    name("maimon", alone & has(IN_FIN) & ~has(IN_ACK) & has(FIRST_ACK))
    name("back-syn-ack", alone & has(IN_SYN_ACK))
    under_way = stray & (known | ~silent)
    name("open", under_way & silent)
    name("midstream", under_way & (~silent | acked | reset))
    # Of a flow that we began: our SYN was not captured, or nothing of its beginning.
    name("own", under_way & has(IN_SYN_ACK))
    name("own", stray & has(LEFT_OVER) & ~(said & answered))
    name("fin", stray & ~(said & answered) & has(IN_BARE_FIN) & ~(under_way & has(IN_ACK)))
    name("ignored", syn)
    name("refused", syn & ~shaken & refused)
    # A SYN-ACK of ours shows the SYN that it answers, our ACKs that it was acknowledged.
    missed = ~syn & shaken & ~has(OUT_SYN)
    asked = syn | missed
    name("half-silent", asked & shaken & ~acked & ~said)
    name("half-open", asked & shaken & ~acked & ~said & reset)
    # Where only one direction was captured, the source's own ACK shows the handshake.
    through = (asked & acked & (shaken | ~refused)) | (missed & known)
    name("open", through)
    name("empty", through & has(IN_FIN))
    name("empty-reset", through & reset)
    name("greeted", through & answered)
    name("conversed", through & said)
    # TCP Fast Open: data in the SYN, acknowledged.
    name("conversed", syn & shaken & said)
    # The beginning was not captured, so what was said may not be anybody's first words.
    name("midstream", missed & ~silent)
    # A damaged packet in a conversation is no question.
    odd = ~(said & answered)
    name("null", has(IN_NULL) & odd)
    name("xmas", has(IN_XMAS) & odd)
    name("syn-fin", has(IN_SYN_FIN) & odd)
    name("odd", has(IN_ODD) & odd)
    name("own", has(OUT_SYN) & ~syn)
    return kinds


def _udp_kinds(bits: NDArray[np.uint32]) -> NDArray[np.uint8]:
    def has(mask: int) -> NDArray[np.bool_]:
        return _has(bits, mask)

    kinds = np.full(len(bits), KIND["udp-silent"], np.uint8)
    said = has(IN_DATA)
    spoke, refused = has(OUT_DATA | OUT_EMPTY), has(OUT_ERROR)
    kinds[has(IN_EMPTY) & ~said] = KIND["udp-empty"]
    kinds[spoke] = KIND["udp-answered"]
    kinds[refused] = KIND["udp-closed"]
    # An answer that nobody asked for meets a closed port, mostly.
    late = has(FROM_SERVICE) | (has(LEFT_OVER) & ~refused)
    kinds[said & late & ~spoke] = KIND["reflection"]
    kinds[has(IN_ERROR) & ~said & ~has(IN_EMPTY)] = KIND["back-icmp"]
    # An error of ours that comes first is about a datagram that was not captured.
    theirs = refused & ~spoke & ~has(FROM_SERVICE | LEFT_OVER)
    kinds[has(FIRST_OUT) & ~theirs] = KIND["own"]
    return kinds


def _sctp_kinds(bits: NDArray[np.uint32]) -> NDArray[np.uint8]:
    def has(mask: int) -> NDArray[np.bool_]:
        return _has(bits, mask)

    kinds = np.full(len(bits), KIND["midstream"], np.uint8)
    kinds[has(IN_ERROR) & ~has(IN_OTHER_CHUNK)] = KIND["back-icmp"]
    kinds[has(IN_INIT)] = KIND["sctp-init"]
    kinds[has(OUT_INIT_ACK)] = KIND["sctp-answered"]
    kinds[has(FIRST_OUT)] = KIND["own"]
    return kinds
