"""FTP's dialogue after its greeting: what it can, TLS, and a polite end (RFC 959, 2389, 4217)."""

import re

from portbook.identify.probe import Found, More, Send, StartTls, Talk
from portbook.identify.wire.numbered_replies import first_line, kind_of_greeting, read, refused

FEAT = b"FEAT\r\n"
_SYST = b"SYST\r\n"
_AUTH = b"AUTH TLS\r\n"
_QUIT = b"QUIT\r\n"

_PRODUCTS = (
    (r"\bvsFTPd (\d[\w.]*)", "vsftpd"),
    (r"\bProFTPD(?: Server)?(?: \(?v?(\d[\w.]*)\b)?", "ProFTPD"),
    (r"\bpyftpdlib (\d[\w.]*)", "pyftpdlib"),
    (r"\bPure-FTPd\b", "Pure-FTPd"),
    (r"\bFileZilla Server(?: version)? v?(\d[\w.]*)", "FileZilla Server"),
    (r"\bMicrosoft FTP Service\b(?: \(Version (\d[\w.]*)\))?", "Microsoft FTP Service"),
    (r"\bServ-U FTP[ -]Server v?(\d[\w.]*)", "Serv-U"),
    (r"\bwu-(\d[\w.]*)", "WU-FTPD"),
    (r"\bbftpd (\d[\w.]*)", "bftpd"),
    (r"\bSFTPGo\b(?: (\d[\w.]*))?", "SFTPGo"),
    (r"\bGNU inetutils (\d[\w.]*)", "GNU inetutils ftpd"),
    (r"\bCrushFTP\b", "CrushFTP"),
    (r"\bGlobalSCAPE\b", "GlobalSCAPE EFT"),
    (r"\bWing FTP Server\b", "Wing FTP Server"),
    (r"\bTwisted (\d[\w.]*) FTP Server", "Twisted"),
)
_KNOWN = tuple((re.compile(pattern), product) for pattern, product in _PRODUCTS)


def told_so_far(talk: Talk) -> Found:
    """What the greeting and the answers say of it."""
    greeting = read(talk.first)
    text = greeting.text[:400] if greeting else ""
    answers = [(turn.sent, turn.received[:3]) for turn in talk.turns[1:]]
    proven = (FEAT, b"211") in answers or (_SYST, b"215") in answers
    told = kind_of_greeting(text) == "ftp"
    trusted = told and (not talk.opener or talk.secure) and not refused(talk, (FEAT, _SYST))
    login = (FEAT, b"530") in answers or (_SYST, b"530") in answers
    confidence = "certain" if proven or trusted else "likely" if told or login else "guess"
    product = version = None
    for pattern, name in _KNOWN:
        match = pattern.search(text)
        if match:
            product, version = name, match[1] if match.groups() else None
            break
    return Found("ftp", confidence, product, version, shows=first_line(talk.first))


def followed(talk: Talk) -> Found | More | Send | StartTls:
    """Every later turn: FEAT, AUTH TLS where it is offered, or else SYST, and a polite end."""
    found, sent = told_so_far(talk), talk.sent
    if not sent:
        return Send(_QUIT, found)
    answer = read(talk.reply)
    if sent == _QUIT or answer is None:
        return found
    if not answer.complete:
        return found if talk.ended else More(found)
    if sent == _AUTH:
        return StartTls(found) if answer.code == 234 and not talk.secure else found
    if sent not in (FEAT, _SYST) or talk.closed:
        return found
    if sent == FEAT and answer.code in (500, 502):
        # Servers from before RFC 2389 have no FEAT, but SYST.
        return Send(_SYST, found)
    offers = answer.code == 211 and any(_offers_tls(line) for line in answer.lines)
    return Send(_AUTH if offers and not talk.secure else _QUIT, found)


def _offers_tls(line: str) -> bool:
    words = line.upper().replace(";", " ").split()
    return words[:1] == ["AUTH"] and any(word in ("TLS", "TLS-C") for word in words[1:])
