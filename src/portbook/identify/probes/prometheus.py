"""Prometheus: its root leads to the graph page; the build tells the version."""

from portbook.identify.probe import Again, Found, Probe, Talk
from portbook.identify.probes.http_message import get, json_object, page, title, upstream

_PAGES = ("/graph", "/classic/graph", "/query", "/new/graph")


def judge(talk: Talk) -> Found | Again | None:
    """A redirect to its own page, then the version from /api/v1/status/buildinfo."""
    response = page(talk)
    if response is not None:
        to_graph = response.status == 302 and response.header("location") in _PAGES
        if to_graph and response.body.startswith(b"<a href="):
            found = Found("http", "likely", "Prometheus", shows=response.line)
            return Again(get("/api/v1/status/buildinfo"), found._replace(confidence="certain"))
        if (title(response) or "").startswith("Prometheus Time Series"):
            found = Found("http", "certain", "Prometheus", shows=b"<title>Prometheus Time Series")
            return Again(get("/api/v1/status/buildinfo"), found)
        return None
    answer = page(talk, "prometheus")
    data = json_object(answer).get("data") if answer else None
    if answer is None or not isinstance(data, dict) or "goVersion" not in data:
        return None
    return Found("http", "certain", "Prometheus", upstream(data.get("version")), answer.line)


PROBE = Probe(
    name="prometheus",
    title="Prometheus",
    source="Prometheus documentation, HTTP API, build information",
    ports=(9090,),
    programs=("prometheus",),
    reacts_to=("http",),
    judge=judge,
)
