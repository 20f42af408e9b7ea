"""Redis and what is compatible with it (Valkey, KeyDB, Dragonfly): RESP, client first."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

_INFO = b"*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n"
_PRODUCTS = (
    (b"valkey_version:", "Valkey"),
    (b"dragonfly_version:", "Dragonfly"),
    (b"kvrocks_version:", "Apache Kvrocks"),
    (b"garnet_version:", "Garnet"),
    (b"memurai_version:", "Memurai"),
    (b"redis_version:", "Redis"),
)
_MODES = (b"redis_mode:", b"server_mode:")
# How an error begins that no other protocol words so, and what people should know of it. Redis and
# its relatives word them alike: only INFO says which of them it is.
_REFUSALS = (
    (b"-NOAUTH Authentication required", "asks for a password"),
    (b"-NOAUTH HELLO must be called", "asks for a password"),
    (b"-DENIED Redis is running in protected mode", "answers only its own host: protected mode"),
    (b"-DENIED KeyDB is running in protected mode", "answers only its own host: protected mode"),
    (b"-DENIED Running in protected mode", "answers only its own host: protected mode"),
    (b"-LOADING ", "is still loading its data"),
    (b"-MASTERDOWN Link with MASTER is down", "its primary is down"),
    (b"-NOPERM ", "refuses commands"),
)
_UNKNOWN = (b"-ERR unknown command '", b"-ERR unknown command `")


def judge(talk: Talk) -> Found | More | Send | None:
    """+PONG, or one of the errors that only Redis words so; then INFO for the version."""
    if talk.transport != "tcp":
        return None
    reply, begins = talk.first, len(talk.turns) == 1
    if talk.opener == "redis" and reply.startswith(b"+PONG\r\n"):
        ponged = Found("redis", "certain", shows=b"+PONG")
        return Send(_INFO, ponged) if begins else _version(talk, ponged)
    refused = _refused(reply)
    if refused is not None and (b"\n" in reply[:256] or reply.startswith(b"-DENIED ")):
        return Found("redis", "certain", shows=_line(reply), notes=(refused,))
    # Older ones say no more than what a POP3 or NATS server might say as well.
    if reply.startswith(_UNKNOWN) and b"with args beginning with: " in reply[:200]:
        unsure = Found("redis", "likely", shows=_line(reply))
        return Send(_INFO, unsure) if begins else _version(talk, unsure)
    if talk.opener == "redis" and reply.startswith(_UNKNOWN):
        return Found("redis", "likely", shows=_line(reply))
    return None


def _refused(reply: bytes) -> str | None:
    return next((note for start, note in _REFUSALS if reply.startswith(start)), None)


def _line(reply: bytes) -> bytes:
    return reply[:60].split(b"\r\n", 1)[0]


def _version(talk: Talk, found: Found) -> Found | More:
    reply = talk.reply
    if not reply.startswith((b"$", b"=")):
        refused = _refused(reply)
        if refused is None:
            return found
        return found._replace(confidence="certain", notes=(refused,))
    if not _whole(reply) and not talk.ended:
        return More(found)
    text = reply[:8192]
    mode = next((value for key in _MODES if (value := _value(text, key))), None)
    notes = (f"runs as a {mode}",) if mode in ("sentinel", "cluster") else ()
    for key, product in _PRODUCTS:
        if version := _value(text, key):
            return Found("redis", "certain", product, version, found.shows, notes)
    return found


def _whole(reply: bytes) -> bool:
    """Whether a bulk string is all there: `$length`, and as many bytes."""
    length = reply[1:16].split(b"\r\n", 1)[0]
    return length.isdigit() and len(reply) >= 1 + len(length) + 2 + int(length)


def _value(text: bytes, key: bytes) -> str | None:
    at = text.find(b"\n" + key)
    if at < 0:
        return None
    at += 1 + len(key)
    return text[at : at + 40].split(b"\r", 1)[0].decode("ascii", "replace").strip() or None


PROBE = Probe(
    name="redis",
    title="Redis",
    source="RESP specification, redis.io/docs/latest/develop/reference/protocol-spec",
    services=("redis",),
    ports=(6379, 26379),
    secure_ports=(6380,),
    programs=(
        *("redis-server", "redis", "redis-sentinel", "valkey-server", "valkey", "keydb-server"),
        *("keydb", "dragonfly", "kvrocks", "garnetserver", "tile38-server"),
    ),
    opener=b"*1\r\n$4\r\nPING\r\n",
    reacts_to=("memcached", "ident", "beanstalkd"),
    judge=judge,
)
