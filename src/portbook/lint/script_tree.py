"""The objects that a JavaScript or TypeScript configuration exports, as trees with places.

Nothing is run: what is read are literals, constants of the same file, and the forms in which
configurations are wrapped (`defineConfig({...})`, `({ mode }) => ({...})`, `{...} satisfies X`). Of
`process.env.PORT || 3000` the literal is taken. What else computes a value leaves it out.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from portbook.lint.reading import Fault
from portbook.lint.source import Source
from portbook.lint.syntax_tree import Parsed
from portbook.lint.tree import MOST_NODES, Node

if TYPE_CHECKING:
    from tree_sitter import Node as Syntax

MOST_NESTED = 60
MOST_OBJECTS = 100

_WRAPS = frozenset(
    (
        "parenthesized_expression",
        "as_expression",
        "satisfies_expression",
        "non_null_expression",
        "await_expression",
    )
)
_NUMBERS = frozenset((b"Number", b"parseInt", b"String", b"parseFloat"))
_FUNCTIONS = frozenset(("arrow_function", "function_expression", "function_declaration"))
_LEAVES = frozenset(("number", "string", "true", "false", "template_string"))


def script_trees(source: Source) -> tuple[list[Node], list[Fault]]:
    """The exported objects of a file, and the mistakes that stand in their way."""
    language = "tsx" if source.path.endswith(("x", ".js")) else "typescript"
    script = _Script(Parsed(source, language))
    found = [script.tree(each) for each in script.exported()]
    faults = [
        Fault(each.start_point[0] + 1, "a mistake in the script: it was read around it")
        for each in script.objects
        if each.has_error
    ]
    if not script.objects and script.parsed.root.has_error:
        faults.append(Fault(None, "it is no JavaScript or TypeScript"))
    return [each for each in found if each is not None], faults


class _Script:
    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.constants: dict[bytes, Syntax | None] = {}
        self.objects: list[Syntax] = []
        self.left = MOST_NODES
        self._made: dict[tuple[int, int, str], Node | None] = {}
        self._collect(parsed.root)

    def _collect(self, block: "Syntax") -> None:
        """The constants that a block declares itself; a name with two meanings has none."""
        for statement in block.named_children:
            child = statement
            if statement.type == "export_statement":
                child = statement.child_by_field_name("declaration") or statement
            if child.type == "function_declaration":
                name, value = child.child_by_field_name("name"), child
                self._name(name, value)
            elif child.type == "lexical_declaration" and child.child(0) is not None:
                for each in child.named_children:
                    if each.type == "variable_declarator":
                        value_of = each.child_by_field_name("value")
                        self._name(each.child_by_field_name("name"), value_of)

    def _name(self, name: "Syntax | None", value: "Syntax | None") -> None:
        if name is not None and name.type == "identifier":
            text = self._bytes(name)
            self.constants[text] = None if text in self.constants else value

    def _bytes(self, node: "Syntax") -> bytes:
        return self.parsed.data[node.start_byte : node.end_byte]

    def exported(self) -> "list[Syntax]":
        """The objects of `export default` and `module.exports`."""
        for child in self.parsed.root.named_children:
            if child.type == "export_statement":
                if any(each.type == "default" for each in child.children):
                    value = child.child_by_field_name("value")
                    value = value or child.child_by_field_name("declaration")
                    self._objects(value, 0)
            elif child.type == "expression_statement" and child.named_children:
                inner = child.named_children[0]
                if inner.type == "assignment_expression":
                    left = inner.child_by_field_name("left")
                    if left is not None and self._bytes(left) in (b"module.exports", b"exports"):
                        self._objects(inner.child_by_field_name("right"), 0)
        return self.objects

    def _objects(self, node: "Syntax | None", depth: int) -> None:
        """Gather the objects that an exported value may be."""
        if node is None or depth > MOST_NESTED or len(self.objects) >= MOST_OBJECTS:
            return
        if node.type == "object":
            if all(each.start_byte != node.start_byte for each in self.objects):
                self.objects.append(node)
        elif node.type in _WRAPS and node.named_children:
            self._objects(node.named_children[0], depth + 1)
        elif node.type == "identifier":
            name = self._bytes(node)
            if name in self.constants:
                # Once is enough, and ends circles.
                self._objects(self.constants.pop(name), depth + 1)
        elif node.type == "call_expression":
            arguments = node.child_by_field_name("arguments")
            for each in arguments.named_children[:20] if arguments is not None else ():
                self._objects(each, depth + 1)
        elif node.type == "array":
            for each in node.named_children[:20]:
                self._objects(each, depth + 1)
        elif node.type in _FUNCTIONS:
            body = node.child_by_field_name("body")
            if body is not None and body.type == "statement_block":
                self._collect(body)
                for each in _returns(body):
                    self._objects(each, depth + 1)
            else:
                self._objects(body, depth + 1)

    def tree(self, node: "Syntax | None", depth: int = 0) -> Node | None:
        """The tree of a value; None where it is computed."""
        if node is None or depth > MOST_NESTED or self.left <= 0:
            return None
        key = (node.start_byte, node.end_byte, node.type)
        if key not in self._made:
            self.left -= 1
            # While it is made it has no value, which ends circles.
            self._made[key] = None
            self._made[key] = self._tree(node, depth)
        return self._made[key]

    def _tree(self, node: "Syntax", depth: int) -> Node | None:
        kind = node.type
        if kind in _LEAVES:
            computed = any(each.type == "template_substitution" for each in node.named_children)
            quoted = kind in ("string", "template_string")
            return None if computed else self.parsed.leaf(node, quoted=quoted)
        if kind == "object":
            return self._map(node, depth)
        if kind == "array":
            made = self._node("list", node)
            items = (self.tree(each, depth + 1) for each in node.named_children)
            made.items += [each for each in items if each is not None]
            return made
        if kind in _WRAPS and node.named_children:
            return self.tree(node.named_children[0], depth + 1)
        if kind in ("identifier", "shorthand_property_identifier"):
            return self.tree(self.constants.get(self._bytes(node)), depth + 1)
        if kind == "binary_expression":
            operator = node.child_by_field_name("operator")
            if operator is not None and operator.type in ("||", "??"):
                return self.tree(node.child_by_field_name("right"), depth + 1)
        elif kind == "unary_expression" and node.named_children:
            sign = node.child(0)
            if sign is not None and sign.type == "+":
                return self.tree(node.named_children[-1], depth + 1)
        elif kind == "ternary_expression":
            # `PORT ? Number(PORT) : 3000`; of two literals nobody knows which.
            one = self.tree(node.child_by_field_name("consequence"), depth + 1)
            other = self.tree(node.child_by_field_name("alternative"), depth + 1)
            return other if one is None else (one if other is None else None)
        elif kind == "call_expression":
            function = node.child_by_field_name("function")
            arguments = node.child_by_field_name("arguments")
            given = arguments.named_children[:1] if arguments is not None else []
            if function is not None and given and self._bytes(function) in _NUMBERS:
                return self.tree(given[0], depth + 1)
        return None

    def _node(self, kind: str, node: "Syntax") -> Node:
        return Node(kind, self.parsed.offset(node.start_byte), self.parsed.offset(node.end_byte))

    def _map(self, node: "Syntax", depth: int) -> Node:
        made = self._node("map", node)
        for child in node.named_children:
            if child.type == "pair":
                key = child.child_by_field_name("key")
                value = self.tree(child.child_by_field_name("value"), depth + 1)
                if key is None or value is None or key.type == "computed_property_name":
                    continue
                made.pairs.append((self.parsed.leaf(key, quoted=key.type == "string"), value))
            elif child.type == "shorthand_property_identifier":
                value = self.tree(child, depth + 1)
                if value is not None:
                    made.pairs.append((self.parsed.leaf(child, quoted=False), value))
            elif child.type == "spread_element" and child.named_children:
                merged = self.tree(child.named_children[0], depth + 1)
                room = MOST_NODES if merged is None else len(merged.pairs)
                if merged is not None and room <= self.left:
                    self.left -= room
                    made.pairs += merged.pairs
        return made


def _returns(body: "Syntax") -> "Iterator[Syntax]":
    """The values that a function returns, those of inner functions left out."""
    todo = [body]
    left = 5_000
    while todo and left > 0:
        node = todo.pop()
        left -= 1
        if node.type == "return_statement":
            yield from node.named_children[:1]
        elif node.type in ("statement_block", "if_statement", "else_clause", "try_statement"):
            todo += reversed(node.named_children)
