"""Radicale, calendars and address books over HTTP (CalDAV): its root leads to /.web."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page, title
from portbook.identify.wire.http_software import is_general


def judge(talk: Talk) -> Found | None:
    """The redirect to its web interface, its realm, or that page."""
    response = page(talk)
    if response is None:
        return None
    body, realm = response.body[:64], response.header("www-authenticate")
    to_web = response.status in (301, 302) and body.startswith(b"Redirected to /.web")
    locked = response.status == 401 and 'realm="Radicale' in realm
    own_page = title(response) == "Radicale Web Interface" and not is_general(response)
    if not to_web and not locked and not own_page:
        return None
    notes = ("asks for a password",) if locked else ()
    return Found("http", "certain", "Radicale", shows=body or response.line, notes=notes)


PROBE = Probe(
    name="radicale",
    title="Radicale (CalDAV, CardDAV)",
    source="Radicale documentation; RFC 4791",
    ports=(5232,),
    programs=("radicale",),
    commands=("radicale",),
    reacts_to=("http",),
    judge=judge,
)
