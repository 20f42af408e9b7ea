"""Services: their virtual ports, the ports of Pods behind them, the ports of nodes before them."""

from portbook.lint.parts import ClusterPort, ClusterService
from portbook.lint.readers.kubernetes_object import (
    FORM,
    Manifest,
    Object,
    speaks_of,
    transport_of,
)
from portbook.lint.tree import Node
from portbook.lint.written import plain
from portbook.model.declared import Declared


def read_service(manifest: Manifest, found: Object) -> None:
    """The ports of a Service; the Pods behind them are found later."""
    spec = found.node.get("spec")
    if spec is None:
        return
    ports = []
    whole = True
    for node in manifest.items(spec.get("ports")):
        port = _port(manifest, found, node)
        if port is None:
            whole = False
        else:
            ports.append(port)
    health = manifest.number(spec.get("healthCheckNodePort"))
    if health is not None:
        manifest.declared.append(
            Declared(health.place, health.value, health.value, "node", found.who, FORM)
        )
    if found.name is None or found.namespace is None or not whole:
        return
    kind = plain(spec.get("type")) or "ClusterIP"
    selector = manifest.labels(spec.get("selector"))
    manifest.parts.append(
        ClusterService(
            found.name,
            found.namespace,
            found.place,
            kind,
            # The name of another host takes the place of all Pods.
            selector if selector is not None and kind != "ExternalName" else (),
            tuple(ports),
        )
    )


def _port(manifest: Manifest, found: Object, node: Node) -> ClusterPort | None:
    """One port; None where its number or its name is filled in later."""
    number = manifest.number(node.get("port"))
    name = node.get("name")
    says = name.text if name is not None else ""
    speaks = speaks_of(plain(node.get("appProtocol")) or says)
    transport = transport_of(node.get("protocol"))
    outer = None
    on_node = manifest.number(node.get("nodePort"))
    if on_node is not None:
        outer = Declared(
            on_node.place,
            on_node.value,
            on_node.value,
            "node",
            found.who,
            FORM,
            transport=transport,
            speaks=speaks,
            runs=found.runs,
        )
        manifest.declared.append(outer)
    if number is None:
        return None
    port = Declared(
        number.place,
        number.value,
        number.value,
        "service",
        found.who,
        FORM,
        transport=transport,
        speaks=speaks,
        runs=found.runs,
    )
    manifest.declared.append(port)
    if name is not None and plain(name) is None:
        return None
    return ClusterPort(port, says, manifest.written(node.get("targetPort")), outer)
