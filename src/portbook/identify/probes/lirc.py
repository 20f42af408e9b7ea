"""LIRC: lines of text, the client speaks first; each command is echoed between BEGIN and END."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_BEGIN = b"BEGIN\n"
_VERSION = b"VERSION\n"
_ANSWER = _BEGIN + _VERSION
_MOST = 8192


def judge(talk: Talk) -> Found | More | Send | None:
    """BEGIN, our line, SUCCESS or ERROR, DATA, a count, lines, END."""
    if talk.transport != "tcp" or len(talk.turns) > 2:
        return None
    reply = talk.reply[:_MOST]
    # What is left of the answer to a stranger's words comes before the answer to ours.
    start = max(0, reply.find(_ANSWER)) if len(talk.turns) > 1 else 0
    lines = reply[start:].split(b"\n", 7)
    if len(lines) < 7 or b"\nEND\n" not in reply[start:]:
        cut = _BEGIN.startswith(reply[:6]) or reply.startswith(_BEGIN) or len(talk.turns) > 1
        return More() if cut and reply and not talk.ended else None
    if lines[0] != b"BEGIN":
        return None
    if lines[1].rstrip(b"\r").upper() == b"VERSION" and lines[2:5] == [b"SUCCESS", b"DATA", b"1"]:
        version = lines[5].decode("ascii", "replace")[:40]
        told = version if version[:1].isdigit() and version.isprintable() else None
        return Found("lirc", "certain", "LIRC", told, b" ".join(lines[:6]))
    if len(talk.turns) == 1 and lines[2:4] == [b"ERROR", b"DATA"] and lines[4].isdigit():
        found = Found("lirc", "certain", shows=b" ".join(lines[:6])[:100])
        return found if talk.closed else Send(_VERSION, found)
    return None


PROBE = Probe(
    name="lirc",
    title="LIRC (infrared remote controls)",
    source="lircd(8), SOCKET COMMAND INTERFACE",
    ports=(8765,),
    programs=("lircd", "lirc"),
    opener=_VERSION,
    reacts_to=("http", "redis", "clamd"),
    judge=judge,
)
