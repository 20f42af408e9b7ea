"""The NetBIOS name service (UDP): the client asks for the status of the node."""

from portbook.identify.probe import Found, Probe, Talk

_NAME = b"\x20CK" + b"A" * 30 + b"\x00"
_QUERY = b"pN\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" + _NAME + b"\x00\x21\x00\x01"
_NAMES_AT = 12 + len(_NAME) + 10


def judge(talk: Talk) -> Found | None:
    """A node status response (RFC 1002 section 4.2.18): its names are of 15 bytes and a suffix."""
    reply = talk.first
    if talk.transport != "udp" or talk.opener != "netbios-ns" or len(talk.turns) > 1:
        return None
    if reply[:2] != _QUERY[:2] or len(reply) <= _NAMES_AT or not reply[2] & 0x80:
        return None
    if reply[12 : 12 + len(_NAME) + 2] != _NAME + b"\x00\x21":
        return None
    count, at = reply[_NAMES_AT], _NAMES_AT + 1
    if len(reply) < at + 18 * count:
        return None
    names = [reply[start : start + 18] for start in range(at, at + 18 * count, 18)]
    notes = []
    for name in names:
        text = name[:15].rstrip().decode("ascii", "replace")
        if name[15] == 0 and text.isprintable():
            notes.append(f"{'group' if name[16] & 0x80 else 'name'} {text}")
    return Found("netbios-ns", "certain", shows=reply[at : at + 16], notes=tuple(notes[:4]))


PROBE = Probe(
    name="netbios-ns",
    title="NetBIOS name service",
    source="RFC 1002 section 4.2.17",
    services=("netbios-ns",),
    ports=(137,),
    programs=("nmbd",),
    datagram=_QUERY,
    judge=judge,
)
