"""Settings as dotted keys, whatever the format: YAML, TOML and Java's properties alike."""

import re
from collections.abc import Iterator

from portbook.lint.source import Source
from portbook.lint.tree import Node
from portbook.model.record import Record

_ASSIGNMENT = re.compile(r"[ \t\f]*((?:\\.|[^\s:=\\])+)[ \t\f]*[:=]?[ \t\f]*")
_JOINED = re.compile(r"^[ \t\f]*[#!][^\n]*|\\\r?\n", re.MULTILINE)
_NEXT_DOCUMENT = re.compile(r"[#!]---[ \t\r]*")


class Key(Record):
    """One value: the keys that lead to it, as written, and where its text begins."""

    path: tuple[str, ...]
    text: str
    offset: int


def of_tree(root: Node) -> list[Key]:
    """Every text below a map, in the file's order; dots in keys separate, lists add no key.

    What is written once and used twice, through an alias, is told where it is met first. Text with
    escapes in it is left out: its characters have no places.
    """
    found: list[Key] = []
    seen: set[int] = set()
    todo: list[tuple[Node, tuple[str, ...]]] = [(root, ())]
    while todo:
        node, path = todo.pop()
        if node.kind == "text":
            if node.raw:
                found.append(Key(path, node.text, node.begins))
            continue
        if id(node) in seen:
            continue
        seen.add(id(node))
        below = [(item, path) for item in node.items]
        below += [
            (value, path if name.text == "<<" else (*path, *name.text.split(".")))
            for name, value in node.pairs
        ]
        todo += reversed(below)
    return found


def of_properties(source: Source) -> Iterator[list[Key]]:
    """The documents of a .properties file; `#---` separates them."""
    keys: list[Key] = []
    offset = 0
    # A comment is left as it is; what goes on in the next line is one line with spaces.
    text = _JOINED.sub(
        lambda found: found[0] if found[0][0] != "\\" else " " * len(found[0]), source.text
    )
    for line in text.split("\n"):
        if _NEXT_DOCUMENT.fullmatch(line):
            yield keys
            keys = []
        elif line.lstrip()[:1] not in ("#", "!", ""):
            found = _ASSIGNMENT.match(line)
            if found:
                value = line[found.end() :].rstrip()
                keys.append(Key(tuple(found[1].split(".")), value, offset + found.end()))
        offset += len(line) + 1
    yield keys
