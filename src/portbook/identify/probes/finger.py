"""Finger: the client asks for a user, or with an empty line for all of them (RFC 1288)."""

from portbook.identify.probe import Found, Probe, Talk

_HEADINGS = (b"Login ", b"Name ", b"Tty ")
_NOBODY = (b"No one logged on", b"No one is logged on", b"Nobody is logged on")


def judge(talk: Talk) -> Found | None:
    """The table of those logged in, or that nobody is; or what is said of a user who is not."""
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    reply = talk.first[:2048]
    lines = [line for line in reply.splitlines() if line.strip()]
    shows = lines[0][:80] if lines else b""
    if talk.opener == "finger":
        heads = any(all(word in line for word in _HEADINGS) for line in lines[:12])
        if heads or any(line.startswith(_NOBODY) for line in lines[:12]):
            return Found("finger", "certain", shows=shows)
        if b"must provide username" in reply or b"please supply a username" in reply.lower():
            return Found("finger", "certain", shows=shows, notes=("wants a user's name",))
        return None
    # `finger: GET: no such user.` for each word of another's first message.
    missing = [line for line in lines[:8] if line.startswith(b"finger: ")]
    if missing and missing[0].endswith(b": no such user."):
        return Found("finger", "likely", shows=shows)
    return None


PROBE = Probe(
    name="finger",
    title="Finger (who is logged in)",
    source="RFC 1288",
    services=("finger",),
    ports=(79,),
    programs=("fingerd", "in.fingerd", "cfingerd", "efingerd", "ffingerd", "xfingerd"),
    opener=b"\r\n",
    reacts_to=("http", "redis", "memcached"),
    judge=judge,
)
