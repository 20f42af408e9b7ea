"""IMAP: the server greets with an untagged OK, and tells its capabilities (RFC 9051)."""

import re

from portbook.identify.probe import Found, More, Probe, Send, StartTls, Talk

_CAPABILITY = b"a1 CAPABILITY\r\n"
_ID = b"a2 ID NIL\r\n"
_STARTTLS = b"a3 STARTTLS\r\n"
_LOGOUT = b"a4 LOGOUT\r\n"
_MOST = 8192
_GREETINGS = (b"* OK ", b"* OK\r\n", b"* PREAUTH ", b"* BYE ")

_PRODUCTS = (
    (r"\bDovecot\b", "Dovecot"),
    (r"\bCyrus IMAP(?: Murder)? v?(\d[\w.]*)?", "Cyrus IMAP"),
    (r"\bCourier-IMAP\b", "Courier-IMAP"),
    (r"\bMicrosoft Exchange\b", "Microsoft Exchange"),
    (r"\bGimap\b", "Gmail"),
    (r"\bStalwart\b", "Stalwart"),
    (r"\bGreenMail\b", "GreenMail"),
    (r"\bZimbra\b", "Zimbra"),
    (r"\bKerio Connect (\d[\w.]*)", "Kerio Connect"),
    (r"\bMDaemon (\d[\w.]*)", "MDaemon"),
    (r"\bUW IMAP\b|\bIMAP4rev1 (20\d\d[\w.]*) at", "UW IMAP"),
)
_KNOWN = tuple((re.compile(pattern), product) for pattern, product in _PRODUCTS)


def judge(talk: Talk) -> Found | More | Send | StartTls | None:
    """`* OK`, `* PREAUTH` or `* BYE`, and IMAP4rev1 or rev2 among its capabilities."""
    first = talk.first[:_MOST]
    if talk.transport != "tcp" or not first.startswith(_GREETINGS):
        return None
    found = _found(talk)
    if len(talk.turns) > 1:
        return _followed(talk, found)
    if b"\n" not in first and not talk.ended:
        return More(found)
    if talk.opener or talk.closed or b"\n" not in first or first.startswith(b"* BYE"):
        return found
    return _next(talk, found)


def _capabilities(talk: Talk) -> bytes | None:
    """What it can, of the newest turn that tells it."""
    for turn in reversed(talk.turns):
        received = turn.received[:_MOST].upper()
        for sign, end in ((b"[CAPABILITY ", b"]"), (b"* CAPABILITY ", b"\r")):
            at = received.find(sign)
            if at >= 0:
                return b" " + received[at + len(sign) :].split(end, 1)[0] + b" "
    return None


def _found(talk: Talk) -> Found:
    line = talk.first[:1024].split(b"\r\n", 1)[0]
    text = line.decode("ascii", "replace")
    capabilities = _capabilities(talk) or b""
    # In a reply to another's opener the greeting counts less: what leads there is listening.
    fair = not talk.opener or talk.secure
    certain = fair and (b" IMAP4" in capabilities or bool(re.search(r"\bIMAP4?(rev\d)?\b", text)))
    product = version = None
    for pattern, name in _KNOWN:
        match = pattern.search(text)
        if match:
            product, version = name, match[1] if match.groups() else None
            break
    told = _told(talk)
    product = told.get("name") or product
    version = told.get("version") or version
    notes = ("needs no login",) if line.startswith(b"* PREAUTH") else ()
    shows = line[:160]
    return Found("imap", "certain" if certain else "likely", product, version, shows, notes)


def _told(talk: Talk) -> dict[str, str]:
    """The pairs of its answer to ID (RFC 2971)."""
    for turn in talk.turns[1:]:
        if turn.sent == _ID and turn.received.startswith(b"* ID ("):
            text = turn.received[6:1024].decode("ascii", "replace").split(")\r\n", 1)[0]
            parts = text.split('"')[1::2]
            pairs = zip(parts[::2], parts[1::2], strict=False)
            return {key.casefold(): value[:60] for key, value in pairs if value.strip()}
    return {}


def _next(talk: Talk, found: Found) -> Send:
    capabilities = _capabilities(talk)
    tried = {turn.sent for turn in talk.turns}
    if capabilities is None and _CAPABILITY not in tried:
        return Send(_CAPABILITY, found)
    if b" ID " in (capabilities or b"") and _ID not in tried:
        return Send(_ID, found)
    if b" STARTTLS " in (capabilities or b"") and not talk.secure and _STARTTLS not in tried:
        return Send(_STARTTLS, found)
    return Send(_LOGOUT, found)


def _followed(talk: Talk, found: Found) -> Found | More | Send | StartTls:
    sent = talk.sent
    if not sent:
        return Send(_LOGOUT, found)
    if sent == _LOGOUT or talk.closed or len(talk.turns) > 6:
        return found
    tag = sent[:3]
    # The untagged data come first, the tagged line ends the answer.
    at = 0 if talk.reply.startswith(tag) else talk.reply.find(b"\n" + tag, 0, _MOST) + 1
    tagged = talk.reply[at : at + 400]
    if not tagged.startswith(tag) or b"\n" not in tagged:
        return found if talk.ended else More(found)
    if sent == _STARTTLS:
        return StartTls(found) if tagged.startswith(tag + b"OK") and not talk.secure else found
    return _next(talk, found)


PROBE = Probe(
    name="imap",
    title="IMAP (mail access)",
    source="RFC 9051, RFC 2971 (ID)",
    services=("imap", "imaps"),
    ports=(143,),
    secure_ports=(993,),
    programs=(
        *("dovecot", "imap-login", "dovecot-imapd", "cyrus-imapd", "imapd", "courier-imap"),
        *("couriertcpd", "uw-imapd"),
    ),
    commands=("imap-login",),
    speaks_first=True,
    judge=judge,
)
