"""DNP3 over TCP: the master asks an outstation for the state of its link, which changes nothing.

An outstation answers to its own address alone, so the question goes to the usual ones at once.
"""

from portbook.identify.probe import Found, More, Probe, Talk

_MASTER = 1
_OUTSTATIONS = (1024, 10, 1, 4)
_START = b"\x05\x64"
_LINK_STATUS = 0x0B


def _crc(block: bytes) -> bytes:
    """The check of a block: polynomial 0x3D65 reflected, inverted, low byte first."""
    value = 0
    for each in block:
        value ^= each
        for _ in range(8):
            value = (value >> 1) ^ (0xA6BC if value & 1 else 0)
    return (value ^ 0xFFFF).to_bytes(2, "little")


def _request(outstation: int) -> bytes:
    head = _START + b"\x05\xc9" + outstation.to_bytes(2, "little") + _MASTER.to_bytes(2, "little")
    return head + _crc(head)


_ASK = b"".join(map(_request, _OUTSTATIONS))


def judge(talk: Talk) -> Found | More | None:
    """A link frame from an outstation whose check is right."""
    if len(talk.turns) > 1 or talk.opener != "dnp3" or talk.transport != "tcp":
        return None
    reply = talk.first[:292]
    if not reply or not reply.startswith(_START[: len(reply)]):
        return None
    if len(reply) < 10:
        return None if talk.ended else More()
    # Bit 0x80 set: from a master, as our own question is.
    if reply[2] < 5 or reply[3] & 0x80 or _crc(reply[:8]) != reply[8:10]:
        return None
    note = f"outstation address {int.from_bytes(reply[6:8], 'little')}"
    return Found("dnp3", "certain", shows=reply[:10], notes=(note,))


PROBE = Probe(
    name="dnp3",
    title="DNP3",
    source="IEEE 1815 (DNP3), data link layer: request link status",
    services=("dnp", "dnp-sec"),
    ports=(20000,),
    secure_ports=(19999,),
    commands=("dnp3-outstation", "dnp3_outstation", "outstation-demo"),
    opener=_ASK,
    judge=judge,
)
