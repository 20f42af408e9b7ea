"""PostgreSQL: the client asks for encryption first, and one letter is the answer.

There is no more to be had without a login: the version is told after it, and every other first
message is an error in the server's log.
"""

from portbook.identify.probe import Found, More, Probe, Send, StartTls, Talk

_SSL = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
_GSS = b"\x00\x00\x00\x08\x04\xd2\x16\x30"


def judge(talk: Talk) -> Found | More | Send | StartTls | None:
    """`S` or `N` to SSLRequest, and where it is `N`, `G` or `N` to GSSENCRequest."""
    if talk.transport != "tcp":
        return None
    if len(talk.turns) > 1:
        own = talk.opener == "postgresql" and talk.first in (b"S", b"N")
        return _further(talk) if own else None
    reply = talk.first
    if talk.opener == "postgresql":
        likely = Found("postgresql", "likely", shows=reply)
        if reply == b"S":
            return StartTls(likely)
        if reply == b"N":
            return Send(_GSS, likely)
    return _error(reply, ended=talk.ended)


def _further(talk: Talk) -> Found | None:
    if talk.first == b"S":
        return Found("postgresql", "certain", shows=b"S")
    if talk.reply in (b"G", b"N"):
        return Found("postgresql", "certain", shows=talk.first, notes=("offers no TLS",))
    found = _error(talk.reply, ended=True)
    return found if isinstance(found, Found) else Found("postgresql", "guess", shows=talk.first)


def _error(reply: bytes, *, ended: bool) -> Found | More | None:
    """An ErrorResponse: `E`, its length, and fields of a letter and a text, SFATAL first.

    Servers give it where they may not start a session at all, and poolers to any first message.
    """
    length = int.from_bytes(reply[1:5])
    if not reply.startswith(b"E\x00\x00") or reply[5:6] != b"S" or length < 20:
        return None
    if len(reply) < 1 + length:
        return None if ended else More()
    fields = {field[:1]: field[1:] for field in reply[5 : 1 + length].split(b"\0")}
    if fields.get(b"S") not in (b"FATAL", b"ERROR") or len(fields.get(b"C", b"")) != 5:
        return None
    text = fields.get(b"M", b"")
    return Found("postgresql", "certain", shows=text[:80])


PROBE = Probe(
    name="postgresql",
    title="PostgreSQL",
    source="PostgreSQL manual, Frontend/Backend Protocol: SSL and GSSAPI session encryption",
    services=("postgresql", "pgbouncer"),
    ports=(5432, 6432),
    programs=("postgres", "postgresql", "postmaster", "pgbouncer", "pgpool", "cockroach"),
    opener=_SSL,
    judge=judge,
)
