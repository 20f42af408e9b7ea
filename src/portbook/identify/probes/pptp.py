"""PPTP: the client asks for a control connection, which is cleared again at once."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_COOKIE = b"\x1a\x2b\x3c\x4d"
_LENGTH = 156
_REPLY, _STOP_REPLY = 2, 4


def _message(length: int, kind: int, body: bytes) -> bytes:
    head = length.to_bytes(2) + b"\0\1" + _COOKIE + kind.to_bytes(2) + b"\0\0"
    return (head + body).ljust(length, b"\0")


# Version 1.0, framing and bearer capabilities of both kinds, no channels.
_REQUEST = _message(_LENGTH, 1, b"\1\0\0\0\0\0\0\3\0\0\0\3")
_STOP = _message(16, 3, b"\1")


def judge(talk: Talk) -> Found | More | Send | None:
    """A control message with the magic cookie."""
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 2 or reply[2:8] != b"\0\1" + _COOKIE:
        return None
    length = int.from_bytes(reply[:2])
    if length not in (16, _LENGTH):
        return None
    if len(reply) < length:
        return None if talk.ended else More()
    kind = int.from_bytes(reply[8:10])
    if length == 16:
        stops = kind in (3, _STOP_REPLY)
        return Found("pptp", "certain", shows=reply[:12], notes=("refuses",)) if stops else None
    if kind != _REPLY:
        return None
    vendor = reply[92:156].split(b"\0", 1)[0].decode("ascii", "replace").strip()
    firmware = int.from_bytes(reply[26:28])
    notes: tuple[str, ...] = (f"vendor {vendor[:60]}",) if vendor.isprintable() and vendor else ()
    if firmware:
        notes += (f"firmware {firmware}",)
    found = Found("pptp", "certain", shows=reply[:12], notes=notes)
    return found if len(talk.turns) > 1 else Send(_STOP, found)


PROBE = Probe(
    name="pptp",
    title="PPTP",
    source="RFC 2637 sections 2.1 to 2.4",
    services=("pptp",),
    ports=(1723,),
    programs=("pptpd", "pptpctrl"),
    opener=_REQUEST,
    judge=judge,
)
