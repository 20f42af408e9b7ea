"""EtherNet/IP: ListIdentity needs no session, over TCP and over UDP."""

from portbook.identify.probe import Found, More, Probe, Talk

_CONTEXT = b"portbook"
_ASK = b"\x63\x00" + bytes(10) + _CONTEXT + bytes(4)


def judge(talk: Talk) -> Found | More | None:
    """Our command and sender context come back, with items or a status."""
    reply = talk.first[:512]
    if len(talk.turns) > 1 or talk.opener != "ethernet-ip":
        return None
    if not reply.startswith(b"\x63\x00"[: len(reply)]) or not reply:
        return None
    size = 24 + int.from_bytes(reply[2:4], "little")
    if len(reply) < 24 or len(reply) < size:
        return None if talk.ended or size > 512 else More()
    # An echo of our empty question would be as long as it.
    if reply[12:20] != _CONTEXT or len(reply) != size or size < 26:
        return None
    return _read(reply)


def _read(reply: bytes) -> Found:
    found = Found("ethernet-ip", "certain", shows=reply[:4])
    item = reply[26:]
    if int.from_bytes(item[:2], "little") != 0x0C or len(item) < 37:
        return found
    revision, length = item[28:30], item[36]
    name = item[37 : 37 + length].decode("ascii", "replace").strip("\0 ")
    version = f"{revision[0]}.{revision[1]}" if any(revision) else None
    return found._replace(product=name or None, version=version)


PROBE = Probe(
    name="ethernet-ip",
    title="EtherNet/IP (CIP)",
    source="ODVA, The CIP Networks Library volume 2, section 2-4.2 ListIdentity",
    services=("EtherNet-IP-2", "EtherNet/IP-2"),
    ports=(44818,),
    commands=("cpppo.server.enip", "enip_server"),
    opener=_ASK,
    datagram=_ASK,
    judge=judge,
)
