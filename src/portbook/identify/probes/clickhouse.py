"""ClickHouse over its native protocol: the client begins with a login, which we do not say.

A request of HTTP is told where to go instead, and any other first message is told that it is none.
"""

from portbook.identify.probe import Found, More, Probe, Talk

_WRONG_PORT = b"HTTP/1.0 400 Bad Request\r\n\r\nPort "
_WORDS = b" is for clickhouse-client program"
_NAMES = (b"\x10DB::NetException", b"\x0dDB::Exception")


def judge(talk: Talk) -> Found | More | None:
    """The hint for HTTP clients, or an exception packet: 2, a code, and the name of its class."""
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    if reply.startswith(_WRONG_PORT):
        number, words, _ = reply[len(_WRONG_PORT) : len(_WRONG_PORT) + 80].partition(_WORDS)
        if words and number.isdigit():
            shows = b"Port " + number + words
            return Found("clickhouse", "certain", "ClickHouse", shows=shows)
        return None if talk.ended else More()
    if reply[:1] == b"\x02" and len(reply) > 5 and reply[3:5] == b"\0\0":
        if reply[5:].startswith(_NAMES):
            return Found("clickhouse", "certain", "ClickHouse", shows=reply[6:60])
        begun = any(name.startswith(reply[5:]) for name in _NAMES)
        return More() if begun and not talk.ended else None
    return None


PROBE = Probe(
    name="clickhouse",
    title="ClickHouse (native protocol)",
    source="ClickHouse documentation, Native Protocol; source, TCPHandler::receiveHello",
    ports=(9000,),
    secure_ports=(9440,),
    programs=("clickhouse-server", "clickhouse", "clickhouse-serv", "clckhouse-watch"),
    opener=b"GET / HTTP/1.0\r\n\r\n",
    reacts_to=("http", "redis", "memcached"),
    judge=judge,
)
