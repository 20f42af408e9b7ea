"""Mumble: inside TLS both sides send their version first; a UDP ping brings version and users."""

from portbook.identify.probe import Found, More, Probe, Talk

_IDENT = b"portbook"
_VERSION_MESSAGE = 0
_MOST = 512


def judge(talk: Talk) -> Found | More | None:
    """The ping's reply with our ident, or a Version message of protocol buffers."""
    if talk.transport == "udp":
        return _pong(talk)
    if not talk.secure or len(talk.turns) > 1 or talk.opener not in ("", "mumble"):
        return None
    reply = talk.first
    if reply[:2] != b"\x00\x00" or len(reply) < 6:
        return None
    size = int.from_bytes(reply[2:6])
    if not 2 <= size <= _MOST:
        return None
    if len(reply) < 6 + size:
        return None if talk.ended else More()
    return _version(reply[6 : 6 + size])


def _pong(talk: Talk) -> Found | None:
    reply = talk.first
    if talk.opener != "mumble" or len(reply) != 24 or reply[4:12] != _IDENT or reply[0] > 1:
        return None
    users, most = int.from_bytes(reply[12:16]), int.from_bytes(reply[16:20])
    version = _dotted(int.from_bytes(reply[:4]))
    notes = (f"{users} of {most} users",)
    return Found("mumble", "certain", "Mumble", version, shows=reply, notes=notes)


def _version(message: bytes) -> Found | None:
    """Fields 1 (version), 2 (release), 3 (os), 4 (its version), 5 (version, since 1.5)."""
    numbers: dict[int, int] = {}
    texts: dict[int, bytes] = {}
    at = 0
    while at < len(message):
        field, kind = message[at] >> 3, message[at] & 7
        number, at = _varint(message, at + 1)
        if not 1 <= field <= 5 or number is None or kind not in (0, 2):
            return None
        if kind == 0:
            numbers[field] = number
        else:
            texts[field] = message[at : at + number]
            at += number
    if at != len(message) or (1 not in numbers and 5 not in numbers) or 2 not in texts:
        return None
    version = _dotted(numbers[1]) if 1 in numbers else None
    if 5 in numbers:  # two bytes for each part
        version = ".".join(str(numbers[5] >> shift & 0xFFFF) for shift in (48, 32, 16))
    product = "uMurmur" if b"umurmur" in texts[2].lower() else "Mumble"
    if product == "uMurmur":  # the number is that of the protocol
        version = None
    return Found("mumble", "certain", product, version, shows=message[:80])


def _varint(data: bytes, at: int) -> tuple[int | None, int]:
    number = 0
    for shift, byte in enumerate(data[at : at + 10]):
        number |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return number, at + shift + 1
    return None, at


def _dotted(version: int) -> str:
    return f"{version >> 16}.{version >> 8 & 0xFF}.{version & 0xFF}"


PROBE = Probe(
    name="mumble",
    title="Mumble",
    source="Mumble protocol documentation (establishing a connection; UDP ping)",
    secure_ports=(64738,),
    ports=(64738,),
    programs=("murmurd", "mumble-server", "umurmurd", "umurmur", "grumble"),
    # A Version message: 1.3.4. The server sends its own without waiting for it.
    opener=b"\x00\x00\x00\x00\x00\x04\x08\x84\x86\x04",
    datagram=bytes(4) + _IDENT,
    judge=judge,
)
