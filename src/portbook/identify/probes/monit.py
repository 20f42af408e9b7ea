"""Monit, which watches processes: its web interface has the version in the Server header."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page, upstream


def judge(talk: Talk) -> Found | None:
    """`Server: monit 5.33.0`."""
    response = page(talk)
    if response is None or not response.header("server").startswith("monit "):
        return None
    server = response.header("server")
    notes = ("asks for a password",) if response.status == 401 else ()
    shows = b"Server: " + server.encode("latin-1")
    return Found("http", "certain", "Monit", upstream(server[6:]), shows, notes)


PROBE = Probe(
    name="monit",
    title="Monit",
    source="Monit manual, Monit httpd",
    ports=(2812,),
    programs=("monit",),
    reacts_to=("http",),
    judge=judge,
)
