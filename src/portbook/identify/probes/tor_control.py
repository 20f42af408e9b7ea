"""Tor's control port: the client speaks first, PROTOCOLINFO is allowed before authentication."""

from portbook.identify.probe import Again, Found, More, Probe, Talk

_ASK = b"PROTOCOLINFO 1\r\n"
_VERSION = b'250-VERSION Tor="'
_HTTP = b"HTTP/1.0 501 Tor ControlPort is not an HTTP proxy\r\n"
_V0 = b"The v0 control protocol is not supported by Tor"


def judge(talk: Talk) -> Found | Again | More | None:
    """250-PROTOCOLINFO and the lines after it; or how it refuses what is not its own."""
    if len(talk.turns) > 1 or talk.transport != "tcp":
        return None
    reply = talk.first[:2048]
    if reply.startswith(b"250-PROTOCOLINFO 1\r\n"):
        if b"\r\n250 OK\r\n" not in reply and not talk.ended:
            return More(Found("tor-control", "certain", "Tor", shows=reply[:18]))
        return _read(reply)
    if reply.startswith(_HTTP):
        # No product yet: what is found on the other connection has to count for more.
        return Again(_ASK, Found("http", "certain", shows=_HTTP.rstrip()))
    if reply.startswith(b"\x00\x60\x00\x00\x00\x01" + _V0):
        return Found("tor-control", "certain", "Tor", shows=reply[6:53])
    if talk.opener not in ("", "tor-control") and reply == b"514 Authentication required.\r\n":
        return Found("tor-control", "likely", shows=reply.rstrip())
    return None


def _read(reply: bytes) -> Found:
    version: str | None = None
    note: tuple[str, ...] = ()
    for line in reply.split(b"\r\n"):
        if line.startswith(_VERSION):
            said = line[len(_VERSION) :].partition(b'"')[0].decode("ascii", "replace")
            version = said.partition(" ")[0][:40] or None
        if line.startswith(b"250-AUTH METHODS=") and not line.startswith(b"250-AUTH METHODS=NULL"):
            note = ("asks for authentication",)
    return Found("tor-control", "certain", "Tor", version, shows=reply[:18], notes=note)


PROBE = Probe(
    name="tor-control",
    title="Tor control",
    source="Tor control-spec, section 3.21 PROTOCOLINFO",
    ports=(9051, 9151),
    programs=("tor",),
    opener=_ASK,
    reacts_to=("http", "redis", "socks4"),
    judge=judge,
)
