"""BGP: whoever may be a peer is greeted with OPEN, everybody else is sent away without a word."""

from portbook.identify.probe import Found, More, Probe, Talk

_MARKER = b"\xff" * 16
_OPEN, _NOTIFICATION = 1, 3
_CEASE = 6


def judge(talk: Talk) -> Found | More | None:
    """OPEN with version 4, or a NOTIFICATION."""
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1 or not reply.startswith(_MARKER):
        return None
    if len(reply) < 19:
        return None if talk.ended else More()
    length, kind = int.from_bytes(reply[16:18]), reply[18]
    if len(reply) < length <= 4096 and not talk.ended:
        return More()
    if kind == _OPEN and 29 <= length <= 4096 and len(reply) >= 29 and reply[19] == 4:
        system = int.from_bytes(reply[20:22])
        router = ".".join(map(str, reply[24:28]))
        notes = (f"AS {system}" if system != 23456 else "AS of 4 bytes", f"router {router}")
        return Found("bgp", "certain", shows=reply[16:29], notes=notes)
    if kind == _NOTIFICATION and 21 <= length <= 4096 and len(reply) >= 21:
        if not 1 <= reply[19] <= 7:
            return None
        why = "refuses the peer" if reply[19] == _CEASE else f"error {reply[19]}/{reply[20]}"
        return Found("bgp", "certain", shows=reply[16:21], notes=(why,))
    return None


PROBE = Probe(
    name="bgp",
    title="BGP",
    source="RFC 4271 sections 4.1, 4.2 and 4.5",
    services=("bgp",),
    ports=(179,),
    programs=("bgpd", "bird", "bird6", "gobgpd", "openbgpd"),
    speaks_first=True,
    judge=judge,
)
