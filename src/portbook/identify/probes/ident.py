"""Ident: the client names two ports of a connection, the server says whose it is (RFC 1413)."""

import re

from portbook.identify.probe import Found, Probe, Talk

# The ports of no connection: whoever is asked knows no user for them.
_OPENER = b"1,1\r\n"
_ANSWER = re.compile(
    rb"(\d{1,5}) {0,4}, {0,4}(\d{1,5}) {0,4}: {0,4}(ERROR|USERID) {0,4}: {0,4}([^\r\n]{1,200})\r?\n"
)
_ERRORS = (b"INVALID-PORT", b"NO-USER", b"HIDDEN-USER", b"UNKNOWN-ERROR")


def judge(talk: Talk) -> Found | None:
    """Our two ports again, then ERROR with one of four words, or USERID."""
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    match = _ANSWER.match(talk.first[:400])
    if match is None:
        return None
    error = match[3] == b"ERROR" and match[4].strip().startswith(_ERRORS)
    user = match[3] == b"USERID" and b":" in match[4]
    if not (error or user):
        return None
    ours = talk.opener == "ident" and (match[1], match[2]) == (b"1", b"1")
    return Found("ident", "certain" if ours else "likely", shows=match[0].strip())


PROBE = Probe(
    name="ident",
    title="Ident (whose connection)",
    source="RFC 1413",
    services=("auth", "ident"),
    ports=(113,),
    programs=("oidentd", "identd", "in.identd", "pidentd", "nullidentd", "ident2", "midentd"),
    opener=_OPENER,
    judge=judge,
)
