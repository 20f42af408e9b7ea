"""Scanners that Debian does not have, as their packets are today; and backscatter.

The shapes are those of docs/watch.md: ZMap 3 to 4.0 and from 4.1 on with each of its sets of
options, masscan since November 2023, the Mirai family, unicornscan.
"""

import socket
from collections.abc import Sequence
from random import Random

from tools.traffic_frames import (
    ACK,
    BSD,
    LINUX,
    MSS,
    RST,
    SYN,
    WINDOWS,
    Bytes,
    icmp_error,
    tcp,
    udp,
)
from tools.traffic_stage import TARGET
from tools.traffic_visit import Shape, Visit

_TARGET = int.from_bytes(socket.inet_aton(TARGET), "big")
Frames = list[tuple[float, Bytes]]


def _zmap(ports: Sequence[int], options: bytes, ip_id: int | None) -> Shape:
    def make(source: int, chance: Random) -> Frames:
        hops = chance.randrange(6, 25)
        return [
            (
                i * 0.3,
                tcp(
                    1,
                    source=source,
                    destination=_TARGET,
                    source_port=chance.randrange(32768, 61000),
                    destination_port=port,
                    flags=SYN,
                    sequence=chance.getrandbits(32),
                    window=65535,
                    ttl=255 - hops,
                    dont_fragment=False,
                    ip_id=chance.getrandbits(16) if ip_id is None else ip_id,
                    options=options,
                ),
            )
            for i, port in enumerate(ports)
        ]

    return make


def _masscan(ports: Sequence[int]) -> Shape:
    def make(source: int, chance: Random) -> Frames:
        hops, own = chance.randrange(6, 25), chance.randrange(40000, 60000)
        frames: Frames = []
        for i, port in enumerate(ports):
            sequence = chance.getrandbits(32)
            frames.append(
                (
                    i * 0.1,
                    tcp(
                        1,
                        source=source,
                        destination=_TARGET,
                        source_port=own,
                        destination_port=port,
                        flags=SYN,
                        sequence=sequence,
                        window=1025,
                        ttl=255 - hops,
                        dont_fragment=False,
                        ip_id=(_TARGET ^ port ^ sequence) & 0xFFFF,
                        options=MSS,
                    ),
                )
            )
        return frames

    return make


def _mirai(ports: Sequence[int]) -> Shape:
    def make(source: int, chance: Random) -> Frames:
        hops, own = chance.randrange(6, 25), chance.randrange(1024, 65535)
        return [
            (
                i * 0.7,
                tcp(
                    1,
                    source=source,
                    destination=_TARGET,
                    source_port=own,
                    destination_port=port,
                    flags=SYN,
                    sequence=_TARGET,
                    window=chance.getrandbits(16),
                    ttl=64 - hops,
                    dont_fragment=False,
                    ip_id=chance.getrandbits(16),
                ),
            )
            for i, port in enumerate(ports)
        ]

    return make


def _unicornscan(ports: Sequence[int], window: int, options: bytes) -> Shape:
    def make(source: int, chance: Random) -> Frames:
        hops, key = chance.randrange(6, 25), chance.getrandbits(32)
        frames: Frames = []
        for i, port in enumerate(ports):
            own = chance.randrange(1024, 65535)
            frames.append(
                (
                    i * 0.1,
                    tcp(
                        1,
                        source=source,
                        destination=_TARGET,
                        source_port=own,
                        destination_port=port,
                        flags=SYN,
                        sequence=key ^ source ^ ((own << 16) + port),
                        window=window,
                        ttl=255 - hops,
                        dont_fragment=False,
                        ip_id=chance.getrandbits(16),
                        options=options,
                    ),
                )
            )
        return frames

    return make


def _spoofed(flags: int, port: int, number: int, options: bytes = b"") -> Shape:
    """A victim answers packets that somebody sent it in our name."""

    def make(source: int, chance: Random) -> Frames:
        return [
            (
                i * 0.2,
                tcp(
                    1,
                    source=source,
                    destination=_TARGET,
                    source_port=port,
                    destination_port=chance.randrange(1024, 65535),
                    flags=flags,
                    sequence=chance.getrandbits(32) if flags != RST | ACK else 0,
                    acknowledgement=chance.getrandbits(32) if flags & ACK else 0,
                    window=65160 if flags & SYN else 0,
                    ttl=52,
                    options=options,
                ),
            )
            for i in range(number)
        ]

    return make


