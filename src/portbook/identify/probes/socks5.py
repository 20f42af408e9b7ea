"""SOCKS version 5: the client offers methods, the server chooses one (RFC 1928 section 3)."""

from portbook.identify.probe import Again, Found, More, Probe, Talk

_GREETING = b"\x05\x01\x00"
_GREETING_TO_TOR = b"\x05\x02\x00\x00"
_TOR = b"HTTP/1.0 501 Tor is not an HTTP Proxy\r\n"


def judge(talk: Talk) -> Found | Again | More | None:
    """Version 5 and a method, two bytes in all; or Tor's answer to who takes it for a web proxy."""
    reply = talk.first
    if len(talk.turns) > 1 or talk.transport != "tcp":
        return None
    if reply.startswith(_TOR):
        # No product yet: what is found on the other connection has to count for more.
        return Again(_GREETING_TO_TOR, Found("http", "certain", shows=_TOR.rstrip()))
    if talk.opener == "socks5" and reply == b"\x05" and not talk.ended:
        return More(Found("socks5", "guess", shows=reply))
    if reply == b"\x05\xff":
        note = "asks for a login"
        sure = talk.opener == "socks5"
        return Found("socks5", "certain" if sure else "likely", shows=reply, notes=(note,) * sure)
    if talk.opener == "socks5" and reply == b"\x05\x00":
        # Only who said that it is Tor is greeted with the same method twice.
        product = "Tor" if talk.sent == _GREETING_TO_TOR else None
        return Found("socks5", "certain", product, shows=reply)
    return None


PROBE = Probe(
    name="socks5",
    title="SOCKS 5 proxy",
    source="RFC 1928 section 3",
    services=("socks",),
    ports=(1080, 9050, 9150),
    programs=(
        *("microsocks", "danted", "dante-server", "sockd", "ss-local", "tor", "3proxy"),
        *("srelay", "ss5", "sslocal", "hev-socks5-serv"),
    ),
    commands=("pproxy -l socks5://",),
    opener=_GREETING,
    judge=judge,
)
