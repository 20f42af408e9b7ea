"""Finds the messages of one source file, in Python or in a template.

A message is the first argument of `Said` and of `text`, the first two of `plural`, the sentence
and the hint of `Refused`, and what stands in `{% trans %}`. Each must be a literal, or a choice
between literals (`a if x else b`). Outside of the pages only `Said` makes messages.
"""

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.ext import InternationalizationExtension

from portbook.pages import catalogue

OUTSIDE = "../"
_SAID = {"text": 1, "plural": 2}
_MADE = {"Said": 1, "Said.plural": 2}
_SHOWN = {
    "Gap": (0, 1, 2),
    "Suspicion": (2,),
    "SourceFailed": (0, 1),
    "BadAnswer": (0,),
    "BadDiag": (0,),
}
"""What the pages show of what is made outside of them, by the places of the arguments."""
_IN_TEMPLATES = {"gettext": 1, "_": 1, "ngettext": 2, "plural": 2}
_NO_VALUES = {"hint", "suggestions", "headers"}
_RAISED = ("message", "hint")
"""What a `Refused` carries: it is said later, and found where it is raised."""


class Found(NamedTuple):
    """One message: one form, or singular and plural; `file` is relative to the pages.

    A file outside of them is relative to the package, behind `../`.
    """

    forms: tuple[str, ...]
    file: str
    line: int


class Fault(NamedTuple):
    """A text that cannot be translated, or would break a page."""

    file: str
    line: int
    what: str


def messages(file: str, text: str) -> Iterator[Found | Fault]:
    """Every message of a source in order, and what is wrong with it."""
    seek = _python if file.endswith(".py") else _template
    for item in seek(file, text):
        yield item
        if isinstance(item, Found):
            for what in _unfit(item):
                yield Fault(file, item.line, f"{what}: {item.forms[0]!r}")


def _unfit(found: Found) -> Iterator[str]:
    for form in found.forms:
        if not form:
            yield "an empty message"
        if found.file.endswith(".py") and ("<" in form or "&" in form):
            yield "markup in a plain text"
        yield from catalogue.blanks(form)
    one, many = (catalogue.names(form) for form in (found.forms[0], found.forms[-1]))
    if one not in (many, many - {"%(n)s"}):
        yield "singular and plural have different placeholders"


def _python(file: str, text: str) -> Iterator[Found | Fault]:
    tree = ast.parse(text)
    constants = dict(_constants(tree))
    other_names = dict(_other_names(tree))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        name = _made(call) or ("" if file.startswith(OUTSIDE) else _called(call, other_names))
        for arguments, values in _asked(call, name):
            for forms in _choices(arguments, constants):
                if not forms:
                    said = ast.unparse(call)[:80]
                    yield Fault(file, call.lineno, f"not a literal message: {said}")
                    continue
                yield Found(forms, file, call.lineno)
                for what in _misfits(forms, values, implied=name.endswith("plural")):
                    yield Fault(file, call.lineno, f"{what}: {forms[0]!r}")


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Literals that have a name in their file."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value


def _other_names(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What `say = words.text` is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute):
            for target in node.targets:
                if isinstance(target, ast.Name) and node.value.attr in _SAID:
                    yield target.id, node.value.attr


def _called(call: ast.Call, other_names: dict[str, str]) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return other_names.get(call.func.id, call.func.id) if isinstance(call.func, ast.Name) else ""


def _made(call: ast.Call) -> str:
    """`Said` or `Said.plural` where that is called."""
    name = ast.unparse(call.func)
    return name if name in _MADE else ""


def _asked(call: ast.Call, name: str) -> Iterator[tuple[list[ast.expr], set[str] | None]]:
    """The arguments of a call that are messages, with the names of their values.

    None are values that are only known when it is called.
    """
    values: set[str] | None = {keyword.arg for keyword in call.keywords if keyword.arg}
    if any(keyword.arg is None for keyword in call.keywords):
        values = None
    if name in _SAID and call.args and not isinstance(call.args[0], ast.Tuple):
        first = call.args[0]
        if not (isinstance(first, ast.Attribute) and first.attr in _RAISED):
            yield call.args[: _SAID[name]], values
    elif name in _MADE:
        yield call.args[: _MADE[name]], values
    elif name == "Refused":
        yield call.args[1:2], None if values is None else values - _NO_VALUES
        yield from (([each.value], set()) for each in call.keywords if each.arg == "hint")


def _choices(
    arguments: list[ast.expr], constants: dict[str, ast.expr]
) -> Iterator[tuple[str, ...]]:
    """The forms of each message that may be meant; none where it is no literal."""
    if len(arguments) == 1 and isinstance(arguments[0], ast.IfExp):
        yield from _choices([arguments[0].body], constants)
        yield from _choices([arguments[0].orelse], constants)
        return
    known = [
        constants.get(each.id, each) if isinstance(each, ast.Name) else each for each in arguments
    ]
    forms = [each.value for each in known if isinstance(each, ast.Constant)]
    literal = len(forms) == len(arguments) and all(isinstance(form, str) for form in forms)
    yield tuple(map(str, forms)) if literal else ()


def _misfits(forms: tuple[str, ...], values: set[str] | None, *, implied: bool) -> Iterator[str]:
    """Each placeholder has its value and each value its placeholder."""
    if values is None:
        return
    given = {f"%({value})s" for value in values}
    wanted = {each for form in forms for each in catalogue.names(form) if each.startswith("%")}
    for missing in sorted(wanted - given - ({"%(n)s"} if implied else set())):
        yield f"{missing} has no value"
    for surplus in sorted(given - wanted):
        yield f"a value for {surplus}, which is not there"
    if (given or implied) and any(catalogue.strays(form) for form in forms):
        yield "a % that stands alone"


def unsaid(file: str, text: str) -> Iterator[Fault]:
    """English texts that the pages will show, and that are no `Said`."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        for at in _SHOWN.get(node.func.id, ()):
            for given in node.args[at : at + 1]:
                literal = isinstance(given, ast.Constant) and isinstance(given.value, str)
                if literal or isinstance(given, ast.JoinedStr):
                    yield Fault(file, given.lineno, f"no Said: {ast.unparse(given)[:80]}")


def _template(file: str, text: str) -> Iterator[Found | Fault]:
    try:
        tree = _environment().parse(text)
    except TemplateSyntaxError as error:
        yield Fault(file, error.lineno, str(error.message))
        return
    calls = [call for call in tree.find_all(nodes.Call) if _count(call)]
    for call in sorted(calls, key=lambda call: call.lineno):
        count = _count(call)
        forms = tuple(
            argument.value
            for argument in call.args[:count]
            if isinstance(argument, nodes.Const) and isinstance(argument.value, str)
        )
        if len(forms) == count:
            yield Found(forms, file, call.lineno)
        else:
            yield Fault(file, call.lineno, "not a literal message")


def _count(call: nodes.Call) -> int:
    """How many of the arguments are messages."""
    if isinstance(call.node, nodes.Name):
        return _IN_TEMPLATES.get(call.node.name, 0)
    return _SAID.get(call.node.attr, 0) if isinstance(call.node, nodes.Getattr) else 0


def _environment() -> Environment:
    """Templates are read as the book reads them: so the messages are the ones it looks up."""
    environment = Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[InternationalizationExtension],
    )
    environment.policies["ext.i18n.trimmed"] = True
    installer: Any = environment
    installer.install_null_translations(newstyle=True)
    return environment
