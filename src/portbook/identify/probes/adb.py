"""ADB (Android debugging) of a device: it answers a connection request in the same form."""

from portbook.identify.probe import Found, More, Probe, Talk

_BANNER = b"host::\0"
_COMMANDS = {b"CNXN": "accepts us without authorization", b"AUTH": "asks for a key", b"STLS": "TLS"}


def judge(talk: Talk) -> Found | More | None:
    """A message of 24 bytes whose last word is its command with every bit turned."""
    reply = talk.first
    if talk.transport != "tcp" or reply[:4] not in _COMMANDS:
        return None
    if len(reply) < 24:
        return None if talk.ended else More()
    command = int.from_bytes(reply[:4], "little")
    if int.from_bytes(reply[20:24], "little") != command ^ 0xFFFFFFFF:
        return None
    length = int.from_bytes(reply[12:16], "little")
    if reply[:4] == b"CNXN" and len(reply) < 24 + min(length, 512) and not talk.ended:
        return More()
    notes = [_COMMANDS[reply[:4]]]
    for part in reply[24 : 24 + min(length, 512)].split(b";"):
        key, _, value = part.partition(b"ro.product.model=")
        if value and reply[:4] == b"CNXN" and key in (b"", b"device::"):
            notes.append("model " + value.decode("utf-8", "replace").strip("\0")[:60])
    return Found("adb", "certain", shows=reply[:60], notes=tuple(notes))


def _connect() -> bytes:
    command = int.from_bytes(b"CNXN", "little")
    words = (command, 0x01000000, 4096, len(_BANNER), sum(_BANNER), command ^ 0xFFFFFFFF)
    return b"".join(word.to_bytes(4, "little") for word in words) + _BANNER


PROBE = Probe(
    name="adb",
    title="ADB (Android device)",
    source="Android platform, packages/modules/adb/protocol.txt",
    ports=(5555,),
    programs=("adbd",),
    opener=_connect(),
    judge=judge,
)
