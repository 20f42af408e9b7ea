"""S7 communication of Siemens controllers: ISO on TCP, the client connects and sets up."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_CONNECT = bytes.fromhex("0300001611e00000706200c1020100c2020102c0010a")
_SETUP = bytes.fromhex("0300001902f08032010000000000080000f0000001000101e0")
_IDENTIFY = bytes.fromhex("0300002102f080320700000100000800080001120411440100ff09000400110000")
_CC, _TPKT = 0xD0, b"\x03\x00"
_MODULE, _FIRMWARE = 1, 7


def judge(talk: Talk) -> Found | More | Send | None:
    """A connection confirmed to our reference with our kind of parameters; then S7's own words."""
    if talk.opener not in ("s7", "rdp") or talk.transport != "tcp":
        return None
    reply = talk.reply[:1024]
    if talk.opener == "rdp":
        # It confirms, and proposes a size, which RDP never does: worth asking in its own words.
        plain = len(reply) == 14 and reply.startswith(b"\x03\x00\x00\x0e\x09\xd0\x00\x00")
        seen = plain and reply[11:13] == b"\xc0\x01" and len(talk.turns) == 1
        return Found("s7", "likely", shows=reply) if seen else None
    size = int.from_bytes(reply[2:4])
    if not reply.startswith(_TPKT[: len(reply)]):
        return None
    if len(reply) < 4 or len(reply) < size:
        return None if talk.ended else More()
    if len(talk.turns) == 1:
        return _connected(reply, size)
    if reply[4:9] != b"\x02\xf0\x80\x32\x03" and len(talk.turns) == 2:
        return None
    if len(talk.turns) == 2:
        return Send(_IDENTIFY, Found("s7", "certain", shows=reply[7:12]))
    return _identified(reply)


def _connected(reply: bytes, size: int) -> Send | None:
    fits = len(reply) == size and size >= 15 and reply[4] == size - 5 and reply[5] == _CC
    # RDP confirms connections in the same frame, but knows no transport selectors.
    if not fits or reply[6:8] != b"\x70\x62" or b"\xc1\x02" not in reply[11:]:
        return None
    return Send(_SETUP, Found("s7", "likely", shows=reply[:11]))


def _identified(reply: bytes) -> Found:
    """The module's order number and firmware, from system status list 0x11."""
    found = Found("s7", "certain", shows=reply[7:12])
    start = reply.find(b"\x00\x11\x00\x00\x00", 20, 60)
    if reply[4:9] != b"\x02\xf0\x80\x32\x07" or start < 0 or len(reply) < start + 8:
        return found
    size = reply[start + 5]
    product = version = None
    for at in range(start + 8, min(len(reply) - 25, start + 8 + size * 8), max(size, 26)):
        index, text = int.from_bytes(reply[at : at + 2]), reply[at + 2 : at + 22].strip(b"\0 ")
        if index == _MODULE and text.isascii():
            product = text.decode("ascii") or None
        if index == _FIRMWARE and reply[at + 24 : at + 25] == b"V" and len(reply) >= at + 28:
            version = ".".join(str(each) for each in reply[at + 25 : at + 28])
    return found._replace(product=f"Siemens {product}" if product else None, version=version)


PROBE = Probe(
    name="s7",
    title="S7 (Siemens controllers)",
    source="RFC 1006 and ISO 8073 (connection); S7 function 0xF0 as in Wireshark's s7comm",
    services=("iso-tsap",),
    ports=(102,),
    commands=("snap7.server", "s7server", "s7_server"),
    opener=_CONNECT,
    judge=judge,
)
