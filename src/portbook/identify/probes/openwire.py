"""OpenWire (ActiveMQ, Artemis): both sides greet with WireFormatInfo, the server at once."""

from portbook.identify.probe import Found, More, Probe, Talk

_MAGIC = b"\x01ActiveMQ"
_VERSION = b"\0\x0fProviderVersion\x09"
_NAME = b"\0\x0cProviderName\x09"


def judge(talk: Talk) -> Found | More | None:
    """A size, the type 1, the magic `ActiveMQ`, then a map with the provider's version."""
    reply = talk.first
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    sized = reply[:2] == b"\0\0"
    start = 4 if sized else 0
    magic = reply[start : start + 9]
    if magic != _MAGIC:
        cut = len(reply) > start + 1 and len(reply) < start + 9 and _MAGIC.startswith(magic)
        return More() if cut and not talk.ended else None
    size = int.from_bytes(reply[:4]) if sized else 0
    version = int.from_bytes(reply[start + 9 : start + 13])
    if len(reply) < start + 13 or not 1 <= version <= 64 or size > 65535:
        return None if talk.ended or len(reply) >= start + 13 else More()
    notes = (f"OpenWire {version}",)
    found = Found("openwire", "certain", shows=reply[start : start + 13], notes=notes)
    if sized and len(reply) < size + 4 and not talk.ended:
        return More(found)
    return found._replace(product=_text(reply, _NAME), version=_text(reply, _VERSION))


def _text(reply: bytes, key: bytes) -> str | None:
    """A string of the map."""
    at = reply.find(key, 0, 4096)
    if at < 0:
        return None
    at += len(key)
    size = int.from_bytes(reply[at : at + 2])
    text = reply[at + 2 : at + 2 + min(size, 60)].decode("utf-8", "replace")
    return text if text and text.isprintable() else None


PROBE = Probe(
    name="openwire",
    title="OpenWire (ActiveMQ)",
    source="ActiveMQ, OpenWire version 2 specification: WireFormatInfo",
    ports=(61616,),
    secure_ports=(61617,),
    programs=("activemq",),
    commands=("activemq.jar start", "org.apache.activemq.artemis"),
    speaks_first=True,
    judge=judge,
)
