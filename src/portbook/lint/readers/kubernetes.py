"""Objects of Kubernetes in YAML, Helm's plain values, and configurations of local clusters.

Several documents to a file and `kind: List` are taken. A template of a Helm chart is no YAML before
it is rendered: nothing is read from it. Kinds that are not part of Kubernetes are left alone.
"""

import re

from portbook.lint.readers.kubernetes_local import read_k3d, read_kind
from portbook.lint.readers.kubernetes_object import FORM, Manifest, Object
from portbook.lint.readers.kubernetes_pods import WORKLOADS, read_workload
from portbook.lint.readers.kubernetes_routes import ROUTES, read_gateway, read_ingress, read_route
from portbook.lint.readers.kubernetes_services import read_service
from portbook.lint.readers.kubernetes_values import read_values
from portbook.lint.reading import Reading
from portbook.lint.source import Source
from portbook.lint.yaml_tree import yaml_documents

__all__ = ["FORM", "read", "wants"]

_VALUES = re.compile(r"values(?:[.\-_][\w.-]+)?\.ya?ml")
_VALUE_KEY = re.compile(r"^[ ]*\"?(?:[a-z]+P|p)orts?\"?[ ]*:", re.MULTILINE)
_API = re.compile(r"(?:^|[{,])[ \-]*[\"']?apiVersion[\"']?[ ]*:", re.MULTILINE)
_MOST_LISTS = 3


def wants(source: Source) -> bool:
    """Whether there are objects in it, or the values of a chart."""
    text = source.text
    if "apiVersion" in text and "kind" in text and "ort" in text:
        return _API.search(text) is not None
    return _VALUES.fullmatch(source.name) is not None and _VALUE_KEY.search(text) is not None


def read(source: Source) -> Reading:
    """What the objects of a file declare.

    Raises:
        Unreadable: it is no YAML.
    """
    if "{{" in source.text and "templates" in source.folder.split("/"):
        return Reading()
    manifest = Manifest(source)
    documents = yaml_documents(source)
    if _API.search(source.text) is None:
        for document in documents:
            read_values(manifest, document)
        return manifest.reading()
    # A list may be in a list; an alias can even put it into itself.
    todo = [(document, 0) for document in documents]
    while todo:
        node, depth = todo.pop()
        found = manifest.object_of(node)
        if found is None:
            continue
        if found.group == "" and found.kind == "List" and depth < _MOST_LISTS:
            todo += [(item, depth + 1) for item in manifest.items(node.get("items"))]
        else:
            _read_object(manifest, found)
    return manifest.reading()


def _read_object(manifest: Manifest, found: Object) -> None:
    """Give an object to what knows its kind."""
    if found.group in WORKLOADS.get(found.kind, ()):
        read_workload(manifest, found)
    elif (found.group, found.kind) == ("", "Service"):
        read_service(manifest, found)
    elif found.kind == "Ingress" and found.group in ("networking.k8s.io", "extensions"):
        read_ingress(manifest, found)
    elif found.group == "gateway.networking.k8s.io":
        if found.kind == "Gateway":
            read_gateway(manifest, found)
        elif found.kind in ROUTES:
            read_route(manifest, found)
    elif found.group == "kind.x-k8s.io" and found.kind == "Cluster":
        read_kind(manifest, found)
    elif found.group == "k3d.io" and found.kind == "Simple":
        read_k3d(manifest, found)
