"""Kerberos 5: the client asks first. Here nobody asks for a ticket in a realm that cannot exist.

The request names no client, so that no account can be locked by it.
"""

from portbook.identify.probe import Found, More, Probe, Talk
from portbook.identify.wire.der_element import element

_REALM = b"PORTBOOK.INVALID"


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes((tag, len(body))) + body


def _request() -> bytes:
    """An AS-REQ (RFC 4120 section 5.4.1) without a client's name and preauthentication."""
    server = _der(0x30, _der(0xA0, _der(0x02, b"\x02")), _der(0xA1, _der(0x30, _der(0x1B, b"x"))))
    body = _der(
        0x30,
        _der(0xA0, _der(0x03, b"\x00\x00\x00\x00\x00")),
        _der(0xA2, _der(0x1B, _REALM)),
        _der(0xA3, server),
        _der(0xA5, _der(0x18, b"20370101000000Z")),
        _der(0xA7, _der(0x02, b"\x01")),
        _der(0xA8, _der(0x30, _der(0x02, b"\x12"))),
    )
    version, kind = _der(0xA1, _der(0x02, b"\x05")), _der(0xA2, _der(0x02, b"\x0a"))
    return _der(0x6A, _der(0x30, version, kind, _der(0xA4, body)))


_REQUEST = _request()
_ERROR = b"\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e"
_CODES = {
    6: "client not found",
    7: "server not found",
    14: "no common encryption type",
    52: "answer too big for UDP",
    61: "message too long",
    68: "wrong realm",
}
_TAG_ERROR, _TAG_REALM, _TAG_CODE = 0x7E, 0xA9, 0xA6


def judge(talk: Talk) -> Found | More | None:
    """A KRB-ERROR. Over TCP, text reads as a length that is too long, and is answered (7.2.2)."""
    if len(talk.turns) > 1:
        return None
    message = talk.first
    if talk.transport == "tcp":
        if message[:2] != b"\0\0" or len(message) < 5 or message[4] != _TAG_ERROR:
            return None
        length = int.from_bytes(message[:4])
        if len(message) < 4 + length:
            return None if talk.ended else More()
        message = message[4 : 4 + length]
    at, end = element(message, 0, _TAG_ERROR)
    at, last = element(message, at, 0x30)
    if not at or end != len(message) or last != end or not message[at:].startswith(_ERROR):
        return None
    fields = _fields(message, at, last)
    code = fields.get(_TAG_CODE, b"")
    if len(code) < 3 or code[0] != 2 or _TAG_REALM not in fields:
        return None
    number = int.from_bytes(code[2:6])
    realm = fields[_TAG_REALM][2:].decode("ascii", "replace")
    said = _CODES.get(number, f"error {number}")
    notes = (said,) if realm.encode() == _REALM else (said, f"realm {realm[:60]}")
    return Found("kerberos", "certain", shows=message[:20], notes=notes)


def _fields(message: bytes, at: int, end: int) -> dict[int, bytes]:
    """The fields of the sequence by tag."""
    fields: dict[int, bytes] = {}
    while at < end and len(fields) < 16:
        tag = message[at]
        start, at = element(message, at, tag)
        if not start:
            break
        fields[tag] = message[start:at]
    return fields


PROBE = Probe(
    name="kerberos",
    title="Kerberos",
    source="RFC 4120 sections 5.4.1, 5.9.1 and 7.2",
    services=("kerberos",),
    ports=(88,),
    programs=("krb5kdc", "krb5-kdc", "kdc", "heimdal-kdc"),
    opener=len(_REQUEST).to_bytes(4) + _REQUEST,
    datagram=_REQUEST,
    reacts_to=("http",),
    judge=judge,
)
