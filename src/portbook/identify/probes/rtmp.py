"""RTMP: the client's handshake is one byte and 1536 more; most servers wait for all of them."""

from portbook.identify.probe import Found, More, Probe, Talk

_VERSION = b"\x03"
_SIZE = 1536
_NOISE = b"portbook" * 191


def judge(talk: Talk) -> Found | More | None:
    """The version, S1, and S2, which gives our own C1 back (section 5.2.4)."""
    reply = talk.first
    if talk.transport != "tcp" or talk.opener != "rtmp" or reply[:1] != _VERSION:
        return None
    if len(reply) < 1 + 2 * _SIZE:
        return None if talk.ended else More()
    echoed = reply[1 + _SIZE + 8 : 1 + 2 * _SIZE]
    if echoed != _NOISE:
        return None
    return Found("rtmp", "certain", shows=reply[:9])


PROBE = Probe(
    name="rtmp",
    title="RTMP",
    source="Adobe RTMP specification 1.0, section 5.2",
    services=("macromedia-fcs",),
    ports=(1935,),
    programs=("srs", "red5", "mediamtx", "rtmpsrv", "fmsedge", "amshttp"),
    commands=("/bin/node-media-server", "monaserver", "rtmp_server", "pyrtmp_server"),
    opener=_VERSION + bytes(8) + _NOISE,
    expected=True,
    judge=judge,
)
