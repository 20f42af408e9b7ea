"""Portbook's own service: HTTP with its name in the Server header, and datagrams of 64 bytes."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page, version_of

# STATUS of 3255/udp (docs/udp.md): magic, op, flags, port, nonce; the rest is zero.
_STATUS = b"PBK1\x01\x01\x0c\xb7identify" + bytes(48)
_ANSWER = b"PBK1\x81" + _STATUS[5:16]
_STATES = 4
_KEPT_ZERO = (slice(17, 20), slice(36, 40), slice(56, 64))


def judge(talk: Talk) -> Found | None:
    """`Server: portbook/VERSION`; over UDP our own question's answer."""
    if talk.transport == "udp":
        return _datagram(talk.reply)
    response = page(talk)
    server = response.header("server") if response else ""
    version = version_of(server, "portbook")
    if not server.startswith("portbook/") or version is None:
        return None
    return Found("http", "certain", "portbook", version, b"Server: " + server.encode("latin-1"))


def _datagram(reply: bytes) -> Found | None:
    """The first sixteen bytes of the question but for one bit, a state, and zeros in their places.

    The state is that of the claim of 3255/udp, if there is one.
    """
    if len(reply) != len(_STATUS) or not reply.startswith(_ANSWER) or reply[16] >= _STATES:
        return None
    if any(any(reply[part]) for part in _KEPT_ZERO):
        return None
    return Found("portbook", "certain", "portbook", shows=reply[:16])


PROBE = Probe(
    name="portbook",
    title="portbook's own service",
    source="portbook's documentation",
    ports=(3255,),
    services=("semaphore",),
    programs=("portbook",),
    commands=("portbook serve",),
    datagram=_STATUS,
    transports=("tcp", "udp"),
    reacts_to=("http",),
    judge=judge,
)
