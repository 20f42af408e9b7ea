"""An hour of port 3255 on a host that has no service there: who knocks, and what the host answers.

The host has two addresses. The same file for the same seed. Nobody is a client: nine ZMap-like
sources of three generations, three of masscan, one of the Mirai family that also tries telnet, and
one that connects like an ordinary program, once, so that nobody can tell what it wanted.
"""

from collections.abc import Callable
from random import Random

import numpy as np
from tools.traffic_frames import (
    ACK,
    LINUX,
    MSS,
    RST,
    SYN,
    WINDOWS,
    Bytes,
    Field,
    Numbers,
    Writer,
    tcp,
    turned,
)

OURS = "198.51.100.10/31"
_OURS = 0xC633640A
_BEGIN = 1_795_428_000_000_000_000
_EVERY = 272_000_000_000
_PORT = 3255

Batch = list[tuple[Numbers, Bytes]]


def write_hour(path: str, seed: int = 1) -> int:
    """Write the hour as a pcap file: how many sources there are."""
    chance = Random(seed)
    knocks: list[Callable[[int, int, Random], Batch]] = [_zmap_windows] * 5
    knocks += [_zmap_plain] * 2 + [_zmap_mss] * 2 + [_masscan] * 2 + [_masscan_old, _mirai, _once]
    chance.shuffle(knocks)
    taken: set[int] = set()
    batch: Batch = []
    for i, knock in enumerate(knocks):
        source = _source(chance, taken)
        at = _BEGIN + i * _EVERY + chance.randrange(40_000_000_000)
        batch += knock(source, at, chance)
    with Writer(path) as writer:
        writer.write(batch)
    return len(knocks)


def _source(chance: Random, taken: set[int]) -> int:
    """An address of one of the networks for documentation (RFC 5737)."""
    while True:
        network = chance.choice((0xC0000200, 0xCB007100))
        source = network + chance.randrange(2, 254)
        if source not in taken:
            taken.add(source)
            return source


def _knock(
    source: int,
    at: int,
    *,
    own: int,
    port: int,
    sequence: int,
    window: int,
    ttl: int,
    ip_id: Field,
    options: bytes = b"",
    dont_fragment: bool = False,
    host: int = _OURS,
) -> Batch:
    """A SYN, and our RST 30 microseconds later."""
    probe = tcp(
        1,
        source=source,
        destination=host,
        source_port=own,
        destination_port=port,
        flags=SYN,
        sequence=sequence,
        window=window,
        ttl=ttl,
        ip_id=ip_id,
        options=options,
        dont_fragment=dont_fragment,
    )
    answer = tcp(
        1,
        source=host,
        destination=source,
        source_port=port,
        destination_port=own,
        flags=RST | ACK,
        acknowledgement=sequence + 1 & 0xFFFFFFFF,
        window=0,
    )
    return [(np.array([at]), probe), (np.array([at + 30_000]), turned(answer))]


def _zmap(
    source: int, at: int, chance: Random, options: bytes, ip_id: int, host: int = _OURS
) -> Batch:
    return _knock(
        source,
        at,
        own=chance.randrange(32768, 61000),
        port=_PORT,
        sequence=chance.getrandbits(32),
        window=65535,
        ttl=chance.randrange(230, 250),
        ip_id=ip_id,
        options=options,
        host=host,
    )


def _zmap_windows(source: int, at: int, chance: Random) -> Batch:
    """Of ZMap from 4.1 on, which comes to both addresses, in any order."""
    batch: Batch = []
    for i, host in enumerate(chance.sample((_OURS, _OURS + 1), 2)):
        then = at + i * chance.randrange(10, 100) * 1_000_000_000
        batch += _zmap(source, then, chance, WINDOWS, chance.getrandbits(16), host)
    return batch


def _zmap_plain(source: int, at: int, chance: Random) -> Batch:
    """Of ZMap 2."""
    return _zmap(source, at, chance, b"", 54321)


def _zmap_mss(source: int, at: int, chance: Random) -> Batch:
    """Of ZMap 3 to 4.0."""
    return _zmap(source, at, chance, MSS, 54321)


def _masscan(source: int, at: int, chance: Random) -> Batch:
    return _masscan_of(source, at, chance, 1025, MSS)


def _masscan_old(source: int, at: int, chance: Random) -> Batch:
    """Of masscan 1.3.2."""
    return _masscan_of(source, at, chance, 1024, b"")


def _masscan_of(source: int, at: int, chance: Random, window: int, options: bytes) -> Batch:
    sequence = chance.getrandbits(32)
    return _knock(
        source,
        at,
        own=chance.randrange(40000, 60000),
        port=_PORT,
        sequence=sequence,
        window=window,
        ttl=chance.randrange(230, 250),
        ip_id=(_OURS ^ _PORT ^ sequence) & 0xFFFF,
        options=options,
    )


def _mirai(source: int, at: int, chance: Random) -> Batch:
    batch: Batch = []
    own = chance.randrange(1024, 65535)
    for i, port in enumerate((_PORT, 23, 2323)):
        batch += _knock(
            source,
            at + i * 9_000_000_000,
            own=own,
            port=port,
            sequence=_OURS,
            window=chance.getrandbits(16),
            ttl=chance.randrange(40, 60),
            ip_id=chance.getrandbits(16),
        )
    return batch


def _once(source: int, at: int, chance: Random) -> Batch:
    """Of an ordinary stack: a mistyped number, or somebody who looks."""
    return _knock(
        source,
        at,
        own=chance.randrange(32768, 61000),
        port=_PORT,
        sequence=chance.getrandbits(32),
        window=64240,
        ttl=chance.randrange(40, 60),
        ip_id=chance.getrandbits(16),
        options=LINUX,
        dont_fragment=True,
    )
