"""Pods and what makes Pods: containers, their ports, probes and variables."""

import re
from collections.abc import Iterator

from portbook.lint.images import image_name
from portbook.lint.parts import PodContainer, Variable, Workload, Written
from portbook.lint.readers.kubernetes_object import FORM, Manifest, Object, speaks_of, transport_of
from portbook.lint.tree import Node, texts
from portbook.lint.written import is_template, plain
from portbook.model.declared import Declared
from portbook.model.record import Record

WORKLOADS = {
    "Pod": ("",),
    "PodTemplate": ("",),
    "ReplicationController": ("",),
    "Deployment": ("apps", "extensions"),
    "DaemonSet": ("apps", "extensions"),
    "ReplicaSet": ("apps", "extensions"),
    "StatefulSet": ("apps",),
    "Job": ("batch",),
    "CronJob": ("batch",),
}
"""The kinds that have a Pod template, and the API groups that they are or were in."""

_WITH_SELECTOR = frozenset(("Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"))
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_NUMBERS = re.compile(r"(?<![\w.])[0-9]{2,5}(?![\w.])")
_MOST_TOLD = 100


class _Ports(Record):
    """The ports of one container; `whole` is False where one of them is not known yet."""

    declared: tuple[Declared, ...]
    names: tuple[str, ...]
    whole: bool


def read_workload(manifest: Manifest, found: Object) -> None:
    """The ports of a workload; what Services and probes say of it is compared later."""
    template = _template(found)
    spec = template.get("spec") if template is not None else None
    if template is None or spec is None:
        return
    containers = []
    whole = _is_whole(found)
    for name in ("initContainers", "containers"):
        for node in manifest.items(spec.get(name)):
            container, is_known = _container(manifest, found, node, init=name != "containers")
            containers.append(container)
            whole = whole and is_known and container.image is not None
    labels = manifest.labels(template.at("metadata", "labels"))
    if found.name is None or found.namespace is None or not containers:
        return
    network = spec.get("hostNetwork")
    manifest.parts.append(
        Workload(
            found.kind,
            found.name,
            found.namespace,
            found.place,
            # Of a patch it is not known which Pods it is for: no Service is compared with it.
            labels if labels is not None and whole else (),
            tuple(containers),
            network is not None and network.is_true(),
        )
    )


def _template(found: Object) -> Node | None:
    if found.kind == "Pod":
        return found.node
    if found.kind == "PodTemplate":
        return found.node.get("template")
    if found.kind == "CronJob":
        return found.node.at("spec", "jobTemplate", "spec", "template")
    return found.node.at("spec", "template")


def _is_whole(found: Object) -> bool:
    """Whether it is more than a patch of an object that is written elsewhere."""
    return found.kind not in _WITH_SELECTOR or found.node.at("spec", "selector") is not None


def _container(
    manifest: Manifest, found: Object, node: Node, *, init: bool
) -> tuple[PodContainer, bool]:
    """A container, and whether all of its ports are known."""
    name, image, policy = (plain(node.get(key)) for key in ("name", "image", "restartPolicy"))
    asked = list(_probes(manifest, node))
    ports = _ports(
        manifest,
        node,
        f"{found.who}: {name}" if name else found.who,
        {port.text: speaks for _, port, speaks in asked if speaks is not None},
        image_name(image) if image else None,
        found.runs,
    )
    told: set[int] = set()
    variables = tuple(_variables(manifest, node, told))
    for key in ("command", "args"):
        for text in texts(node.get(key)):
            _tell(manifest, told, text.text)
    made = PodContainer(
        name or "",
        image,
        ports.declared,
        ports.names,
        # With a port that is filled in later, what is missing is not known.
        tuple((kind, port) for kind, port, _ in asked) if ports.whole else (),
        variables,
        tuple(sorted(told)),
        init and policy != "Always",
    )
    return made, ports.whole


def _ports(
    manifest: Manifest,
    node: Node,
    who: str,
    asked: dict[str, str],
    product: str | None,
    runs: str | None,
) -> _Ports:
    """The ports of a container, each with the protocol of the probe that asks it."""
    declared = []
    names = []
    whole = True
    for port in manifest.items(node.get("ports")):
        inner = manifest.number(port.get("containerPort"))
        name = port.get("name")
        if inner is None or (name is not None and plain(name) is None):
            whole = False
        if inner is None:
            continue
        names.append(name.text if name is not None else "")
        made = Declared(
            inner.place,
            inner.value,
            inner.value,
            "container",
            who,
            FORM,
            transport=transport_of(port.get("protocol")),
            speaks=asked.get(names[-1]) or asked.get(str(inner.value)) or speaks_of(names[-1]),
            product=product,
            runs=runs,
        )
        declared.append(made)
        outer = manifest.number(port.get("hostPort"))
        if outer is not None:
            taken = made._replace(place=outer.place, first=outer.value, last=outer.value)
            address = plain(port.get("hostIP"))
            manifest.declared.append(taken._replace(role="publish", address=address))
    manifest.declared += declared
    return _Ports(tuple(declared), tuple(names), whole)


def _probes(manifest: Manifest, node: Node) -> Iterator[tuple[str, Written, str | None]]:
    """(kind, port, protocol) of what the kubelet asks of a container."""
    actions = [(probe, node.get(probe)) for probe in _PROBES]
    actions += [(f"lifecycle.{hook}", node.at("lifecycle", hook)) for hook in _HOOKS]
    for kind, action in actions:
        for way in ("httpGet", "tcpSocket", "grpc"):
            asked = action.get(way) if action is not None else None
            # Another host is not asked for a port of this container.
            port = manifest.written(asked.get("port")) if asked is not None else None
            if asked is None or port is None or asked.get("host") is not None:
                continue
            if port.text and not is_template(port.text):
                scheme = plain(asked.get("scheme")) or "http"
                yield kind, port, scheme.lower() if way == "httpGet" else None


def _variables(manifest: Manifest, node: Node, told: set[int]) -> Iterator[Variable]:
    """The variables that a container is given, and the numbers in them."""
    for item in manifest.items(node.get("env")):
        name = plain(item.get("name"))
        if name:
            value = manifest.written(item.get("value"))
            yield Variable(name, value)
            if value is not None:
                _tell(manifest, told, value.text)


def _tell(manifest: Manifest, told: set[int], text: str) -> None:
    """Keep the numbers of a text."""
    manifest.spend(len(text) >> 6)
    for found in _NUMBERS.finditer(text):
        if len(told) >= _MOST_TOLD:
            return
        told.add(int(found[0]))
