"""What is written in ASN.1's basic encoding: LDAP and SNMP.

RFC 4511 (4.1.1, 4.2, 4.5, 4.12), RFC 4514, MS-ADTS (6.3.3, LDAP over UDP), RFC 1157 (4), RFC 3416,
RFC 3412 (6). Communities and passwords are not told, but for the two that come with every device.
"""

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, text

_LDAP = {0x60: "bind", 0x63: "search", 0x77: "extended", 0x42: "unbind", 0x50: "abandon"}
_START_TLS = b"1.3.6.1.4.1.1466.20037"
_SNMP = {0: "1", 1: "2c", 3: "3"}
_PDUS = {0xA0: "get", 0xA1: "get-next", 0xA3: "set", 0xA4: "trap", 0xA5: "get-bulk"}
_PDUS |= {0xA6: "inform", 0xA7: "trap"}
_DEFAULTS = (b"public", b"private")


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A length that begins at `at`, and where what it measures begins; -1 where there is none."""
    if at >= len(data):
        return -1, at
    first = data[at]
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    if not 1 <= size <= 4 or at + 1 + size > len(data):
        return -1, at
    return int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size


def judge_ldap(data: bytes) -> Opener | None:
    """A message with a number and a request; a bind names its version and who it is."""
    whole, at = _length(data, 1)
    if whole < 5 or data[at : at + 1] != b"\2":
        return None
    size, at = _length(data, at + 1)
    if not 1 <= size <= 4 or at + size >= len(data):
        return None
    at += size
    name = _LDAP.get(data[at])
    if name is None:
        return None
    inner, begins = _length(data, at + 1)
    if not 0 <= inner <= whole:
        return None
    body = data[begins : begins + min(inner, 512)]
    details = [("request", name)]
    if name == "bind":
        if body[:2] != b"\2\1" or len(body) < 5 or body[2] not in (2, 3) or body[3] != 4:
            return None
        who = body[5 : 5 + body[4]] if body[4] < 0x80 else b""
        details += [("version", str(body[2])), ("name", text(who) or "anonymous")]
    elif name == "search":
        if body[:1] != b"\4":
            return None
    elif name == "extended":
        if body[:1] != b"\x80":
            return None
        if _START_TLS in body:
            details[0] = ("request", "StartTLS")
    elif inner > 4:
        return None
    return Opener("ldap", "certain", tuple(details), shows=data[: at + 1])


def judge_snmp(data: bytes) -> Opener | None:
    """A version, and a community with a request; or version 3's header."""
    whole, at = _length(data, 1)
    if whole < 12 or data[at : at + 2] != b"\2\1" or at + 4 > len(data):
        return None
    version = _SNMP.get(data[at + 2])
    if version is None:
        return None
    details = [("version", version)]
    tag = data[at + 3]
    if version == "3":
        if tag != 0x30 or data[at + 5 : at + 6] != b"\2":
            return None
        return Opener("snmp", "certain", tuple(details), shows=data[: at + 4])
    size, begins = _length(data, at + 4)
    if tag != 4 or not 0 <= size <= 255 or begins + size >= len(data):
        return None
    request = _PDUS.get(data[begins + size])
    if request is None:
        return None
    details.append(("request", request))
    if data[begins : begins + size] in _DEFAULTS:
        details.append(("community", text(data[begins : begins + size])))
    return Opener("snmp", "certain", tuple(details), shows=data[: at + 4])


KINDS = (
    Kind("ldap", "tcp", judge_ldap, b"\x30", (389, 3268)),
    Kind("ldap", "udp", judge_ldap, b"\x30", (389,)),
    Kind("snmp", "udp", judge_snmp, b"\x30", (161, 162)),
)
