"""Memcached's text protocol over TCP, and over UDP with its frame header: client first."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_ASK = b"version\r\n"
# Request id, sequence number, number of datagrams, reserved (protocol.txt, "UDP protocol").
_FRAME = b"pb\x00\x00\x00\x01\x00\x00"
_LOCKED = b"CLIENT_ERROR unauthenticated\r\n"


def judge(talk: Talk) -> Found | More | Send | None:
    """`VERSION x`; a locked server's only error; `ERROR` for each line of another opener."""
    reply = talk.reply
    if talk.transport == "udp":
        framed = len(talk.turns) == 1 and reply[:8] == _FRAME
        return _answer(reply[8:]) if framed else None
    lines = talk.turns[0].sent.count(b"\n")
    if lines and talk.first == b"ERROR\r\n" * lines and talk.opener not in ("", "memcached"):
        unsure = Found("memcached", "likely" if lines > 1 else "guess", shows=b"ERROR")
        if len(talk.turns) == 1:
            return Send(_ASK, unsure)
        return _answer(reply) or (unsure if talk.ended else More(unsure))
    if len(talk.turns) == 1 and (talk.opener == "memcached" or reply == _LOCKED):
        return _answer(reply)
    if len(talk.turns) == 1 and reply.startswith(b"STAT pid "):
        return _statistics(reply, ended=talk.ended)
    return None


def _statistics(reply: bytes, *, ended: bool) -> Found | More | None:
    """The answer to beanstalkd's `stats`, which memcached knows as well."""
    _, key, rest = reply[:512].partition(b"\r\nSTAT version ")
    if not key or b"\r\n" not in rest:
        return None if ended or len(reply) >= 512 else More()
    version = rest.split(b"\r\n", 1)[0].decode("ascii", "replace")
    return Found("memcached", "certain", "memcached", version or None, b"STAT version")


def _answer(reply: bytes) -> Found | None:
    if reply == _LOCKED:
        notes = ("asks for a password",)
        return Found("memcached", "certain", "memcached", None, reply.strip(), notes)
    line, end, rest = reply[:128].partition(b"\r\n")
    if not line.startswith(b"VERSION ") or not end or rest or len(line) < 9:
        return None
    version = line[8:].decode("ascii", "replace").strip()
    product = "memcached"
    if version.startswith("mcrouter "):
        product, version = "mcrouter", version.removeprefix("mcrouter ").strip()
    # Other servers speak it too, and number themselves as they like.
    sure = "certain" if version[:1].isdigit() else "likely"
    return Found("memcached", sure, product, version or None, line)


PROBE = Probe(
    name="memcached",
    title="memcached",
    source="memcached doc/protocol.txt",
    services=("memcache",),
    ports=(11211,),
    programs=("memcached", "mcrouter"),
    opener=_ASK,
    datagram=_FRAME + _ASK,
    reacts_to=("redis", "ident", "beanstalkd"),
    judge=judge,
)
