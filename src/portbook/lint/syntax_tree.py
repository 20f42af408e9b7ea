"""TOML and the literals of JavaScript and TypeScript as trees with places.

tree-sitter's grammars keep every offset and go on behind a mistake; a mistake on the way to a value
is told as a fault of that line. Offsets are bytes there and characters here.
"""

import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from portbook.lint.source import Source, Unreadable
from portbook.lint.tree import MOST_DEPTH, MOST_NODES, Node

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax
    from tree_sitter import Parser, Tree


_CONTINUED = bytes(range(0x80, 0xC0))
"""Bytes of UTF-8 that begin no character."""
_BLOCK = 1024
_SLICE = 8192
_MOST_SECONDS = 0.5
_LONGEST_SCRIPT = 64 << 10
"""Configurations are a few kB long."""
_LONGEST_OPEN = 8 << 10


@cache
def _parser(language: str) -> "Parser":
    from tree_sitter import Language, Parser

    if language == "toml":
        from tree_sitter_toml import language as found
    elif language == "tsx":
        from tree_sitter_typescript import language_tsx as found
    else:
        from tree_sitter_typescript import language_typescript as found
    return Parser(Language(found()))


def _parse(data: bytes, language: str) -> "Tree":
    """The tree of some bytes, within 0.5 s of processor time.

    tree-sitter mends mistakes by trying: 20 kB of nonsense can take minutes, and an open template
    1.2 GB at once, before it could be asked to stop (measured, tree-sitter 0.26).

    Raises:
        Unreadable: it takes longer, or would.
    """
    if language != "toml":
        if len(data) > _LONGEST_SCRIPT:
            raise Unreadable(f"a script of over {_LONGEST_SCRIPT >> 10} KiB")
        if len(data) > _LONGEST_OPEN and data.count(b"`") % 2:
            raise Unreadable("it is no JavaScript or TypeScript: a template is not closed")
    end = time.process_time() + _MOST_SECONDS
    try:
        return _parser(language).parse(
            lambda byte, _: data[byte : byte + _SLICE],
            progress_callback=lambda _, __: time.process_time() > end,
        )
    except ValueError:
        raise Unreadable("it takes too long to parse: there are mistakes in it") from None
    finally:
        _parser(language).reset()


