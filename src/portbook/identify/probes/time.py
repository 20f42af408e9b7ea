"""Time: the server says the seconds since 1900 in four bytes and hangs up (RFC 868)."""

from portbook.identify.probe import Again, Found, More, Probe, Talk

_SINCE_1900 = 2208988800
# From 2025 on, to the end of these four bytes in 2036.
_EARLIEST = 1735689600 + _SINCE_1900
_ASK = b"\n"


def judge(talk: Talk) -> Found | More | Again | None:
    """Four bytes that are a time of these years, and the end; twice, for four bytes are little."""
    reply = talk.first
    if len(talk.turns) > 1 or len(reply) != 4 or int.from_bytes(reply) < _EARLIEST:
        return None
    told = Found("time", "certain", shows=reply)
    doubt = told._replace(confidence="likely")
    if talk.transport == "udp":
        return told if talk.opener == "time" else doubt
    if not talk.closed:
        return doubt._replace(confidence="guess") if talk.ended else More()
    return told if talk.opener == "time" else Again(_ASK, doubt)


PROBE = Probe(
    name="time",
    title="Time",
    source="RFC 868",
    services=("time",),
    ports=(37,),
    datagram=_ASK,
    speaks_first=True,
    judge=judge,
)
