"""clamd (ClamAV): one command a connection, the client speaks first; VERSION is harmless."""

from portbook.identify.probe import Found, More, Probe, Talk


def judge(talk: Talk) -> Found | More | None:
    """`ClamAV 1.4.6/27000/date`, or UNKNOWN COMMAND to whatever else is said."""
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    if talk.sent == b"VERSION\n":
        line, end, _ = reply[:200].partition(b"\n")
        if line.startswith(b"ClamAV "):
            if not end and not talk.ended:
                return More()
            version = line[7:].split(b"/", 1)[0].decode("ascii", "replace").strip()[:40]
            told = version if version[:1].isdigit() and version.isprintable() else None
            return Found("clamd", "certain", "ClamAV", told, line[:80])
        return More() if b"ClamAV ".startswith(reply) and reply and not talk.ended else None
    if reply in (b"UNKNOWN COMMAND\n", b"UNKNOWN COMMAND\0"):
        return Found("clamd", "likely", shows=reply)
    return None


PROBE = Probe(
    name="clamd",
    title="clamd (ClamAV)",
    source="clamd(8), COMMANDS",
    ports=(3310,),
    programs=("clamd", "clamav-daemon"),
    opener=b"VERSION\n",
    reacts_to=("http", "redis", "lirc"),
    judge=judge,
)
