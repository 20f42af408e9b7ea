"""SANE network scanning: the client speaks first with INIT, its version and a user name."""

from portbook.identify.probe import Found, More, Probe, Talk


def judge(talk: Talk) -> Found | More | None:
    """A status and the server's version code: major 1, any minor, network protocol 2 or 3."""
    reply = talk.first
    if talk.transport != "tcp" or talk.opener != "sane" or len(talk.turns) > 1:
        return None
    if len(reply) < 8:
        return More() if reply[:3] == b"\0\0\0"[: len(reply)] and not talk.ended else None
    status, major, protocol = int.from_bytes(reply[:4]), reply[4], int.from_bytes(reply[6:8])
    if len(reply) != 8 or status > 11 or major != 1 or protocol not in (2, 3):
        return None
    notes = ("refuses access",) if status else ()
    return Found("sane", "certain", shows=reply, notes=notes)


PROBE = Probe(
    name="sane",
    title="SANE (scanners)",
    source="SANE Standard 1.06, chapter 5: SANE_NET_INIT",
    services=("sane-port",),
    ports=(6566,),
    programs=("saned",),
    opener=b"\0\0\0\0\x01\0\0\x03\0\0\0\0",
    judge=judge,
)
