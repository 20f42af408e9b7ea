"""Multicast DNS (UDP), asked at one address: which kinds of services there are."""

from portbook.identify.probe import Found, Probe, Talk

_NAME = b"\x09_services\x07_dns-sd\x04_udp\x05local\x00"
_QUERY = b"pM\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" + _NAME + b"\x00\x0c\x80\x01"
_MOST_KINDS = 4


def judge(talk: Talk) -> Found | None:
    """An authoritative response for .local, with our id (RFC 6762 section 6.7)."""
    reply = talk.first
    if talk.transport != "udp" or talk.opener != "mdns" or len(talk.turns) > 1:
        return None
    if len(reply) < 12 or reply[:4] not in (b"pM\x84\x00", b"\0\0\x84\x00"):
        return None
    if not int.from_bytes(reply[6:8]) or _NAME[:-1] not in reply[12:80]:
        return None
    kinds = _kinds(reply[:1400])
    return Found("mdns", "certain", shows=reply[:4], notes=kinds)


def _kinds(reply: bytes) -> tuple[str, ...]:
    """`_http._tcp` and the like, from the labels that come before `_tcp`."""
    found: list[str] = []
    for transport in (b"_tcp", b"_udp"):
        at = reply.find(b"\x04" + transport)
        while at > 0 and len(found) < _MOST_KINDS:
            start = reply.rfind(b"_", 0, at)
            label = reply[start:at]
            if 1 < len(label) < 17 and reply[start - 1] == len(label) and label != b"_dns-sd":
                found.append(f"{label.decode('ascii', 'replace')}.{transport.decode()}")
            at = reply.find(b"\x04" + transport, at + 1)
    return tuple(dict.fromkeys(found))


PROBE = Probe(
    name="mdns",
    title="Multicast DNS (Avahi, Bonjour)",
    source="RFC 6762 sections 5.5 and 6.7, RFC 6763 section 9",
    services=("mdns",),
    ports=(5353,),
    programs=(
        *("avahi-daemon", "avahi", "mdnsd", "mdnsresponder", "systemd-resolved"),
        "systemd-resolve",
    ),
    datagram=_QUERY,
    judge=judge,
)
