"""YAML as trees with places, within limits: PyYAML's events, put together without recursion.

PyYAML's own composer recurses in C and ends the process on 100,000 nested brackets (measured);
events do not. An alias is its anchor's node again, so that a bomb of aliases stays as small as its
text.
"""

from typing import Any

import yaml

from portbook.lint.source import Source, Unreadable
from portbook.lint.tree import MOST_DEPTH, MOST_NODES, Node

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def yaml_documents(source: Source) -> list[Node]:
    """The documents of a YAML file, empty ones left out.

    Raises:
        Unreadable: it is no YAML, nests deeper than 100 levels or has over 200,000 values.
    """
    # Escapes stand in double-quoted texts only; elsewhere characters are the file's own.
    text = source.text
    try:
        return _documents(yaml.parse(text, Loader=_LOADER), text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = " ".join(part for part in (error.problem, error.context) if part)
        raise Unreadable(f"it is no YAML: {why}", mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, ValueError) as error:
        raise Unreadable(f"it is no YAML: {str(error).splitlines()[0]}") from None


def _documents(events: Any, text: str) -> list[Node]:
    found: list[Node] = []
    anchors: dict[str, Node] = {}
    open_nodes: list[Node] = []
    keys: list[Node | None] = []
    number = 0
    for event in events:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            node = _scalar(event, text)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            name = "map" if kind is yaml.MappingStartEvent else "list"
            node = Node(name, event.start_mark.index, event.end_mark.index)
            node.tag = event.tag
        elif kind is yaml.AliasEvent:
            known = anchors.get(event.anchor)
            if known is None:
                raise Unreadable("it is no YAML: an unknown alias", event.start_mark.line + 1)
            node = known
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            open_nodes.pop().end = event.end_mark.index
            keys.pop()
            continue
        else:
            if kind is yaml.DocumentStartEvent:
                anchors = {}
            continue
        number += 1
        if number > MOST_NODES:
            raise Unreadable(f"more than {MOST_NODES} values", event.start_mark.line + 1)
        if open_nodes:
            _put(open_nodes[-1], keys, node)
        else:
            found.append(node)
        if kind is not yaml.AliasEvent:
            if event.anchor is not None:
                anchors[event.anchor] = node
            if kind is not yaml.ScalarEvent:
                if len(open_nodes) >= MOST_DEPTH:
                    raise Unreadable(f"nested over {MOST_DEPTH} deep", event.start_mark.line + 1)
                open_nodes.append(node)
                keys.append(None)
    return [node for node in found if node.kind != "text" or node.text]


def _put(parent: Node, keys: list[Node | None], node: Node) -> None:
    if parent.kind == "list":
        parent.items.append(node)
    elif (key := keys[-1]) is None:
        keys[-1] = node
    else:
        parent.pairs.append((key, node))
        keys[-1] = None


def _scalar(event: Any, text: str) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    node = Node("text", start, end, event.value)
    node.quoted = bool(event.style) or event.tag is not None
    node.tag = event.tag
    node.quote = 1 if event.style in ("'", '"') else 0
    node.raw = text[start + node.quote : end - node.quote] == event.value
    return node
