"""What the page of a year tells: what was registered then, and what became of it."""

from portbook.model.record import Record
from portbook.pages.facts.registrations import Row, rows_of
from portbook.registry.kept import until_reload
from portbook.registry.registrations import count_lives, select, sources_asked

_OLDEST, _LATEST = 1960, 2100  # no date of a registry that could be imported lies outside


class YearPage(Record):
    """A year's registrations, lowest number first, and the nearest years that have any.

    `counts` are by life. Some services got only another transport that year: `earlier` of them
    are registered for longer, and their rows have the date of the first time.
    """

    year: int
    total: int
    earlier: int
    counts: dict[str, int]
    rows: tuple[Row, ...]
    before: int | None
    after: int | None
    sources_checked: int
    as_of: str


def year_page(year: int) -> YearPage | None:
    """What there is about one year; None where nothing was registered.

    Raises:
        TableFault: a table is missing or broken.
    """
    known = known_years()
    if year not in known:
        return None
    found = select(year=year)
    place = known.index(year)
    return YearPage(
        year,
        len(found),
        sum(1 for each in found if not (each.registered or "").startswith(str(year))),
        count_lives(found),
        rows_of(found),
        known[place - 1] if place else None,
        known[place + 1] if place + 1 < len(known) else None,
        *sources_asked(),
    )


@until_reload
def known_years() -> tuple[int, ...]:
    """The years in which something was registered, lowest first."""
    return tuple(year for year in range(_OLDEST, _LATEST) if select(year=year))
