"""Clusters in containers on one machine: what kind and k3d publish of their nodes."""

from portbook.lint.published import declare
from portbook.lint.readers.kubernetes_object import FORM, Manifest, Object, transport_of
from portbook.lint.tree import Node
from portbook.lint.written import plain
from portbook.model.declared import Declared

NODES = ("kindest/node", "rancher/k3s")
"""The images that are nodes of such clusters: a port published of them leads to a node's own."""


def read_kind(manifest: Manifest, found: Object) -> None:
    """`extraPortMappings` of the nodes, and the port of the API where it is fixed."""
    for node in manifest.items(found.node.get("nodes")):
        who = f"kind {plain(node.get('role')) or 'node'}"
        for mapping in manifest.items(node.get("extraPortMappings")):
            transport = transport_of(mapping.get("protocol"))
            address = plain(mapping.get("listenAddress")) or None
            _add(manifest, mapping.get("hostPort"), "publish", who, transport, address)
            _add(manifest, mapping.get("containerPort"), "container", who, transport, None)
    api = found.node.at("networking", "apiServerPort")
    address = plain(found.node.at("networking", "apiServerAddress")) or "127.0.0.1"
    _add(manifest, api, "publish", "kind apiServer", "tcp", address)


def _add(
    manifest: Manifest,
    node: Node | None,
    role: str,
    who: str,
    transport: str,
    address: str | None,
) -> None:
    number = manifest.number(node)
    if number is not None:
        manifest.declared.append(
            Declared(
                number.place,
                number.value,
                number.value,
                role,
                who,
                FORM,
                transport=transport,
                address=address,
                product=NODES[0],
            )
        )


def read_k3d(manifest: Manifest, found: Object) -> None:
    """`ports` of a k3d configuration, in docker's short form."""
    for item in manifest.items(found.node.get("ports")):
        port = item.get("port")
        if port is not None and port.kind == "text":
            values = [(port, 0, port.text)]
            manifest.declared += declare(manifest.source, values, FORM, "k3d", product=NODES[1])
