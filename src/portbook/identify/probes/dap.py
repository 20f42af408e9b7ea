"""debugpy, Python's debug adapter (DAP): the adapter greets with an event that has its version.

Connecting and leaving again lets a program that waits for its debugger wait on (tried with 1.8).
"""

from portbook.identify.probe import Found, More, Probe, Talk

_LENGTH = b"Content-Length: "


def judge(talk: Talk) -> Found | More | None:
    """A DAP header, and in its JSON an output event that names debugpy (or ptvsd, its ancestor)."""
    if len(talk.turns) > 1 or talk.transport != "tcp":
        return None
    reply = talk.first[:2048]
    if not reply or not reply.startswith(_LENGTH[: len(reply)]):
        return None
    head, end, body = reply.partition(b"\r\n\r\n")
    digits = head[len(_LENGTH) :]
    if not end:
        short = len(reply) < 30 and (not digits or digits.rstrip(b"\r\n").isdigit())
        return More() if short and not talk.ended else None
    if not digits.isdigit() or len(digits) > 6 or not body.startswith(b'{"seq": '[: len(body)]):
        return None
    if b'"type": "event"' not in body[:60]:
        return None if talk.ended or len(body) >= 60 else More()
    for name in (b'"output": "debugpy", ', b'"output": "ptvsd", '):
        at = body.find(name)
        if at >= 0 and b'"category": "telemetry"' in body[:at]:
            version = body[at:].partition(b'"packageVersion": "')[2].partition(b'"')[0]
            text = version[:30].decode("ascii", "replace") or None
            return Found("dap", "certain", "debugpy", text, shows=head)
    return None if talk.ended or len(body) >= 400 else More(Found("dap", "likely", shows=head))


PROBE = Probe(
    name="dap",
    title="Debug adapter (DAP)",
    source="Debug Adapter Protocol, Base Protocol; debugpy's greeting as heard",
    ports=(5678,),
    commands=("debugpy/adapter",),
    speaks_first=True,
    judge=judge,
)
