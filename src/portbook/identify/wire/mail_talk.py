"""What SMTP and LMTP have in common: the greeting, the hello that tells them apart, STARTTLS."""

import re

from portbook.identify.probe import Found, More, Send, StartTls, Talk
from portbook.identify.wire import ftp_talk as ftp
from portbook.identify.wire.numbered_replies import (
    Numbered,
    first_line,
    kind_of_greeting,
    read,
    refused,
)

EHLO = b"EHLO portbook\r\n"
LHLO = b"LHLO portbook\r\n"
_STARTTLS = b"STARTTLS\r\n"
_QUIT = b"QUIT\r\n"
_TURNS_AWAY = (421, 554)

_PRODUCTS = (
    (r"\bExim (\d[\w.]*)", "Exim"),
    (r"\bPostfix\b(?: \((\d[\w.]*)\))?", "Postfix"),
    (r"\bSendmail (?:\S{1,20} )?(\d[\w.]*)", "Sendmail"),
    (r"\bOpenSMTPD\b", "OpenSMTPD"),
    (r"\bPython SMTP (\d[\w.]*)", "aiosmtpd"),
    (r"\bPython SMTP proxy version (\d[\w.]*)", "Python smtpd"),
    (r"\bMicrosoft ESMTP MAIL Service(?:, Version: ([\d.]+))?", "Microsoft ESMTP MAIL Service"),
    (r"\bCyrus LMTP(?: Murder)? v?(\d[\w.]*)", "Cyrus IMAP"),
    (r"\bDovecot\b", "Dovecot"),
    (r"\bHaraka(?:/(\d[\w.]*))?", "Haraka"),
    (r"\bMailHog\b", "MailHog"),
    (r"\bMailpit\b", "Mailpit"),
    (r"\bMDaemon (\d[\w.]*)", "MDaemon"),
    (r"\bJAMES SMTP Server(?: (\d[\w.]*))?", "Apache James"),
    (r"\bCommuniGate Pro (\d[\w.]*)", "CommuniGate Pro"),
    (r"\bKerio Connect (\d[\w.]*)", "Kerio Connect"),
    (r"\bIceWarp (\d[\w.]*)", "IceWarp"),
    (r"\bLotus Domino Release (\d[\w.]*)", "Lotus Domino"),
    (r"\bGreenMail SMTP Service v?(\d[\w.]*)", "GreenMail"),
    (r"\bStalwart\b", "Stalwart"),
    (r"\bInbucket\b", "Inbucket"),
    (r"\bsmtp4dev\b", "smtp4dev"),
    (r"\bZoneMTA\b", "ZoneMTA"),
)
_KNOWN = tuple((re.compile(pattern), product) for pattern, product in _PRODUCTS)


def greeted(talk: Talk, kinds: tuple[str, ...], hello: bytes) -> Found | More | Send | None:
    """The first turn: a 220 greeting of one of these kinds, then the hello."""
    greeting = read(talk.first)
    if greeting is None or greeting.code not in (220, *_TURNS_AWAY):
        return None
    kind = kind_of_greeting(greeting.text)
    if kind not in kinds:
        return None
    if greeting.code in _TURNS_AWAY:
        away = _found(talk, greeting)._replace(confidence="likely", notes=("turns us away",))
        return away if kind != "open" and not talk.opener else None
    found = _found(talk, greeting)
    if not greeting.complete and not talk.ended:
        # The words that decide may be still to come.
        return More(found if kind != "open" else None)
    if talk.opener or talk.closed or not greeting.complete:
        return found
    return Send(hello, found)


def _found(talk: Talk, greeting: Numbered) -> Found:
    kind = kind_of_greeting(greeting.text)
    answered = _hello_answered(talk)
    if answered:
        protocol, confidence = ("smtp" if answered == EHLO else "lmtp"), "certain"
    elif kind == "open":
        protocol, confidence = "smtp", "guess"
    else:
        # LMTP servers made of an SMTP library greet as SMTP: only ESMTP and LMTP are plain words.
        plain = (
            re.search(r"\b(ESMTP|LMTP)\b", greeting.text[:400])
            and (not talk.opener or talk.secure)
            and not refused(talk, (EHLO, LHLO))
        )
        protocol, confidence = kind, "certain" if plain else "likely"
    product = version = None
    for pattern, name in _KNOWN:
        match = pattern.search(greeting.text[:400])
        if match:
            product, version = name, match[1] if match.groups() else None
            break
    return Found(protocol, confidence, product, version, shows=first_line(talk.first))


def _hello_answered(talk: Talk) -> bytes | None:
    for turn in talk.turns[1:]:
        if turn.sent in (EHLO, LHLO) and turn.received.startswith((b"250-", b"250 ")):
            return bytes(turn.sent)
    return None


def followed(talk: Talk) -> Found | More | Send | StartTls | None:
    """Every later turn: hello, the other hello, STARTTLS, and a polite end."""
    greeting = read(talk.first)
    if greeting is None or greeting.code != 220:
        return None
    if any(turn.sent == ftp.FEAT for turn in talk.turns):
        return ftp.followed(talk)
    found = _found(talk, greeting)
    sent = talk.sent
    if not sent:
        return Send(_QUIT, found)
    answer = read(talk.reply)
    if sent == _QUIT or answer is None:
        return found
    if not answer.complete:
        return found if talk.ended else More(found)
    if sent == _STARTTLS:
        return StartTls(found) if answer.code == 220 and not talk.secure else found
    if sent not in (EHLO, LHLO):
        return found
    if answer.code == 250:
        offers = any(line.upper() == "STARTTLS" for line in answer.lines)
        return Send(_STARTTLS if offers and not talk.secure else _QUIT, found)
    return _refused(talk, found, answer)


def _refused(talk: Talk, found: Found, answer: Numbered) -> Found | Send:
    """This hello is not known: the other one, or (where no word said mail) an FTP question."""
    tried = {turn.sent for turn in talk.turns}
    if talk.closed or answer.code == 421 or len(talk.turns) > 4:
        return found
    for hello in (LHLO, EHLO):
        if hello not in tried:
            return Send(hello, found)
    if kind_of_greeting((read(talk.first) or answer).text) == "open":
        return Send(ftp.FEAT, Found("ftp", "guess", shows=found.shows))
    return found
