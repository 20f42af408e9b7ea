"""AMQP 0-9-1 and 1.0: the client sends a protocol header, the server begins or names its own."""

from portbook.identify.probe import Again, Found, More, Probe, Talk

_HEADERS = {
    b"AMQP\x00\x00\x09\x01": "AMQP 0-9-1",
    b"AMQP\x00\x00\x09\x00": "AMQP 0-9",
    b"AMQP\x01\x01\x08\x00": "AMQP 0-8",
    b"AMQP\x01\x01\x00\x0a": "AMQP 0-10",
    b"AMQP\x00\x01\x00\x00": "AMQP 1.0",
    b"AMQP\x02\x01\x00\x00": "AMQP 1.0 inside TLS",
    b"AMQP\x03\x01\x00\x00": "AMQP 1.0 with SASL",
}
_OPENER = b"AMQP\x00\x00\x09\x01"
_START = b"\x00\x0a\x00\x0a"
_TEXT = 80


def judge(talk: Talk) -> Found | More | Again | None:
    """Connection.Start with the server's properties, or the header of a version that it knows.

    A header comes to anything that is none (HTTP and so on), before the connection ends.
    """
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    version = _HEADERS.get(reply[:8])
    # Servers of 1.0 add a frame that says what is wrong (data offset 2, type 0).
    framed = reply[5:6] == b"\x01" and reply[12:14] == b"\x02\0"
    if version and (len(reply) == 8 or framed or talk.opener == "amqp"):
        found = Found("amqp", "certain", shows=reply[:8], notes=(version,))
        return found if talk.opener == "amqp" else Again(_OPENER, found)
    if talk.opener != "amqp" or reply[:3] != b"\x01\0\0"[: len(reply)]:
        return None
    size = int.from_bytes(reply[3:7])
    if len(reply) < 13:
        return None if talk.ended else More()
    if reply[7:11] != _START or reply[11:13] not in (b"\0\x09", b"\x08\0") or size > 65536:
        return None
    found = Found("amqp", "certain", shows=reply[:13], notes=("AMQP 0-9-1",))
    if len(reply) < size + 8 and not talk.ended:
        return More(found)
    product, told = _property(reply, b"product"), _property(reply, b"version")
    return found._replace(product=product, version=told)


def _property(reply: bytes, name: bytes) -> str | None:
    """A long string out of the table of the server's properties."""
    key = bytes((len(name),)) + name + b"S"
    at = reply.find(key, 13, 8192)
    if at < 0:
        return None
    size = int.from_bytes(reply[at + len(key) : at + len(key) + 4])
    text = reply[at + len(key) + 4 :][: min(size, _TEXT)].decode("utf-8", "replace")
    return text if text and text.isprintable() else None


PROBE = Probe(
    name="amqp",
    title="AMQP (RabbitMQ and others)",
    source="AMQP 0-9-1 section 4.2.2 and Connection.Start; OASIS AMQP 1.0 section 2.2",
    services=("amqp", "amqps"),
    ports=(5672,),
    secure_ports=(5671,),
    programs=("rabbitmq-server", "rabbitmq", "qpidd", "qdrouterd", "skrouterd", "lavinmq"),
    commands=("-s rabbit boot", "rabbit@", "org.apache.qpid.server", "org.apache.activemq.artemis"),
    opener=_OPENER,
    reacts_to=("http", "redis"),
    judge=judge,
)
