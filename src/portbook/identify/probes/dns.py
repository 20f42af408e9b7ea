"""DNS: the client asks first, here for `version.bind` in the class CHAOS (RFC 4892)."""

from portbook.identify.probe import Found, More, Probe, Talk

_QUESTION = b"\x07version\x04bind\x00\x00\x10\x00\x03"
_QUERY = b"pD\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" + _QUESTION
_PRODUCTS = (
    ("unbound ", "Unbound"),
    ("Knot DNS ", "Knot DNS"),
    ("PowerDNS Authoritative Server ", "PowerDNS Authoritative Server"),
    ("PowerDNS Recursor ", "PowerDNS Recursor"),
    ("dnsmasq-", "dnsmasq"),
    ("NSD ", "NSD"),
    ("CoreDNS-", "CoreDNS"),
    ("Microsoft DNS ", "Microsoft DNS"),
    ("BIND ", "BIND"),
)
_REFUSALS = {1: "format error", 2: "server failure", 3: "no such name", 4: "not implemented"}
_RESPONSE = 0x80
_FORMAT_ERROR, _NOT_IMPLEMENTED, _REFUSED = 1, 4, 5
_BARE = (_FORMAT_ERROR, _NOT_IMPLEMENTED, _REFUSED)


def judge(talk: Talk) -> Found | More | None:
    """A response with our id and question; to other datagrams, a bare error with their id."""
    if len(talk.turns) > 1:
        return None
    message = talk.first
    if talk.transport == "tcp":
        length = int.from_bytes(message[:2])
        if talk.opener != "dns" or length < 12 or message[2:4] != _QUERY[:2][: len(message[2:4])]:
            return None
        if len(message) < length + 2:
            return None if talk.ended else More()
        message = message[2 : length + 2]
    if talk.opener == "dns":
        return _answer(message)
    return _error(message, talk.sent) if talk.transport == "udp" else None


def _answer(message: bytes) -> Found | None:
    if len(message) < 12 or message[:2] != _QUERY[:2] or message[2] & 0xF8 != _RESPONSE:
        return None
    code = message[3] & 15
    asked = message[12 : 12 + len(_QUESTION)].lower() == _QUESTION and message[4:6] == b"\0\1"
    if not asked and not (code in _BARE and len(message) == 12):
        return None
    text = _text(message) if asked and int.from_bytes(message[6:8]) else ""
    product, version = _product(text)
    shows = text.encode("latin-1") or message[:12]
    if text and product is None:
        notes: tuple[str, ...] = (f"calls itself {text[:60]}",)
    else:
        refused = "refuses to tell its version" if code == _REFUSED else _REFUSALS.get(code)
        notes = (refused,) if refused else ()
    return Found("dns", "certain", product, version, shows=shows, notes=notes)


def _text(message: bytes) -> str:
    """The first string of the first answer, which has to be a TXT record."""
    at = 12 + len(_QUESTION)
    if message[at : at + 1] >= b"\xc0":
        at += 2
    else:
        # The name of the answer, label by label.
        while at < len(message) and message[at]:
            at += 1 + message[at]
        at += 1
    if message[at : at + 2] != b"\x00\x10":
        return ""
    at += 10
    return message[at + 1 : at + 1 + message[at]].decode("latin-1") if at < len(message) else ""


def _product(text: str) -> tuple[str | None, str | None]:
    for prefix, product in _PRODUCTS:
        if text.startswith(prefix):
            return product, _number(text.removeprefix(prefix)) or None
    if text.startswith("9.") and _number(text).count(".") >= 2:
        # BIND says only its version: 9.18.49-1~deb12u3-Debian.
        return "BIND", _number(text)
    return None, None


def _number(text: str) -> str:
    """`9.18.49` of `9.18.49-1~deb12u3-Debian`, `1.17.1` of `1.17.1 (built ...)`."""
    end = next((at for at, sign in enumerate(text) if sign not in "0123456789."), len(text))
    rest = text[end:].split(" ", 1)[0]
    suffix = rest if rest[:2] in ("rc", "-a", "-b", "-r") and len(rest) < 12 else ""
    return (text[:end] + suffix).rstrip(".") or text[:20]


def _error(message: bytes, sent: bytes) -> Found | None:
    """An error to a datagram that was no question: its first two bytes are taken for the id.

    The header comes alone, with the question (to NetBIOS, which has one), or with all that was
    sent (Unbound).
    """
    if len(sent) < 12 or len(message) < 12 or message[:2] != sent[:2]:
        return None
    refuses = message[2] & 0x80 and not sent[2] & 0x80 and message[3] & 0x4F in _BARE
    echoes = message[4:] == sent[4:] or message[4:] == bytes(8)
    return Found("dns", "likely", shows=message[:12]) if refuses and echoes else None


PROBE = Probe(
    name="dns",
    title="DNS",
    source="RFC 1035 sections 4.1 and 4.2, RFC 4892",
    services=("domain", "domain-s"),
    ports=(53,),
    secure_ports=(853,),
    programs=(
        *("named", "bind9", "unbound", "knot", "knotd", "kresd", "pdns_server", "pdns-server"),
        *("pdns_recursor", "pdns-recursor", "dnsmasq", "dnsmasq-base", "nsd", "coredns"),
        *("systemd-resolved", "systemd-resolve", "tinydns", "dnscache", "stubby", "dnsdist"),
    ),
    opener=len(_QUERY).to_bytes(2) + _QUERY,
    datagram=_QUERY,
    reacts_to=("netbios-ns", "ntp", "snmp"),
    judge=judge,
)
