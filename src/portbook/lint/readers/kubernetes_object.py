"""One file of Kubernetes objects while it is read: its values, each once, and what was found."""

from collections.abc import Iterator

from portbook.lint.parts import Part, Written
from portbook.lint.reading import Reading
from portbook.lint.source import Source, Unreadable
from portbook.lint.tree import MOST_NODES, Node
from portbook.lint.written import Number, plain, whole_number, written
from portbook.model.declared import Declared, Place
from portbook.model.record import Record

FORM = "kubernetes"
_TRANSPORTS = {"tcp": "tcp", "udp": "udp", "sctp": "sctp"}
_SPEAKS = {"http": "http", "https": "https"}


class Object(Record):
    """One object of a cluster.

    `group` is the part of `apiVersion` before the slash, empty for the core. `name` and
    `namespace` are None where something is put into them later (`{{ … }}`, `${…}`): such an object
    is told apart from no other. `who` is `Kind/name` whatever the name is.
    """

    node: Node
    group: str
    kind: str
    name: str | None
    namespace: str | None
    place: Place

    @property
    def who(self) -> str:
        """What it is called in answers."""
        written_name = self.node.at("metadata", "name") or self.node.at("metadata", "generateName")
        name = written_name.text if written_name is not None else ""
        return f"{self.kind}/{name}" if name else self.kind

    @property
    def runs(self) -> str | None:
        """What tells its program from others."""
        if self.name is None or self.namespace is None:
            return None
        return f"{self.kind}/{self.namespace}/{self.name}"


class Manifest:
    """One file of objects.

    Attributes:
        source: the file.
        declared: the ports that were found so far.
        parts: what other files are needed for.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.declared: list[Declared] = []
        self.parts: list[Part] = []
        self._left = MOST_NODES

    def reading(self) -> Reading:
        """What was found, in the order of the file."""
        declared = sorted(set(self.declared), key=lambda each: each.place)
        return Reading(tuple(declared), tuple(self.parts))

    def object_of(self, node: Node) -> Object | None:
        """What a document is, None where it is no object of a cluster."""
        version, kind = plain(node.get("apiVersion")), plain(node.get("kind"))
        if version is None or kind is None:
            return None
        name = node.at("metadata", "name")
        namespace = node.at("metadata", "namespace")
        at = name if name is not None and name.kind == "text" else node
        return Object(
            node,
            version.rpartition("/")[0],
            kind,
            plain(name) or None,
            plain(namespace) if namespace is not None else "",
            self.source.place(at.begins, max(1, len(at.text.partition("\n")[0]))),
        )

    def items(self, node: Node | None) -> Iterator[Node]:
        """The maps of a list, each once.

        Raises:
            Unreadable: aliases make more of them than a file without aliases can have.
        """
        seen = set()
        for item in node.items if node is not None else ():
            self.spend(1)
            if item.kind == "map" and id(item) not in seen:
                seen.add(id(item))
                yield item

    def pairs(self, node: Node | None) -> tuple[tuple[str, Node], ...]:
        """The keys and values of a map, each key once.

        Raises:
            Unreadable: as above.
        """
        found = tuple((key.text, value) for key, value in node.each()) if node is not None else ()
        self.spend(len(found))
        return found

    def labels(self, node: Node | None) -> tuple[tuple[str, str], ...] | None:
        """Labels or a selector, sorted; None where something is put into one of them later."""
        found = [(key, plain(value)) for key, value in self.pairs(node)]
        if any(value is None for _, value in found):
            return None
        return tuple(sorted((key, value or "") for key, value in found))

    def number(self, node: Node | None) -> Number | None:
        """A port number as written; None where there is none, or 0, which asks for any."""
        found = whole_number(self.source, node)
        return found if found is not None and found.value > 0 else None

    def written(self, node: Node | None) -> Written | None:
        """A text with its place."""
        return written(self.source, node)

    def spend(self, number: int) -> None:
        """Count values that are looked at."""
        self._left -= number
        if self._left < 0:
            raise Unreadable(f"aliases make more than {MOST_NODES} values of it")


def transport_of(node: Node | None) -> str:
    """`protocol`, TCP where it is not written."""
    text = node.text.lower() if node is not None else "tcp"
    return _TRANSPORTS.get(text, "tcp")


def speaks_of(name: str) -> str | None:
    """What a port's own name or `appProtocol` says that it speaks."""
    return _SPEAKS.get(name.lower())
