"""Small protocols, mostly in datagrams: NTP, STUN, IKE, RADIUS, CoAP, TFTP, syslog, BitTorrent.

RFC 5905 (7.3), RFC 9327 (control messages), RFC 8489 (5), RFC 7296 (3.1), RFC 3948 (2.2), RFC 2865
(3, 5), RFC 7252 (3), RFC 1350 and 2347, RFC 3164, 5424 and 6587, BEP 5 and 29.
"""

import re

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, text

_COOKIE = b"\x21\x12\xa4\x42"
_STUN = {1: "binding", 3: "allocate"}
_EXCHANGES = {2: "main mode", 4: "aggressive mode", 34: "IKE_SA_INIT"}
_RADIUS = {1: "access", 4: "accounting", 12: "status", 40: "disconnect", 43: "change"}
_COAP = {1: "GET", 2: "POST", 3: "PUT", 4: "DELETE", 5: "FETCH", 6: "PATCH", 7: "iPATCH"}
_URI_PATH = 11
_TFTP = re.compile(
    rb"\0([\1\2])([^\0]{1,255})\0(netascii|octet|mail)\0(?:[^\0]{1,64}\0[^\0]{1,64}\0){0,8}\Z",
    re.IGNORECASE,
)
_SYSLOG = re.compile(
    rb"(?:\d{1,5} )?<(\d{1,3})>(?:(1 [\d-]|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )|[\w.\[({/-])"
)


def judge_ntp(data: bytes) -> Opener | None:
    """A client's packet of 48 bytes; a question about the server (modes 6 and 7), as `monlist`."""
    mode, version, size = data[0] & 7, data[0] >> 3 & 7, len(data)
    if not 1 <= version <= 4:
        return None
    if mode == 7 and size >= 8 and version >= 2 and not data[0] & 0x80 and data[2] in (0, 2, 3):
        asked = "monlist" if data[3] in (20, 42) else f"private {data[3]}"
        return Opener("ntp", "certain" if asked == "monlist" else "likely", (("request", asked),))
    if mode == 6 and size >= 12 and not data[1] & 0xE0 and data[1] <= 12:
        if int.from_bytes(data[10:12], "big") + 12 > size + 3 or data[8:10] != b"\0\0":
            return None
        return Opener("ntp", "certain", (("request", f"control {data[1]}"),), shows=data[:12])
    if mode not in (1, 3) or size < 48 or (size - 48) % 4 or size > 1024:
        return None
    # Precision 32 is what clients say that keep their clock's to themselves.
    if data[1] > 16 or 18 <= data[2] <= 0xE0 or (18 <= data[3] <= 0xC0 and data[3] != 32):
        return None
    # Root delay and dispersion are 16.16 seconds: a clock that is 16 seconds off is no clock.
    if data[4] or data[8]:
        return None
    sure = "certain" if mode == 3 and data[5] <= 16 and data[9] <= 16 else "likely"
    return Opener("ntp", sure, (("version", str(version)),), shows=data[:4])


def judge_stun(data: bytes) -> Opener | None:
    """A request with the magic cookie; without it (RFC 3489) it is only likely."""
    if len(data) < 20 or data[0] or data[3] & 3:
        return None
    name, length = _STUN.get(data[1]), data[2] << 8 | data[3]
    if name is None or length > 1480 or len(data) > length + 20:
        return None
    if data[4:8] == _COOKIE:
        return Opener("stun", "certain", (("request", name),), shows=data[:8])
    if len(data) != length + 20 or name != "binding" or not any(data[4:20]):
        return None
    return Opener("stun", "likely", (("request", name),), shows=data[:4])


def judge_ike(data: bytes) -> Opener | None:
    """A first message: the other side's number is still zero. Behind NAT, four zeros come first."""
    at = 4 if data[:4] == b"\0\0\0\0" else 0
    if len(data) < at + 28 or not any(data[at : at + 8]) or any(data[at + 8 : at + 16]):
        return None
    version, exchange = data[at + 17], _EXCHANGES.get(data[at + 18])
    length = int.from_bytes(data[at + 24 : at + 28], "big")
    if version not in (0x10, 0x20, 0x30) or exchange is None or any(data[at + 20 : at + 24]):
        return None
    # Version 3 does not exist: it is asked for to hear which ones do.
    if (version >= 0x20) != (data[at + 18] == 34) or not 28 <= length <= 1 << 16:
        return None
    if len(data) > at + length:
        return None
    details = [("version", str(version >> 4)), ("exchange", exchange)]
    if at:
        details.append(("encapsulation", "NAT-T"))
    return Opener("ike", "certain", tuple(details), shows=data[at + 16 : at + 20])


