"""XDMCP: a display asks whether a display manager is willing; no session begins."""

from portbook.identify.probe import Found, Probe, Talk

_WILLING, _UNWILLING = 5, 6


def judge(talk: Talk) -> Found | None:
    """Willing or unwilling, with texts that fill the packet exactly."""
    reply = talk.first
    if talk.transport != "udp" or len(reply) < 10 or reply[:3] != b"\0\x01\0":
        return None
    if reply[3] not in (_WILLING, _UNWILLING) or int.from_bytes(reply[4:6]) != len(reply) - 6:
        return None
    texts = []
    at = 6
    for _ in range(3 if reply[3] == _WILLING else 2):
        length = int.from_bytes(reply[at : at + 2])
        texts.append(reply[at + 2 : at + 2 + length])
        at += 2 + length
    if at != len(reply):
        return None
    willing = "willing" if reply[3] == _WILLING else "unwilling"
    return Found("xdmcp", "certain", shows=texts[-1][:80] or reply[:6], notes=(willing,))


PROBE = Probe(
    name="xdmcp",
    title="XDMCP",
    source="X Display Manager Control Protocol, version 1.1",
    services=("xdmcp",),
    ports=(177,),
    programs=("lightdm", "gdm3", "gdm", "xdm", "kdm", "slim"),
    datagram=b"\0\x01\0\x02\0\x01\0",
    judge=judge,
)
