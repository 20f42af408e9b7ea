"""Ingresses, and the routes and gateways of the Gateway API: which port of which Service."""

from collections.abc import Iterator

from portbook.lint.parts import Backend
from portbook.lint.readers.kubernetes_object import FORM, Manifest, Object, speaks_of
from portbook.lint.tree import Node
from portbook.lint.written import is_template, plain
from portbook.model.declared import Declared

ROUTES = frozenset(("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"))


def read_ingress(manifest: Manifest, found: Object) -> None:
    """The backends of an Ingress, in today's words and in those of its beta."""
    spec = found.node.get("spec")
    if spec is None:
        return
    for key in ("defaultBackend", "backend"):
        _backend(manifest, found, spec.get(key))
    for rule in manifest.items(spec.get("rules")):
        for path in manifest.items(rule.at("http", "paths")):
            _backend(manifest, found, path.get("backend"))


def _backend(manifest: Manifest, found: Object, backend: Node | None) -> None:
    if backend is None:
        return
    service = backend.get("service")
    if service is not None:
        port = service.at("port", "number") or service.at("port", "name")
        _add(manifest, found, service.get("name"), port, found.namespace)
    else:
        name, port = backend.get("serviceName"), backend.get("servicePort")
        _add(manifest, found, name, port, found.namespace)


def read_route(manifest: Manifest, found: Object) -> None:
    """The backends of a route."""
    for rule in manifest.items(found.node.at("spec", "rules")):
        for reference in _references(manifest, rule):
            kind, group = reference.get("kind"), reference.get("group")
            if (kind is not None and kind.text != "Service") or (group is not None and group.text):
                continue
            other = reference.get("namespace")
            namespace = plain(other) if other is not None else found.namespace
            _add(manifest, found, reference.get("name"), reference.get("port"), namespace)


def _references(manifest: Manifest, rule: Node) -> Iterator[Node]:
    yield from manifest.items(rule.get("backendRefs"))
    for each in manifest.items(rule.get("filters")):
        mirrored = each.at("requestMirror", "backendRef")
        if mirrored is not None:
            yield mirrored


def _add(
    manifest: Manifest,
    found: Object,
    service: Node | None,
    port: Node | None,
    namespace: str | None,
) -> None:
    name = plain(service)
    number = manifest.written(port)
    if not name or number is None or not number.text or namespace is None:
        return
    if not is_template(number.text):
        manifest.parts.append(Backend(found.who, namespace, name, number))


def read_gateway(manifest: Manifest, found: Object) -> None:
    """The ports on which a Gateway is to listen."""
    for listener in manifest.items(found.node.at("spec", "listeners")):
        number = manifest.number(listener.get("port"))
        if number is None:
            continue
        protocol = plain(listener.get("protocol")) or ""
        manifest.declared.append(
            Declared(
                number.place,
                number.value,
                number.value,
                "service",
                found.who,
                FORM,
                transport="udp" if protocol == "UDP" else "tcp",
                speaks=speaks_of(protocol),
                runs=found.runs,
            )
        )
