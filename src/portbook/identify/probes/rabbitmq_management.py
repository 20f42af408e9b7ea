"""RabbitMQ's management interface: a page of its name, served by Cowboy."""

from portbook.identify.probe import Found, Probe, Talk
from portbook.identify.wire.http_message import page, title


def judge(talk: Talk) -> Found | None:
    """The title of the login page; the version is told to users only."""
    response = page(talk)
    if response is None or title(response) != "RabbitMQ Management":
        return None
    if response.header("server").lower() != "cowboy":
        return None
    shows = b"<title>RabbitMQ Management</title>"
    return Found("http", "certain", "RabbitMQ", shows=shows, notes=("asks for a password",))


PROBE = Probe(
    name="rabbitmq-management",
    title="RabbitMQ management",
    source="RabbitMQ documentation, management plugin",
    ports=(15672,),
    secure_ports=(15671,),
    reacts_to=("http",),
    judge=judge,
)
