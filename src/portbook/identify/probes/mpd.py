"""MPD (Music Player Daemon) and what is compatible with it: the server greets."""

from portbook.identify.probe import Found, More, Probe, Talk


def judge(talk: Talk) -> Found | More | None:
    """`OK MPD 0.23.5`: the version of the protocol, which is not that of the program."""
    if talk.transport != "tcp" or not talk.first.startswith(b"OK MPD "):
        return None
    line, end, _ = talk.first[7:40].partition(b"\n")
    if not end and not talk.ended:
        return More()
    version = line.strip()
    if not version or not all(part.isdigit() for part in version.split(b".")):
        return None
    note = f"protocol {version.decode()}"
    return Found("mpd", "certain", shows=b"OK MPD " + version, notes=(note,))


PROBE = Probe(
    name="mpd",
    title="MPD (Music Player Daemon)",
    source="MPD protocol, mpd.readthedocs.io/en/latest/protocol.html",
    ports=(6600,),
    programs=("mpd", "mopidy"),
    commands=("/bin/mopidy", "-m mopidy"),
    speaks_first=True,
    judge=judge,
)
