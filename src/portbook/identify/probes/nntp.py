"""NNTP: the server greets with 200 or 201, and CAPABILITIES asks what it can (RFC 3977)."""

import re

from portbook.identify.probe import Found, More, Probe, Send, StartTls, Talk
from portbook.identify.wire.numbered_replies import first_line, read, refused

_CAPABILITIES = b"CAPABILITIES\r\n"
_DATE = b"DATE\r\n"
_STARTTLS = b"STARTTLS\r\n"
_QUIT = b"QUIT\r\n"
_MOST = 8192
_TURNS_AWAY = (400, 502, 503)

_PRODUCTS = (
    (r"\bLeafnode NNTP Daemon, version (\d[\w.]*)", "Leafnode"),
    (r"\bINN (\d[\w.]*)", "INN"),
    (r"\bsn(?:ntpd)? (?:version )?(\d[\w.]*)", "sn"),
    (r"\bDiablo\b", "Diablo"),
    (r"\bCyrus NNTP(?: Murder)? v?(\d[\w.]*)?", "Cyrus IMAP"),
    (r"\bNNTP Service (\d[\w.]*)", "Microsoft NNTP Service"),
    (r"\bPapercut (\d[\w.]*)", "Papercut"),
)
_KNOWN = tuple((re.compile(pattern), product) for pattern, product in _PRODUCTS)
_SAYS = re.compile(r"\b(NNTP|NNRP|InterNetNews|Usenet|news)\b", re.IGNORECASE)
# There is other news than Usenet's.
_NAMES = re.compile(r"\b(NNTP|NNRP|InterNetNews)\b", re.IGNORECASE)
_DATED = re.compile(rb"111 20\d{12}\s")


def judge(talk: Talk) -> Found | More | Send | StartTls | None:
    """200 or 201 unasked, with the word news or NNTP; or capabilities that only NNTP has."""
    greeting = read(talk.first)
    if talk.transport != "tcp" or greeting is None:
        return None
    if greeting.code in _TURNS_AWAY and len(talk.turns) == 1 and not talk.opener:
        says = _SAYS.search(greeting.text[:400]) or greeting.text.startswith("Leafnode")
        away = ("turns us away",)
        return Found("nntp", "likely", shows=first_line(talk.first), notes=away) if says else None
    if greeting.code not in (200, 201):
        return None
    if talk.first[3:4] not in (b" ", b"\r"):
        return None
    found = _found(talk, greeting.text[:400])
    if len(talk.turns) > 1:
        return _followed(talk, found)
    if not greeting.complete and not talk.ended:
        return More(found)
    if talk.opener:
        return found if found.confidence != "guess" else None
    if talk.closed or not greeting.complete:
        return found
    return Send(_CAPABILITIES, found)


def _found(talk: Talk, text: str) -> Found:
    proven = any(
        (turn.sent == _CAPABILITIES and turn.received.startswith(b"101 "))
        or (turn.sent == _DATE and _DATED.match(turn.received[:32]))
        for turn in talk.turns
    )
    says = bool(_SAYS.search(text))
    names = bool(_NAMES.search(text)) and not refused(talk, (_CAPABILITIES, _DATE))
    certain = proven or (names and (not talk.opener or talk.secure))
    product = version = None
    implementation = next((turn.received[:_MOST] for turn in talk.turns[1:2]), b"")
    at = implementation.find(b"\nIMPLEMENTATION ")
    told = implementation[at + 1 : at + 120].split(b"\r", 1)[0].decode("ascii", "replace")
    for pattern, name in _KNOWN:
        match = pattern.search(text) or (at >= 0 and pattern.search(told)) or None
        if match:
            product, version = name, match[1] if match.groups() else None
            break
    confidence = "certain" if certain else "likely" if says else "guess"
    return Found("nntp", confidence, product, version, shows=first_line(talk.first))


def _followed(talk: Talk, found: Found) -> Found | More | Send | StartTls:
    sent, reply = talk.sent, talk.reply
    if not sent:
        return Send(_QUIT, found)
    answer = read(reply)
    if sent == _QUIT or answer is None or talk.closed or len(talk.turns) > 6:
        return found
    if answer.code == 101 and sent == _CAPABILITIES and b"\r\n.\r\n" not in reply[:_MOST]:
        return found if talk.ended else More(found)
    if not answer.complete:
        return found if talk.ended else More(found)
    if sent == _STARTTLS:
        return StartTls(found) if answer.code == 382 and not talk.secure else found
    if sent == _CAPABILITIES and answer.code == 101:
        offers = b"\r\nSTARTTLS\r\n" in reply[:_MOST].upper()
        return Send(_STARTTLS if offers and not talk.secure else _QUIT, found)
    # Servers from before RFC 3977 have no CAPABILITIES, but the date.
    return Send(_DATE if sent == _CAPABILITIES else _QUIT, found)


PROBE = Probe(
    name="nntp",
    title="NNTP (news)",
    source="RFC 3977, RFC 4642 (STARTTLS)",
    services=("nntp", "nntps", "nnsp"),
    ports=(119, 433),
    secure_ports=(563,),
    programs=("innd", "nnrpd", "inn2", "leafnode", "snntpd", "nntpd", "cyrus-nntpd"),
    speaks_first=True,
    judge=judge,
)
