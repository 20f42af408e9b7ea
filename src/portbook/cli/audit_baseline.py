"""The baseline file of `portbook audit`: reading, checking, and writing it in one step."""

import os

from portbook.cli.file_writing import write_file
from portbook.model import EnvironmentFault, Unknown, document
from portbook.model.finding import Holder, Kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA = "portbook/baseline/1"
MOST_BYTES = 1 << 24
"""A baseline of 65,536 listeners is smaller."""

_MOST_TEXT = 8192
_HOLDER = ("container", "unit", "project", "package", "executable", "kernel")
_AGAIN = "write a new one: portbook audit --write-baseline FILE"


def read_baseline(path: str) -> tuple[Kept, ...]:
    """The entries of a baseline file.

    Raises:
        EnvironmentFault: it is missing, no baseline, or one of another schema version.
    """
    try:
        # A pipe without a writer would keep us waiting for ever.
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(number, "rb") as file:
            data = file.read(MOST_BYTES + 1) or b""
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise EnvironmentFault(f"cannot read the baseline {path}: {said}", hint=_AGAIN) from error
    try:
        return parse(data)
    except BadBaseline as bad:
        raise EnvironmentFault(f"{path} {bad}", hint=_AGAIN) from bad


class BadBaseline(ValueError):
    """Text that is no baseline; the message goes on after the file's name."""


def parse(data: bytes) -> tuple[Kept, ...]:
    """The entries of a baseline's text.

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
    schema = body.get("schema") if isinstance(body, dict) else None
    if not isinstance(schema, str) or not schema.startswith("portbook/"):
        raise BadBaseline("is no baseline: it names no schema of portbook")
    if schema != SCHEMA:
        raise BadBaseline(f"is of schema {schema[:60]}, and this portbook reads {SCHEMA}")
    rows = body.get("listeners")
    if not isinstance(rows, list):
        raise BadBaseline("is no baseline: it has no list of listeners")
    return tuple(_entry(row, number) for number, row in enumerate(rows, start=1))


def _entry(row: object, number: int) -> Kept:
    where = f"is damaged in listener {number}"
    if not isinstance(row, dict):
        raise BadBaseline(where)
    port, holders, findings = (row.get(name) for name in ("port", "holders", "findings"))
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port <= 65535:
        raise BadBaseline(f"{where}: its port is none")
    if not isinstance(holders, list) or not isinstance(findings, list):
        raise BadBaseline(f"{where}: holders or findings are missing")
    return Kept(
        _text(row.get("transport"), where),
        _text(row.get("reach"), where),
        port,
        tuple(_holder(each, where) for each in holders),
        tuple(_text(each, where) for each in findings),
    )


def _holder(row: object, where: str) -> Holder:
    if not isinstance(row, dict):
        raise BadBaseline(f"{where}: a holder is none")
    facts = {name: _fact(row.get(name), where) for name in _HOLDER}
    if isinstance(facts["kernel"], Unknown):
        raise BadBaseline(where)
    return Holder(**facts)


def _fact(value: object, where: str) -> "Any":
    """A fact as it was kept: text, none, or unknown."""
    if value is None:
        return None
    if isinstance(value, dict):
        return Unknown(_text(value.get("unknown"), where))
    return _text(value, where)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise BadBaseline(where)
    return value


def write_baseline(path: str, entries: tuple[Kept, ...], *, host: str, at: str) -> None:
    """Put a baseline at `path` in one step: what was there stays whole until the new one is.

    Raises:
        EnvironmentFault: it cannot be written; nothing was changed.
    """
    from json import dumps

    body = {"host": host, "at": at, "listeners": entries}
    text = dumps(document("baseline", body), indent=1) + "\n"
    write_file(path, text.encode(), what="the baseline")
