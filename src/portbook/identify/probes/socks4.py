"""SOCKS version 4: the client asks for a connection (NEC's SOCKS 4 memo, never an RFC).

Each real request connects or binds, so the first message here asks for neither: command 0, which a
server rejects.
"""

from portbook.identify.probe import Again, Found, More, Probe, Talk

_NOTHING = b"\x04\x00\x00\x00\x00\x00\x00\x00\x00"
_SOCKS5 = b"\x05\x01\x00"
_REJECTED = frozenset((91, 92, 93))


def judge(talk: Talk) -> Found | Again | More | None:
    """Eight bytes: null, a code that rejects, and an address that means nothing."""
    reply = talk.first
    if len(talk.turns) > 1 or talk.transport != "tcp" or talk.opener != "socks4":
        return None
    if talk.sent == _SOCKS5:
        if reply == b"\x05\x00":
            return Found("socks5", "certain", shows=reply, notes=("speaks SOCKS 4 too",))
        return Found("socks4", "certain", shows=reply[:8]) if _rejects(reply) else None
    if _rejects(reply):
        return Again(_SOCKS5, Found("socks4", "likely", shows=reply))
    if len(reply) < 8 and not talk.ended and (reply + b"\x5b")[:2] == b"\x00\x5b":
        return More()
    return None


def _rejects(reply: bytes) -> bool:
    return len(reply) == 8 and reply[0] == 0 and reply[1] in _REJECTED


PROBE = Probe(
    name="socks4",
    title="SOCKS 4 proxy",
    source="SOCKS: A protocol for TCP proxy across firewalls (NEC, SOCKS 4 protocol memo)",
    services=("socks",),
    ports=(1080,),
    programs=("danted", "dante-server", "sockd", "srelay", "3proxy"),
    commands=("pproxy -l socks4://",),
    opener=_NOTHING,
    judge=judge,
)
