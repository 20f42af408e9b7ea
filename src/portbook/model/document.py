"""The JSON form of the value types: field names are the JSON names, in order."""

from portbook.model.owner import Listener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def plain(value: "Any") -> "Any":
    """`value` as JSON builtins: a record becomes an object of its fields, a tuple an array.

    A `Listener` is flat, the socket's fields beside the owner's.
    """
    # Most values are scalars: asking for them first halves the time of 200 listeners.
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Listener):
        flat = plain(value.socket)
        del flat["cgroup"], flat["peer"]
        flat |= {name: plain(getattr(value, name)) for name in value._fields[1:]}
        return flat
    if isinstance(value, tuple):
        fields = getattr(value, "_fields", None)
        if fields is None:
            return [plain(item) for item in value]
        return {name: plain(item) for name, item in zip(fields, value, strict=True)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def document(name: str, body: object) -> "dict[str, Any]":
    """`body` as one JSON document of schema `portbook/<name>/1`."""
    return {"schema": f"portbook/{name}/1", **plain(body)}
