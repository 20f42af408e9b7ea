"""Microsoft SQL Server: TDS PRELOGIN, client first; over UDP its browser, which lists instances."""

from portbook.identify.probe import Found, More, Probe, Talk

# Type 18, whole; then VERSION (0) and ENCRYPTION (1) with offset and length, the end, and both:
# no version of ours, and encryption is available but off.
_PRELOGIN = (
    b"\x12\x01\x00\x1a\x00\x00\x00\x00"
    b"\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff"
    b"\x00\x00\x00\x00\x00\x00\x00"
)
_ENCRYPTION = {0: "offers TLS", 1: "offers TLS", 2: "offers no TLS", 3: "requires TLS"}


def judge(talk: Talk) -> Found | More | None:
    """A table response that holds the options of PRELOGIN; or the browser's list."""
    reply = talk.first
    if len(talk.turns) > 1 or talk.opener != "mssql":
        return None
    if talk.transport == "udp":
        return _browser(reply)
    length = int.from_bytes(reply[2:4])
    if not reply.startswith(b"\x04\x01\x00"[: len(reply)]) or (len(reply) > 7 and length < 20):
        return None
    if len(reply) < 8 or len(reply) < length:
        return None if talk.ended else More()
    options = _options(reply[8:length])
    version = options.get(0, b"")
    if len(version) != 6 or len(reply) != length:
        return None
    encryption = options.get(1, b"")
    notes = (_ENCRYPTION[encryption[0]],) if encryption and encryption[0] in _ENCRYPTION else ()
    number = f"{version[0]}.{version[1]}.{int.from_bytes(version[2:4])}"
    return Found("mssql", "certain", "Microsoft SQL Server", number, version, notes)


def _options(body: bytes) -> dict[int, bytes]:
    """Token, offset and length of each option, until 255; empty where one lies outside."""
    found: dict[int, bytes] = {}
    for at in range(0, 60, 5):
        if body[at : at + 1] == b"\xff":
            return found
        offset = int.from_bytes(body[at + 1 : at + 3])
        length = int.from_bytes(body[at + 3 : at + 5])
        if len(body) < at + 5 or offset < 6 or offset + length > len(body):
            return {}
        found[body[at]] = body[offset : offset + length]
    return {}


def _browser(reply: bytes) -> Found | None:
    """SVR_RESP: 5, the length, and `ServerName;X;InstanceName;Y;IsClustered;No;Version;Z;...;;`."""
    size = int.from_bytes(reply[1:3], "little")
    if reply[:1] != b"\x05" or size != len(reply) - 3 or not reply[3:].startswith(b"ServerName;"):
        return None
    words = reply[3:2048].decode("ascii", "replace").split(";")
    pairs = dict(zip(words[::2], words[1::2], strict=False))
    version = pairs.get("Version") or None
    number = ".".join(version.split(".")[:3]) if version else None
    return Found("mssql", "certain", "Microsoft SQL Server", number, reply[3:80])


PROBE = Probe(
    name="mssql",
    title="Microsoft SQL Server (TDS)",
    source="MS-TDS 2.2.6.5 (PRELOGIN), MC-SQLR 2.2.2 (CLNT_UCAST_EX)",
    services=("ms-sql-s", "ms-sql-m"),
    ports=(1433, 1434),
    programs=("sqlservr", "mssql-server"),
    opener=_PRELOGIN,
    datagram=b"\x03",
    judge=judge,
)
