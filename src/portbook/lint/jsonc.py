"""JSON as editors keep it: with comments, and with a comma behind the last value.

Read by a scanner of our own, in linear time: the repair of mistakes in tree-sitter takes 4 s and
1.6 GB for 40 kB of `[1,][1,]` (measured).
"""

import json
import re

from portbook.lint.source import Source, Unreadable
from portbook.lint.tree import MOST_DEPTH, MOST_NODES, Node

_TOKENS = re.compile(
    r'[ \t\r\n]+|//[^\n]*|/\*.*?\*/|(?P<string>"(?:[^"\\\n]|\\[^\n])*")'
    r"|(?P<mark>[{}\[\]:,])|(?P<word>[-+.\w]+)",
    re.DOTALL,
)
_LITERAL = re.compile(r"-?[0-9][-+.\w]*|true|false|null")


def jsonc_tree(source: Source) -> Node:
    """The value of a file; an empty map where it has nothing but comments.

    Raises:
        Unreadable: it is no JSON in this sense either, or nests too deep.
    """
    scan = _Scan(source)
    at = 0
    text = source.text
    while at < len(text):
        found = _TOKENS.match(text, at)
        if found is None:
            raise scan.mistake(at)
        scan.take(found)
        at = found.end()
    if scan.open_nodes or (scan.root is not None and not scan.behind_value):
        raise scan.mistake(max(0, at - 1))
    return scan.root or Node("map", 0, 0)


class _Scan:
    """The tree as far as it was read.

    Attributes:
        root: the value of the file.
        open_nodes: the maps and lists that are not closed yet, the innermost last.
        behind_value: whether a comma or a closing bracket may follow.
    """

    def __init__(self, source: Source) -> None:
        self.root: Node | None = None
        self.open_nodes: list[Node] = []
        self.behind_value = False
        self._source = source
        self._key: Node | None = None
        self._behind_key = False
        self._nodes = 0

    def mistake(self, at: int, why: str = "it is no JSON") -> Unreadable:
        """What to raise for a character that cannot stand where it does."""
        return Unreadable(why, self._source.place(at, 1).line)

    def take(self, token: "re.Match[str]") -> None:
        """Take the next token."""
        kind = token.lastgroup
        if kind is None:
            return
        if kind != "mark":
            self._leaf(token)
        elif token[0] in "{[":
            self._open(token)
        elif token[0] in "}]":
            self._close(token)
        elif token[0] == ":":
            if self._key is None or self._behind_key:
                raise self.mistake(token.start())
            self._behind_key = True
        elif not self.behind_value or not self.open_nodes:
            raise self.mistake(token.start())
        else:
            self.behind_value = False

    def _leaf(self, token: "re.Match[str]") -> None:
        text = token[0]
        node = Node("text", token.start(), token.end(), text)
        node.quoted = token.lastgroup == "string"
        if node.quoted:
            node.quote = 1
            try:
                node.text = json.loads(text, strict=False) if "\\" in text else text[1:-1]
            except ValueError:
                raise self.mistake(token.start()) from None
        elif not _LITERAL.fullmatch(text):
            raise self.mistake(token.start())
        node.raw = "\\" not in text
        if self._wants_key():
            if not node.quoted or self.behind_value:
                raise self.mistake(token.start())
            self._key = node
        else:
            self._put(node)

    def _wants_key(self) -> bool:
        return bool(self.open_nodes) and self.open_nodes[-1].kind == "map" and self._key is None

    def _open(self, token: "re.Match[str]") -> None:
        if self._wants_key():
            raise self.mistake(token.start())
        if len(self.open_nodes) >= MOST_DEPTH:
            raise self.mistake(token.start(), f"nested over {MOST_DEPTH} deep")
        node = Node("map" if token[0] == "{" else "list", token.start(), token.end())
        self._put(node)
        self.open_nodes.append(node)
        self.behind_value = False

    def _close(self, token: "re.Match[str]") -> None:
        kind = "map" if token[0] == "}" else "list"
        if not self.open_nodes or self.open_nodes[-1].kind != kind or self._key is not None:
            raise self.mistake(token.start())
        self.open_nodes.pop().end = token.end()
        self.behind_value = True

    def _put(self, node: Node) -> None:
        """A value where one may stand: once in the file, behind a key, or in a list."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise self.mistake(node.start, f"more than {MOST_NODES} values")
        if self.behind_value or (self._key is not None and not self._behind_key):
            raise self.mistake(node.start)
        if not self.open_nodes:
            self.root = node
        elif self._key is not None:
            self.open_nodes[-1].pairs.append((self._key, node))
        else:
            self.open_nodes[-1].items.append(node)
        self._key = None
        self._behind_key = False
        self.behind_value = True