class Parsed:
    """The syntax tree of one file, and how its offsets are the source's.

    Attributes:
        root: tree-sitter's root node.
        data: the bytes that were parsed.
    """

    def __init__(self, source: Source, language: str) -> None:
        self.data = source.text.encode("utf-8", "surrogatepass")
        self._tree = _parse(self.data, language)
        self.root: Syntax = self._tree.root_node
        # Characters before each block of bytes: to count from the start for every value would take
        # a minute for a megabyte (measured).
        self._before: list[int] | None = None
        if len(self.data) != len(source.text):
            self._before = [0]
            for start in range(0, len(self.data), _BLOCK):
                block = self.data[start : start + _BLOCK]
                self._before.append(self._before[-1] + len(block.translate(None, _CONTINUED)))

    def offset(self, byte: int) -> int:
        """The character at a byte."""
        if self._before is None:
            return byte
        number, start = byte // _BLOCK, byte - byte % _BLOCK
        return self._before[number] + len(self.data[start:byte].translate(None, _CONTINUED))

    def text(self, node: "Syntax") -> str:
        """The source text of a node."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def leaf(self, node: "Syntax", *, quoted: bool) -> Node:
        """A text of the tree from a string or a number."""
        text = self.text(node)
        found = Node("text", self.offset(node.start_byte), self.offset(node.end_byte), text)
        if quoted and len(text) >= 2 and text[0] in "\"'`" and text[-1] == text[0]:
            found.quote = 1
            found.text = text[1:-1]
        found.quoted = quoted
        # An escape makes the text another one than what stands there.
        found.raw = "\\" not in text and "\n" not in text
        return found


_MAPS = frozenset(("object", "inline_table"))
_LISTS = frozenset(("array",))
_STRINGS = frozenset(("string", "template_string"))


def _empty(parsed: Parsed, node: "Syntax") -> Node:
    start, end = parsed.offset(node.start_byte), parsed.offset(node.end_byte)
    if node.type in _MAPS:
        return Node("map", start, end)
    if node.type in _LISTS:
        return Node("list", start, end)
    return parsed.leaf(node, quoted=node.type in _STRINGS)


def _build(
    parsed: Parsed,
    top: "Syntax",
    children: "Callable[[Parsed, Syntax, Node], Iterator[tuple[Syntax, Node]]]",
) -> Node:
    """The tree below a syntax node, without recursion."""
    root = _empty(parsed, top)
    todo = [(top, root, 0)]
    number = 0
    while todo:
        syntax, node, depth = todo.pop()
        number += 1
        if number > MOST_NODES:
            raise Unreadable(f"more than {MOST_NODES} values")
        if depth > MOST_DEPTH:
            raise Unreadable(f"nested over {MOST_DEPTH} deep", syntax.start_point[0] + 1)
        if node.kind != "text":
            todo += [(below, made, depth + 1) for below, made in children(parsed, syntax, node)]
    return root


def refuse_mistakes(parsed: Parsed, form: str) -> None:
    """Raise for the first thing that the grammar does not take.

    Raises:
        Unreadable: there is one, with its line.
    """
    if not parsed.root.has_error:
        return
    cursor = parsed.root.walk()
    # Down to the first child with a mistake, again and again.
    while True:
        node = cursor.node
        if node is None or node.is_error or node.is_missing:
            # A comma before a closing bracket is what editors allow and JSON does not.
            break
        if not cursor.goto_first_child():
            break
        while cursor.node is not None and not cursor.node.has_error:
            if not cursor.goto_next_sibling():
                break
    line = cursor.node.start_point[0] + 1 if cursor.node is not None else None
    raise Unreadable(f"it is no {form}", line)


def toml_tree(source: Source) -> Node:
    """The table of a TOML file. Dotted keys and table headers become nested maps.

    Raises:
        Unreadable: it is no TOML, or nests too deep.
    """
    parsed = Parsed(source, "toml")
    refuse_mistakes(parsed, "TOML")
    root = Node("map", 0, len(source.text))
    here = root
    for child in parsed.root.named_children:
        if child.type == "pair":
            _toml_pair(parsed, child, root)
        elif child.type in ("table", "table_array_element"):
            names = [part for part in child.named_children if part.type.endswith("key")][:1]
            here = root
            parts = _key_parts(parsed, names[0]) if names else []
            for name in parts[:-1]:
                here = _deeper(here, name)
            for name in parts[-1:]:
                here = _deeper(here, name, element=child.type == "table_array_element")
            for pair in child.named_children:
                if pair.type == "pair":
                    _toml_pair(parsed, pair, here)
    return root


def _key_parts(parsed: Parsed, key: "Syntax") -> list[Node]:
    """The parts of a key such as `a."b c".d`."""
    if key.type != "dotted_key":
        return [parsed.leaf(key, quoted=key.type == "quoted_key")]
    # The grammar nests dotted keys to the left.
    found: list[Node] = []
    here: Syntax | None = key
    while here is not None and len(found) <= MOST_DEPTH:
        left = None
        parts = []
        for part in here.named_children:
            if part.type == "dotted_key":
                left = part
            else:
                parts.append(parsed.leaf(part, quoted=part.type == "quoted_key"))
        found[:0] = parts
        here = left
    if len(found) > MOST_DEPTH:
        raise Unreadable(f"nested over {MOST_DEPTH} deep", key.start_point[0] + 1)
    return found


def _deeper(here: Node, name: Node, *, element: bool = False) -> Node:
    below = here.get(name.text)
    if below is None:
        below = Node("list" if element else "map", name.start, name.end)
        here.pairs.append((name, below))
    if below.kind == "list":
        if element or not below.items:
            below.items.append(Node("map", name.start, name.end))
        below = below.items[-1]
    return below


def _toml_pair(parsed: Parsed, pair: "Syntax", into: Node) -> None:
    children = [child for child in pair.named_children if child.type != "comment"]
    if len(children) != 2:
        return
    *above, last = _key_parts(parsed, children[0])
    for name in above:
        into = _deeper(into, name)
    into.pairs.append((last, _build(parsed, children[1], _toml_children)))


def _toml_children(parsed: Parsed, node: "Syntax", into: Node) -> "Iterator[tuple[Syntax, Node]]":
    for child in node.named_children:
        if child.type == "pair":
            parts = [each for each in child.named_children if each.type != "comment"]
            if len(parts) != 2:
                continue
            *above, last = _key_parts(parsed, parts[0])
            holder = into
            for name in above:
                holder = _deeper(holder, name)
            made = _empty(parsed, parts[1])
            holder.pairs.append((last, made))
            yield parts[1], made
        elif child.type != "comment":
            made = _empty(parsed, child)
            into.items.append(made)
            yield child, made
