"""The arguments of a call, checked against what the tool takes.

A small part of JSON Schema, and in sentences that a model can act on: loading a whole validator
would take longer than most answers.
"""

from portbook.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from portbook.mcp.catalogue import Tool

_KINDS: "dict[str, type]" = {"integer": int, "boolean": bool, "string": str}
_WORDS = {"integer": "a whole number", "boolean": "true or false", "string": "a text"}


def checked(tool: "Tool", given: "Mapping[str, Any] | None") -> "dict[str, Any]":
    """The arguments with the defaults filled in; null is as if it was left out.

    Raises:
        UsageError: one is missing, unknown, or not what it has to be.
    """
    found = {name: value for name, value in (given or {}).items() if value is not None}
    for name in found:
        if name not in tool.takes:
            known = ", ".join(tool.takes)
            raise UsageError(
                f"{tool.name} takes no argument {name[:40]!r}", hint=f"it takes {known}"
            )
    for name in tool.needs:
        if name not in found:
            raise UsageError(f"{tool.name} needs the argument {name!r}")
    asked = {name: each["default"] for name, each in tool.takes.items() if "default" in each}
    return asked | {name: _fitting(name, value, tool.takes[name]) for name, value in found.items()}


def _fitting(name: str, value: "Any", schema: "dict[str, Any]") -> "Any":
    kind = schema["type"]
    # To JSON Schema 8080.0 is an integer, and true is none.
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, _KINDS[kind]) or (kind == "integer" and isinstance(value, bool)):
        raise UsageError(f"{name}: {_shown(value)} is not {_asked(schema)}")
    if kind == "integer" and not schema["minimum"] <= value <= schema["maximum"]:
        raise UsageError(f"{name}: {_shown(value)} is not {_asked(schema)}")
    if isinstance(value, str):
        if value not in schema.get("enum", (value,)):
            raise UsageError(f"{name}: {_shown(value)} is not {_asked(schema)}")
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            raise UsageError(f"{name}: {len(value)} characters are not {_asked(schema)}")
    return value


def _shown(value: "Any") -> str:
    # A number of ten thousand digits cannot even be written down (see sys.set_int_max_str_digits).
    if isinstance(value, int) and not -(10**20) < value < 10**20:
        return "a number of more than 20 digits"
    return f"{value!r:.40}" if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"


def _asked(schema: "dict[str, Any]") -> str:
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    words = _WORDS[schema["type"]]
    if "minimum" in schema:
        return f"{words} from {schema['minimum']} to {schema['maximum']}"
    if "maxLength" in schema:
        return f"{words} of {schema['minLength']} to {schema['maxLength']} characters"
    return words
