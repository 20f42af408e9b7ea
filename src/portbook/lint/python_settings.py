"""Django's settings: the literal dictionaries DATABASES and CACHES, read without running them."""

import ast
import warnings
from collections.abc import Iterator

from portbook.lint.endpoint import Endpoint, Gathering, in_urls, number
from portbook.lint.source import Source, Unreadable

_NAMES = ("DATABASES", "CACHES")
_DEFAULTS = frozenset(("default", "fallback"))


def take(source: Source, ports: Gathering) -> None:
    """Declare the ports that the project's databases and caches are asked at.

    Raises:
        Unreadable: it is no Python.
    """
    module = _parsed(source)
    lines = source.text.split("\n")
    for statement in module.body:
        if isinstance(statement, ast.Assign):
            names = [each.id for each in statement.targets if isinstance(each, ast.Name)]
            value: ast.expr | None = statement.value
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names, value = [statement.target.id], statement.value
        else:
            continue
        if names and names[0] in _NAMES and isinstance(value, ast.Dict):
            for alias, settings in _items(value):
                if isinstance(settings, ast.Dict):
                    _connection(source, lines, f"{names[0]} {alias}", settings, ports)


def _parsed(source: Source) -> ast.Module:
    # A warning about the project's own escapes is not ours to print.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source.text)
        except SyntaxError as error:
            raise Unreadable(f"it is no Python: {error.msg}", error.lineno) from None
        except (ValueError, RecursionError, MemoryError):
            raise Unreadable("it is no Python that can be read") from None


def _items(value: ast.Dict) -> Iterator[tuple[str, ast.expr]]:
    for key, each in zip(value.keys, value.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value, each


def _connection(
    source: Source, lines: list[str], who: str, settings: ast.Dict, ports: Gathering
) -> None:
    found = dict(_items(settings))
    host = _literal(found.get("HOST"))
    address = host.value if host is not None and isinstance(host.value, str) else None
    if address is not None and address.startswith("/"):
        return  # A folder of sockets: the port is but a part of a file's name.
    port = _literal(found.get("PORT"))
    if port is not None and (spot := _spot(lines, port)) is not None:
        ports.add(
            source.offset(port.lineno) + spot.start,
            spot._replace(start=0),
            "client",
            who,
            address=address or None,
        )
    locations = found.get("LOCATION")
    each_of = locations.elts if isinstance(locations, ast.List | ast.Tuple) else [locations]
    for node in each_of:
        literal = _literal(node)
        if literal is None or not isinstance(literal.value, str):
            continue
        written = _written(lines, literal)
        if written is not None:
            text, begins = written
            for url in in_urls(text):
                ports.add(source.offset(literal.lineno) + begins, url, "client", who)


def _literal(node: ast.expr | None) -> ast.Constant | None:
    """A constant, or the constant that a variable of the environment falls back to.

    `os.environ.get("DB_PORT", "5432")`, `env.int("DB_PORT", default=5432)`, `int(...)` around it.
    """
    for _ in range(4):
        if isinstance(node, ast.Constant):
            return node
        if not isinstance(node, ast.Call):
            return None
        named = [each.value for each in node.keywords if each.arg in _DEFAULTS]
        if named:
            node = named[0]
        elif len(node.args) == 2:
            node = node.args[1]
        elif len(node.args) == 1 and isinstance(node.func, ast.Name) and node.func.id == "int":
            node = node.args[0]
        else:
            return None
    return None


def _written(lines: list[str], node: ast.Constant) -> tuple[str, int] | None:
    """The source text of a constant in one line, and its offset in that line."""
    if node.end_lineno != node.lineno or node.end_col_offset is None:
        return None
    # Python's columns are bytes.
    line = lines[node.lineno - 1].encode()
    text = line[node.col_offset : node.end_col_offset].decode("utf-8", "replace")
    return text, len(line[: node.col_offset].decode("utf-8", "replace"))


def _spot(lines: list[str], node: ast.Constant) -> Endpoint | None:
    """A port number that is written as `5432` or `"5432"`; its start is an offset in the line."""
    written = _written(lines, node)
    if written is None or isinstance(node.value, bool):
        return None
    text, begins = written
    bare = text.strip("\"'")
    found = number(bare)
    if found is None or bare != str(node.value):
        return None
    return found._replace(start=begins + text.index(bare))
