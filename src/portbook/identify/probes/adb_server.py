"""ADB's server on a computer, which clients ask for devices: length in four digits, then text."""

from portbook.identify.probe import Found, More, Probe, Talk


def judge(talk: Talk) -> Found | More | None:
    """OKAY, a length and the number of the protocol; FAIL and a reason where it is not known."""
    reply = talk.first[:256]
    if talk.transport != "tcp" or reply[:4] not in (b"OKAY", b"FAIL"):
        return None
    length = _hexadecimal(reply[4:8])
    if len(reply) < 8 or (length is not None and len(reply) < 8 + min(length, 64)):
        return None if talk.ended else More()
    if length is None or len(talk.first) != 8 + length:
        return None
    number = _hexadecimal(reply[8:12])
    if reply.startswith(b"OKAY") and talk.opener == "adb-server" and length == 4 and number:
        notes = (f"protocol {number}",)
        return Found("adb-server", "certain", shows=reply, notes=notes)
    if reply.startswith(b"FAIL"):
        return Found("adb-server", "likely", shows=reply[:60])
    return None


def _hexadecimal(digits: bytes) -> int | None:
    if len(digits) != 4 or any(digit not in b"0123456789abcdefABCDEF" for digit in digits):
        return None
    return int(digits, 16)


PROBE = Probe(
    name="adb-server",
    title="ADB server",
    source="Android platform, packages/modules/adb/OVERVIEW.TXT and SERVICES.TXT",
    ports=(5037,),
    programs=("adb",),
    opener=b"000chost:version",
    judge=judge,
)
