"""Icecast and SHOUTcast: audio streams over HTTP, or with the older status line `ICY 200 OK`."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page, upstream


def judge(talk: Talk) -> Found | None:
    """Icecast in the Server header, icy- headers, or an ICY status line."""
    if talk.transport != "tcp" or len(talk.turns) > 1:
        return None
    if talk.first.startswith((b"ICY 200 OK\r\n", b"ICY 401 ", b"ICY 404 ", b"ICY 400 ")):
        head = talk.first[:1024]
        product = "SHOUTcast" if b"SHOUTcast" in head else None
        return Found("icecast", "certain", product, shows=head.split(b"\r\n", 1)[0])
    response = page(talk)
    if response is None:
        return None
    server = response.header("server")
    if server.startswith("Icecast"):
        shows = b"Server: " + server.encode("latin-1")
        return Found("http", "certain", "Icecast", upstream(server[len("Icecast") :]), shows)
    name = next((name for name, _ in response.pairs if name.lower().startswith("icy-")), None)
    if name is None:
        return None
    shoutcast = "SHOUTcast" in response.header("icy-notice2")
    product = "SHOUTcast" if shoutcast else None
    return Found("http", "certain", product, shows=name.encode("ascii"))


PROBE = Probe(
    name="icecast",
    title="Icecast, SHOUTcast",
    source="Icecast 2.4 documentation; RFC 9112 for all but the ICY status line",
    ports=(8000, 8001),
    programs=("icecast2", "icecast", "sc_serv", "shoutcast"),
    reacts_to=("http",),
    judge=judge,
)
