"""Apt-Cacher NG: a cache of Debian packages; asked for a page it explains how it is used."""

from portbook.identify.probe import Found, More, Probe, Talk
from portbook.identify.wire.http_message import once_whole, page, upstream

_SIGNED = b"Apt-Cacher-NG/"


def judge(talk: Talk) -> Found | More | None:
    """406 Usage Information, signed with the version at the end of the page."""
    response = page(talk)
    if response is None or response.status != 406 or response.reason != "Usage Information":
        return None
    at = response.body.find(_SIGNED, 0, 16384) + len(_SIGNED)
    signed = at >= len(_SIGNED)
    version = upstream(response.body[at : at + 40].decode("latin-1")) if signed else None
    shows = response.line
    found = Found("http", "certain", "Apt-Cacher NG", version, shows, ("a proxy for packages",))
    return found if version else once_whole(talk, response, found)


PROBE = Probe(
    name="apt-cacher-ng",
    title="Apt-Cacher NG",
    source="Apt-Cacher NG user manual",
    ports=(3142,),
    programs=("apt-cacher-ng",),
    reacts_to=("http",),
    judge=judge,
)
