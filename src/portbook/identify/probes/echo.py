"""Echo: whatever the client sends comes back (RFC 862)."""

from portbook.identify.probe import Found, More, Probe, Talk

# A terminal that echoes would turn the first byte and the last into something else.
_SAID = b"\x01portbook\n"


def judge(talk: Talk) -> Found | More | None:
    """Exactly what we sent, and nothing besides."""
    sent, reply = talk.turns[0].sent, talk.first
    if len(talk.turns) > 1 or not reply or not sent.startswith(reply[: len(sent)]):
        return None
    if len(reply) > len(sent):
        return None
    ours = talk.opener == "echo" and reply == sent == _SAID
    found = Found("echo", "certain" if ours else "likely", shows=reply[:40])
    if reply != sent:
        doubt = found._replace(confidence="guess")
        return doubt if talk.ended else More(doubt)
    return found


PROBE = Probe(
    name="echo",
    title="Echo",
    source="RFC 862",
    services=("echo",),
    ports=(7,),
    opener=_SAID,
    datagram=_SAID,
    reacts_to=("http", "redis"),
    judge=judge,
)
