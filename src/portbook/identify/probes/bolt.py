"""Bolt, the protocol of Neo4j and Memgraph: the client offers versions, the server picks one."""

from portbook.identify.probe import Found, More, Probe, Send, Talk

# The magic number; 5.4 down to 5.0, 4.4 down to 4.2, 4.1, and 3.
_OFFER = b"\x60\x60\xb0\x17\x00\x04\x04\x05\x00\x02\x04\x04\x00\x00\x01\x04\x00\x00\x00\x03"
_PICKS = {b"\x00\x00" + bytes((minor, 5)): f"5.{minor}" for minor in range(5)} | {
    **{b"\x00\x00" + bytes((minor, 4)): f"4.{minor}" for minor in range(1, 5)},
    b"\x00\x00\x00\x03": "3",
}
_AGENT = b"\x8aportbook/1"
# HELLO without a login, which is a message of its own since 5.1: names of the client only.
_HELLO_MAP = b"\xa2\x8auser_agent" + _AGENT + b"\x8abolt_agent\xa1\x87product" + _AGENT
_HELLO = (len(_HELLO_MAP) + 2).to_bytes(2) + b"\xb1\x01" + _HELLO_MAP + b"\x00\x00"


def judge(talk: Talk) -> Found | More | Send | None:
    """One of the versions that were offered; then SUCCESS with the name of the server."""
    if talk.transport != "tcp" or talk.opener != "bolt":
        return None
    version = _PICKS.get(talk.first)
    if version is None:
        begun = len(talk.turns) == 1 and 0 < len(talk.first) < 4 and talk.first[:2] == b"\0\0"
        return More() if begun and not talk.ended else None
    picked = Found("bolt", "certain", None, None, talk.first, (f"Bolt {version}",))
    if len(talk.turns) == 1:
        return Send(_HELLO, picked) if version in ("5.1", "5.2", "5.3", "5.4") else picked
    reply = talk.reply
    if reply[2:4] != b"\xb1\x70":
        cut = len(reply) < 4 and not talk.ended
        return More(picked) if cut else picked
    if len(reply) < 2 + int.from_bytes(reply[:2]) and not talk.ended:
        return More(picked)
    return _named(picked, reply[:2048])


def _named(picked: Found, reply: bytes) -> Found:
    _, key, rest = reply.partition(b"\x86server")
    size, start = rest[:1], 1
    length = size[0] & 0x0F if size and size[0] >> 4 == 8 else 0
    if size == b"\xd0":
        length, start = int.from_bytes(rest[1:2]), 2
    if not key or not length:
        return picked
    text = rest[start : start + length].decode("utf-8", "replace")
    product, _, number = text.partition("/")
    version = number.split(" ", 1)[0].removeprefix("v") or None
    if "Memgraph" in text:
        # The number is the Neo4j that it is compatible with.
        product, version = "Memgraph", None
    return picked._replace(product=product or None, version=version, shows=text.encode())


PROBE = Probe(
    name="bolt",
    title="Bolt (Neo4j, Memgraph)",
    source="Neo4j documentation, Bolt Protocol: handshake, message HELLO",
    services=("bolt",),
    ports=(7687,),
    programs=("neo4j", "memgraph"),
    commands=("org.neo4j", "com.neo4j"),
    opener=_OFFER,
    judge=judge,
)
