"""The line protocols of mail, files and chat: SMTP and LMTP, FTP, POP3, IMAP, IRC.

Their servers speak first, but a scanner often does not wait. RFC 5321 (4.1.1), RFC 2033, RFC 959
(4.1), RFC 4217, RFC 1939 (5), RFC 2449 (5), RFC 2595, RFC 3501 (6), RFC 2812 (3.1), IRCv3
capability negotiation. Passwords are never told.
"""

import re

from portbook.model.traffic import Opener
from portbook.traffic.openers.kind import Kind, either, line, text

_SMTP = re.compile(rb"(EHLO|HELO|LHLO)(?:[ \t]+([^\r\n]{0,255}))?\r?(?:\n|\Z)", re.IGNORECASE)
_MAIL = re.compile(rb"MAIL FROM:\s?<[^\r\n]{0,320}>", re.IGNORECASE)
_USER = re.compile(rb"USER ([^\s]{1,64})\r?(?:\n|\Z)", re.IGNORECASE)
_FTP_SURE = re.compile(
    rb"(AUTH (?:TLS|SSL)|SYST|PASV|EPSV|OPTS UTF8 ON|PBSZ 0)\r?\n", re.IGNORECASE
)
_FTP_LIKELY = re.compile(rb"(FEAT|HOST \S{1,255}|CLNT [^\r\n]{1,64})\r?\n", re.IGNORECASE)
_POP3_SURE = re.compile(rb"(CAPA|STLS|APOP \S{1,64})(?=\r?\n| )", re.IGNORECASE)
_POP3_LIKELY = re.compile(rb"(AUTH(?: PLAIN| LOGIN| CRAM-MD5)?)\r?\n", re.IGNORECASE)
_IMAP = re.compile(
    rb"[A-Za-z0-9.]{1,16} (CAPABILITY|LOGIN|STARTTLS|AUTHENTICATE|ID|LOGOUT|SELECT|EXAMINE|LIST)"
    rb"(?:\r?\n|\Z| )",
    re.IGNORECASE,
)
_CAP = re.compile(rb"CAP (?:LS|REQ|LIST|END)(?: [^\r\n]{0,255})?\r?(?:\n|\Z)", re.IGNORECASE)
_NICK = re.compile(
    rb"(?:PASS [^\r\n]{1,255}\r?\n)?NICK :?([^\s]{1,64})\r?\n(USER )?", re.IGNORECASE
)
_IRC_USER = re.compile(rb"USER (\S{1,64}) \S{1,64} \S{1,255} :?[^\r\n]{0,255}", re.IGNORECASE)


def judge_smtp(data: bytes) -> Opener | None:
    """The first word of a mail client: EHLO or HELO; with LMTP, LHLO."""
    found = _SMTP.match(data)
    if found:
        verb = found[1].upper()
        details = [("request", text(line(data)))]
        if found[2]:
            details.append(("name", text(found[2].strip())))
        name = "lmtp" if verb == b"LHLO" else "smtp"
        return Opener(name, "certain", tuple(details), shows=line(data, 64))
    if _MAIL.match(data):
        return Opener("smtp", "certain", (("request", text(line(data))),), shows=line(data, 64))
    return None


def judge_ftp(data: bytes) -> Opener | None:
    """USER is POP3's word as well; AUTH TLS and the words for a data connection are FTP's own."""
    if data[:5].upper() == b"USER ":
        return _user("ftp", data)
    found = _FTP_SURE.match(data)
    if found:
        return Opener("ftp", "certain", (("request", text(found[1])),), shows=line(data, 64))
    found = _FTP_LIKELY.match(data)
    if found:
        return Opener("ftp", "likely", (("request", text(found[1])),), shows=line(data, 64))
    return None


def judge_pop3(data: bytes) -> Opener | None:
    """CAPA, STLS and APOP are POP3's own; USER is FTP's as well."""
    if data[:5].upper() == b"USER ":
        return _user("pop3", data)
    found = _POP3_SURE.match(data)
    if found:
        return Opener("pop3", "certain", (("request", text(found[1])),), shows=found[1])
    found = _POP3_LIKELY.match(data)
    if found:
        return Opener("pop3", "likely", (("request", text(found[1])),), shows=found[1])
    return None


def _user(name: str, data: bytes) -> Opener | None:
    found = _USER.match(data)
    if found is None:
        return None
    return Opener(name, "likely", (("user", text(found[1])),), shows=line(data, 64))


def judge_imap(data: bytes) -> Opener | None:
    """A tag and one of IMAP's commands."""
    found = _IMAP.match(data)
    if found is None:
        return None
    return Opener("imap", "certain", (("request", text(found[1].upper())),), shows=found[0])


def judge_irc(data: bytes) -> Opener | None:
    """CAP LS, USER with its four words, or NICK followed by USER; NICK alone is likely."""
    if _CAP.match(data):
        return Opener("irc", "certain", (("request", text(line(data))),), shows=line(data, 64))
    found = _NICK.match(data)
    if found:
        sure = "certain" if found[2] else "likely"
        return Opener("irc", sure, (("nick", text(found[1])),), shows=b"NICK " + found[1])
    found = _IRC_USER.match(data)
    if found:
        return Opener("irc", "certain", (("user", text(found[1])),), shows=line(data, 64))
    return None


_TAGS = bytes(range(0x30, 0x3A)) + bytes(range(0x41, 0x5B)) + bytes(range(0x61, 0x7B)) + b"."
KINDS = (
    Kind("smtp", "tcp", judge_smtp, either(b"ehlm"), (25, 587, 465, 2525)),
    Kind("ftp", "tcp", judge_ftp, either(b"acefhopsu"), (21, 2121)),
    Kind("pop3", "tcp", judge_pop3, either(b"acsu"), (110,)),
    Kind("irc", "tcp", judge_irc, either(b"cnpu"), (6667, 6666, 6668, 6669)),
    Kind("imap", "tcp", judge_imap, _TAGS, (143,)),
)
