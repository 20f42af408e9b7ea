"""A database, a queue or a debugger that is published on every address of the machine.

The engine opens such a port past the machine's own firewall rules, to the whole network.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache

from portbook.lint.images import INSIDE, Image, image_of
from portbook.lint.known import Known
from portbook.lint.project import Project, Stack, StackService
from portbook.lint.takers import inner_sides
from portbook.model.declared import Declared, LintFinding, Place

ID = "PB401"
SUMMARY = "a port for the project alone that is published on every address"
SEVERITY = "warning"

_EVERYWHERE = (None, "0.0.0.0", "::", "*")

_PRIVATE = {
    1433: "SQL Server",
    1521: "Oracle",
    2345: "the Go debugger",
    2375: "the Docker engine",
    2379: "etcd",
    3306: "MySQL",
    5005: "the Java debugger",
    5432: "PostgreSQL",
    6379: "Redis",
    7199: "Cassandra's JMX",
    9042: "Cassandra",
    9200: "Elasticsearch",
    9229: "the Node.js debugger",
    11211: "memcached",
    26257: "CockroachDB",
    27017: "MongoDB",
}
"""Inner ports that say by themselves what runs there, in images of which nothing is known."""


_VARIABLE = re.compile(
    r"\$(?:[A-Za-z_][A-Za-z0-9_]*|\{[^{}$\s]{0,200}(?:\$\{[^{}$\s]{0,200}\}[^{}$\s]{0,200})?\})"
)
"""A variable as compose files have it, with another one as its default or without."""

_WIDEST = 500
"""Characters on each side of a number in which its variable begins and ends."""


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every published port of this kind, once for each place."""
    seen: set[Place] = set()
    lines = cache(project.lines)
    for stack in project.stacks:
        for outer, inner, what in _published(stack):
            if outer.place not in seen:
                seen.add(outer.place)
                yield _finding(outer, inner, what, lines)
    yield from _quadlet(project, lines)


def _quadlet(project: Project, lines: "Callable[[str], list[str]]") -> Iterator[LintFinding]:
    """The same of containers and Pods that systemd starts."""
    sides = inner_sides(project)
    for outer in project.declared:
        if outer.form != "systemd" or outer.role != "publish" or not outer.is_port:
            continue
        inner = sides.get(outer.place)
        if inner is None or outer.address not in _EVERYWHERE:
            continue
        what = _what_of(image_of(outer.product) if outer.product else None, inner, outer.product)
        if what is not None:
            text = _as_advised(outer, inner, lines)
            yield _finding(outer, inner, what, lines)._replace(
                hint=f"write PublishPort={text}, or leave it away: containers of one network"
                " reach each other without it"
            )


def _published(stack: Stack) -> Iterator[tuple[Declared, Declared, str]]:
    for service in stack.services:
        for outer, inner in zip(service.publishes, service.inner, strict=True):
            # A swarm's `mode: host` cannot have an address.
            if outer is None or not outer.is_port or outer.place in service.host_mode:
                continue
            what = _what(service, inner)
            if outer.address in _EVERYWHERE and what is not None:
                yield outer, inner, what


def _what(service: StackService, inner: Declared) -> str | None:
    """What is behind an inner port that others need not reach, None where they may."""
    return _what_of(_image_of(service), inner, service.image if service.folder is None else None)


def _what_of(image: Image | None, inner: Declared, name: str | None) -> str | None:
    if image is not None and image.kind in INSIDE:
        return name or image.product
    if image is not None and image.kind != "runtime":
        return None
    return _PRIVATE.get(inner.first) if inner.transport == "tcp" else None


def _image_of(service: StackService) -> Image | None:
    own = service.base if service.folder is not None else service.image
    return image_of(own) if own else None


def _finding(
    outer: Declared, inner: Declared, what: str, lines: "Callable[[str], list[str]]"
) -> LintFinding:
    numbers = _numbers(outer)
    return LintFinding(
        ID,
        SEVERITY,
        outer.place,
        outer.first,
        f"{outer.who} ({what}) is published on every address: other machines reach"
        f" {numbers}/{outer.transport}",
        f"write {_as_advised(outer, inner, lines)}, or leave the outer side away: services of the"
        f" project reach {outer.who}:{inner.first} without it",
    )


def _as_advised(outer: Declared, inner: Declared, lines: "Callable[[str], list[str]]") -> str:
    transport = "" if outer.transport == "tcp" else f"/{outer.transport}"
    return f"127.0.0.1:{_as_written(outer, lines)}:{_as_written(inner, lines)}{transport}"


def _as_written(one: Declared, lines: "Callable[[str], list[str]]") -> str:
    """A side as the file has it, with its variable; the numbers where that cannot be told."""
    every = lines(one.place.path)
    if one.place.line > len(every):
        return _numbers(one)
    line = every[one.place.line - 1]
    start = one.place.column - 1
    end = start + one.place.length
    for found in _VARIABLE.finditer(line, max(0, start - _WIDEST), end + _WIDEST):
        # A default stands in the braces of its variable.
        if found.start() <= start and end <= found.end():
            return found[0]
    return _numbers(one)


def _numbers(one: Declared) -> str:
    return str(one.first) if one.first == one.last else f"{one.first}-{one.last}"
