"""etcd: its HTTP API names the version; gRPC lives on the same port (client first)."""

from portbook.identify.probe import Again, Found, More, Probe, Talk
from portbook.identify.wire.http_message import get, json_object, page, text_of
from portbook.identify.wire.http_software import unproven


def judge(talk: Talk) -> Found | More | Again | None:
    """GET /version: {"etcdserver": ..., "etcdcluster": ...}; GET / has etcd's own CORS headers."""
    response = page(talk, "etcd")
    if response is not None:
        told = json_object(response)
        version = text_of(told.get("etcdserver"))
        if version and "etcdcluster" in told:
            shows = response.body[:60]
            return Found("http", "certain", "etcd", version, shows=shows)
        return More() if not response.complete and not talk.ended else None
    response = page(talk)
    if (
        response is not None
        and response.status == 404
        and response.header("access-control-allow-headers") == "accept, content-type, authorization"
        and response.body.startswith(b"404 page not found")
    ):
        return Again(get("/version"), unproven(response))
    return None


PROBE = Probe(
    name="etcd",
    title="etcd",
    source="etcd documentation, API reference: /version",
    services=("etcd-client", "etcd-server"),
    ports=(2379, 2380),
    programs=("etcd", "etcd-server"),
    opener=get("/version"),
    reacts_to=("http",),
    judge=judge,
)
