"""An Ingress or a route that leads to a port which its Service does not have."""

from collections.abc import Iterator, Sequence

from portbook.lint.cluster import Cluster, nearest_first
from portbook.lint.known import Known
from portbook.lint.parts import Backend, ClusterPort, ClusterService
from portbook.lint.project import Project
from portbook.model.declared import LintFinding, Related

ID = "PB504"
SUMMARY = "an Ingress or a route to a port that its Service does not have"
SEVERITY = "error"

_MOST_SAID = 4
_ANNOTATED = "use-annotation"
"""A controller of AWS takes what an annotation says in place of a Service."""


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every backend whose Service is in the files without that port."""
    cluster = Cluster(project)
    for path, backend in project.parts(Backend):
        found = cluster.services(path, backend.namespace, backend.service)
        ports = [port for _, service in found for port in service.ports]
        # A Service without ports is a patch of another, or another host's name.
        if ports and backend.port.text != _ANNOTATED:
            missing = not any(_is_meant(backend.port.text, port) for port in ports)
            # What is no port is told of where it stands.
            if missing and any(port.port.is_port for port in ports):
                yield _finding(backend, nearest_first(path, found))


def _is_meant(text: str, port: ClusterPort) -> bool:
    if text.isascii() and text.isdigit():
        return port.port.first == int(text)
    return port.name == text


def _finding(backend: Backend, services: Sequence[tuple[str, ClusterService]]) -> LintFinding:
    text = backend.port.text
    ports = [port for _, service in services for port in service.ports]
    by_number = text.isascii() and text.isdigit()
    if by_number:
        what = f"port {text}"
        numbers = sorted({port.port.first for port in ports if port.port.is_port})
        has = ", ".join(str(number) for number in numbers[:_MOST_SAID])
    else:
        what = f'a port named "{text}"'
        names = list(dict.fromkeys(port.name for port in ports if port.name))
        has = ", ".join(names[:_MOST_SAID]) or "no named port"
    return LintFinding(
        ID,
        SEVERITY,
        backend.port.place,
        int(text) if by_number else None,
        f"{backend.who} leads to {what} of Service/{backend.service}, which has {has}",
        "a backend names the Service's port, not the container's",
        tuple(Related(port.port.place, "a port of the Service") for port in ports[:_MOST_SAID]),
    )
