"""DRDA, the protocol of Db2 and Apache Derby: the client begins with EXCSAT and its levels."""

from portbook.identify.probe import Again, Found, More, Probe, Talk

_EXCSAT, _EXCSATRD, _SYNTAXRM = 0x1041, 0x1443, 0x124C
_CLASS, _RELEASE, _LEVELS, _SEVERITY = 0x1147, 0x115A, 0x1404, 0x1149


def _object(code: int, content: bytes) -> bytes:
    return (len(content) + 4).to_bytes(2) + code.to_bytes(2) + content


# AGENT, SQLAM, RDB and SECMGR at level 7, as a client of DRDA 5 has them.
_MANAGERS = bytes.fromhex("14030007 24070007 240f0007 14400007")
_REQUEST = _object(_EXCSAT, _object(_LEVELS, _MANAGERS))
_OPENER = (len(_REQUEST) + 6).to_bytes(2) + b"\xd0\x01\x00\x01" + _REQUEST


def judge(talk: Talk) -> Found | More | Again | None:
    """A data stream with our correlation: EXCSATRD, or SYNTAXRM to what is no DRDA at all."""
    reply = talk.first
    # Length, magic D0, type 2 (reply) with or without chaining, correlation 1.
    if talk.transport != "tcp" or len(talk.turns) > 1 or reply[2:3] != b"\xd0":
        return None
    if len(reply) < 10:
        return None if talk.ended else More()
    length, inner, code = (int.from_bytes(reply[at : at + 2]) for at in (0, 6, 8))
    if reply[3] & 0x0F != 2 or reply[4:6] != b"\0\1" or not 10 <= inner <= length - 6 <= 1024:
        return None
    if len(reply) < 6 + inner:
        return None if talk.ended else More()
    parts = _parts(reply[10 : 6 + inner])
    if code == _SYNTAXRM and len(parts.get(_SEVERITY, b"")) == 2:
        found = Found("drda", "certain", shows=reply[:10])
        return found if talk.opener == "drda" else Again(_OPENER, found)
    if code != _EXCSATRD or talk.opener != "drda":
        return None
    name = _text(parts.get(_CLASS, b""))
    product = "IBM Db2" if "DB2" in name.upper() else name or None
    version = _version(_text(parts.get(_RELEASE, b"")))
    return Found("drda", "certain", product, version, name.encode() or reply[:10])


def _parts(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        length = int.from_bytes(data[at : at + 2])
        if length < 4:
            break
        found[int.from_bytes(data[at + 2 : at + 4])] = data[at + 4 : at + length]
        at += length
    return found


def _text(data: bytes) -> str:
    """EBCDIC, without what cannot be printed."""
    text = data[:80].decode("cp500").replace("\0", " ").strip()
    return text if text.isascii() and text.isprintable() else ""


def _version(release: str) -> str | None:
    """`CSS10140/10.14.2.0 - (1828579)` of Derby, `SQL11055` of Db2 (11.5.5)."""
    _, slash, after = release.partition("/")
    if slash:
        return after.split(" ", 1)[0][:40] or None
    digits = release[3:]
    if len(release) == 8 and digits.isdigit():
        return f"{int(digits[:2])}.{int(digits[2:4])}.{digits[4]}"
    return None


PROBE = Probe(
    name="drda",
    title="DRDA (Apache Derby, IBM Db2)",
    source="DRDA version 5, volume 3 (The Open Group C143), EXCSAT",
    services=("ddm-rdb", "ddm-ssl"),
    ports=(1527, 50000, 446),
    secure_ports=(448,),
    programs=("derby-tools", "db2sysc"),
    commands=("org.apache.derby.drda", "derbyrun.jar server"),
    opener=_OPENER,
    reacts_to=("http", "redis", "memcached"),
    judge=judge,
)
