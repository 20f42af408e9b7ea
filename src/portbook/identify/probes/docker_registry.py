"""Docker (OCI distribution) registries: an empty root, and an API version at /v2/."""

from portbook.identify.probe import Again, Found, Probe, Talk
from portbook.identify.wire.http_message import get, page
from portbook.identify.wire.http_software import unproven

_HEADER = "docker-distribution-api-version"


def judge(talk: Talk) -> Found | Again | None:
    """An empty page that is not to be cached, then the header of the distribution API."""
    response = page(talk)
    if response is not None:
        empty = response.status == 200 and response.header("content-length") == "0"
        if _HEADER in response.headers:
            return Found("http", "certain", "Docker Registry", shows=_HEADER.encode())
        if empty and response.header("cache-control") == "no-cache":
            return Again(get("/v2/"), unproven(response))
        return None
    answer = page(talk, "docker-registry")
    if answer is None or not answer.header(_HEADER).startswith("registry/2"):
        return None
    notes = ("asks for a password",) if answer.status == 401 else ()
    shows = b"Docker-Distribution-Api-Version: registry/2.0"
    return Found("http", "certain", "Docker Registry", shows=shows, notes=notes)


PROBE = Probe(
    name="docker-registry",
    title="Docker Registry",
    source="OCI distribution specification, determining support (GET /v2/)",
    ports=(5000,),
    programs=("docker-registry",),
    reacts_to=("http",),
    judge=judge,
)
