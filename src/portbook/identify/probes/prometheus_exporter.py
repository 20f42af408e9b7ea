"""Prometheus exporters: a landing page that links to /metrics and names itself."""

from portbook.identify.probe import Again, Found, Probe, Talk
from portbook.identify.wire.http_message import get, page, title, upstream
from portbook.identify.wire.http_software import is_general, unproven

# One collector is a kilobyte, all of them may be a megabyte.
_NODE = get("/metrics?collect[]=time")
_BUILD = b"\nnode_exporter_build_info{"
_LINKS = (b'<a href="/metrics">', b'<a href="metrics">', b"<a href='/metrics'>")


def judge(talk: Talk) -> Found | Again | None:
    """The build below a title that ends in Exporter, or the metrics of the one without it."""
    response = page(talk)
    if response is None:
        return _node(talk)
    name = title(response) or ""
    if not name.lower().endswith("exporter") or not any(s in response.body for s in _LINKS):
        return None
    version = _behind(response.body, b"(version=") if b", branch=" in response.body else None
    if version is None:
        return Again(_NODE, unproven(response)) if name == "Node Exporter" else None
    if is_general(response):
        return None
    return Found("http", "certain", name, version, shows=b"<title>" + name.encode())


def _node(talk: Talk) -> Found | None:
    response = page(talk, "prometheus-exporter")
    at = response.body.find(_BUILD) if response else -1
    if response is None or at < 0:
        return None
    line = response.body[at + 1 : at + 600].partition(b"\n")[0]
    version = _behind(line, b'version="', b',version="')
    return Found("http", "certain", "Node Exporter", version, shows=_BUILD.strip())


def _behind(text: bytes, *signs: bytes) -> str | None:
    """The version behind the last of the signs that is there."""
    for sign in reversed(signs):
        at = text.find(sign)
        if at >= 0:
            return upstream(text[at + len(sign) : at + len(sign) + 40].decode("latin-1"))
    return None


PROBE = Probe(
    name="prometheus-exporter",
    title="Prometheus exporter (node_exporter and others)",
    source="Prometheus documentation, writing exporters, landing page",
    ports=(9100, 9104, 9113, 9115, 9121, 9187),
    programs=("prometheus-node-exporter", "node_exporter", "blackbox_exporter", "prometheus-node"),
    reacts_to=("http",),
    judge=judge,
)
