"""OPC UA over TCP: the client says Hello, the server acknowledges or says why not."""

from portbook.identify.probe import Found, More, Probe, Talk

_URL = b"opc.tcp://localhost:4840/"
_HELLO = b"".join(
    (
        b"HELF",
        (32 + len(_URL)).to_bytes(4, "little"),
        *(each.to_bytes(4, "little") for each in (0, 65536, 65536, 0, 0, len(_URL))),
        _URL,
    )
)


def judge(talk: Talk) -> Found | More | None:
    """ACKF with five numbers, or ERRF with a status code of the Bad severity and a reason."""
    if len(talk.turns) > 1 or talk.transport != "tcp":
        return None
    reply = talk.first[:512]
    if not reply or not reply.startswith((b"ACKF"[: len(reply)], b"ERRF"[: len(reply)])):
        return None
    if len(reply) < 8:
        return None if talk.ended else More()
    size = int.from_bytes(reply[4:8], "little")
    if reply.startswith(b"ACKF") and size == 28:
        if len(reply) < 28:
            return None if talk.ended else More()
        buffers = [int.from_bytes(reply[at : at + 4], "little") for at in (12, 16)]
        if len(reply) == 28 and min(buffers) >= 1024:
            return Found("opcua", "certain", shows=reply[:12])
        return None
    if reply.startswith(b"ERRF") and 16 <= size <= 500:
        if len(reply) < size:
            return None if talk.ended else More()
        if reply[11] == 0x80 and len(reply) == size:
            return Found("opcua", "certain", shows=reply[:12], notes=("refuses the hello",))
    return None


PROBE = Probe(
    name="opcua",
    title="OPC UA",
    source="OPC 10000-6 (OPC UA part 6: mappings), section 7.1 OPC UA Connection Protocol",
    services=("opcua-tcp", "opcua-tls"),
    ports=(4840,),
    secure_ports=(4843,),
    commands=("/bin/uaserver", "opcua_server", "node-opcua-server", "open62541_server"),
    opener=_HELLO,
    judge=judge,
)
