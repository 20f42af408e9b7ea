"""The rsync daemon: the server greets with the version of its protocol."""

from portbook.identify.probe import Found, More, Probe, Talk


def judge(talk: Talk) -> Found | More | None:
    """`@RSYNCD: 31.0 sha512 ...`; without the digests it is older than 3.2.7."""
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1 or not reply.startswith(b"@RSYNCD: "):
        return None
    line, end, _ = reply[:256].partition(b"\n")
    number = line[9:].split(b" ", 1)[0]
    if not end and not talk.ended:
        return More()
    if not number.replace(b".", b"", 1).isdigit() or len(number) > 8:
        return None
    notes = (f"protocol {number.decode()}",)
    return Found("rsync", "certain", shows=line, notes=notes)


PROBE = Probe(
    name="rsync",
    title="rsync",
    source="rsyncd.conf(5), csprotocol.txt of rsync",
    services=("rsync",),
    ports=(873,),
    programs=("rsync",),
    speaks_first=True,
    judge=judge,
)
