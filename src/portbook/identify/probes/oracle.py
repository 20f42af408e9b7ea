"""Oracle's listener: TNS, client first; it is pinged as tnsping does."""

from portbook.identify.probe import Found, More, Probe, Talk

_DATA = b"(CONNECT_DATA=(COMMAND=ping))"
# CONNECT: version 310, compatible with 300, no options, sizes of data units, protocol, turnaround,
# the number 1, where the data lies (58) and how much of it may come back, no flags, no tracing.
_CONNECT = (
    (58 + len(_DATA)).to_bytes(2)
    + b"\x00\x00\x01\x00\x00\x00"
    + b"\x01\x36\x01\x2c\x00\x00\x08\x00\x7f\xff\x7f\x08\x00\x00\x00\x01"
    + len(_DATA).to_bytes(2)
    + b"\x00\x3a\x00\x00\x08\x00\x00\x00"
    + b"\x00" * 24
    + _DATA
)
_ACCEPT, _REFUSE, _REDIRECT, _RESEND = 2, 4, 5, 11


def judge(talk: Talk) -> Found | More | None:
    """REFUSE with the listener's number in its data; or ACCEPT, REDIRECT, RESEND."""
    reply = talk.first
    if talk.opener != "oracle" or talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    length = int.from_bytes(reply[:2])
    if len(reply) < 8:
        return More() if 8 <= length <= 4096 and not talk.ended else None
    # No checksums; a kind of packet; some flags.
    if reply[2:4] != b"\0\0" or reply[6:8] != b"\0\0" or not 8 <= length <= 4096:
        return None
    if len(reply) < length:
        return None if talk.ended else More()
    kind, rest = reply[4], reply[8:length]
    if kind == _RESEND and length == 8 and len(reply) == 8:
        return Found("oracle", "certain", "Oracle Database", shows=reply)
    if kind == _ACCEPT and 24 <= length <= 64 and 300 <= int.from_bytes(rest[:2]) <= 330:
        return Found("oracle", "certain", "Oracle Database", shows=reply[:16])
    size = 2 if kind == _REDIRECT else 4 if kind == _REFUSE else 0
    text = rest[size:]
    described = text.startswith((b"(DESCRIPTION=(", b"(ADDRESS=("))
    if not size or not described or int.from_bytes(rest[size - 2 : size]) != len(text):
        return None
    return Found("oracle", "certain", "Oracle Database", _version(text), text[:80])


def _version(text: bytes) -> str | None:
    """VSNNUM: a number of five parts, whose sizes changed with release 18."""
    digits = text[:400].partition(b"(VSNNUM=")[2].partition(b")")[0]
    if not digits.isdigit() or not 0 < len(digits) <= 10:
        return None
    number = int(digits)
    major, sizes = number >> 24, (4, 8, 4, 8) if number >> 24 < 18 else (8, 4, 8, 4)
    parts, left = [str(major)], 24
    for size in sizes:
        left -= size
        parts.append(str(number >> left & ((1 << size) - 1)))
    return ".".join(parts)


PROBE = Probe(
    name="oracle",
    title="Oracle Database (TNS)",
    source="Oracle Net Services Reference (tnsping); packet layout as in Wireshark's TNS dissector",
    services=("ncube-lm", "orasrv", "tlisrv", "oraclenet8cman", "ttc", "ttc-ssl"),
    ports=(1521, 1526),
    secure_ports=(2484,),
    programs=("tnslsnr", "oracle-xe", "oracle"),
    opener=_CONNECT,
    judge=judge,
)
