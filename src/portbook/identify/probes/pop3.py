"""POP3: the server greets with +OK, and CAPA asks what it can (RFC 1939, RFC 2449)."""

import re

from portbook.identify.probe import Found, More, Probe, Send, StartTls, Talk

_CAPA = b"CAPA\r\n"
_STLS = b"STLS\r\n"
_QUIT = b"QUIT\r\n"

_PRODUCTS = (
    (r"\bDovecot\b", "Dovecot"),
    (r"\bCyrus POP3(?: Murder)? v?(\d[\w.]*)?", "Cyrus IMAP"),
    (r"\bCourier\b", "Courier"),
    (r"\bQpopper(?: \(?(?:version )?(\d[\w.]*))?", "Qpopper"),
    (r"\bteapop(?: \[?v?(\d[\w.]*))?", "Teapop"),
    (r"\bpopa3d\b", "popa3d"),
    (r"\bSolid POP3\b", "solid-pop3d"),
    (r"\bMicrosoft Exchange\b", "Microsoft Exchange"),
    (r"\bGreenMail\b", "GreenMail"),
    (r"\bStalwart\b", "Stalwart"),
)
_KNOWN = tuple((re.compile(pattern), product) for pattern, product in _PRODUCTS)
# The timestamp that a server which knows APOP greets with (RFC 1939 section 7).
_STAMP = re.compile(r"<[^<>@ ]{1,120}@[^<>@ ]{1,120}>")


def judge(talk: Talk) -> Found | More | Send | StartTls | None:
    """+OK unasked; only an APOP timestamp or the list that CAPA brings is proof."""
    first = talk.first
    if talk.transport != "tcp" or not first.startswith((b"+OK ", b"+OK\r\n")):
        return None
    line, end, rest = first[:512].partition(b"\r\n")
    found = _found(talk, line)
    if len(talk.turns) > 1:
        return _followed(talk, found)
    if not end and not talk.ended:
        return More(found)
    if talk.opener:
        # Others answer +OK when they are asked; a greeting with refusals after it is POP3's way.
        return found if rest.startswith(b"-ERR") else found._replace(confidence="guess")
    if talk.closed or not end:
        return found._replace(confidence="guess")
    return Send(_CAPA, found)


def _found(talk: Talk, line: bytes) -> Found:
    text = line.decode("ascii", "replace")
    listed = any(turn.sent == _CAPA and _is_list(turn.received) for turn in talk.turns)
    stamped = bool(_STAMP.search(text)) and (not talk.opener or talk.secure)
    # vpopmaild and others greet with +OK as well, and refuse what they do not know with -ERR.
    confidence = "certain" if listed or stamped else "likely"
    product = version = None
    implementation = next(
        (
            turn.received[at + 16 : at + 96].split(b"\r\n", 1)[0].decode("ascii", "replace")
            for turn in talk.turns
            if turn.sent == _CAPA and (at := turn.received.find(b"\nIMPLEMENTATION ", 0, 4096)) >= 0
        ),
        "",
    )
    for pattern, name in _KNOWN:
        match = pattern.search(text) or pattern.search(implementation)
        if match:
            product, version = name, match[1] if match.groups() else None
            break
    return Found("pop3", confidence, product, version, shows=line[:160])


def _is_list(reply: bytes) -> bool:
    """+OK and a list that ends with a dot: what follows a greeting in no other protocol."""
    return reply.startswith(b"+OK") and (
        reply.endswith(b"\r\n.\r\n") or b"\r\n.\r\n" in reply[:4096]
    )


def _followed(talk: Talk, found: Found) -> Found | More | Send | StartTls:
    sent, reply = talk.sent, talk.reply
    if not sent:
        return Send(_QUIT, found)
    if sent == _QUIT or talk.closed or len(talk.turns) > 6:
        return found
    if sent == _STLS:
        if b"\n" not in reply[:512]:
            return found if talk.ended else More(found)
        return StartTls(found) if reply.startswith(b"+OK") and not talk.secure else found
    if reply.startswith(b"+OK") and not _is_list(reply):
        return found if talk.ended else More(found)
    offers = b"\r\nSTLS\r\n" in reply[:4096].upper()
    return Send(_STLS if offers and not talk.secure else _QUIT, found)


PROBE = Probe(
    name="pop3",
    title="POP3 (mail access)",
    source="RFC 1939, RFC 2449 (CAPA), RFC 2595 (STLS)",
    services=("pop3", "pop3s"),
    ports=(110,),
    secure_ports=(995,),
    programs=(
        *("pop3-login", "dovecot-pop3d", "cyrus-pop3d", "courier-pop", "popa3d", "qpopper"),
        *("dovecot", "couriertcpd"),
    ),
    commands=("pop3-login",),
    speaks_first=True,
    judge=judge,
)
