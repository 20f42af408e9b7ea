r"""One line for each listener, as a template says: `{port}/{transport} {owner.name}`.

A field is a path in the JSON document of a listener: names and [numbers], never an attribute or a
method of Python's. Behind a colon stand alignment and width: `{owner.name:<16}`, `{port:>5}`,
`{owner.cmdline:.40}`. `{{` and `}}` are braces; `\n`, `\t`, `\0` and `\\` are what they are in C.
"""

import re

from portbook.cli.render import cut, safe, width
from portbook.model.document import plain
from portbook.model.errors import UsageError
from portbook.model.owner import Listener, Owner
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WIDEST = 1000
"""Cells that a field may be told to take."""
_LONGEST = 8192
"""Characters of a template."""
_MOST_FIELDS = 256
_ESCAPES = {"n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
_TOKEN = re.compile(r"\{\{|\}\}|\\.?|\{[^{}]*\}|[{}]|[^{}\\]+", re.DOTALL)
_PATH = re.compile(r"([A-Za-z_]\w{0,40})((?:\.[A-Za-z_]\w{0,40}|\[[0-9]{1,5}\]){0,8})", re.ASCII)
_STEP = re.compile(r"\.(\w+)|\[([0-9]+)\]", re.ASCII)
_FORM = re.compile(r"(?:(.)?([<>^]))?([1-9][0-9]*)?(?:\.([0-9]+))?", re.DOTALL)


class Form(Record):
    """How a value is laid out: `align` is empty where it was not said."""

    fill: str = " "
    align: str = ""
    least: int = 0
    most: int | None = None


class Field(Record):
    """A path of names and numbers, and how its value is laid out."""

    path: tuple[str | int, ...]
    form: Form


class Template(Record):
    """Literal text and fields, in order."""

    parts: tuple[str | Field, ...]

    def line(self, row: Listener) -> str:
        """The template filled with one listener."""
        document = plain(row)
        document["owner"] = document["owners"][0] if document["owners"] else None
        return "".join(
            part if isinstance(part, str) else _laid_out(_found(document, part.path), part.form)
            for part in self.parts
        )

    def names(self, field: str) -> bool:
        """Whether some path goes through a field of that name."""
        return any(isinstance(part, Field) and field in part.path for part in self.parts)


def parse(text: str) -> Template:
    """A template, understood before anything is looked at.

    Raises:
        UsageError: a field that no listener has, or text that is no template.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"--template: more than {_LONGEST} characters")
    parts: list[str | Field] = []
    for token in _TOKEN.findall(text):
        if token in ("{{", "}}"):
            parts.append(token[0])
        elif token[0] == "\\":
            if token[1:] not in _ESCAPES:
                raise UsageError(
                    f"--template: {token!r} is no escape",
                    hint=r"\n, \t, \0, and \\ for a backslash",
                )
            parts.append(_ESCAPES[token[1:]])
        elif len(token) > 1 and token[0] == "{":
            parts.append(_field(token[1:-1]))
        elif token in ("{", "}"):
            raise UsageError(f"--template: a single {token!r}", hint=f"{token * 2} prints one")
        else:
            parts.append(_shown(token))
    fields = sum(isinstance(part, Field) for part in parts)
    if not fields:
        raise UsageError("--template names no field", hint="such as '{port} {owner.name}'")
    if fields > _MOST_FIELDS:
        raise UsageError(
            f"--template: {fields} fields are too many", hint=f"at most {_MOST_FIELDS}"
        )
    return Template(tuple(parts))


def _shown(text: str) -> str:
    """Literal text: line ends and tabs as they are, nothing else that steers a terminal."""
    if text.isprintable():
        return text
    return "".join(sign if sign in "\n\t" else safe(sign) for sign in text)


def _field(text: str) -> Field:
    path, _, form = text.partition(":")
    found = _PATH.fullmatch(path)
    if found is None:
        hint = "no conversions" if "!" in path else "such as owner.name or owners[0].pid"
        raise UsageError(f"--template: {path[:60]!r} is no field", hint=hint)
    steps = tuple(name or int(number) for name, number in _STEP.findall(found[2]))
    _check((found[1], *steps))
    return Field((found[1], *steps), _form(form, path))


def _form(text: str, path: str) -> Form:
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(
            f"--template: {text[:20]!r} is no form of {path}", hint="such as <16, >5, ^9 or .40"
        )
    fill, align, least, most = found.groups()
    for number in (least, most):
        if number and (len(number) > 4 or int(number) > WIDEST):
            raise UsageError(
                f"--template: {path}: {number[:12]} cells are too many", hint=f"at most {WIDEST}"
            )
    if fill is not None and width(safe(fill)) != 1:
        raise UsageError(f"--template: {path} cannot be filled with {fill!r}")
    return Form(fill or " ", align or "", int(least or 0), int(most) if most else None)


def _found(document: "dict[str, Any]", path: tuple[str | int, ...]) -> "Any":
    """The value of a path; a command line in one text."""
    value = _value(document, path)
    return " ".join(value) if path[-1] == "cmdline" and isinstance(value, list) else value


def _value(document: "dict[str, Any]", path: tuple[str | int, ...]) -> "Any":
    """What is at the end of a path: None where there is nothing, an unknown where that is known."""
    found: Any = document
    for step in path:
        if isinstance(found, list) and isinstance(step, int):
            found = found[step] if step < len(found) else None
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            # A fact that could not be had has no fields but its own: it stays unknown.
            return found if isinstance(found, dict) and "unknown" in found else None
    return found


def _laid_out(value: "Any", form: Form) -> str:
    text = safe(_text(value))
    if form.most is not None:
        text = cut(text, form.most) if form.most else ""
    room = form.least - width(text)
    if room <= 0:
        return text
    align = form.align or (">" if isinstance(value, int) else "<")
    before = {"<": 0, ">": room, "^": room // 2}[align]
    return form.fill * before + text + form.fill * (room - before)


def _text(value: "Any") -> str:
    """`-` for nothing, `?` for what is unknown, a list joined, an object as JSON."""
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        if "unknown" in value:
            return "?"
    elif not isinstance(value, list):
        return str(value)
    elif not any(isinstance(each, (dict, list)) for each in value):
        return ",".join(map(_text, value))
    from json import dumps

    return dumps(value, separators=(",", ":"))


def _check(path: tuple[str | int, ...]) -> None:
    """Whether a listener can have such a field, whatever listens at the moment.

    Raises:
        UsageError: it cannot; with the names there are.
    """
    kinds: list[Any] = [_Top]
    said = ""
    for step in path:
        following: list[Any] = []
        names: dict[str, Any] = {}
        for kind in kinds:
            if isinstance(step, int):
                following += _items(kind)
            else:
                names |= fields_of(kind)
        if isinstance(step, str) and step in names:
            following = _choices(names[step])
        if not following:
            raise _no_field(said, step, names)
        said += f"[{step}]" if isinstance(step, int) else f".{step}" if said else step
        kinds = following


def _no_field(said: str, step: str | int, names: "dict[str, Any]") -> UsageError:
    where = f"{said} has" if said else "a listener has"
    if isinstance(step, int):
        return UsageError(f"--template: {said} is no list, and has no [{step}]")
    if not names:
        return UsageError(f"--template: {where} no fields", hint=f"{{{said}}}" if said else None)
    from difflib import get_close_matches

    near = get_close_matches(step, names, 1)
    meant = f"did you mean {near[0]}? " if near else ""
    return UsageError(
        f"--template: {where} no field {step!r}", hint=f"{meant}there are {', '.join(names)}"
    )


class _Top:
    """What a template begins at: a listener, and its first owner by a name of its own."""


def fields_of(kind: "Any") -> "dict[str, Any]":
    """The fields of an object in the JSON document, with their types; none for other types."""
    from typing import get_type_hints

    from portbook.model.socket import Socket

    if kind is _Top:
        made = get_type_hints(Socket)
        del made["cgroup"], made["peer"]
        made |= {name: hint for name, hint in get_type_hints(Listener).items() if name != "socket"}
        return {**made, "owner": Owner}
    return get_type_hints(kind) if hasattr(kind, "_fields") else {}


def _choices(hint: "Any") -> "list[Any]":
    """A type, or those that a union is of."""
    from types import UnionType
    from typing import Union, get_args, get_origin

    return list(get_args(hint)) if get_origin(hint) in (Union, UnionType) else [hint]


def _items(kind: "Any") -> "list[Any]":
    """What a list holds; nothing where the type is none."""
    from typing import get_args, get_origin

    return _choices(get_args(kind)[0]) if get_origin(kind) is tuple else []
