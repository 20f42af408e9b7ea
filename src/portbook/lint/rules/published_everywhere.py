"""A database, a queue or a debugger that compose publishes on every address of the machine.

The engine opens such a port past the machine's own firewall rules, to the whole network.
"""

from collections.abc import Iterator

from portbook.lint.images import INSIDE, Image, image_of
from portbook.lint.known import Known
from portbook.lint.project import Project, Stack, StackService
from portbook.model.declared import Declared, LintFinding, Place

ID = "PB401"
SUMMARY = "a port for the project alone that is published on every address"
SEVERITY = "warning"

_EVERYWHERE = (None, "0.0.0.0", "::", "*")

_PRIVATE = {
    1433: "SQL Server",
    1521: "Oracle",
    2345: "the Go debugger",
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


def weigh(project: Project, known: Known) -> Iterator[LintFinding]:
    """Every published port of this kind, once for each place."""
    seen: set[Place] = set()
    for stack in project.stacks:
        for outer, inner, what in _published(stack):
            if outer.place not in seen:
                seen.add(outer.place)
                yield _finding(outer, inner, what)


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
    image = _image_of(service)
    if image is not None and image.kind in INSIDE:
        return service.image if service.folder is None and service.image else image.product
    if image is not None and image.kind != "runtime":
        return None
    return _PRIVATE.get(inner.first) if inner.transport == "tcp" else None


def _image_of(service: StackService) -> Image | None:
    own = service.base if service.folder is not None else service.image
    return image_of(own) if own else None


def _finding(outer: Declared, inner: Declared, what: str) -> LintFinding:
    numbers = str(outer.first) if outer.first == outer.last else f"{outer.first}-{outer.last}"
    return LintFinding(
        ID,
        SEVERITY,
        outer.place,
        outer.first,
        f"{outer.who} ({what}) is published on every address: other machines reach"
        f" {numbers}/{outer.transport}",
        f"write 127.0.0.1:{numbers}:{inner.first}, or leave the outer side away: services of the"
        f" project reach {outer.who}:{inner.first} without it",
    )
