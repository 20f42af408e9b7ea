"""`values.yaml` of a Helm chart, where its keys are those that nearly every chart has.

What a key means is up to the chart's templates, so only `service`, `containerPort` and their like
are taken: other keys with "port" in them are left alone.
"""

from portbook.lint.images import image_name
from portbook.lint.readers.kubernetes_object import FORM, Manifest
from portbook.lint.tree import MOST_DEPTH, Node
from portbook.lint.written import plain
from portbook.model.declared import Declared

_IN_SERVICE = {
    "port": "service",
    "externalPort": "service",
    "targetPort": "container",
    "internalPort": "container",
    "containerPort": "container",
    "nodePort": "node",
}
_MANY_IN_SERVICE = {"ports": "service", "nodePorts": "node"}
_ANYWHERE = {"containerPort": "container", "hostPort": "publish", "nodePort": "node"}
_MANY_ANYWHERE = {"containerPorts": "container", "hostPorts": "publish"}


def read_values(manifest: Manifest, document: Node) -> None:
    """The ports among the values of a chart."""
    # (map, its path, the image above it, whether it is a `service`, depth)
    todo: list[tuple[Node, str, str | None, bool, int]] = [(document, "", None, False, 0)]
    seen = set()
    while todo:
        node, path, product, is_service, depth = todo.pop()
        if id(node) in seen or depth > MOST_DEPTH:
            continue
        seen.add(id(node))
        product = _image(node) or product
        ports = _IN_SERVICE if is_service else _ANYWHERE
        many = _MANY_IN_SERVICE if is_service else _MANY_ANYWHERE
        for key, value in manifest.pairs(node):
            below = f"{path}.{key}" if path else key
            if value.kind == "text" and key in ports:
                _add(manifest, value, ports[key], path, product)
            elif key in many and value.kind == "map":
                for name, each in manifest.pairs(value):
                    _named(manifest, each, many[key], f"{below}.{name}", product)
            elif key in many:
                for each in manifest.items(value):
                    _named(manifest, each, many[key], path, product)
            elif value.kind == "map" and len(below) < 200:
                todo.append((value, below, product, key == "service", depth + 1))


def _image(node: Node) -> str | None:
    repository = plain(node.at("image", "repository"))
    return image_name(repository) if repository else None


def _named(manifest: Manifest, node: Node, role: str, path: str, product: str | None) -> None:
    """One of several ports by name: a number, or a map with it in `port`."""
    if node.kind == "text":
        _add(manifest, node, role, path, product)
        return
    for key, value in manifest.pairs(node):
        if key == "port":
            _add(manifest, value, role, path, product)
        elif key in _IN_SERVICE:
            _add(manifest, value, _IN_SERVICE[key], path, product)


def _add(manifest: Manifest, node: Node, role: str, path: str, product: str | None) -> None:
    number = manifest.number(node)
    if number is not None:
        manifest.declared.append(
            Declared(
                number.place,
                number.value,
                number.value,
                role,
                path or "values",
                FORM,
                product=product,
            )
        )
