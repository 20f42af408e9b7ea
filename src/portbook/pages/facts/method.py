"""What the page of the method tells: the tables that the book is made from, and how good it is."""

from portbook.model import Source
from portbook.model.record import Record
from portbook.registry.install import in_use
from portbook.registry.kept import until_reload
from portbook.registry.sources import read_sources
from portbook.registry.tables import open_assignments, open_shipped

LABELLED = 405
"""Registrations that were judged by hand: docs/life.md."""

RIGHT = 402
"""How many of them the rules judge the same."""

_SUSPICIOUS = ("port", "transport", "name", "category", "confidence", "source")
_BLOCKED = ("port", "service")


class MethodPage(Record):
    """Where everything is from.

    `registry_of` is the date of IANA's registry (ISO), None where an imported one does not say;
    `imported` when it was imported (ISO 8601, UTC), None for the built-in one. `records` are its
    rows, `suspicious` and `blocked` those of the other tables, `lists` what the first of these
    was made from, read on `lists_as_of` (ISO date).
    """

    registry_of: str | None
    imported: str | None
    licence: str | None
    records: int
    sources: tuple[Source, ...]
    as_of: str
    suspicious: int
    lists: tuple[str, ...]
    lists_as_of: str
    blocked: int
    labelled: int
    right: int


@until_reload
def method_page() -> MethodPage:
    """The facts of the page.

    Raises:
        TableFault: a table is missing or broken.
    """
    header = open_assignments().header
    known = read_sources()
    harmful = open_shipped("suspicious.tsv", _SUSPICIOUS)
    suspicious = list(harmful.all_rows())
    return MethodPage(
        _date(header.get("registry of")),
        in_use().imported,
        header.get("licence"),
        int(header["rows"]),
        known.sources,
        known.as_of,
        len(suspicious),
        tuple(sorted({row[5] for row in suspicious})),
        harmful.header["as_of"],
        sum(1 for _ in open_shipped("browser_blocked.tsv", _BLOCKED).all_rows()),
        LABELLED,
        RIGHT,
    )


def _date(text: str | None) -> str | None:
    """The ISO date that a line of a header begins with."""
    if text is None or len(text) < 10:
        return None
    year, dash, rest = text[:10].partition("-")
    return text[:10] if dash and year.isdigit() and rest.replace("-", "").isdigit() else None
