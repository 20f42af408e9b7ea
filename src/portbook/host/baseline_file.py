"""Baselines that users keep in files: read within limits, and recognised by their schema."""

import os

from portbook.model import EnvironmentFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Entries = TypeVar("Entries")

MOST_BYTES = 1 << 24
"""A baseline of 65,536 listeners is smaller."""


class BadBaseline(ValueError):
    """Text that is no baseline; the message goes on after the file's name."""


def read_baseline_file(path: str, parse: "Callable[[bytes], Entries]", *, hint: str) -> "Entries":
    """What `parse` makes of a file; `hint` says how to get a new one.

    Raises:
        EnvironmentFault: it is missing, or `parse` raised BadBaseline.
    """
    try:
        # A pipe without a writer would keep us waiting for ever.
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(number, "rb") as file:
            data = file.read(MOST_BYTES + 1) or b""
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise EnvironmentFault(f"cannot read the baseline {path}: {said}", hint=hint) from error
    try:
        return parse(data)
    except BadBaseline as bad:
        raise EnvironmentFault(f"{path} {bad}", hint=hint) from bad


def baseline_rows(data: bytes, schema: str, field: str) -> "list[Any]":
    """The list `field` of a baseline's text.

    Raises:
        BadBaseline: it is none, or one of another schema version.
    """
    from json import loads

    if len(data) > MOST_BYTES:
        raise BadBaseline(f"is no baseline: more than {MOST_BYTES >> 20} MiB")
    try:
        body = loads(data)
    except (ValueError, RecursionError) as error:
        raise BadBaseline("is no baseline: it is not JSON") from error
    found = body.get("schema") if isinstance(body, dict) else None
    if not isinstance(found, str) or not found.startswith("portbook/"):
        raise BadBaseline("is no baseline: it names no schema of portbook")
    if found != schema:
        raise BadBaseline(f"is of schema {found[:60]}, and this portbook reads {schema}")
    rows = body.get(field)
    if not isinstance(rows, list):
        raise BadBaseline(f"is no baseline: it has no list of {field}")
    return rows
