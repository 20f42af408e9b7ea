"""L2TP (UDP): the client asks for a control connection, which is cleared again at once."""

from portbook.identify.probe import Found, Probe, Send, Talk

_CONTROL = b"\xc8\x02"
_TUNNEL = b"pb"
_TYPE, _RESULT, _FIRMWARE, _VENDOR, _ASSIGNED = 0, 1, 6, 8, 9
_START, _STARTED, _STOP = b"\0\1", b"\0\2", b"\0\4"


def _field(kind: int, value: bytes) -> bytes:
    return (0x8000 | 6 + len(value)).to_bytes(2) + b"\0\0" + kind.to_bytes(2) + value


def _message(tunnel: bytes, counters: bytes, *fields: bytes) -> bytes:
    body = tunnel + b"\0\0" + counters + b"".join(fields)
    return _CONTROL + (4 + len(body)).to_bytes(2) + body


_REQUEST = _message(
    b"\0\0",
    b"\0\0\0\0",
    _field(_TYPE, _START),
    _field(2, b"\1\0"),
    _field(3, b"\0\0\0\3"),
    _field(7, b"portbook"),
    _field(_ASSIGNED, _TUNNEL),
)


def judge(talk: Talk) -> Found | Send | None:
    """A start reply for our tunnel with the tunnel of the other side, or a stop, or a mere ack."""
    if talk.transport != "udp" or talk.opener != "l2tp" or len(talk.turns) > 2:
        return None
    reply = talk.first
    if len(reply) < 12 or reply[:2] != _CONTROL or reply[4:6] != _TUNNEL:
        return None
    if int.from_bytes(reply[2:4]) != len(reply) or reply[6:8] != b"\0\0":
        return None
    if len(reply) == 12:
        return Found("l2tp", "likely", shows=reply)
    fields = _fields(reply)
    tunnel = fields.get(_ASSIGNED, b"")
    if fields.get(_TYPE) == _STOP:
        return Found("l2tp", "certain", shows=reply[:20], notes=("refuses",))
    if fields.get(_TYPE) != _STARTED or len(tunnel) != 2:
        return None
    found = _told(fields, reply)
    if len(talk.turns) > 1:
        return found
    stop = (_field(_TYPE, _STOP), _field(_ASSIGNED, _TUNNEL), _field(_RESULT, b"\0\1"))
    return Send(_message(tunnel, b"\0\1\0\1", *stop), found)


def _told(fields: dict[int, bytes], reply: bytes) -> Found:
    vendor = fields.get(_VENDOR, b"").decode("ascii", "replace").strip("\0 ")
    product = "xl2tpd" if vendor == "xelerance.com" else None
    notes = (f"vendor {vendor[:60]}",) if vendor and not product else ()
    return Found("l2tp", "certain", product, shows=reply[:20], notes=notes)


def _fields(reply: bytes) -> dict[int, bytes]:
    """The attributes of the IETF (vendor 0) by type."""
    fields: dict[int, bytes] = {}
    at = 12
    while at + 6 <= len(reply) and len(fields) < 32:
        length = int.from_bytes(reply[at : at + 2]) & 0x3FF
        if length < 6:
            break
        if reply[at + 2 : at + 4] == b"\0\0":
            fields[int.from_bytes(reply[at + 4 : at + 6])] = reply[at + 6 : at + length]
        at += length
    return fields


PROBE = Probe(
    name="l2tp",
    title="L2TP",
    source="RFC 2661 sections 3.1, 4.4 and 6.1 to 6.4",
    services=("l2tp", "l2f"),
    ports=(1701,),
    programs=("xl2tpd", "l2tpd", "openl2tpd", "accel-pppd"),
    datagram=_REQUEST,
    judge=judge,
)
