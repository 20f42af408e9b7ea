"""The Kubernetes API server: JSON of kind Status where a page is refused; /version is public."""

from portbook.identify.probe import Again, Found, Probe, Talk
from portbook.identify.wire.http_message import get, json_object, page, upstream
from portbook.identify.wire.http_software import unproven


def judge(talk: Talk) -> Found | Again | None:
    """A Status object or the list of its paths, then the version."""
    response = page(talk)
    if response is not None:
        said = json_object(response)
        status = said.get("kind") == "Status" and said.get("apiVersion") == "v1"
        paths = said.get("paths")
        listed = isinstance(paths, list) and "/api/v1" in paths and "/apis" in paths
        if not status and not listed:
            return None
        found = Found("http", "certain", "Kubernetes", shows=response.line)
        # Each answer of the API server has the number of its audit record, and says its code twice.
        proven = "audit-id" in response.headers and (listed or said.get("code") == response.status)
        return Again(get("/version"), found if proven else unproven(response))
    answer = page(talk, "kubernetes")
    said = json_object(answer) if answer else {}
    if answer is None or not {"gitVersion", "major", "minor"} <= said.keys():
        return None
    version = upstream(said.get("gitVersion"))
    return Found("http", "certain", "Kubernetes", version, answer.line)


PROBE = Probe(
    name="kubernetes",
    title="Kubernetes API",
    source="Kubernetes API reference, Status and version",
    ports=(8001,),
    secure_ports=(6443,),
    programs=("kube-apiserver", "k3s", "k3s-server"),
    reacts_to=("http",),
    judge=judge,
)
