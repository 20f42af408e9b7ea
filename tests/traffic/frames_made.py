"""Frames built byte by byte for the tests of traffic: a function for each layer."""

import ipaddress
from collections.abc import Sequence
from struct import pack

import numpy as np

from portbook.traffic.packets import Frames

OURS, THEIRS = "192.0.2.7", "198.51.100.9"
OURS6, THEIRS6 = "2001:db8::7", "2001:db8:ffff::9"

ETHERNET, NULL, RAW, LOOP, SLL, SLL2 = 1, 0, 101, 108, 113, 276
IP4, IP6 = 0x0800, 0x86DD


def address(text: str) -> bytes:
    """Return the bytes of an IPv4 or IPv6 address."""
    return ipaddress.ip_address(text).packed


def ethernet(inside: bytes, kind: int = IP4, tags: Sequence[int] = ()) -> bytes:
    """Return an Ethernet frame, with a VLAN tag of each of the EtherTypes in `tags`."""
    kinds = [*tags, kind]
    head = b"\x02\x00\x00\x00\x00\x07\x02\x00\x00\x00\x00\x09" + pack(">H", kinds[0])
    return head + b"".join(pack(">HH", 5, inner) for inner in kinds[1:]) + inside


def snap(inside: bytes, kind: int = IP4) -> bytes:
    """Return an 802.3 frame with LLC and SNAP."""
    content = b"\xaa\xaa\x03\x00\x00\x00" + pack(">H", kind) + inside
    return ethernet(content, min(len(content), 1500))


def cooked(inside: bytes, kind: int = IP4) -> bytes:
    """Return a Linux cooked frame, version 1."""
    return pack(">HHH8sH", 0, 1, 6, b"\x02\x00\x00\x00\x00\x09", kind) + inside


def cooked2(inside: bytes, kind: int = IP4) -> bytes:
    """Return a Linux cooked frame, version 2."""
    return pack(">HHIHBB8s", kind, 0, 2, 1, 0, 6, b"\x02\x00\x00\x00\x00\x09") + inside


def loopback(inside: bytes, family: int = 2, order: str = "<") -> bytes:
    """Return a BSD loopback frame, in either byte order."""
    return pack(order + "I", family) + inside


def ipv4(
    inside: bytes,
    protocol: int = 6,
    *,
    source: str = THEIRS,
    destination: str = OURS,
    ip_id: int = 0x1234,
    flags: int = 0x4000,
    ttl: int = 57,
    options: bytes = b"",
    total: int | None = None,
) -> bytes:
    """Return an IPv4 packet; `flags` are the 16 bits of flags and fragment offset."""
    words = 5 + len(options) // 4
    total = words * 4 + len(inside) if total is None else total
    head = pack(">BBHHHBBH", 0x40 | words, 0, total, ip_id, flags, ttl, protocol, 0)
    return head + address(source) + address(destination) + options + inside


def ipv6(
    inside: bytes,
    following: int = 6,
    *,
    source: str = THEIRS6,
    destination: str = OURS6,
    ttl: int = 57,
    total: int | None = None,
) -> bytes:
    """Return an IPv6 packet; extension headers are part of `inside`."""
    total = len(inside) if total is None else total
    head = pack(">IHBB", 0x60000000, total, following, ttl)
    return head + address(source) + address(destination) + inside


def extension(following: int, words: int = 0) -> bytes:
    """Return an extension header of `words` times eight bytes more than eight."""
    return bytes([following, words]) + b"\x01\x04" + bytes(4 + words * 8)


def fragment(following: int, offset: int = 0, more: int = 0) -> bytes:
    """Return an IPv6 fragment header; `offset` in units of eight bytes."""
    return pack(">BBHI", following, 0, offset << 3 | more, 0xABCDEF01)


def authentication(following: int, words: int = 4) -> bytes:
    """Return an authentication header of `words` times four bytes and eight."""
    return pack(">BBHI", following, words, 0, 77) + bytes(words * 4)


def tcp(
    flags: int = 0x02,
    *,
    source: int = 40000,
    destination: int = 3255,
    sequence: int = 0xDEADBEEF,
    acknowledgement: int = 0,
    window: int = 64240,
    options: bytes = b"",
    payload: bytes = b"",
    words: int | None = None,
) -> bytes:
    """Return a TCP segment; `options` has whole words."""
    words = 5 + len(options) // 4 if words is None else words
    ports = pack(">HHII", source, destination, sequence, acknowledgement)
    return ports + pack(">BBHHH", words << 4, flags, window, 0, 0) + options + payload


def udp(
    payload: bytes = b"",
    *,
    source: int = 40000,
    destination: int = 53,
    size: int | None = None,
) -> bytes:
    """Return a UDP datagram."""
    size = 8 + len(payload) if size is None else size
    return pack(">HHHH", source, destination, size, 0) + payload


def sctp(chunk: int = 1, *, source: int = 40000, destination: int = 36412) -> bytes:
    """Return an SCTP packet with one chunk of type `chunk`."""
    return pack(">HHII", source, destination, 0, 0) + pack(">BBH", chunk, 0, 20) + bytes(16)


def icmp(kind: int, code: int, quoted: bytes) -> bytes:
    """Return an ICMP or ICMPv6 message with `quoted` behind its eight bytes."""
    return pack(">BBHI", kind, code, 0, 0) + quoted


def frames(
    link: int,
    datas: Sequence[bytes],
    *,
    lengths: Sequence[int] | None = None,
    gap: bytes = b"\x45" * 16,
    behind: bytes = b"",
) -> Frames:
    """Return a batch as a capture file has it: records with `gap` before each, `behind` at last."""
    starts, buffer = [], bytearray()
    for data in datas:
        buffer += gap
        starts.append(len(buffer))
        buffer += data
    buffer += behind
    sizes = [len(data) for data in datas]
    return Frames(
        bytes(buffer),
        np.array(starts, np.int64),
        np.array(sizes, np.int64),
        np.array(sizes if lengths is None else lengths, np.int64),
        np.arange(len(datas), dtype=np.int64) * 1000 + 1_700_000_000_000_000_000,
        link,
    )
