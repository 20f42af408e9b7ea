"""Compose files as they are written: services, ports, variables. `stacks` makes sense of them.

The compose specification, sections 5 (services), 12 (interpolation), 13 (merge) and 14 (include).
"""

import re
from collections.abc import Iterator

from portbook.lint.parts import ComposeFile, ComposeService, ServicePort, Variable, Written
from portbook.lint.reading import Fault, Reading
from portbook.lint.source import Source, Unreadable
from portbook.lint.tree import Node, texts
from portbook.lint.written import written
from portbook.lint.yaml_tree import yaml_documents

FORM = "compose"

_OURS = re.compile(r"^[\s{]*[\"']?(?:services|include)[\"']?\s*:", re.MULTILINE)
_MOST_ENTRIES = 100_000
"""Aliases repeat what stands once: more values than these, with every repetition, are not read."""

_SWARM = ("placement", "update_config", "rollback_config", "endpoint_mode", "mode", "labels")
"""Keys below `deploy` that a single machine ignores: who has them starts it in a swarm."""


def wants(source: Source) -> bool:
    """Whether it has services: the first form, without that key, is long gone."""
    return _OURS.search(source.text) is not None


def read(source: Source) -> Reading:
    """The services of a compose file.

    Raises:
        Unreadable: it is no YAML, or its aliases make it enormous.
    """
    reader = _Reader(source)
    parts = [reader.file(document) for document in yaml_documents(source)]
    return Reading((), tuple(part for part in parts if part is not None), tuple(reader.faults))


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.faults: list[Fault] = []
        self.left = _MOST_ENTRIES
        self.is_swarm = False

    def file(self, document: Node) -> ComposeFile | None:
        if document.kind != "map":
            return None
        services = document.get("services")
        networks = document.get("networks")
        self.is_swarm = networks is not None and any(
            _text(network.get("driver")) == "overlay" for _, network in networks.each()
        )
        found = []
        if services is not None and services.kind == "map":
            for key, value in services.each():
                if value.kind == "map":
                    # What `<<` merges in is read for each service again.
                    whole = Node("map", value.start, value.end)
                    whole.pairs = list(value.each())
                    self.spend(1 + len(whole.pairs))
                    found.append(self.service(key, whole))
                elif value.text not in ("", "null", "~"):
                    self.fault(value, f"service {key.text[:60]} is no mapping")
        name = _text(document.get("name"))
        return ComposeFile(name, tuple(found), tuple(self.includes(document.get("include"))))

    def includes(self, node: Node | None) -> "Iterator[str]":
        for item in node.items if node is not None and node.kind == "list" else ():
            for path in texts(item if item.kind == "text" else item.get("path")):
                self.spend(1)
                yield path.text

    def service(self, key: Node, node: Node) -> ComposeService:
        build = node.get("build")
        extends = node.get("extends")
        command = node.get("command")
        entry = node.get("entrypoint")
        return ComposeService(
            key.text,
            self.source.place(key.start, max(1, min(key.end - key.start, len(key.text) or 1))),
            image=self.text(node, "image"),
            context=_as_text(self.source, build, "context"),
            dockerfile=written(self.source, build.get("dockerfile")) if build else None,
            target=written(self.source, build.get("target")) if build else None,
            ports=tuple(self.ports(node.get("ports"))),
            expose=tuple(self.list_of(node.get("expose"))),
            environment=tuple(self.variables(node.get("environment"))),
            env_files=tuple(self.env_files(node.get("env_file"))),
            profiles=tuple(self.list_of(node.get("profiles"))),
            network_mode=self.text(node, "network_mode"),
            extends=_extends(extends),
            command=self.slice(command) or self.slice(entry),
            health=self.health(node.get("healthcheck")),
            labels=tuple(self.variables(node.get("labels"))),
            reset=tuple(
                name.text for name, value in node.each() if value.tag in ("!reset", "!override")
            ),
            words=tuple(
                word
                for list_ in (entry, command)
                if list_ is not None and list_.kind == "list"
                for word in self.list_of(list_)
            ),
            replicas=self.replicas(node),
            args=tuple(each.name for each in self.variables(build.get("args") if build else None)),
        )

    def text(self, node: Node, key: str) -> Written | None:
        value = node.get(key)
        return written(self.source, value) if not _is_reset(value) else None

    def list_of(self, node: Node | None) -> "Iterator[Written]":
        if node is None or _is_reset(node):
            return
        for item in texts(node):
            self.spend(1)
            found = written(self.source, item)
            if found is not None and found.text:
                yield found

    def ports(self, node: Node | None) -> "Iterator[ServicePort]":
        if node is None or _is_reset(node) or (node.kind == "text" and not node.text):
            return
        if node.kind != "list":
            self.fault(node, "ports is no list")
            return
        for item in node.items:
            self.spend(1)
            if item.kind == "text":
                yield ServicePort(short=written(self.source, item))
            elif item.kind == "map" and item.get("target") is not None:
                names = ("target", "published", "host_ip", "protocol", "mode", "app_protocol")
                yield ServicePort(None, *(written(self.source, item.get(name)) for name in names))
            else:
                self.fault(item, "a port without a target")

    def variables(self, node: Node | None) -> "Iterator[Variable]":
        if node is None or _is_reset(node):
            return
        if node.kind == "map":
            for key, value in node.each():
                self.spend(1)
                if value.kind == "text":
                    null = not value.quoted and value.text in ("", "null", "~")
                    yield Variable(key.text, None if null else written(self.source, value))
        for item in node.items:
            self.spend(1)
            whole = written(self.source, item)
            if whole is None:
                continue
            name, equals, text = whole.text.partition("=")
            if not equals:
                yield Variable(name, None)
                continue
            place = whole.place
            if whole.raw:
                start = place.column + len(name) + 1
                place = place._replace(column=start, length=max(1, len(text)))
            yield Variable(name, Written(text, place, whole.raw))

    def env_files(self, node: Node | None) -> "Iterator[Written]":
        if node is None or _is_reset(node):
            return
        for item in node.items if node.kind == "list" else (node,):
            self.spend(1)
            found = written(self.source, item if item.kind == "text" else item.get("path"))
            if found is not None and found.text:
                yield found

    def slice(self, node: Node | None) -> Written | None:
        """A value as the file has it, over lines too, so that its places can be found again."""
        if node is None or _is_reset(node) or node.kind == "map":
            return None
        text = self.source.text[node.start : node.end].rstrip()
        if not text or text in ("null", "~"):
            return None
        first = text.partition("\n")[0]
        return Written(text, self.source.place(node.start, max(1, len(first.rstrip("\r")))))

    def health(self, node: Node | None) -> Written | None:
        disabled = node.get("disable") if node is not None else None
        if node is None or (disabled is not None and disabled.is_true()):
            return None
        return self.slice(node.get("test"))

    def replicas(self, node: Node) -> Written | None:
        scale = written(self.source, node.get("scale"))
        deploy = node.get("deploy")
        if scale is not None or deploy is None or self.is_swarm:
            return scale
        if any(deploy.get(name) is not None for name in _SWARM):
            return None
        if node.get("build") is None and deploy.get("restart_policy") is not None:
            return None
        return written(self.source, deploy.get("replicas"))

    def spend(self, number: int) -> None:
        self.left -= number
        if self.left < 0:
            raise Unreadable(f"more than {_MOST_ENTRIES} values, aliases followed")

    def fault(self, node: Node, why: str) -> None:
        if len(self.faults) < 20:
            self.faults.append(Fault(self.source.place(node.start, 1).line, why))


def _is_reset(node: Node | None) -> bool:
    return node is not None and node.tag == "!reset"


def _text(node: Node | None) -> str | None:
    return node.text if node is not None and node.kind == "text" else None


def _as_text(source: Source, node: Node | None, key: str) -> Written | None:
    """A text, or the text below a key of a map; an empty map of `build` means the folder itself."""
    if node is None or _is_reset(node):
        return None
    if node.kind == "map":
        below = node.get(key)
        if below is None and node.get("dockerfile_inline") is None:
            return Written(".", source.place(node.start, 1), raw=False)
        return written(source, below)
    return written(source, node)


def _extends(node: Node | None) -> tuple[str, str | None] | None:
    if node is None or _is_reset(node):
        return None
    name = _text(node if node.kind == "text" else node.get("service"))
    return (name, _text(node.get("file"))) if name else None
