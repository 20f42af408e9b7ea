"""Varnish, the cache in front of web servers: it signs with X-Varnish and Via."""

from portbook.identify.probe import Found, More, Probe, Talk
from portbook.identify.wire.http_message import once_whole, page, title, version_of


def judge(talk: Talk) -> Found | More | None:
    """X-Varnish; from 7.0 on Via has the version too."""
    response = page(talk)
    if response is None:
        return None
    via = response.header("via")
    behind = response.header("server")
    if "x-varnish" not in response.headers and behind != "Varnish":
        return None
    notes = []
    said = title(response)
    if said:
        notes.append(f"title: {said}")
    if behind and behind != "Varnish":
        notes.append(f"in front of {behind[:60]}")
    version = version_of(via, "varnish")
    found = Found("http", "certain", "Varnish", version, b"X-Varnish", tuple(notes))
    return once_whole(talk, response, found)


PROBE = Probe(
    name="varnish",
    title="Varnish cache",
    source="Varnish 7 documentation, upgrading to 7.0 (Via header)",
    ports=(6081,),
    programs=("varnishd", "varnish", "vinyl-cache"),
    reacts_to=("http",),
    judge=judge,
)
