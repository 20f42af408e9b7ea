"""Values of a tree as a file has them: whole numbers and texts, each with its place."""

import re

from portbook.lint.parts import Written
from portbook.lint.source import Source
from portbook.lint.tree import Node
from portbook.model.declared import Place
from portbook.model.record import Record

_WHOLE = re.compile(r"0|[1-9][0-9]{0,9}")


class Number(Record):
    """A whole number and where its digits stand."""

    value: int
    place: Place


def whole_number(source: Source, node: Node | None) -> Number | None:
    """The number of a text that is nothing but decimal digits, in quotes or not.

    Numbers over 65535 are taken as they are; other notations (hexadecimal, octal) are none.
    """
    if node is None or node.kind != "text" or not _WHOLE.fullmatch(node.text):
        return None
    start = start_of_text(source, node)
    if start is None:
        return None
    return Number(int(node.text), source.place(start, len(node.text)))


def written(source: Source, node: Node | None) -> Written | None:
    """A text as it stands in the file; None for maps, lists and nothing."""
    if node is None or node.kind != "text":
        return None
    start = start_of_text(source, node)
    if start is not None and "\n" not in node.text:
        return Written(node.text, source.place(start, len(node.text)))
    first, _, _ = source.text[node.start : node.end].partition("\n")
    return Written(node.text, source.place(node.start, max(1, len(first.rstrip("\r")))), raw=False)


def plain(node: Node | None) -> str | None:
    """A text without variables of any kind: what names an object for certain."""
    if node is None or node.kind != "text":
        return None
    return node.text if not is_template(node.text) else None


def is_template(text: str) -> bool:
    """Whether something is put into a text before it means anything."""
    return "{{" in text or "${" in text or "$(" in text or "<%" in text


def start_of_text(source: Source, node: Node) -> int | None:
    """Where the characters of a text begin; None where an escape stands for one of them.

    An anchor (`&port 8080`) or a tag stands before the text and counts as a part of its node, so
    it is looked for from the end.
    """
    start = node.end - node.quote - len(node.text)
    return start if source.text[start : start + len(node.text)] == node.text else None
