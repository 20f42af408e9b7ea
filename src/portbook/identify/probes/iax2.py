"""IAX2 (Asterisk): POKE is answered with PONG; no call begins."""

from portbook.identify.probe import Found, Probe, Talk

_CALL = 0x1ABC
_IAX, _POKE, _PONG, _INVAL = 6, 0x1E, 0x03, 0x0A


def judge(talk: Talk) -> Found | None:
    """A full frame to the call number that we asked from: PONG, or INVAL (section 8.1)."""
    reply = talk.first
    if talk.transport != "udp" or talk.opener != "iax2" or len(reply) < 12:
        return None
    is_full_frame = reply[0] & 0x80 and int.from_bytes(reply[2:4]) & 0x7FFF == _CALL
    if not is_full_frame or reply[10] != _IAX or reply[11] not in (_PONG, _INVAL):
        return None
    return Found("iax2", "certain", shows=reply[:12])


PROBE = Probe(
    name="iax2",
    title="IAX2",
    source="RFC 5456 sections 6.7 and 8.1",
    services=("iax",),
    ports=(4569,),
    programs=("asterisk", "yate"),
    datagram=(0x8000 | _CALL).to_bytes(2) + bytes(8) + bytes((_IAX, _POKE)),
    judge=judge,
)
