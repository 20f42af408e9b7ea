"""STUN and TURN: a Binding request is answered with our address, often with the software's name."""

from portbook.identify.probe import Found, More, Probe, Talk

_COOKIE = b"\x21\x12\xa4\x42"
_TRANSACTION = b"portbook-pbk"
_SUCCESS, _ERROR = b"\x01\x01", b"\x01\x11"
_SOFTWARE = 0x8022
_MOST_ATTRIBUTES = 32


def judge(talk: Talk) -> Found | More | None:
    """A Binding response with our transaction id, and attributes that fill its length exactly."""
    reply = talk.first
    if reply[:2] not in (_SUCCESS, _ERROR) or talk.opener != "stun":
        return None
    if len(reply) < 20:
        return None if talk.ended else More()
    if reply[4:20] != _COOKIE + _TRANSACTION:
        return None
    size = int.from_bytes(reply[2:4])
    if len(reply) < 20 + size and not talk.ended and size % 4 == 0:
        return More()
    attributes = _attributes(reply[20 : 20 + size])
    if len(reply) < 20 + size or attributes is None:
        return None
    software = attributes.get(_SOFTWARE, b"").decode("utf-8", "replace").strip("\0 ")
    product, version = _product(software)
    shows = software.encode() or reply[:20]
    return Found("stun", "certain", product, version, shows=shows)


def _attributes(data: bytes) -> dict[int, bytes] | None:
    """Type, length and value, padded to four bytes; None where they do not fit."""
    found: dict[int, bytes] = {}
    at = 0
    for _ in range(_MOST_ATTRIBUTES):
        if at == len(data):
            return found
        length = int.from_bytes(data[at + 2 : at + 4])
        if at + 4 + length > len(data):
            return None
        found.setdefault(int.from_bytes(data[at : at + 2]), data[at + 4 : at + 4 + length])
        at += 4 + (length + 3) // 4 * 4
    return None


def _product(software: str) -> tuple[str | None, str | None]:
    """`Coturn-4.6.1 'Gorst'`, `restund v0.4.12 (x86_64/linux)`, `Vovida.org 0.96`."""
    if not software:
        return None, None
    word = software.partition("'")[0].strip()
    for sign in ("-", " v", " ", "/"):
        name, found, version = word.partition(sign)
        version = version.split(" ")[0]
        if found and version[:1].isdigit():
            return ("coturn" if name == "Coturn" else name) or None, version
    return word or None, None


PROBE = Probe(
    name="stun",
    title="STUN/TURN",
    source="RFC 8489 sections 5, 6 and 14",
    services=("stun", "turn", "stuns", "turns", "stun-behavior", "stun-behaviors"),
    ports=(3478, 3479),
    secure_ports=(5349,),
    programs=(
        "turnserver",
        "coturn",
        "restund",
        "stund",
        "stuntman-server",
        "stunserver",
        "eturnal",
    ),
    opener=b"\x00\x01\x00\x00" + _COOKIE + _TRANSACTION,
    datagram=b"\x00\x01\x00\x00" + _COOKIE + _TRANSACTION,
    judge=judge,
)
