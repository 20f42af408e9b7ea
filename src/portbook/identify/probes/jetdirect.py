"""Raw printing (JetDirect): whatever arrives may be printed, so that it is asked only on request.

PJL is the language in which a printer can be asked for its name without printing anything.
"""

from portbook.identify.probe import Found, More, Probe, Talk

_LEAVE = b"\x1b%-12345X"
_ASK = _LEAVE + b"@PJL INFO ID\r\n" + _LEAVE
_ANSWER = b"@PJL INFO ID"


def judge(talk: Talk) -> Found | More | None:
    """The question again, then the name in quotation marks."""
    reply = talk.first
    if talk.transport != "tcp" or talk.opener != "jetdirect" or len(talk.turns) > 1:
        return None
    if not reply.startswith(_ANSWER):
        return None
    rest = reply[len(_ANSWER) : 300].lstrip(b"\r\n")
    first, _, after = rest.partition(b"\n")
    if not after and b"\x0c" not in rest and first.count(b'"') < 2 and not talk.ended:
        return More(Found("jetdirect", "certain", shows=_ANSWER))
    name = first.strip(b'\r "\x0c').decode("ascii", "replace")
    model = name if name.isprintable() else ""
    return Found("jetdirect", "certain", model[:60] or None, shows=reply[:80])


PROBE = Probe(
    name="jetdirect",
    title="JetDirect (raw printing)",
    source="HP Printer Job Language technical reference, chapter 6 (INFO)",
    services=("pdl-datastream", "hp-pdl-datastr"),
    ports=(9100, 9101, 9102),
    programs=("p910nd",),
    opener=_ASK,
    opt_in=True,
    judge=judge,
)
