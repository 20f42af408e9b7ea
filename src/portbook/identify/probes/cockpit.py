"""Cockpit, the administration of a machine in the browser: its cookie and its login page."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page
from portbook.identify.wire.http_software import is_general

_PAGE = b'"is_cockpit_client"'


def judge(talk: Talk) -> Found | None:
    """The cookie of its name; it tells no version to strangers."""
    response = page(talk)
    if response is None:
        return None
    cookie = response.header("set-cookie").startswith("cockpit=")
    if not cookie and (is_general(response) or _PAGE not in response.body[:8192]):
        return None
    shows = b"Set-Cookie: cockpit=" if cookie else _PAGE
    return Found("http", "certain", "Cockpit", shows=shows, notes=("asks for a password",))


PROBE = Probe(
    name="cockpit",
    title="Cockpit",
    source="Cockpit guide, cockpit-ws(8)",
    ports=(9090,),
    programs=("cockpit-ws", "cockpit-tls", "cockpit"),
    reacts_to=("http",),
    judge=judge,
)
