"""Modbus/TCP: the client asks; reading the device identification changes nothing."""

from portbook.identify.probe import Found, More, Probe, Talk

_ASK = b"\x70\x62\x00\x00\x00\x05\xff\x2b\x0e\x01\x00"
_VENDOR, _PRODUCT, _REVISION = 0, 1, 2


def judge(talk: Talk) -> Found | More | None:
    """Our transaction, protocol 0, a length that fits; then the identification or an exception."""
    reply = talk.first[:300]
    if len(talk.turns) > 1 or talk.opener != "modbus" or talk.transport != "tcp":
        return None
    if not reply.startswith(_ASK[:4][: len(reply)]):
        return None
    if len(reply) < 9:
        return None if talk.ended else More()
    length = int.from_bytes(reply[4:6])
    if not 3 <= length <= 254 or len(reply) > 6 + length:
        return None
    if reply[7] == 0xAB and length == 3 and 1 <= reply[8] <= 11:
        note = ("does not tell its identification",)
        return Found("modbus", "certain", shows=reply, notes=note)
    if reply[7:10] != b"\x2b\x0e\x01"[: len(reply) - 7] or length < 8:
        return None
    if len(reply) < 6 + length:
        return None if talk.ended else More(Found("modbus", "likely", shows=reply))
    return _read(reply)


def _read(reply: bytes) -> Found:
    objects, at = {}, 14
    for _ in range(reply[13]):
        if at + 2 > len(reply):
            break
        size = reply[at + 1]
        text = reply[at + 2 : at + 2 + size].decode("ascii", "replace").strip("\0 ")
        objects[reply[at]] = text
        at += 2 + size
    named = [objects[each] for each in (_VENDOR, _PRODUCT) if objects.get(each)]
    version = objects.get(_REVISION) or None
    return Found("modbus", "certain", " ".join(named) or None, version, shows=reply[:9])


PROBE = Probe(
    name="modbus",
    title="Modbus/TCP",
    source="MODBUS Application Protocol V1.1b3 section 6.21; Messaging on TCP/IP V1.0b section 3",
    services=("mbap",),
    ports=(502,),
    programs=("diagslave", "mbserver", "modbusd", "mbusd"),
    commands=("pymodbus.server", "pymodbus.simulator", "modbus_server"),
    opener=_ASK,
    judge=judge,
)
