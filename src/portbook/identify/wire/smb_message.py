"""SMB's negotiation of versions, with the transport's four bytes before it (MS-SMB2, MS-CIFS)."""

from portbook.identify.probe import Found, More, Talk

_DIALECTS = (b"NT LM 0.12", b"SMB 2.002", b"SMB 2.???")
_HEADER = b"\xffSMB\x72\x00\x00\x00\x00\x18\x53\xc8" + bytes(12) + b"\xff\xff\xff\xfe\0\0\0\0"


def negotiate() -> bytes:
    """SMB_COM_NEGOTIATE ([MS-SMB] 2.2.4.5.1), also with the names of [MS-SMB2] 3.2.4.2.2."""
    names = b"".join(b"\x02" + name + b"\x00" for name in _DIALECTS)
    message = _HEADER + b"\x00" + len(names).to_bytes(2, "little") + names
    return len(message).to_bytes(4) + message


_SMB2_NAMES = {0x0202: "SMB 2.0.2", 0x0210: "SMB 2.1", 0x02FF: "SMB 2 or 3", 0x0300: "SMB 3.0"}


def read(talk: Talk, reply: bytes) -> Found | More | None:
    """The same for a reply that another probe asked for."""
    if reply[:1] != b"\0" or reply[4:8] not in (b"\xfeSMB", b"\xffSMB"):
        return None
    length = int.from_bytes(reply[1:4])
    if len(reply) < 4 + length:
        return None if talk.ended else More()
    message = reply[4 : 4 + length]
    if message[0] == 0xFE:
        return _smb2(message)
    # SMB 1: the command again, the flag of a reply, and the words of NT LM 0.12 or of a refusal.
    words = message[32] if len(message) > 34 else 0
    if message[4] != 0x72 or not message[9] & 0x80 or words not in (1, 13, 17):
        return None
    return Found("smb", "certain", shows=message[:34], notes=("SMB 1",))


def _smb2(message: bytes) -> Found | None:
    size, command, flags = message[4:6], message[12:14], message[16:20]
    if len(message) < 128 or size != b"\x40\0" or command != b"\0\0" or flags[:1] != b"\x01":
        return None
    if message[64:66] != b"\x41\0":
        return None
    dialect = int.from_bytes(message[68:70], "little")
    name = _SMB2_NAMES.get(dialect)
    if name is None:
        return None
    # Samba fills the identifier of the server, random elsewhere, with its NetBIOS name.
    guid = message[72:88].rstrip(b"\0")
    is_name = 0 < len(guid) < 16 and guid.replace(b"-", b"").replace(b"_", b"").isalnum()
    notes = [name]
    if message[66] & 2:
        notes.append("demands signatures")
    return Found(
        "smb",
        "certain",
        "Samba" if is_name and guid.isascii() else None,
        shows=message[:20],
        notes=tuple(notes),
    )
