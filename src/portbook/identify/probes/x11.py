"""X11: the client asks for a connection, here without authorization; vendor or reason come back."""

from portbook.identify.probe import Found, More, Probe, Talk

_FAILED, _SUCCESS, _AUTHENTICATE = 0, 1, 2
_TEXT = 512


def judge(talk: Talk) -> Found | More | None:
    """The setup reply: a status, protocol version 11, and lengths that have to agree."""
    reply = talk.first
    if talk.transport != "tcp" or not reply or reply[0] not in (_FAILED, _SUCCESS, _AUTHENTICATE):
        return None
    if talk.opener != "x11":
        return None
    if len(reply) < 8:
        return None if talk.ended else More()
    size = 8 + 4 * int.from_bytes(reply[6:8], "little")
    if reply[0] == _SUCCESS:
        return _accepted(talk, reply, size)
    if reply[0] == _AUTHENTICATE:
        text = reply[8 : 8 + _TEXT].rstrip(b"\0")
        fits = size == len(reply) and reply[1:6] == bytes(5)
    else:
        text = reply[8 : 8 + reply[1]]
        fits = reply[2:6] == b"\x0b\0\0\0" and size == 8 + (reply[1] + 3) // 4 * 4
    if len(reply) < size and fits and not talk.ended:
        return More()
    if not fits or len(reply) < size or not text or not _is_text(text):
        return None
    return Found("x11", "certain", shows=text[:100], notes=("refuses without authorization",))


def _accepted(talk: Talk, reply: bytes, size: int) -> Found | More | None:
    if reply[2:6] != b"\x0b\0\0\0" or size < 40:
        return None
    if len(reply) < 40:
        return None if talk.ended else More()
    length = int.from_bytes(reply[24:26], "little")
    if length > _TEXT or 40 + length > size:
        return None
    if len(reply) < 40 + length:
        return None if talk.ended else More()
    vendor = reply[40 : 40 + length]
    if not _is_text(vendor):
        return None
    release = int.from_bytes(reply[8:12], "little")
    product, version = _product(vendor.decode("ascii"), release)
    shows, notes = vendor[:100], ("accepts us without authorization",)
    return Found("x11", "certain", product, version, shows=shows, notes=notes)


def _product(vendor: str, release: int) -> tuple[str | None, str | None]:
    """X.Org writes its release in decimal digits: 12101007 is 21.1.7, 12013000 is 1.20.13."""
    if vendor != "The X.Org Foundation":
        return vendor.strip() or None, str(release) if release else None
    major, minor, patch, snap = (
        release // 10000000,
        release // 100000 % 100,
        release // 1000 % 100,
        release % 1000,
    )
    if minor > 20:  # they dropped the leading 1 after 1.20
        return "X.Org", f"{minor}.{patch}.{snap}"
    return "X.Org", f"{major}.{minor}.{patch}" + (f".{snap}" if snap else "")


def _is_text(data: bytes) -> bool:
    return all(32 <= byte < 127 or byte in b"\n\t" for byte in data)


PROBE = Probe(
    name="x11",
    title="X11",
    source="X Window System Protocol, section 8 (connection setup)",
    services=("x11",),
    ports=(6000, 6001, 6002, 6003, 6010),
    programs=(
        *("xvfb", "xorg", "xephyr", "xnest", "xwayland", "nxagent", "xserver-xorg-core"),
        *("xvnc", "xtigervnc", "xspice"),
    ),
    opener=b"l\0\x0b\0\0\0\0\0\0\0\0\0",
    judge=judge,
)