def _unreachable(code: int) -> Shape:
    def make(source: int, chance: Random) -> Frames:
        frames: Frames = []
        for i in range(6):
            spoofed = tcp(
                1,
                source=_TARGET,
                destination=source,
                source_port=chance.randrange(1024, 65535),
                destination_port=80,
                flags=SYN,
                sequence=chance.getrandbits(32),
                ttl=40,
            )
            frames.append((i * 0.2, icmp_error(spoofed, source=source, code=code, ttl=51)))
        return frames

    return make


def _reflected(port: int, payload: bytes) -> Shape:
    def make(source: int, chance: Random) -> Frames:
        return [
            (
                i * 0.1,
                udp(
                    1,
                    source=source,
                    destination=_TARGET,
                    source_port=port,
                    destination_port=chance.randrange(20000, 65535),
                    ttl=50,
                    payload=payload,
                ),
            )
            for i in range(8)
        ]

    return make


_DNS = bytes.fromhex("1f2b8180000100010000000003616e79076578616d706c650000ff0001") + (
    b"\xc0\x0c\0\x10\0\x01\0\0\x0e\x10\0\xc9\xc8" + b"x" * 200
)
_NTP = b"\xd7\0\x03\x2a\0\x06\0\x48" + b"\0" * 432
_SSDP = (
    b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:1\r\nLOCATION: http://10.0.0.1/\r\n\r\n"
)
_MEMCACHED = b"\0\0\0\0\0\x01\0\0VALUE a 0 1000\r\n" + b"a" * 1000


def visits() -> list[Visit]:
    """Every shape."""
    zmap = Visit("zmap", "scan", tool="zmap", marked=True, scan_type="syn")
    masscan = Visit("masscan 2023-11", "scan", tool="masscan", marked=True, scan_type="syn")
    mirai = Visit("Mirai family", "scan", tool="mirai", marked=True, scan_type="syn")
    unicorn = Visit("unicornscan", "scan", tool="unicornscan", marked=True, scan_type="syn")
    modes = {"windows": WINDOWS, "linux": LINUX, "bsd": BSD, "smallest": MSS}
    made = []
    for mode, options in modes.items():
        kind = zmap._replace(name=f"zmap 4.1 {mode}", marked=mode != "smallest")
        several = _zmap((80, 3255, 8080), options, None)
        made += [
            kind._replace(shape=_zmap((3255,), options, None), truth="probe", full=3, short=1),
            kind._replace(shape=_zmap((443,), options, None), truth="probe", full=2),
            kind._replace(shape=several, full=3, short=1),
        ]
    old = zmap._replace(name="zmap 3 to 4.0")
    made += [
        old._replace(shape=_zmap((3255,), MSS, 54321), truth="probe", full=4, short=1),
        old._replace(shape=_zmap((22, 3255, 6379), MSS, 54321), full=3),
        masscan._replace(shape=_masscan((3255,)), truth="probe", full=5, short=1),
        masscan._replace(shape=_masscan((80,)), truth="probe", full=3),
        masscan._replace(shape=_masscan(range(8000, 8020)), full=4, short=1),
        mirai._replace(shape=_mirai((23,)), truth="probe", full=4, short=1),
        mirai._replace(shape=_mirai((23, 2323)), full=3, short=1),
        mirai._replace(shape=_mirai((7547, 5555, 37215, 52869)), full=3),
        unicorn._replace(shape=_unicornscan((22, 80, 3255, 8080), 4128, MSS), full=4, short=1),
        unicorn._replace(shape=_unicornscan(range(1, 60), 4128, MSS), full=2),
        unicorn._replace(shape=_unicornscan((80, 3255), 12345, b""), full=2),
    ]
    return [*made, *_backscatter()]


def _backscatter() -> list[Visit]:
    shapes = (
        ("backscatter SYN-ACK", _spoofed(SYN | ACK, 80, 8, MSS), 4, 1),
        ("backscatter SYN-ACK", _spoofed(SYN | ACK, 443, 1, MSS), 2, 0),
        ("backscatter RST", _spoofed(RST, 80, 6), 3, 1),
        ("backscatter RST-ACK", _spoofed(RST | ACK, 25565, 6), 4, 1),
        ("backscatter RST-ACK", _spoofed(RST | ACK, 22, 1), 2, 0),
        ("backscatter ICMP", _unreachable(3), 3, 1),
        ("backscatter ICMP", _unreachable(13), 3, 0),
        ("reflection DNS", _reflected(53, _DNS), 4, 1),
        ("reflection NTP", _reflected(123, _NTP), 4, 1),
        ("reflection SSDP", _reflected(1900, _SSDP), 2, 0),
        ("reflection memcached", _reflected(11211, _MEMCACHED), 2, 0),
    )
    return [
        Visit(name, "backscatter", shape=shape, full=full, short=short)
        for name, shape, full, short in shapes
    ]
