"""Portbook's own service: HTTP with its name in the Server header."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page, version_of


def judge(talk: Talk) -> Found | None:
    """`Server: portbook/VERSION`."""
    response = page(talk)
    server = response.header("server") if response else ""
    version = version_of(server, "portbook")
    if not server.startswith("portbook/") or version is None:
        return None
    return Found("http", "certain", "portbook", version, b"Server: " + server.encode("latin-1"))


PROBE = Probe(
    name="portbook",
    title="portbook's own service",
    source="portbook's documentation",
    ports=(3255,),
    services=("semaphore",),
    programs=("portbook",),
    commands=("portbook serve",),
    reacts_to=("http",),
    judge=judge,
)
