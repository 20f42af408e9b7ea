"""Telnet: the server begins to negotiate options (RFC 854, RFC 855)."""

import re

from portbook.identify.probe import Found, More, Probe, Talk

_ASKS = (251, 252, 253, 254)
# The options that IANA lists, and those of MUDs (MSDP 69, MSSP 70, MCCP 85 to 87, GMCP 201).
_OPTIONS = frozenset((*range(50), 69, 70, 85, 86, 87, 90, 91, 93, *range(138, 141), 200, 201, 255))
_MOST = 512
_PRODUCTS = (
    (re.compile(r"Open On-Chip Debugger(?: (\d[\w.]*))?"), "OpenOCD"),
    (re.compile(r"\bFRRouting \(version (\d[\w.]*)"), "FRRouting"),
    (re.compile(r"\bHello, this is Quagga \(version (\d[\w.]*)"), "Quagga"),
    (re.compile(r"\bMikroTik v(\d[\w.]*)"), "MikroTik RouterOS"),
    (re.compile(r"\bBusyBox v(\d[\w.]*)"), "BusyBox"),
    (re.compile(r"\bser2net port\b"), "ser2net"),
)


def judge(talk: Talk) -> Found | More | None:
    """IAC WILL, WONT, DO or DONT with options that exist, from the first byte on.

    One alone is too little: an MPEG audio frame begins so as well.
    """
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    data = talk.first[:_MOST]
    commands, rest = _commands(data)
    text = rest.decode("ascii", "replace")
    if not commands:
        # A bare prompt, as some write it without a negotiation: anybody may.
        bare = not talk.opener and text.strip().casefold() in ("login:", "username:", "user name:")
        return Found("telnet", "guess", shows=data[:40]) if bare else None
    prompts = any(word in text.casefold() for word in ("login:", "username:", "password:"))
    certain = commands > 1 or prompts
    product, version = _product(text)
    notes = ("asks for a login",) if prompts else ()
    found = Found(
        "telnet", "certain" if certain else "likely", product, version, data[:60].rstrip(), notes
    )
    if not certain and not talk.ended:
        return More(found)
    return found


def _commands(data: bytes) -> tuple[int, bytes]:
    """How many well-formed commands it begins with, and what follows them."""
    at = count = 0
    while data[at : at + 1] == b"\xff" and at + 3 <= len(data):
        if data[at + 1] == 250:
            end = data.find(b"\xff\xf0", at, at + 128)
            if end < 0:
                return 0, b""
            at = end + 2
        elif data[at + 1] in _ASKS:
            if data[at + 2] not in _OPTIONS:
                return 0, b""
            at += 3
        else:
            return 0, b""
        count += 1
    return count, data[at:]


def _product(text: str) -> tuple[str | None, str | None]:
    for pattern, product in _PRODUCTS:
        match = pattern.search(text)
        if match:
            return product, match[1] if match.groups() else None
    return None, None


PROBE = Probe(
    name="telnet",
    title="Telnet (terminal)",
    source="RFC 854, RFC 855",
    services=("telnet", "telnets"),
    ports=(23, 2323),
    secure_ports=(992,),
    programs=("telnetd", "in.telnetd", "inetutils-telnetd", "utelnetd"),
    speaks_first=True,
    judge=judge,
)
