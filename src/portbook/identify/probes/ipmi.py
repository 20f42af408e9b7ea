"""IPMI over LAN (UDP): the client pings the management controller (RMCP presence ping)."""

from portbook.identify.probe import Found, Probe, Talk

_RMCP, _NUMBER = b"\x06\x00\xff\x06", b"\x00\x00\x11\xbe"
_TAG = b"\x70"
_PING = _RMCP + _NUMBER + b"\x80" + _TAG + b"\x00\x00"
_PONG = 0x40


def judge(talk: Talk) -> Found | None:
    """A presence pong with the number of the ASF and our tag."""
    reply = talk.first
    if talk.transport != "udp" or talk.opener != "ipmi" or len(talk.turns) > 1:
        return None
    if len(reply) != 28 or reply[:3] != _RMCP[:3] or reply[3] & 0x7F != _RMCP[3]:
        return None
    if reply[4:8] != _NUMBER or reply[8] != _PONG or reply[9:12] != _TAG + b"\0\x10":
        return None
    notes = () if reply[20] & 0x80 else ("without IPMI",)
    return Found("ipmi", "certain", shows=reply[:12], notes=notes)


PROBE = Probe(
    name="ipmi",
    title="IPMI (RMCP)",
    source="DMTF DSP0136 section 3.2.4, IPMI 2.0 section 13.13",
    services=("asf-rmcp",),
    ports=(623,),
    programs=("ipmi_sim", "ipmilan"),
    datagram=_PING,
    judge=judge,
)
