"""What the pages of the orphans tell: the census, and the list of each thousand numbers."""

from portbook.model import LAST_PORT, USER
from portbook.model.record import Record
from portbook.pages.facts.method import LABELLED, RIGHT
from portbook.pages.facts.registrations import Row, Who, rows_of, who_of
from portbook.pages.facts.year import known_years
from portbook.registry.census import Census, census
from portbook.registry.kept import until_reload
from portbook.registry.registrations import count_lives, registrations, select, sources_asked
from portbook.registry.since import Freed

LISTS = USER.last // 1000 + 1
"""How many lists of orphans there are, one for each thousand numbers below 49152."""

DATED_SINCE = 2002
"""The year since which IANA's registry gives dates; four registrations have an older one."""


class Thousand(Record):
    """One list: its number, its ports, and how many orphans it has."""

    number: int
    first: int
    last: int
    orphans: int


class Person(Record):
    """An assignee in the table of those with most registrations."""

    who: Who
    total: int
    counts: dict[str, int]


class GivenUp(Record):
    """A number that was given up, its services as one text, and who had registered it."""

    freed: Freed
    services: str
    who: tuple[Who, ...]


class OrphansPage(Record):
    """The census, ready to be told.

    `undated` counts the services without a date, `older` those dated before DATED_SINCE; neither
    is in the chart of years. `years` are those with a page. `labelled` registrations were judged
    by hand, and the rules judge `right` of them the same.
    """

    census: Census
    undated: int
    older: int
    thousands: tuple[Thousand, ...]
    years: tuple[int, ...]
    people: tuple[Person, ...]
    given_up: tuple[GivenUp, ...]
    labelled: int
    right: int


class OrphanList(Record):
    """The orphans of one thousand numbers, and the lists beside it, None at the ends."""

    number: int
    first: int
    last: int
    total: int
    counts: dict[str, int]
    rows: tuple[Row, ...]
    before: int | None
    after: int | None
    sources_checked: int
    as_of: str


def orphans_page() -> OrphansPage:
    """The page of the census.

    Raises:
        TableFault: a table is missing or broken.
    """
    counted = census()
    by_year = {each.year: each.total for each in counted.by_year}
    return OrphansPage(
        counted,
        by_year.get(None, 0),
        sum(total for year, total in by_year.items() if year and year < DATED_SINCE),
        thousands(),
        known_years(),
        tuple(Person(who_of(each.id)[0], each.total, each.counts) for each in counted.assignees),
        tuple(
            GivenUp(each, ", ".join(each.services), who_of(each.assignee)) for each in counted.freed
        ),
        LABELLED,
        RIGHT,
    )


@until_reload
def thousands() -> tuple[Thousand, ...]:
    """Every list, lowest numbers first; a registration of a range is in the list of its first."""
    counts = [0] * LISTS
    for each in registrations():
        if each.life == "orphan" and each.port <= USER.last:
            counts[each.port // 1000] += 1
    return tuple(Thousand(number, *_span(number), count) for number, count in enumerate(counts))


def orphan_list(number: int) -> OrphanList | None:
    """One list; None where there is no such list.

    Raises:
        TableFault: a table is missing or broken.
    """
    if not 0 <= number < LISTS:
        return None
    first, last = _span(number)
    found = [each for each in select(first=first) if each.port <= last]
    return OrphanList(
        number,
        first,
        last,
        len(found),
        count_lives(found),
        rows_of(each for each in found if each.life == "orphan"),
        number - 1 if number else None,
        number + 1 if number + 1 < LISTS else None,
        *sources_asked(),
    )


def _span(number: int) -> tuple[int, int]:
    return number * 1000, min(number * 1000 + 999, USER.last, LAST_PORT)
