"""The tree of a structured file, whatever its format: mappings, lists, and texts with their places.

YAML (`yaml_tree`), JSON with comments, TOML and the literals of JavaScript (`syntax_tree`) are read
into it, so that one reader looks for `server.port` in all of them.
"""

from collections.abc import Iterator

MOST_DEPTH = 100
MOST_NODES = 200_000
MOST_MERGED = 50
"""Maps that are looked through for one key."""


_NO_KEYS: "dict[str, tuple[Node, Node]]" = {}


class Node:
    """One value of a tree.

    Attributes:
        kind: `map`, `list` or `text`.
        text: the value of a `text`, unquoted; empty otherwise.
        pairs: (key, value) of a `map`, in the file's order, repeated keys included.
        items: the values of a `list`.
        start: offset of its first character in the source, quotes included.
        end: offset behind its last character.
        raw: whether the characters between `start` and `end` (without quotes of length
            `quote`) are `text` itself, so that an offset in the text is one in the file.
        quote: 1 where the text stands in quotes, else 0.
        quoted: whether quotes or the language make it a string rather than a number.
        tag: YAML's tag where one is written (`!reset`).
    """

    __slots__ = (
        "_below",
        "_indexed",
        "_keys",
        "end",
        "items",
        "kind",
        "pairs",
        "quote",
        "quoted",
        "raw",
        "start",
        "tag",
        "text",
    )

    def __init__(self, kind: str, start: int, end: int, text: str = "") -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.text = text
        self.pairs: list[tuple[Node, Node]] = []
        self.items: list[Node] = []
        self.quote = 0
        self.quoted = False
        self.raw = False
        self.tag: str | None = None
        self._indexed = 0
        # Most nodes are texts, which have no keys to sort.
        self._keys: dict[str, tuple[Node, Node]] = _NO_KEYS
        self._below: tuple[Node, ...] = ()

    @property
    def begins(self) -> int:
        """The offset of the text's first character, behind its quote."""
        return self.start + self.quote

    def get(self, key: str) -> "Node | None":
        """The value of a key of a map, the last one where it is repeated; YAML's `<<` is followed.

        None for other kinds too, so that a path of keys can be walked without asking.
        """
        for node in self._with_merged():
            pair = node._keys.get(key)  # noqa: SLF001 - a node's own
            if pair is not None:
                return pair[1]
        return None

    def _with_merged(self) -> "Iterator[Node]":
        """The map and the maps that `<<` merges into it, the most important first, each once.

        Each once, and not too many: ten levels of ten aliases each would be ten thousand million
        otherwise, and ten thousand maps may each merge the same ten thousand.
        """
        seen = {id(self)}
        todo = [self]
        for _ in range(MOST_MERGED):
            if not todo:
                return
            here = todo.pop()
            if here._indexed < len(here.pairs):  # noqa: SLF001 - a node's own
                here._index()  # noqa: SLF001 - the same
            yield here
            for each in reversed(here._below):  # noqa: SLF001 - the same
                if id(each) not in seen:
                    seen.add(id(each))
                    todo.append(each)

    def _index(self) -> None:
        """Sort the pairs that came since the last time: a tree is asked while it grows."""
        if self._keys is _NO_KEYS:
            self._keys = {}
        for name, value in self.pairs[self._indexed :]:
            if name.text == "<<":
                merged = value.items if value.kind == "list" else (value,)
                self._below = (*self._below, *merged)[:MOST_MERGED]
            elif name.kind == "text":
                self._keys[name.text] = (name, value)
        self._indexed = len(self.pairs)

    def at(self, *keys: str) -> "Node | None":
        """The value under a path of keys."""
        here: Node | None = self
        for key in keys:
            here = here.get(key) if here is not None else None
        return here

    def each(self) -> "Iterator[tuple[Node, Node]]":
        """(key, value) of a map with those merged through `<<`, each key once, the last of it."""
        found: dict[str, tuple[Node, Node]] = {}
        for here in self._with_merged():
            for key, pair in here._keys.items():  # noqa: SLF001 - a node's own
                found.setdefault(key, pair)
        yield from found.values()

    def is_true(self) -> bool:
        """Whether it says yes."""
        return self.kind == "text" and self.text.lower() in ("true", "yes", "on", "1")


def texts(node: Node | None) -> list[Node]:
    """A text, or each text of a list: what many formats let stand for one another."""
    if node is None:
        return []
    if node.kind == "text":
        return [node]
    return [item for item in node.items if item.kind == "text"]
