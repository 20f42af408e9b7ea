"""BACnet/IP (UDP): a device is asked for its own model name and firmware, both only read."""

from portbook.identify.probe import Found, Probe, Send, Talk

_ANY_DEVICE = b"\x0c\x02\x3f\xff\xff"
_WHO_IS = b"\x81\x0a\x00\x08\x01\x00\x10\x08"
_I_AM = b"\x10\x00\xc4\x02"
_MODEL, _FIRMWARE = 0x46, 0x2C
_HEAD = b"\x81\x0a\x00\x11\x01\x04\x00\x05"
_ANSWERS = frozenset((0x30, 0x50, 0x60, 0x70, 0x71))
_READ_PROPERTY = 12


def _ask(device: bytes, what: int) -> bytes:
    """ReadProperty; what is asked is the number of the invocation too."""
    return _HEAD + bytes((what, _READ_PROPERTY)) + device + bytes((0x19, what))


def judge(talk: Talk) -> Found | Send | None:
    """A frame whose length fits, around an answer to our invocation; then model and firmware.

    Not every device knows the wildcard instance: those are asked who they are.
    """
    if talk.transport != "udp" or talk.opener != "bacnet":
        return None
    said = _answer(talk.first, _MODEL)
    if said is None:
        return None
    found = Found("bacnet", "certain", shows=said[:3])
    device = _ANY_DEVICE
    for turn in talk.turns:
        said = _application(turn.received)
        if said.startswith(_I_AM) and len(said) >= 7:
            device = b"\x0c\x02" + said[4:7]
        if _answer(turn.received, _MODEL):
            found = found._replace(product=_text(said) or found.product)
        if _answer(turn.received, _FIRMWARE):
            return found._replace(version=_text(said))
    if found.product:
        return Send(_ask(device, _FIRMWARE), found)
    if len(talk.turns) == 1:
        return Send(_WHO_IS, found)
    known = len(talk.turns) == 2 and device != _ANY_DEVICE
    return Send(_ask(device, _MODEL), found) if known else found


def _application(reply: bytes) -> bytes:
    """What a BACnet/IP frame carries for the application, empty where it is none."""
    if reply[:2] not in (b"\x81\x0a", b"\x81\x0b") or int.from_bytes(reply[2:4]) != len(reply):
        return b""
    if reply[4:5] != b"\x01" or len(reply) < 9:
        return b""
    control, at = reply[5], 6
    for bit in (0x20, 0x08):
        if control & bit:
            at += 3 + (reply[at + 2] if len(reply) > at + 2 else 0)
    return reply[at + (1 if control & 0x20 else 0) :]


def _answer(reply: bytes, invoke: int) -> bytes | None:
    """An acknowledgement, an error, a rejection or an abort of that invocation."""
    said = _application(reply)
    if len(said) < 3 or said[0] not in _ANSWERS or said[1] != invoke:
        return None
    return None if said[0] in (0x30, 0x50) and said[2] != _READ_PROPERTY else said


def _text(said: bytes) -> str | None:
    """The character string (tag 7, in UTF-8) behind the property's opening tag."""
    at = said.find(b"\x3e", 9, 40) + 1
    if said[:1] != b"\x30" or not at or len(said) < at + 3 or said[at] not in range(0x71, 0x76):
        return None
    size, begin = said[at] & 7, at + 1
    if size == 5:
        size, begin = said[begin], begin + 1
    text = said[begin + 1 : begin + size]
    if size > 120 or len(text) != size - 1 or said[begin] != 0:
        return None
    return text.decode("utf-8", "replace").strip() or None


PROBE = Probe(
    name="bacnet",
    title="BACnet/IP",
    source="ANSI/ASHRAE 135, annex J (BACnet/IP) and clause 15.5 (ReadProperty)",
    services=("bacnet",),
    ports=(47808,),
    programs=("bacserv", "bacnet-server"),
    commands=("bacpypes", "bacpypes3", "bacnet_server"),
    datagram=_ask(_ANY_DEVICE, _MODEL),
    judge=judge,
)
