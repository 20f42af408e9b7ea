"""gpsd: the server greets with a VERSION object in JSON."""

import json

from portbook.identify.probe import Found, More, Probe, Talk

_MOST = 1024


def judge(talk: Talk) -> Found | More | None:
    """One JSON object on one line, whose class is VERSION and that has gpsd's own keys."""
    start = b'{"class":"VERSION",'
    if talk.transport != "tcp" or not talk.first.startswith(start):
        return None
    line, end, _ = talk.first[:_MOST].partition(b"\n")
    if not end and not talk.ended:
        return More()
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or "proto_major" not in said:
        return None
    release = said.get("release")
    version = release.partition("~")[0].strip() if isinstance(release, str) else ""
    return Found("gpsd", "certain", "gpsd", version or None, shows=line.strip())


PROBE = Probe(
    name="gpsd",
    title="gpsd",
    source="gpsd_json(5)",
    services=("gpsd",),
    ports=(2947,),
    programs=("gpsd",),
    speaks_first=True,
    judge=judge,
)
