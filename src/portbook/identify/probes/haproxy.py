"""HAProxy: its statistics page tells the version, its own error pages are worded like no others."""

from portbook.identify.probe import Found, More, Probe, Talk
from portbook.identify.wire.http_message import page, parse, title, upstream
from portbook.identify.wire.http_software import is_general, plain

_NO_SERVER = b"<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle"
_BAD = b"<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request."
_VERSION = b"HAProxy version "


def judge(talk: Talk) -> Found | More | None:
    """The statistics, 503 without a server behind it, or 400 with a small letter."""
    response = page(talk)
    if response is None:
        return _refused(talk)
    if is_general(response) and not response.header("server").lower().startswith("haproxy"):
        return None
    if (title(response) or "").startswith("Statistics Report for HAProxy"):
        at = response.body.find(_VERSION, 0, 16384)
        text = response.body[at + len(_VERSION) :][:40] if at >= 0 else b""
        words = text.split(b",")[0].split()
        version = upstream(words[0].decode("latin-1").partition("-")[0]) if words else None
        shows = b"Statistics Report for HAProxy"
        found = Found("http", "certain", "HAProxy", version, shows, ("shows its statistics",))
        if version:
            return found
        return None if response.complete or talk.ended else More(plain(response))
    if response.body.startswith((_NO_SERVER, _BAD)):
        notes = ("no server behind it",) if response.status == 503 else ()
        return Found("http", "certain", "HAProxy", shows=response.body[:80], notes=notes)
    return None


def _refused(talk: Talk) -> Found | None:
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    response = parse(talk.first)
    if response is None or not response.body.startswith(_BAD):
        return None
    return Found("http", "likely", "HAProxy", shows=response.body[:60])


PROBE = Probe(
    name="haproxy",
    title="HAProxy",
    source="HAProxy configuration manual, stats enable and errorfile",
    ports=(8404, 1936),
    programs=("haproxy",),
    reacts_to=("http", "redis"),
    judge=judge,
)