def judge_radius(data: bytes) -> Opener | None:
    """A request whose attributes fill its length exactly; the user's name, never the password."""
    if len(data) < 20:
        return None
    name, length = _RADIUS.get(data[0]), data[2] << 8 | data[3]
    if name is None or not 20 <= length <= 4096 or length < len(data):
        return None
    details, at, whole = [("request", name)], 20, length == len(data)
    while at + 2 <= len(data):
        size = data[at + 1]
        if size < 2 or data[at] == 0:
            return None
        if data[at] == 1:
            details.append(("user", text(data[at + 2 : at + size])))
        at += size
        if len(details) > 3:
            return None
    if whole and at != len(data):
        return None
    return Opener("radius", "certain" if whole and at > 20 else "likely", tuple(details))


def judge_coap(data: bytes) -> Opener | None:
    """A request whose options are well formed; certain if it names a path. Or an empty ping."""
    if len(data) < 4 or data[0] & 0xC0 != 0x40 or data[0] & 15 > 8 or data[0] & 0x20:
        return None
    if data[1] == 0:
        return Opener("coap", "likely", (("request", "ping"),)) if _ping(data) else None
    name = _COAP.get(data[1])
    at, number, path = 4 + (data[0] & 15), 0, []
    if name is None or at > len(data):
        return None
    while at < len(data) and data[at] != 0xFF:
        delta, size = data[at] >> 4, data[at] & 15
        at += 1
        if delta == 15 or size == 15 or 14 in (delta, size):
            return None
        if delta == 13:
            delta, at = 13 + int.from_bytes(data[at : at + 1], "big"), at + 1
        if size == 13:
            size, at = 13 + int.from_bytes(data[at : at + 1], "big"), at + 1
        number += delta
        if number == _URI_PATH:
            path.append(data[at : at + size])
        at += size
    if at > len(data):
        return None
    told = (("request", text(name.encode() + b" /" + b"/".join(path))),)
    return Opener("coap", "certain" if path else "likely", told, shows=data[:4])


def _ping(data: bytes) -> bool:
    return len(data) == 4 and data[0] == 0x40


def judge_tftp(data: bytes) -> Opener | None:
    """A request to read or write: a file, and how it is transferred."""
    found = _TFTP.match(data)
    if found is None:
        return None
    asked = "read" if found[1] == b"\1" else "write"
    return Opener(
        "tftp", "certain", (("request", asked), ("file", text(found[2]))), shows=data[:64]
    )


def judge_syslog(data: bytes) -> Opener | None:
    """A priority up to 191 in angle brackets; certain with a version or a date behind it."""
    found = _SYSLOG.match(data)
    if found is None or int(found[1]) > 191:
        return None
    sure = "certain" if found[2] else "likely"
    return Opener("syslog", sure, (("priority", text(found[1])),), shows=found[0])


def judge_dht(data: bytes) -> Opener | None:
    """A question of the distributed hash table, with its number of 20 bytes."""
    if not data.startswith((b"d1:ad2:id20:", b"d1:rd2:id20:")):
        return None
    at = data.find(b"1:q", 32)
    length = data[at + 3 : at + 5] if at > 0 else b""
    asked = data[at + 5 : at + 5 + int(length[:1])] if length[:1].isdigit() else b""
    details = (("request", text(asked)),) if asked.isascii() and asked else ()
    return Opener("bittorrent-dht", "certain", details, shows=data[:12])


def judge_utp(data: bytes) -> Opener | None:
    """The first packet of a connection: version 1, number 1, nothing acknowledged."""
    if len(data) < 20 or data[0] != 0x41 or data[1] > 2 or data[16:18] != b"\0\1":
        return None
    if data[8:12] != b"\0\0\0\0" or data[18:20] != b"\0\0":
        return None
    return Opener("bittorrent-utp", "likely", shows=data[:2])


_NTP = bytes(byte for byte in range(256) if byte & 7 in (1, 3, 6, 7))
_DIGITS = b"0123456789"
KINDS = (
    Kind("ntp", "udp", judge_ntp, _NTP, (123,)),
    Kind("stun", "udp", judge_stun, b"\0", (3478,)),
    Kind("stun", "tcp", judge_stun, b"\0", (3478,)),
    Kind("radius", "udp", judge_radius, bytes(_RADIUS), (1812, 1813)),
    Kind("coap", "udp", judge_coap, bytes(range(0x40, 0x60)), (5683,)),
    Kind("tftp", "udp", judge_tftp, b"\0", (69,)),
    Kind("syslog", "udp", judge_syslog, b"<" + _DIGITS, (514,)),
    Kind("syslog", "tcp", judge_syslog, b"<" + _DIGITS, (514, 601)),
    Kind("bittorrent-dht", "udp", judge_dht, b"d", (6881, 51413)),
    Kind("bittorrent-utp", "udp", judge_utp, b"A", (6881, 51413)),
    Kind("ike", "udp", judge_ike, b"", (500, 4500)),
)
