"""IRC: the client asks for capabilities first; many servers greet with a notice (RFC 1459)."""

import re

from portbook.identify.probe import Found, More, Probe, Send, StartTls, Talk

_CAP = b"CAP LS 302\r\n"
_STARTTLS = b"STARTTLS\r\n"
_QUIT = b"QUIT\r\n"
_MOST = 4096

_PREFIX = rb":[^ \r\n]{1,120} "
_CERTAIN = re.compile(
    rb"(?:"
    + _PREFIX
    + rb"(?:CAP [^ \r\n]{1,60} LS\b|NOTICE (?:\*|AUTH|Auth) :|NOTICE [^ ]{1,60} :\*\*\* "
    rb"|(?:451|421|461|481|410|670|691) [^ \r\n]{1,60} )|NOTICE AUTH :\*\*\* )"
)
_ERROR = re.compile(rb"ERROR :[^\r\n]{0,120}?(?:IRC|Closing [Ll]ink)")
_LISTED = re.compile(rb" CAP [^ \r\n]{1,60} LS (?!\*):?([^\r\n]{0,1000})\r?\n")
_LISTED_PART = re.compile(rb" CAP [^ \r\n]{1,60} LS \* :?([^\r\n]{0,1000})\r?\n")
# The names of their own that servers list (IRCv3 capability names begin with their maker's host).
_MAKERS = (
    (b"inspircd.org/", "InspIRCd"),
    (b"unrealircd.org/", "UnrealIRCd"),
    (b"solanum.chat/", "Solanum"),
    (b"ergo.chat/", "Ergo"),
    (b"oragono.io/", "Oragono"),
    (b"soju.im/", "soju"),
)


def judge(talk: Talk) -> Found | More | Send | StartTls | None:
    """A message with a server's name before it that only a server sends before registration."""
    if talk.transport != "tcp":
        return None
    first = talk.first[:_MOST]
    line = first.lstrip(b"\r\n")[:512]
    found = _found(talk, line)
    if len(talk.turns) > 1:
        return _followed(talk, found) if found else None
    if found is None:
        return None
    if b"\n" not in line and not talk.ended:
        return More(found)
    if talk.closed or talk.opener not in ("", "irc"):
        return found
    return Send(_CAP, found) if not talk.opener else _next(talk, found)


def _found(talk: Talk, line: bytes) -> Found | None:
    if _CERTAIN.match(line):
        confidence = "certain"
    elif _ERROR.match(line):
        confidence = "likely"
    else:
        return None
    listed = _listed(talk)
    product = next((name for sign, name in _MAKERS if sign in listed), None)
    if product is None and line.startswith((b":irc.znc.in ", b":*status!znc@znc.in ")):
        product = "ZNC"
    return Found("irc", confidence, product, shows=line.split(b"\r\n", 1)[0][:120])


def _listed(talk: Talk) -> bytes:
    """The capabilities that were told so far."""
    text = b""
    for turn in talk.turns:
        received = turn.received[:_MOST]
        for pattern in (_LISTED_PART, _LISTED):
            for match in pattern.finditer(received):
                text += b" " + match[1].rstrip()
    return text + b" "


def _next(talk: Talk, found: Found) -> Found | More | Send:
    """What to say after CAP LS."""
    reply = talk.reply[:_MOST]
    listed = _LISTED.search(reply)
    if listed is None:
        # Notices come before; a server without capabilities says so with a number.
        refused = re.search(rb" (?:451|421|410) ", reply)
        if not refused:
            return found if talk.ended else More(found)
        return Send(_QUIT, found)
    words = _listed(talk).split()
    offers = b"tls" in words and not talk.secure
    return Send(_STARTTLS if offers else _QUIT, found)


def _followed(talk: Talk, found: Found) -> Found | More | Send | StartTls:
    sent = talk.sent
    if not sent:
        return Send(_QUIT, found)
    if sent == _CAP and not talk.closed and len(talk.turns) < 4:
        return _next(talk, found)
    if sent == _STARTTLS and not talk.secure:
        if re.search(rb" 670 ", talk.reply[:_MOST]):
            return StartTls(found)
        if not talk.ended and b" 691 " not in talk.reply[:_MOST]:
            return More(found)
    return found


PROBE = Probe(
    name="irc",
    title="IRC (chat)",
    source="RFC 1459, IRCv3 capability negotiation",
    services=("irc", "ircu", "ircs-u", "irc-serv"),
    ports=(6667, 6660, 6666, 6668, 6669, 7000),
    secure_ports=(6697,),
    programs=(
        *("ngircd", "inspircd", "unrealircd", "ircd", "ircd-hybrid", "charybdis", "solanum"),
        *("ergo", "oragono", "znc", "soju", "bitlbee", "miniircd", "ircd-irc2", "ratbox"),
    ),
    opener=_CAP,
    reacts_to=("redis", "memcached"),
    judge=judge,
)
