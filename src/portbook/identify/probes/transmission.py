"""Transmission, the BitTorrent client: its web interface and RPC name it in Server."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page


def judge(talk: Talk) -> Found | None:
    """`Server: Transmission`, or the session header of its RPC; versions are for users only."""
    response = page(talk)
    if response is None:
        return None
    session = "x-transmission-session-id" in response.headers
    if response.header("server") != "Transmission" and not session:
        return None
    notes = ("asks for a password",) if response.status == 401 else ()
    shows = b"X-Transmission-Session-Id" if session else b"Server: Transmission"
    return Found("http", "certain", "Transmission", shows=shows, notes=notes)


PROBE = Probe(
    name="transmission",
    title="Transmission (web and RPC)",
    source="Transmission's rpc-spec",
    ports=(9091,),
    programs=("transmission-daemon", "transmission-da", "transmission-gtk", "transmission-qt"),
    reacts_to=("http",),
    judge=judge,
)
