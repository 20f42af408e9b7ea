"""The sources of the evidence, by name: where a trace was looked for, and when."""

from portbook.model import Source
from portbook.model.record import Record
from portbook.registry.tables import open_evidence, open_shipped

_COLUMNS = ("id", "title", "version", "licence", "link")


class Sources(Record):
    """The sources, sorted by id; `as_of` is the date (ISO) on which they were read."""

    sources: tuple[Source, ...]
    as_of: str


def read_sources() -> Sources:
    """Every source that was asked.

    Raises:
        TableFault: a table is missing or broken.
    """
    rows = open_shipped("sources.tsv", _COLUMNS).all_rows()
    return Sources(tuple(Source(*row) for row in rows), open_evidence().as_of)
