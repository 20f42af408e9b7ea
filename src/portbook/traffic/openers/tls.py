"""TLS and DTLS: a ClientHello, with the name and the protocols that it asks for, even if cut.

RFC 8446 (4.1.2, 5.1), RFC 6066 (3), RFC 7301, RFC 8701 (GREASE), RFC 6347 (4.2.2), RFC 5246 (E.2).
"""

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, text

_VERSIONS = {
    0x0002: "SSL 2",
    0x0300: "SSL 3",
    0x0301: "TLS 1.0",
    0x0302: "TLS 1.1",
    0x0303: "TLS 1.2",
    0x0304: "TLS 1.3",
    0xFEFF: "DTLS 1.0",
    0xFEFD: "DTLS 1.2",
    0xFEFC: "DTLS 1.3",
}
_SNI, _ALPN, _VERSIONS_OFFERED, _KEY_SHARE = 0, 16, 43, 51
_WANTED = frozenset((_SNI, _ALPN, _VERSIONS_OFFERED, _KEY_SHARE))
_LARGEST_RECORD = 16640
_LEGACY, _LEGACY_DTLS = 0x0303, 0xFEFD


def judge_tls(data: bytes) -> Opener | None:
    """A handshake record whose first message is a ClientHello; or a hello in SSL 2's form."""
    if data[0] != 0x16:
        return _old_hello(data)
    if len(data) < 6 or data[1] != 3 or data[2] > 4 or data[5] != 1:
        return None
    if not 4 <= (data[3] << 8 | data[4]) <= _LARGEST_RECORD:
        return None
    if len(data) < 11:
        return Opener("tls", "likely", shows=data[:6])
    if data[6] > 1 or data[9] != 3:
        return None
    return Opener("tls", "certain", _hello(data, 9), shows=data[:11])


def judge_dtls(data: bytes) -> Opener | None:
    """A handshake record of epoch 0 whose message is a ClientHello."""
    if len(data) < 14 or data[1] != 0xFE or data[2] not in (0xFF, 0xFD, 0xFC):
        return None
    if data[3:5] != b"\0\0" or data[13] != 1:
        return None
    return Opener("dtls", "certain", _hello(data, 25, cookie=True), shows=data[:14])


def _hello(data: bytes, at: int, *, cookie: bool = False) -> tuple[tuple[str, str], ...]:
    """What a ClientHello that begins with its version tells, as far as it is there."""
    version = int.from_bytes(data[at : at + 2], "big")
    at += 34
    for _ in range(1 + cookie):  # The session identifier; with DTLS the cookie, too.
        if at >= len(data):
            return _told(version, whole=False)
        at += 1 + data[at]
    ciphers = int.from_bytes(data[at : at + 2], "big")
    grease = _greased(data[at + 2 : at + 2 + min(ciphers, 2)])
    at += 2 + ciphers
    at += 1 + data[at] if at < len(data) else 1
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    sni = alpn = ""
    at += 2
    while at + 4 <= len(data):
        kind, length = data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3]
        if kind not in _WANTED:
            grease = grease or (length == 0 and _greased(data[at : at + 2]))
            at += 4 + length
            continue
        body = data[at + 4 : at + 4 + length]
        if kind == _SNI and len(body) > 5 and body[2] == 0:
            sni = text(body[5 : 5 + (body[3] << 8 | body[4])])
        elif kind == _ALPN:
            alpn = _listed(body)
        elif kind == _VERSIONS_OFFERED and body:
            version = _best(body[1 : 1 + body[0]], version)
        elif kind == _KEY_SHARE and version == _LEGACY:
            version = _LEGACY + 1  # Nobody sends it without 1.3; the list may be cut off.
        at += 4 + length
    return _told(version, sni, alpn, grease=grease, whole=end <= len(data))


def _told(
    version: int, sni: str = "", alpn: str = "", *, grease: bool = False, whole: bool = True
) -> tuple[tuple[str, str], ...]:
    # A hello for 1.3 says 1.2 where older ones said their version (RFC 8446, 4.1.2).
    named = whole or version not in (_LEGACY, _LEGACY_DTLS)
    details = [("version", _named(version))] if named else []
    details += [(key, value) for key, value in (("sni", sni), ("alpn", alpn)) if value]
    if grease:
        details.append(("grease", "yes"))
    return tuple(details)


def _greased(pair: bytes) -> bool:
    return len(pair) == 2 and pair[0] == pair[1] and pair[0] & 0x0F == 0x0A


def _listed(body: bytes) -> str:
    """The protocols of an ALPN extension."""
    names: list[bytes] = []
    at = 2
    while at < len(body) and len(names) < 16:
        names.append(body[at + 1 : at + 1 + body[at]])
        at += 1 + body[at]
    return text(b",".join(each for each in names if not _greased(each)))


def _best(offered: bytes, version: int) -> int:
    """The newest version on offer; DTLS numbers its versions downward."""
    best = version
    for at in range(0, len(offered) - 1, 2):
        one = offered[at] << 8 | offered[at + 1]
        newer = one < best if version >> 8 == 0xFE else one > best
        if one in _VERSIONS and one >> 8 == version >> 8 and newer:
            best = one
    return best


def _named(version: int) -> str:
    return _VERSIONS.get(version, f"0x{version:04x}")


def _old_hello(data: bytes) -> Opener | None:
    """SSL 2's hello, which old scanners still send to ask for more: three lists by length."""
    if len(data) < 11 or data[2] != 1:
        return None
    version = data[3] << 8 | data[4]
    ciphers, session, challenge = (data[at] << 8 | data[at + 1] for at in (5, 7, 9))
    whole = (data[0] & 0x7F) << 8 | data[1]
    if version not in (0x0002, 0x0300, 0x0301, 0x0302, 0x0303) or not ciphers or ciphers % 3:
        return None
    if whole != 9 + ciphers + session + challenge or not 16 <= challenge <= 32:
        return None
    details = (("version", _named(version)), ("form", "SSL 2"))
    return Opener("tls", "certain", details, shows=data[:11])


KINDS = (
    Kind("tls", "tcp", judge_tls, b"\x16" + bytes(range(0x80, 0x84)), (443, 8443, 993, 995, 465)),
    Kind("dtls", "udp", judge_dtls, b"\x16", (4433, 5684, 443)),
)
