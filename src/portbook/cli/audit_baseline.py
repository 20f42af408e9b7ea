"""The baseline file of `portbook audit`: reading, checking, and writing it in one step."""

from portbook.cli.file_writing import write_file
from portbook.host.baseline_file import BadBaseline, baseline_rows, read_baseline_file
from portbook.model import Unknown, document
from portbook.model.finding import Holder, Kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA = "portbook/baseline/1"
_MOST_TEXT = 8192
_HOLDER = ("container", "unit", "project", "package", "executable", "kernel")
_AGAIN = "write a new one: portbook audit --write-baseline FILE"


def read_baseline(path: str) -> tuple[Kept, ...]:
    """The entries of a baseline file.

    Raises:
        EnvironmentFault: it is missing, no baseline, or one of another schema version.
    """
    return read_baseline_file(path, parse, hint=_AGAIN)


def parse(data: bytes) -> tuple[Kept, ...]:
    """The entries of a baseline's text.

    Raises:
        BadBaseline: it is none, or one of another schema version.
    """
    rows = baseline_rows(data, SCHEMA, "listeners")
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
