"""PulseAudio's native protocol: the client speaks first. We ask who the server is, unauthorised."""

from portbook.identify.probe import Found, More, Probe, Talk

_CONTROL = b"\xff\xff\xff\xff" + bytes(12)
_TAG = b"Lport"
_GET_SERVER_INFO, _ERROR, _REPLY = (b"L\0\0\0" + bytes((code,)) for code in (20, 0, 2))


def judge(talk: Talk) -> Found | More | None:
    """A packet on the control channel that has our tag: `access denied`, or the server's name."""
    reply = talk.first
    if talk.transport != "tcp" or talk.opener != "pulseaudio" or len(talk.turns) > 1:
        return None
    size = int.from_bytes(reply[:4])
    if len(reply) < 20 or len(reply) < 20 + min(size, 4096):
        cut = reply[:2] == b"\0\0" and _CONTROL.startswith(reply[4:20])
        return More() if cut and not talk.ended else None
    body = reply[20 : 20 + size]
    if reply[4:20] != _CONTROL or body[5:10] != _TAG:
        return None
    if body[:5] == _ERROR and len(body) == 15 and body[10:14] == b"L\0\0\0":
        notes = ("asks for a cookie",) if body[14] == 1 else ()
        return Found("pulseaudio", "certain", shows=reply[:35], notes=notes)
    if body[:5] == _REPLY and body[10:11] == b"t":
        name, version, *_ = (*body[11:200].split(b"\0", 2), b"", b"")
        told = version.removeprefix(b"t").decode("ascii", "replace")
        product = "PulseAudio" if name == b"pulseaudio" else None
        clean = told if told[:1].isdigit() and told.isprintable() else None
        return Found("pulseaudio", "certain", product, clean, shows=body[10:60])
    return None


PROBE = Probe(
    name="pulseaudio",
    title="PulseAudio (native protocol)",
    source="PulseAudio src/pulsecore/native-common.h, PROTOCOL",
    ports=(4713,),
    programs=("pulseaudio", "pipewire-pulse"),
    opener=(10).to_bytes(4) + _CONTROL + _GET_SERVER_INFO + _TAG,
    judge=judge,
)
