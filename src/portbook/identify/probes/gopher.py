"""Gopher: the client sends a selector, an empty one for the top menu (RFC 1436)."""

import re

from portbook.identify.probe import Found, More, Probe, Talk

_TYPES = b"0123456789+TghisIdMpPX;:<cr"
_PORT = re.compile(rb"\d{1,5}\Z")


def judge(talk: Talk) -> Found | More | None:
    """Lines of a type, a name, a selector, a host and a port with tabs between; a dot ends them."""
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    data = talk.first[:2048]
    if not data or data[:1] not in _TYPES:
        return None
    lines = data.split(b"\n")
    whole = lines[:-1][:6]
    if not whole and b"\t" in data and not talk.ended:
        return More(Found("gopher", "guess"))
    menu = 0
    for line in whole:
        if line.strip() == b"." or (menu and not line.strip()):
            break
        if not _is_item(line.rstrip(b"\r")):
            return None
        menu += 1
    if not menu:
        return None
    confidence = "certain" if talk.opener in ("gopher", "finger") or menu > 1 else "likely"
    return Found("gopher", confidence, shows=whole[0].rstrip()[:96])


def _is_item(line: bytes) -> bool:
    parts = line.split(b"\t")
    # Gopher+ adds a fifth part, a plus or a question mark.
    plus = len(parts) == 5 and parts[4][:1] in (b"+", b"?")
    if not (len(parts) == 4 or plus) or parts[0][:1] not in _TYPES or not parts[0]:
        return False
    host, port = parts[2], parts[3]
    named = host.strip(b"0123456789") != b"" and b" " not in host and b"/" not in host
    return named and bool(_PORT.match(port)) and int(port) < 65536


PROBE = Probe(
    name="gopher",
    title="Gopher",
    source="RFC 1436",
    services=("gopher",),
    ports=(70,),
    programs=("pygopherd", "gophernicus", "gofish", "bucktooth", "geomyidae", "motsognir"),
    commands=("pygopherd",),
    opener=b"\r\n",
    reacts_to=("http", "redis", "memcached", "finger"),
    judge=judge,
)
