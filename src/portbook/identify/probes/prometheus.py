"""Prometheus: its root leads to the graph page; the build tells the version."""

from portbook.identify.probe import Again, Found, Probe, Talk
from portbook.identify.wire.http_message import get, json_object, page, title, upstream
from portbook.identify.wire.http_software import unproven

_PAGES = ("/graph", "/classic/graph", "/query", "/new/graph")


def judge(talk: Talk) -> Found | Again | None:
    """A redirect to its own page, then the version from /api/v1/status/buildinfo."""
    response = page(talk)
    if response is not None:
        to_graph = response.status == 302 and response.header("location") in _PAGES
        to_graph = to_graph and response.body.startswith(b"<a href=")
        if to_graph or (title(response) or "").startswith("Prometheus Time Series"):
            # Thanos and others lead to pages of the same names.
            return Again(get("/api/v1/status/buildinfo"), unproven(response))
        return None
    answer = page(talk, "prometheus")
    data = json_object(answer).get("data") if answer else None
    if answer is None or not isinstance(data, dict) or "goVersion" not in data:
        return None
    version = upstream(data.get("version"))
    if version is None or version.startswith("0."):
        # Thanos answers in the same form; Prometheus has this answer since 2.14.
        return None
    return Found("http", "certain", "Prometheus", version, answer.line)


PROBE = Probe(
    name="prometheus",
    title="Prometheus",
    source="Prometheus documentation, HTTP API, build information",
    ports=(9090,),
    programs=("prometheus",),
    reacts_to=("http",),
    judge=judge,
)
