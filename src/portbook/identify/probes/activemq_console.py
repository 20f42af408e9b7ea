"""The web console of ActiveMQ: its realm or its title names it."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page, title
from portbook.identify.wire.http_software import is_general

_REALMS = ('realm="ActiveMQRealm"', 'realm="activemq"')
_LINK = b"Manage ActiveMQ broker"


def judge(talk: Talk) -> Found | None:
    """A password for ActiveMQRealm, or the welcome page."""
    response = page(talk)
    if response is None:
        return None
    realm = response.header("www-authenticate")
    if response.status == 401 and any(name in realm for name in _REALMS):
        shows = b"WWW-Authenticate: " + realm.encode("latin-1")
        return Found("http", "certain", "ActiveMQ", shows=shows, notes=("asks for a password",))
    if title(response) == "Apache ActiveMQ" and _LINK in response.body and not is_general(response):
        return Found("http", "certain", "ActiveMQ", shows=b"<title>Apache ActiveMQ")
    return None


PROBE = Probe(
    name="activemq-console",
    title="ActiveMQ web console",
    source="ActiveMQ documentation, web console",
    ports=(8161,),
    reacts_to=("http",),
    judge=judge,
)
