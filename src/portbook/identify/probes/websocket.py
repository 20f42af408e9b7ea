"""WebSocket servers without pages: a GET that is no upgrade is refused, an upgrade gets 101."""

from portbook.identify.probe import Again, Found, Probe, Talk
from portbook.identify.wire.http_message import (
    is_from_proxy,
    parse_any,
    version_of,
    wants_websocket,
)

# The key and its answer are the example of RFC 6455 section 1.3.
_UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
_PRODUCTS = (("websockets", "websockets"), ("websocketpp", "WebSocket++"), ("aiohttp", "aiohttp"))


def judge(talk: Talk) -> Found | Again | None:
    """426 or 400 naming WebSocket; then 101 with the answer that belongs to our key."""
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    response = parse_any(talk.first)
    if response is None or not response.headed or is_from_proxy(response):
        return None
    if not wants_websocket(response):
        return None
    server = response.header("server")
    named = ((product, version_of(server, key)) for key, product in _PRODUCTS)
    product, version = next(((p, v) for p, v in named if v), (None, None))
    found = Found("websocket", "likely", product, version, response.line)
    if response.status == 101:
        sure = response.header("sec-websocket-accept") == _ACCEPT
        return found._replace(confidence="certain") if sure else found
    if "upgrade" in response.headers or "sec-websocket-version" in response.headers:
        found = found._replace(confidence="certain")
    # Asked for a page it says little of itself; the handshake is answered by all of them.
    return Again(_UPGRADE, found) if talk.opener == "http" else found


PROBE = Probe(
    name="websocket",
    title="WebSocket",
    source="RFC 6455 sections 1.3 and 4.2.2",
    services=("http", "http-alt", "https", "www", "www-http"),
    reacts_to=("http",),
    judge=judge,
)
