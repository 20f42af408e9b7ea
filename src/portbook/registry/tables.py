"""Which tables there are, where they lie, and assignments in and out of them."""

import os
from collections.abc import Iterable, Sequence

from portbook.host.folders import data_folder
from portbook.model import Assignment, TableFault
from portbook.model.record import Record
from portbook.registry.table_file import Table, write_table

__all__ = [
    "ASSIGNMENT_COLUMNS",
    "EVIDENCE_COLUMNS",
    "SERVICE_COLUMNS",
    "EvidenceTable",
    "Table",
    "assignment_of",
    "hold",
    "marks",
    "open_assignments",
    "open_evidence",
    "open_services",
    "open_shipped",
    "read_assignments",
    "shipped",
    "user_folder",
    "write_assignments",
    "write_table",
]

ASSIGNMENT_COLUMNS = (
    "port",
    "last_port",
    "transport",
    "service",
    "description",
    "assignee",
    "contact",
    "registered",
    "modified",
    "reference",
    "unauthorized_use",
    "notes",
)
SERVICE_COLUMNS = ("service", "ports")
_REGISTRY = {"assignments.tsv": ASSIGNMENT_COLUMNS, "services.tsv": SERVICE_COLUMNS}
EVIDENCE_COLUMNS = ("port", "transport", "source", "product", "note", "kind")

_REINSTALL = "reinstall portbook"
_ROLL_BACK = "portbook update --rollback"

_held: dict[str, Table] = {}
"""The tables of a process that holds them, by name."""


def shipped(name: str) -> str:
    """The path of a table that comes with portbook."""
    # os.path, here and below: importing pathlib costs more than answering from the tables.
    return os.path.join(os.path.dirname(__file__), "data", name)


def user_folder() -> str:
    """The folder of the user's own, newer registry: see `portbook update`."""
    return f"{data_folder()}/registry/current"


def open_assignments() -> Table:
    """The registry: the user's own where there is one, else the one that comes with portbook."""
    return _newest("assignments.tsv")


def open_services() -> Table:
    """The name index of the same registry."""
    return _newest("services.tsv")


def hold() -> None:
    """Read the registry in use as it is now; from then on it is what `open_...` give.

    For a long-lived process: all its answers come from one registry until it holds the next one,
    whatever becomes of the files. Takes 40 ms, for every row is checked.

    Raises:
        TableFault: a table is missing or broken; what was held stays held.
    """
    global _held  # noqa: PLW0603 - replaced in one step, so that threads find both tables or none
    folder = _folder()
    found = {name: _open(name, folder) for name in _REGISTRY}
    for table in found.values():
        table.verify()
    _held = found


def marks() -> tuple[object, ...]:
    """What tells the files of the registry in use from those that were there before.

    Takes 10 us. A file that is missing has no mark.
    """
    folder = _folder()
    found: list[object] = [folder]
    for name in _REGISTRY:
        try:
            seen = os.stat(f"{folder}/{name}")
        except OSError:
            found.append(None)
        else:
            found.append((seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns))
    return tuple(found)


def open_shipped(name: str, columns: Sequence[str]) -> Table:
    """A table that comes with portbook and has no newer form."""
    return Table(shipped(name), columns, hint=_REINSTALL)


class EvidenceTable(Record):
    """The traces, in how many sources they were looked for, and when (ISO date)."""

    table: Table
    sources_checked: int
    as_of: str


def open_evidence() -> EvidenceTable:
    """The traces of products on numbers.

    Raises:
        TableFault: the table is broken.
    """
    table = open_shipped("evidence.tsv", EVIDENCE_COLUMNS)
    try:
        return EvidenceTable(table, int(table.header["sources checked"]), table.header["as_of"])
    except (KeyError, ValueError):
        raise TableFault(
            f"table {table.path} has no date or number of sources", hint=_REINSTALL
        ) from None


def read_assignments(path: str) -> list[Assignment]:
    """All rows of an assignments table, fully checked.

    Raises:
        TableFault: the file is no whole table.
    """
    table = Table(path, ASSIGNMENT_COLUMNS)
    table.verify()
    return [assignment_of(row) for row in table.all_rows()]


def assignment_of(row: list[str]) -> Assignment:
    """One row of an assignments table as a value."""
    port, last_port, transport, service, *rest = row
    return Assignment(
        service or None,
        int(port) if port else None,
        int(last_port) if last_port else None,
        transport or None,
        *(cell or None for cell in rest),
    )


def write_assignments(
    path: str, assignments: Iterable[Assignment], provenance: dict[str, str]
) -> None:
    """Write an assignments table at `path` and its name index `services.tsv` beside it."""
    known = list(assignments)
    rows = [
        [_text(each.port), _text(each.last_port), _text(each.transport), _text(each.service)]
        + [cell or "" for cell in each[4:]]
        for each in known
    ]
    write_table(path, ASSIGNMENT_COLUMNS, rows, provenance)
    ports: dict[str, set[tuple[int, int, str]]] = {}
    for each in known:
        if each.service is None:
            continue
        found = ports.setdefault(each.service, set())
        if each.port is not None and each.last_port is not None:
            found.add((each.port, each.last_port, each.transport or ""))
    index = [
        [service, " ".join(_span(*span) for span in sorted(spans))]
        for service, spans in ports.items()
    ]
    write_table(
        os.path.join(os.path.dirname(path), "services.tsv"),
        SERVICE_COLUMNS,
        index,
        provenance,
    )


def _newest(name: str) -> Table:
    return _held.get(name) or _open(name, _folder())


def _folder() -> str | None:
    """Where the registry in use lies if it is the user's own."""
    folder = os.path.realpath(user_folder())
    return folder if os.path.isdir(folder) else None


def _open(name: str, folder: str | None) -> Table:
    # The folder decides, so that a table that is missing from an import is a fault, no mixture.
    columns = _REGISTRY[name]
    if folder is None:
        return open_shipped(name, columns)
    return Table(f"{folder}/{name}", columns, hint=_ROLL_BACK)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _span(first: int, last: int, transport: str) -> str:
    """`80/tcp`, `6000-6063/tcp`, `6400` (no transport given)."""
    ports = str(first) if first == last else f"{first}-{last}"
    return f"{ports}/{transport}" if transport else ports
