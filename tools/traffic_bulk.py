"""A large mixed capture, for benches: seven packets in ten are clients', the others scans and UDP.

`write_bulk` makes the same file for the same numbers. Every source stays what it is: its flows are
of one kind. 198.51.100.10 is "ours", the sources are taken from 10.0.0.0/8 and the ports served are
those of `SERVED`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from tools.traffic_frames import (
    ACK,
    FIN,
    LINUX,
    MSS,
    PSH,
    RST,
    SYN,
    TIMESTAMPS,
    WINDOWS,
    Bytes,
    Field,
    Numbers,
    Writer,
    icmp_error,
    tcp,
    turned,
    udp,
)

OURS = 0xC633640A
SERVED = (22, 53, 80, 123, 443, 5432, 6379)
_FIRST_SOURCE = 10 << 24
_SPREAD = 0x9E3779B1  # odd: i * this modulo 2^24 takes each value once
_BEGIN = 1_795_000_000_000_000_000
_BATCH = 200_000
_NANOSECONDS = 50_000  # for each packet: 20,000 packets/s
_LONGEST = 2_000_000_000

Batch = list[tuple[Numbers, Bytes]]


class Flows(NamedTuple):
    """Flows of one kind that begin in one batch: a number for each."""

    source: Numbers
    start: Numbers
    trip: Numbers
    port: Numbers
    ours: Numbers
    theirs: Numbers
    chance: Numbers

    def __len__(self) -> int:
        return self.source.size


class Step(NamedTuple):
    """One packet of a conversation: who sends it, after how many half round trips."""

    inbound: bool
    flags: int
    payload: bytes = b""
    wait: int = 1
    options: bytes = TIMESTAMPS


class Kind(NamedTuple):
    """A kind of flow: its share of the packets, its packets per flow, and what makes them."""

    name: str
    share: float
    packets: int
    make: Callable[[Flows], Batch]


def _hello() -> bytes:
    """A ClientHello of TLS 1.2 for a.example (RFC 5246, 7.4.1.2; RFC 6066, 3)."""
    name = b"\0\0\0\x0e\0\x0c\0\0\x09a.example"
    alpn = b"\0\x10\0\x0e\0\x0c\x02h2\x08http/1.1"
    groups = b"\0\x0a\0\x06\0\x04\0\x1d\0\x17\0\x0d\0\x06\0\x04\x04\x03\x08\x04"
    extensions = name + alpn + groups
    ciphers = b"\0\x08\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30"
    body = b"\x03\x03" + b"r" * 32 + b"\x20" + b"s" * 32 + ciphers + b"\x01\0"
    body += len(extensions).to_bytes(2, "big") + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


_PUSH = PSH | ACK
_OPEN = (
    Step(True, SYN, options=LINUX, wait=0),
    Step(False, SYN | ACK, options=LINUX),
    Step(True, ACK),
)
_CLOSE = (Step(True, FIN | ACK), Step(False, FIN | ACK), Step(True, ACK))
_PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\nContent-Type: text/html\r\n\r\n" + b"a" * 400
_SERVER_HELLO = b"\x16\x03\x03\0\x2c\x02\0\0\x28\x03\x03" + b"q" * 32 + b"\0\xc0\x2f\0\0\0"
_LIST = b"\0\0\0\x04none"
_KEX = b"\0\0\0\x6c\x04\x14" + b"k" * 16 + _LIST * 10 + b"\0" * 9
_TALKS: dict[int, Sequence[Step]] = {
    80: (
        Step(True, _PUSH, b"GET /a HTTP/1.1\r\nHost: a.example\r\nUser-Agent: b/1\r\n\r\n", 0),
        Step(False, ACK),
        Step(False, _PUSH, _PAGE, 0),
        Step(False, _PUSH, b"a" * 500, 0),
        Step(True, ACK),
    ),
    443: (
        Step(True, _PUSH, _hello(), 0),
        Step(False, _PUSH, _SERVER_HELLO),
        Step(True, ACK),
        Step(True, _PUSH, b"\x14\x03\x03\0\x01\x01\x17\x03\x03\0\x35" + b"f" * 53, 0),
        Step(False, _PUSH, b"\x17\x03\x03\x02\0" + b"d" * 512),
        Step(True, ACK),
    ),
    22: (
        Step(False, _PUSH, b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
        Step(True, ACK),
        Step(True, _PUSH, b"SSH-2.0-OpenSSH_9.7\r\n", 0),
        Step(False, _PUSH, _KEX),
    ),
    5432: (
        Step(True, _PUSH, b"\0\0\0\x1f\0\x03\0\0user\0app\0database\0app\0\0", 0),
        Step(False, _PUSH, b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"),
        Step(True, _PUSH, b"Q\0\0\0\x0eSELECT 1;\0"),
        Step(False, _PUSH, b"D\0\0\0\x0b\0\x01\0\0\0\x011C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I"),
    ),
    6379: (
        Step(True, _PUSH, b"*1\r\n$4\r\nPING\r\n", 0),
        Step(False, _PUSH, b"+PONG\r\n"),
        Step(True, _PUSH, b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n"),
        Step(False, _PUSH, b"$1\r\nb\r\n"),
    ),
}


def _conversation(flows: Flows, port: int) -> Batch:
    batch: Batch = []
    at, theirs, ours = flows.start, flows.theirs, flows.ours
    for step in (*_OPEN, *_TALKS[port], *_CLOSE):
        at = at + step.wait * flows.trip + 20_000
        advance = len(step.payload) + bool(step.flags & (SYN | FIN))
        if step.inbound:
            rows = _inbound(flows, port, step, theirs, ours)
            theirs = theirs + advance
        else:
            rows = turned(
                tcp(
                    len(flows),
                    source=OURS,
                    destination=flows.source,
                    source_port=port,
                    destination_port=flows.port,
                    flags=step.flags,
                    sequence=ours & 0xFFFFFFFF,
                    acknowledgement=theirs & 0xFFFFFFFF,
                    window=502 if step.flags != SYN | ACK else 65160,
                    options=step.options,
                    payload=step.payload,
                )
            )
            ours = ours + advance
        batch.append((at, rows))
    return batch


def _inbound(flows: Flows, port: int, step: Step, theirs: Numbers, ours: Numbers) -> Bytes:
    return tcp(
        len(flows),
        source=flows.source,
        destination=OURS,
        source_port=flows.port,
        destination_port=port,
        flags=step.flags,
        sequence=theirs & 0xFFFFFFFF,
        acknowledgement=ours & 0xFFFFFFFF if step.flags & ACK else 0,
        window=502 if step.flags != SYN else 64240,
        ttl=52,
        ip_id=flows.chance & 0xFFFF,
        options=step.options,
        payload=step.payload,
    )


def _client(port: int) -> Callable[[Flows], Batch]:
    return lambda flows: _conversation(flows, port)


def _refused(
    flows: Flows,
    ports: Numbers,
    *,
    sequence: Numbers,
    window: Field,
    ttl: Field,
    ip_id: Field,
    options: bytes = b"",
) -> Batch:
    """A raw SYN and our RST."""
    probe = tcp(
        len(flows),
        source=flows.source,
        destination=OURS,
        source_port=flows.port,
        destination_port=ports,
        flags=SYN,
        sequence=sequence,
        window=window,
        ttl=ttl,
        ip_id=ip_id,
        dont_fragment=False,
        options=options,
    )
    answer = tcp(
        len(flows),
        source=OURS,
        destination=flows.source,
        source_port=ports,
        destination_port=flows.port,
        flags=RST | ACK,
        acknowledgement=sequence + 1 & 0xFFFFFFFF,
        window=0,
    )
    return [(flows.start, probe), (flows.start + 20_000, turned(answer))]


def _closed(flows: Flows) -> Numbers:
    """Closed ports, by chance: even ones from 1000 to 4998."""
    return 1000 + (flows.chance >> 16) % 2000 * 2


def _zmap(flows: Flows) -> Batch:
    return _refused(
        flows,
        _closed(flows),
        sequence=flows.theirs,
        window=65535,
        ttl=240,
        ip_id=flows.chance & 0xFFFF,
        options=WINDOWS,
    )


def _zmap_old(flows: Flows) -> Batch:
    ports = _closed(flows)
    return _refused(flows, ports, sequence=flows.theirs, window=65535, ttl=240, ip_id=54321)


def _masscan(flows: Flows) -> Batch:
    ports = _closed(flows)
    return _refused(
        flows,
        ports,
        sequence=flows.theirs,
        window=1025,
        ttl=241,
        ip_id=(OURS ^ ports ^ flows.theirs) & 0xFFFF,
        options=MSS,
    )


def _mirai(flows: Flows) -> Batch:
    return _refused(
        flows,
        np.where(flows.chance % 10 == 0, 2323, 23),
        sequence=np.full(len(flows), OURS),
        window=flows.chance >> 4 & 0xFFFF,
        ttl=47,
        ip_id=flows.chance >> 8 & 0xFFFF,
    )


def _nmap(flows: Flows) -> Batch:
    mask = flows.source * 0x01000193 & 0xFFFFFFFF
    return _refused(
        flows,
        _closed(flows),
        sequence=mask ^ (flows.chance & 0xFF) * 0x00010001,
        window=1024,
        ttl=37 + flows.chance % 20,
        ip_id=flows.chance >> 8 & 0xFFFF,
        options=MSS,
    )


_QUERY = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01"
_REPLY = _QUERY[:2] + b"\x81\x80\0\x01\0\x01\0\0\0\0" + _QUERY[12:] + b"\xc0\x0c\0\x01\0\x01\0\0\0<"


def _asked(flows: Flows) -> Batch:
    query = udp(
        len(flows),
        source=flows.source,
        destination=OURS,
        source_port=flows.port,
        destination_port=53,
        ttl=55,
        payload=_QUERY,
    )
    reply = udp(
        len(flows),
        source=OURS,
        destination=flows.source,
        source_port=53,
        destination_port=flows.port,
        payload=_REPLY + b"\0\x04\xc6\x33\x64\x0b",
    )
    return [(flows.start, query), (flows.start + 100_000, turned(reply))]


def _unheard(flows: Flows) -> Batch:
    datagram = udp(
        len(flows),
        source=flows.source,
        destination=OURS,
        source_port=flows.port,
        destination_port=_closed(flows),
        ttl=241,
        payload=b"\0" * 12,
    )
    error = icmp_error(datagram, source=OURS)
    return [(flows.start, datagram), (flows.start + 50_000, turned(error))]


KINDS = (
    *(
        Kind(f"client-{port}", share, len(_TALKS[port]) + 6, _client(port))
        for port, share in ((80, 0.25), (443, 0.22), (22, 0.03), (5432, 0.08), (6379, 0.12))
    ),
    Kind("zmap", 0.06, 2, _zmap),
    Kind("zmap-old", 0.02, 2, _zmap_old),
    Kind("masscan", 0.05, 2, _masscan),
    Kind("mirai", 0.03, 2, _mirai),
    Kind("nmap", 0.04, 2, _nmap),
    Kind("dns", 0.07, 2, _asked),
    Kind("udp-scan", 0.03, 2, _unheard),
)
"""Every kind; the shares add up to 1."""


def write_bulk(path: str, packets: int, sources: int, seed: int = 1) -> None:
    """Write a pcap file with close to `packets` packets of `sources` sources, 20,000 a second.

    With more sources than the kinds have flows, the shares of the conversations shrink.

    Raises:
        ValueError: more sources than one for each two packets, or than 10.0.0.0/8 holds.
    """
    if not 0 < sources <= min(packets // 2, 1 << 24):
        raise ValueError(f"{sources} sources do not fit into {packets} packets")
    rng = np.random.default_rng(seed)
    shares = _shares(packets, sources)
    flows = [packets * share / kind.packets for share, kind in zip(shares, KINDS, strict=True)]
    # Sources by flows: the first ones are the first kind's, and so on.
    bounds = np.rint(np.cumsum([0.0, *flows]) / sum(flows) * sources).astype(np.int64)
    begun = [0] * len(KINDS)
    with Writer(path) as writer:
        for batch_of in range(0, packets, _BATCH):
            wanted = min(_BATCH, packets - batch_of)
            begin = _BEGIN + batch_of * _NANOSECONDS
            span = max(1, wanted * _NANOSECONDS - _LONGEST)
            batch: Batch = []
            for i, kind in enumerate(KINDS):
                until = round(flows[i] * (batch_of + wanted) / packets)
                numbers = np.arange(begun[i], until, dtype=np.int64)
                begun[i] = until
                own = max(1, int(bounds[i + 1] - bounds[i]))
                which = bounds[i] + numbers % own
                batch += kind.make(_drawn(rng, which, numbers // own, begin, span))
            writer.write(batch)


def _shares(packets: int, sources: int) -> list[float]:
    """The shares, with less of the long conversations where the sources ask for more flows."""
    talks = [kind.packets > 2 for kind in KINDS]
    per_packet = sum(kind.share / kind.packets for kind in KINDS)
    short = sum(kind.share for kind in KINDS if kind.packets == 2)
    if per_packet * packets >= sources:
        return [kind.share for kind in KINDS]
    long_flows = per_packet - short / 2
    talking = 1 - short
    # flows(k) = packets * (k * long_flows + (1 - k * talking) / 2) = sources, solved for k.
    k = max(0.0, (sources / packets - 0.5) / (long_flows - talking / 2))
    rest = (1 - k * talking) / short
    return [kind.share * (k if t else rest) for kind, t in zip(KINDS, talks, strict=True)]


def _drawn(rng: np.random.Generator, which: Numbers, turn: Numbers, begin: int, span: int) -> Flows:
    n = len(which)
    return Flows(
        source=_FIRST_SOURCE + (which * _SPREAD & 0xFFFFFF),
        start=begin + rng.integers(0, span, n),
        trip=rng.integers(200_000, 80_000_000, n),
        port=32768 + (which * 7 + turn) % 28000,
        ours=rng.integers(0, 1 << 32, n),
        theirs=rng.integers(0, 1 << 32, n),
        chance=rng.integers(0, 1 << 32, n),
    )
