"""LPD: the client asks first, here for the state of a queue that cannot exist."""

from portbook.identify.probe import Found, More, Probe, Talk

_QUEUE = b"portbook-no-such-queue"
_STATE = b"\x03" + _QUEUE + b"\n"


def judge(talk: Talk) -> Found | More | None:
    """`Printer: NAME@HOST ...` (LPRng), or a line that calls the printer unknown."""
    if talk.transport != "tcp" or talk.opener != "lpd" or len(talk.turns) > 1:
        return None
    line, end, _ = talk.first[:300].partition(b"\n")
    if not end and not talk.ended:
        return More() if line[:9] == b"Printer: "[: len(line[:9])] or _QUEUE in line else None
    if line.startswith(b"Printer: " + _QUEUE + b"@"):
        return Found("lpd", "certain", "LPRng", shows=line[:80])
    lowered = line.lower()
    if any(word in lowered for word in (b"unknown printer", b"no such printer", b"unknown queue")):
        return Found("lpd", "certain", shows=line[:80])
    if _QUEUE in lowered and (b"printer" in lowered or b"queue" in lowered.replace(_QUEUE, b"")):
        return Found("lpd", "likely", shows=line[:80])
    return None


PROBE = Probe(
    name="lpd",
    title="LPD (line printer daemon)",
    source="RFC 1179 section 5.3",
    services=("printer",),
    ports=(515,),
    programs=("lpd", "lprng", "cups-lpd", "p910nd-lpd"),
    opener=_STATE,
    judge=judge,
)
