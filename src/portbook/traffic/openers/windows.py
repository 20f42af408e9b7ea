"""What Windows speaks: SMB, its NetBIOS sessions, RDP and DCE RPC; with RDP, also S7's COTP.

MS-SMB (2.2.1), MS-SMB2 (2.2.3), RFC 1002 (4.3.2), MS-RDPBCGR (2.2.1.1), RFC 1006 and ISO 8073
(COTP), C706 (12.6.4.3). RDP and S7 both begin with a COTP connection request; what follows tells
them apart: a cookie or a negotiation request is RDP's, transport selectors are not.
"""

import re

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, text

_COOKIE = re.compile(rb"Cookie: (mstshash|msts)=([^\r\n]{0,255})")
_DIALECTS = {0x0202: "2.0.2", 0x0210: "2.1", 0x02FF: "2", 0x0300: "3.0", 0x0302: "3.0.2"}
_NEWEST = 0x0311
HALF_BYTES = b"ABCDEFGHIJKLMNOP"
"""The letters that NetBIOS names are written in, one for each half of a byte."""

_BIND, _CALL = 0x0B, 0x00


def judge_smb(data: bytes) -> Opener | None:
    """A message of SMB 1 or 2 behind a length, or a NetBIOS session's request."""
    if data[0] == 0x81:
        return _session(data)
    if len(data) < 9 or data[1] > 1 or data[5:8] != b"SMB" or data[4] not in (0xFF, 0xFE, 0xFD):
        return None
    if data[4] == 0xFF:
        words = [each[1:] for each in data[36:600].split(b"\0") if each[:1] == b"\2"]
        details = [("version", "1")]
        if words:
            details.append(("dialects", text(b",".join(words))))
        return Opener("smb", "certain", tuple(details), shows=data[:9])
    details = [("version", "2" if data[4] == 0xFE else "3")]
    count = int.from_bytes(data[70:72], "little")
    if data[16:18] == b"\0\0" and 0 < count <= 16:
        offered = (int.from_bytes(data[at : at + 2], "little") for at in range(104, 104 + 32, 2))
        known = [each for _, each in zip(range(count), offered, strict=False)]
        names = [_DIALECTS.get(one) or "3.1.1" for one in known if one in (*_DIALECTS, _NEWEST)]
        details.append(("dialects", ",".join(names)))
    return Opener("smb", "certain", tuple(details), shows=data[:9])


def _session(data: bytes) -> Opener | None:
    """0x81 and two names of 32 letters from A to P, the called one first."""
    if len(data) < 38 or data[1] > 1 or data[4] != 0x20 or data[37] != 0:
        return None
    name = decoded(data[5:37])
    if name is None:
        return None
    return Opener("netbios-ssn", "certain", (("called", text(name)),), shows=data[:5])


def decoded(letters: bytes) -> bytes | None:
    """A NetBIOS name in half-bytes (RFC 1001, 14.1), without its padding and its type."""
    if letters.translate(None, HALF_BYTES):
        return None
    pairs = zip(letters[::2], letters[1::2], strict=False)
    return bytes((one - 65) << 4 | other - 65 for one, other in pairs)[:15].rstrip(b" \0")


def _cotp(data: bytes) -> bool:
    """TPKT, and in it a COTP connection request of class 0 whose lengths agree."""
    if len(data) < 11 or data[0] != 3 or data[1] != 0 or data[5] != 0xE0:
        return False
    length = data[2] << 8 | data[3]
    return 11 <= length <= 512 and data[4] == length - 5 and data[6:8] == b"\0\0" and data[10] < 16


def _selectors(data: bytes) -> dict[int, bytes]:
    """The parameters of a connection request; none if they are not well formed."""
    found, at, end = {}, 11, min(len(data), data[2] << 8 | data[3])
    while at + 2 <= end:
        found[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return found if at == end else {}


def judge_rdp(data: bytes) -> Opener | None:
    """COTP with a cookie or a request to negotiate; bare COTP is what the oldest clients say."""
    if not _cotp(data):
        return None
    length = data[2] << 8 | data[3]
    cookie = _COOKIE.match(data, 11)
    at = cookie.end() + 2 if cookie else 11
    asked = data[at : min(at + 8, length)]
    negotiates = len(asked) == 8 and asked[0] == 1 and asked[2:4] == b"\x08\0"
    if cookie is None and not negotiates:
        return Opener("rdp", "likely", shows=data[:11]) if length == 11 else None
    details = []
    tool = None
    if cookie is not None:
        value = cookie[2]
        details.append(("cookie", text(value)))
        tool = "nmap" if value == b"nmap" else None
    if negotiates:
        details.append(("protocols", f"0x{asked[4]:02x}"))
    return Opener("rdp", "certain", tuple(details), tool, data[:64])


def judge_s7(data: bytes) -> Opener | None:
    """COTP with transport selectors: a called one (0xc2) of two bytes is a rack and a slot."""
    if not _cotp(data):
        return None
    if data[2] << 8 | data[3] == 11:
        return Opener("s7", "guess", shows=data[:11])
    found = _selectors(data)
    if 0xC1 not in found or 0xC2 not in found or set(found) - {0xC0, 0xC1, 0xC2}:
        return None
    called = found[0xC2]
    sure = "certain" if len(called) == 2 and len(found[0xC1]) == 2 else "likely"
    return Opener("s7", sure, (("selector", called[:32].hex()),), shows=data[:22])


def judge_dcerpc(data: bytes) -> Opener | None:
    """Version 5.0 or 5.1, the first part of a bind or a call, in little or big endian."""
    if len(data) < 16 or data[0] != 5 or data[1] > 1 or data[2] not in (_BIND, _CALL):
        return None
    if data[3] & 3 == 0 or data[4] not in (0x00, 0x10) or data[5:8] != b"\0\0\0":
        return None
    length = int.from_bytes(data[8:10], "little" if data[4] else "big")
    if not 24 <= length <= 5840:
        return None
    asked = "bind" if data[2] == _BIND else "call"
    return Opener("dcerpc", "certain", (("request", asked),), shows=data[:16])


KINDS = (
    Kind("smb", "tcp", judge_smb, b"\0\x81", (445, 139)),
    Kind("rdp", "tcp", judge_rdp, b"\3", (3389,)),
    Kind("s7", "tcp", judge_s7, b"\3", (102,)),
    Kind("dcerpc", "tcp", judge_dcerpc, b"\5", (135,)),
)
