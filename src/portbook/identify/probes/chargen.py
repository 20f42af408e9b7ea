"""Character generator: the server sends lines of characters that shift by one (RFC 864)."""

from portbook.identify.probe import Found, More, Probe, Talk

_WIDTH = 72
# The printable characters, in a ring; some servers leave the space out.
_RINGS = (bytes(range(32, 127)), bytes(range(33, 127)))


def judge(talk: Talk) -> Found | More | None:
    """Two lines of 72 characters, the second one further in the ring; one over UDP."""
    if len(talk.turns) > 1:
        return None
    wanted = 2 * (_WIDTH + 2)
    data = talk.first[:wanted]
    for ring in _RINGS:
        start = ring.find(data[:1]) if data else -1
        if start < 0:
            continue
        expected = b"".join(_line(ring, start + shift) for shift in range(2))
        if len(data) >= 16 and expected.startswith(data):
            return _judged(talk, data, wanted)
    return None


def _line(ring: bytes, start: int) -> bytes:
    twice = ring + ring
    start %= len(ring)
    return twice[start : start + _WIDTH] + b"\r\n"


def _judged(talk: Talk, data: bytes, wanted: int) -> Found | More:
    shows = data[:_WIDTH]
    whole = len(data) >= (_WIDTH + 2 if talk.transport == "udp" else wanted)
    found = Found("chargen", "certain" if whole else "guess", shows=shows)
    return found if whole or talk.ended else More(found)


PROBE = Probe(
    name="chargen",
    title="Character generator",
    source="RFC 864",
    services=("chargen",),
    ports=(19,),
    datagram=b"\n",
    speaks_first=True,
    judge=judge,
)
