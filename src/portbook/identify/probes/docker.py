"""The Docker Engine API, also as Podman serves it: JSON over HTTP; /_ping tells which."""

from portbook.identify.probe import Again, Found, Probe, Talk
from portbook.identify.wire.http_message import (
    get,
    json_object,
    page,
    upstream,
    version_of,
)
from portbook.identify.wire.http_software import unproven


def judge(talk: Talk) -> Found | Again | None:
    """The refusal of a page that it has not, then the engine's name and version."""
    response = page(talk)
    if response is None:
        return _pong(talk)
    if response.status != 404:
        return None
    docker = json_object(response) == {"message": "page not found"}
    server = response.header("server")
    if server.startswith("Docker/"):
        return Found("http", "certain", "Docker", upstream(version_of(server, "docker")), _SHOWS)
    podman = response.body == b"Not Found\n" and "x-content-type-options" in response.headers
    if docker or podman:
        # Others may refuse in these words: asking costs little, and then its word is certain.
        return Again(get("/_ping"), unproven(response))
    return None


_SHOWS = b"Server: Docker/"


def _pong(talk: Talk) -> Found | None:
    response = page(talk, "docker")
    if response is None or "api-version" not in response.headers:
        return None
    server = response.header("server")
    for product, key in (("Docker", "Docker/"), ("Podman", "Libpod/")):
        if server.startswith(key):
            version = upstream(server[len(key) :])
            notes = (f"API {response.header('api-version')[:20]}",)
            return Found("http", "certain", product, version, f"Server: {server}".encode(), notes)
    return None


PROBE = Probe(
    name="docker",
    title="Docker Engine API (Docker, Podman)",
    source="Docker Engine API reference, System, Ping",
    services=("docker", "docker-s"),
    ports=(2375,),
    secure_ports=(2376,),
    programs=("dockerd", "podman"),
    reacts_to=("http",),
    judge=judge,
)
