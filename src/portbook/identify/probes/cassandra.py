"""Cassandra and ScyllaDB: CQL's binary protocol, client first."""

from portbook.identify.probe import Again, Found, More, Probe, Talk

_OPTIONS = b"\x04\x00\x00\x00\x05\x00\x00\x00\x00"
_ERROR = 0x00
_PROTOCOL_ERROR = b"\0\0\0\x0a"
_WORDS = b"Invalid or unsupported protocol version"


def judge(talk: Talk) -> Found | More | Again | None:
    """SUPPORTED to OPTIONS, with the versions of CQL; or a protocol error to another version.

    A response has a version with the highest bit, flags, the stream, an opcode, and its length.
    """
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1 or not reply:
        return None
    if not 0x81 <= reply[0] <= 0x86 or reply[4:5] not in (b"\x00", b"\x06", b""):
        return None
    length = int.from_bytes(reply[5:9])
    if len(reply) < 9 or len(reply) < 9 + length:
        plausible = len(reply) < 9 or 6 <= length <= 8192
        return More() if plausible and not talk.ended else None
    body = reply[9 : 9 + min(length, 8192)]
    if reply[4] == _ERROR:
        text = body[6:200]
        wrong = body.startswith(_PROTOCOL_ERROR) and text.startswith(_WORDS)
        found = Found("cassandra", "certain", shows=text)
        again = talk.opener != "cassandra"
        return (Again(_OPTIONS, found) if again else found) if wrong else None
    options = _multimap(body)
    if talk.opener != "cassandra" or not options.get("CQL_VERSION"):
        return None
    scylla = any(key.startswith("SCYLLA_") for key in options)
    version = options["CQL_VERSION"][0]
    notes = (f"CQL {version[:20]}",)
    product = "ScyllaDB" if scylla else None
    return Found("cassandra", "certain", product, None, f"CQL_VERSION {version}".encode(), notes)


def _multimap(body: bytes) -> dict[str, list[str]]:
    """[string multimap]: a count, then each key with a list of strings; all numbers are short."""
    found: dict[str, list[str]] = {}
    count, at = int.from_bytes(body[:2]), 2
    for _ in range(min(count, 64)):
        key, at = _string(body, at)
        values, at = int.from_bytes(body[at : at + 2]), at + 2
        kept = found.setdefault(key, [])
        for _ in range(min(values, 64)):
            value, at = _string(body, at)
            kept.append(value)
        if at > len(body):
            return {}
    return found


def _string(body: bytes, at: int) -> tuple[str, int]:
    length = int.from_bytes(body[at : at + 2])
    return body[at + 2 : at + 2 + length].decode("ascii", "replace"), at + 2 + length


PROBE = Probe(
    name="cassandra",
    title="Cassandra (CQL)",
    source="Cassandra native_protocol_v4.spec, OPTIONS",
    ports=(9042,),
    secure_ports=(9142,),
    programs=("cassandra", "scylla", "scylla-server"),
    commands=("org.apache.cassandra",),
    opener=_OPTIONS,
    reacts_to=("http", "redis", "memcached"),
    judge=judge,
)
