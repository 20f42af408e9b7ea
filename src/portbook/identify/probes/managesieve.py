"""ManageSieve: the server greets with its capabilities in quotes (RFC 5804 section 1.7)."""

import re

from portbook.identify.probe import Found, More, Probe, Send, StartTls, Talk

_STARTTLS = b"STARTTLS\r\n"
_LOGOUT = b"LOGOUT\r\n"
_MOST = 8192
_VERSION = re.compile(r" v?(\d+\.\d[\w.]*)")


def judge(talk: Talk) -> Found | More | Send | StartTls | None:
    """Lines of quoted names with quoted values, IMPLEMENTATION and SIEVE among them, then OK."""
    if talk.transport != "tcp":
        return None
    lines = talk.first[:_MOST].split(b"\r\n")
    names = {line.split(b'"', 2)[1].upper(): line for line in lines if line.startswith(b'"')}
    if not lines[0].startswith(b'"') or b"IMPLEMENTATION" not in names:
        return None
    complete = any(line[:2].upper() == b"OK" for line in lines[:-1])
    found = _found(names)
    if len(talk.turns) > 1:
        return _followed(talk, found)
    if not complete and not talk.ended:
        return More(found)
    if not complete or talk.opener or talk.closed:
        return found
    return Send(_STARTTLS if b"STARTTLS" in names and not talk.secure else _LOGOUT, found)


def _found(names: dict[bytes, bytes]) -> Found:
    line = names[b"IMPLEMENTATION"]
    value = line.split(b'"')[3:4]
    text = value[0].decode("ascii", "replace") if value else ""
    version = _VERSION.search(text[:120])
    product = _VERSION.sub("", text[:60]).replace(" (Debian)", "").replace(" (Ubuntu)", "").strip()
    confidence = "certain" if b"SIEVE" in names else "likely"
    return Found(
        "managesieve", confidence, product or None, version[1] if version else None, line[:120]
    )


def _followed(talk: Talk, found: Found) -> Found | More | Send | StartTls:
    if not talk.sent:
        return Send(_LOGOUT, found)
    if talk.sent != _STARTTLS or talk.closed or talk.secure:
        return found
    if b"\n" not in talk.reply[:512]:
        return found if talk.ended else More(found)
    return StartTls(found) if talk.reply[:2].upper() == b"OK" else found


PROBE = Probe(
    name="managesieve",
    title="ManageSieve (mail filters)",
    source="RFC 5804",
    services=("sieve",),
    ports=(4190,),
    programs=("managesieve-login", "dovecot-managesieved", "timsieved", "dovecot"),
    commands=("managesieve-login",),
    speaks_first=True,
    judge=judge,
)
