"""The graveyard: registrations of which no public trace was found, and how many others live."""

from portbook.model.record import Record
from portbook.registry.registrations import (
    VERDICTS,
    Registration,
    count_lives,
    select,
    sources_asked,
)

__all__ = ["VERDICTS", "OrphanReport", "orphans"]


class OrphanReport(Record):
    """`counts`: services on a number by their life, of all that were selected."""

    counts: dict[str, int]
    rows: tuple[Registration, ...]
    sources_checked: int
    as_of: str


def orphans(
    *,
    range_name: str | None = None,
    assignee: str | None = None,
    year: int | None = None,
    everything: bool = False,
) -> OrphanReport:
    """The orphans among the services in a range, of an assignee, registered in a year.

    `assignee` is one id as IANA prints it, in any case, with spaces or underscores. With
    `everything` the rows are of every life.

    Raises:
        UsageError: there is no such range.
        TableFault: a table is missing or broken.
    """
    found = select(range_name=range_name, assignee=assignee, year=year)
    rows = found if everything else tuple(each for each in found if each.life == "orphan")
    return OrphanReport(count_lives(found), rows, *sources_asked())
