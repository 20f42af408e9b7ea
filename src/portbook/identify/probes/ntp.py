"""NTP (UDP): the client asks for the time first."""

from portbook.identify.probe import Found, Probe, Talk

_CLIENT, _SERVER = 0x23, 4
_OURS = b"portbook"
_QUERY = bytes((_CLIENT,)) + bytes(39) + _OURS
_UNSYNCHRONISED = 3


def judge(talk: Talk) -> Found | None:
    """A server's packet (mode 4) that gives our transmit time back as its origin."""
    reply = talk.first
    if talk.transport != "udp" or talk.opener != "ntp" or len(talk.turns) > 1:
        return None
    if len(reply) < 48 or reply[0] & 7 != _SERVER or reply[24:32] != _OURS:
        return None
    stratum, reference = reply[1], reply[12:16].rstrip(b"\0")
    notes = [f"version {reply[0] >> 3 & 7}"]
    if reply[0] >> 6 == _UNSYNCHRONISED or stratum in (0, 16):
        notes.append("not synchronised")
    else:
        notes.append(f"stratum {stratum}")
    if stratum <= 1 and reference.isalnum():
        notes.append(f"reference {reference.decode('ascii', 'replace')}")
    return Found("ntp", "certain", shows=reply[:16], notes=tuple(notes))


PROBE = Probe(
    name="ntp",
    title="NTP",
    source="RFC 5905 section 7.3",
    services=("ntp",),
    ports=(123,),
    programs=("ntpd", "ntpsec", "chronyd", "chrony", "ntp", "openntpd"),
    datagram=_QUERY,
    judge=judge,
)
