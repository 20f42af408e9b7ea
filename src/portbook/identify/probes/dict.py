"""DICT: the server greets with 220, its capabilities and a message id (RFC 2229 section 3.1)."""

import re

from portbook.identify.probe import Found, More, Probe, Send, Talk

_QUIT = b"QUIT\r\n"
_GREETING = re.compile(
    rb"220 [^<>\r\n]{0,300}(<[\w.]{1,120}> )?<[^<>@ \r\n]{1,200}@[^<>\r\n]{0,200}>\s{0,4}\Z"
)
_PRODUCT = re.compile(r" (dictd|dicod|GNU dicod)(?: \(version |[ /])(\d[\w.]*)")


def judge(talk: Talk) -> Found | More | Send | None:
    """`220 text <capabilities> <id@host>`: no other greeting with this number ends so."""
    if talk.transport != "tcp" or not talk.first.startswith(b"220 "):
        return None
    line, end, _ = talk.first[:1024].partition(b"\n")
    match = _GREETING.match(line)
    if match is None:
        return More() if not end and not talk.ended and b"<" in line else None
    told = _PRODUCT.search(line[:300].decode("ascii", "replace"))
    product, version = (told[1], told[2]) if told else (None, None)
    # Without capabilities it is little more than a number and an id, as mail servers have them.
    says = match[1] is not None or product is not None or b" dict" in line.lower()
    fair = not talk.opener or talk.secure
    confidence = ("certain" if fair else "likely") if says else "guess"
    found = Found("dict", confidence, product, version, shows=line.strip()[:160])
    asked = len(talk.turns) > 1 or talk.opener or talk.closed
    return found if asked or not end else Send(_QUIT, found)


PROBE = Probe(
    name="dict",
    title="DICT (dictionary)",
    source="RFC 2229",
    services=("dict",),
    ports=(2628,),
    programs=("dictd", "dicod"),
    speaks_first=True,
    judge=judge,
)
