"""MySQL's X protocol: a notice greets (since 8.0), and the client asks for capabilities."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

# A frame is its length (with the type), its type, and a message of Protocol Buffers.
_HELLO = b"\x05\x00\x00\x00\x0b\x08\x05\x1a\x00"
_ASK = b"\x01\x00\x00\x00\x01"
_CAPABILITIES, _NOTICE, _MOST = 2, 11, 4096


def judge(talk: Talk) -> Found | More | Send | None:
    """The notice SERVER_HELLO alone; or capabilities, which begin with a Capability's name."""
    if talk.transport != "tcp":
        return None
    found = Found("mysqlx", "certain", "MySQL", shows=_HELLO)
    if len(talk.turns) == 1 and talk.first == _HELLO and talk.opener == "":
        return Send(_ASK, found)
    if talk.opener != "mysqlx" and (len(talk.turns) == 1 or talk.first != _HELLO):
        return found if talk.first.startswith(_HELLO) else None
    payload, cut = _capabilities(talk.reply)
    if payload is not None:
        notes = ("offers TLS",) if b"\x0a\x03tls\x12" in payload else ()
        return found._replace(shows=payload[:60], notes=notes)
    greeted = found if talk.first.startswith(_HELLO) else None
    if cut and not talk.ended:
        return More(greeted)
    return greeted


def _capabilities(reply: bytes) -> tuple[bytes | None, bool]:
    """The message with the capabilities among the first frames; and whether a frame is cut."""
    at = 0
    for _ in range(4):
        length = int.from_bytes(reply[at : at + 4], "little")
        if len(reply) < at + 5 or not 1 <= length <= _MOST:
            return None, len(reply) < at + 5
        kind, payload = reply[at + 4], reply[at + 5 : at + 4 + length]
        if len(payload) < length - 1:
            return None, True
        if kind == _CAPABILITIES:
            known = b"authentication.mechanisms" in payload or b"doc.formats" in payload
            return (payload if payload[:1] == b"\x0a" and known else None), False
        if kind != _NOTICE:
            return None, False
        at += 4 + length
    return None, False


PROBE = Probe(
    name="mysqlx",
    title="MySQL X protocol",
    source="MySQL X Protocol, mysqlx.proto, mysqlx_connection.proto, mysqlx_notice.proto",
    services=("mysqlx",),
    ports=(33060,),
    programs=("mysqld", "mysql-server", "mysql"),
    opener=_ASK,
    speaks_first=True,
    judge=judge,
)
