"""The census in sentences: of everything, of a thousand numbers, of a year, of an assignee."""

from collections.abc import Iterable, Iterator

from portbook.model.record import Record
from portbook.pages.facts.assignee import AssigneePage
from portbook.pages.facts.orphans import DATED_SINCE, OrphanList, OrphansPage
from portbook.pages.facts.year import YearPage
from portbook.pages.prose.lives import (
    life_abouts,
    life_names,
    lives_told,
    range_name,
    searched,
    sources_name,
)
from portbook.pages.words import Words
from portbook.registry.census import Share


class CensusWords(Record):
    """What the page of the census says of its figures.

    `ranges` and `sources` are the names of rows by what the census calls them. What begins with
    `by_`, and `changes`, says what the chart of that name shows.
    """

    lives: dict[str, str]
    abouts: dict[str, str]
    ranges: dict[str, str]
    sources: dict[str, str]
    by_range: str
    by_year: tuple[str, ...]
    by_sources: str
    changes: tuple[str, ...]


def census_told(words: Words, page: OrphansPage) -> CensusWords:
    """The words for one census."""
    counted = page.census
    return CensusWords(
        life_names(words),
        life_abouts(words),
        {each.name: range_name(words, each.name) for each in counted.by_range},
        {each.name: sources_name(words, each.name) for each in counted.by_sources},
        _by_range(words, counted.by_range),
        _by_year(words, page),
        _by_sources(words, counted.by_sources),
        _changes(words, page),
    )


def list_told(words: Words, page: OrphanList) -> tuple[str, ...]:
    """What there is to say of a thousand numbers."""
    if not page.total:
        none = words.text(
            "Nothing is registered from %(first)s to %(last)s.", first=page.first, last=page.last
        )
        return (none,)
    total = words.plural(
        "One service is registered from %(first)s to %(last)s.",
        "%(n)s services are registered from %(first)s to %(last)s.",
        page.total,
        first=page.first,
        last=page.last,
    )
    return (
        total,
        lives_told(words, page.counts),
        searched(words, page.sources_checked, page.as_of),
    )


def year_told(words: Words, page: YearPage) -> tuple[str, ...]:
    """What there is to say of a year."""
    total = words.plural(
        "One service was registered in %(year)s.",
        "%(n)s services were registered in %(year)s.",
        page.total,
        year=page.year,
    )
    earlier = words.plural(
        "One of them was known before, and only got another transport.",
        "%(n)s of them were known before, and only got another transport.",
        page.earlier,
    )
    return (
        total,
        *([earlier] if page.earlier else []),
        lives_told(words, page.counts),
        searched(words, page.sources_checked, page.as_of),
    )


def assignee_told(words: Words, page: AssigneePage) -> tuple[str, ...]:
    """What there is to say of an assignee."""
    total = words.plural(
        "One service is registered to %(name)s.",
        "%(n)s services are registered to %(name)s.",
        page.total,
        name=page.name,
    )
    return (
        total,
        *_dated(words, page),
        lives_told(words, page.counts),
        searched(words, page.sources_checked, page.as_of),
    )


def _dated(words: Words, page: AssigneePage) -> Iterator[str]:
    """Since when: one or two sentences."""
    undated = sum(1 for each in page.rows if each.registered is None)
    if page.first is None or page.last is None:
        if page.total == 1:
            yield words.text("The registry does not say since when.")
        else:
            yield words.text("The registry gives no dates for them.")
        return
    first, last = words.date(page.first), words.date(page.last)
    if page.total == 1:
        yield words.text("It is from %(date)s.", date=first)
    elif not undated and first == last:
        yield words.text("All of them are from %(date)s.", date=first)
    elif not undated:
        yield words.text(
            "The first is from %(first)s, the latest from %(last)s.", first=first, last=last
        )
    else:
        yield words.plural(
            "The registry gives no date for one of them.",
            "The registry gives no date for %(n)s of them.",
            undated,
        )
        if page.total == undated + 1:
            yield words.text("The other one is from %(date)s.", date=first)
        elif first == last:
            yield words.text("The others are from %(date)s.", date=first)
        else:
            yield words.text("The others are from %(first)s to %(last)s.", first=first, last=last)


def _by_range(words: Words, shares: Iterable[Share]) -> str:
    told = (
        words.text(
            "Of the %(total)s services on %(range)s, %(share)s have left no public trace.",
            total=words.number(each.total),
            range=range_name(words, each.name),
            share=words.share(each.counts["orphan"], each.total),
        )
        for each in shares
        if each.total
    )
    return " ".join(told)


def _by_year(words: Words, page: OrphansPage) -> tuple[str, ...]:
    """The best year, the last whole one, and what the chart leaves out."""
    known = [each for each in page.census.by_year if each.year and each.year >= DATED_SINCE]
    told = []
    if known:
        most = max(known, key=lambda each: each.total)
        told.append(
            words.plural(
                "The year with most registrations is %(year)s: %(n)s service.",
                "The year with most registrations is %(year)s: %(n)s services.",
                most.total,
                year=most.year,
            )
        )
    told.append(
        words.plural(
            "The chart leaves out %(n)s service to which the registry gives no date.",
            "The chart leaves out %(n)s services to which the registry gives no date.",
            page.undated,
        )
    )
    if page.older:
        told.append(
            words.plural(
                "It also leaves out %(n)s that is dated before %(year)s.",
                "It also leaves out %(n)s that are dated before %(year)s.",
                page.older,
                year=DATED_SINCE,
            )
        )
    return tuple(told)


def _by_sources(words: Words, shares: tuple[Share, ...]) -> str:
    few, many = shares[1], shares[-1]
    return words.text(
        "The more sources name a number, the more often they mean the service that is registered "
        "there: %(few)s of the services on a number with one source are alive, %(many)s of those "
        "on a number with %(least)s sources or more.",
        few=words.share(few.counts["alive"], few.total),
        many=words.share(many.counts["alive"], many.total),
        least=many.name.removesuffix("+"),
    )


def _changes(words: Words, page: OrphansPage) -> tuple[str, ...]:
    """How the number of ports with a service grew, and how few were given up."""
    between = page.census.since
    whole = int(between.last[:4]) - int(between.first[:4])
    years = whole - (between.last[5:7] < between.first[5:7])
    return (
        words.text(
            "In %(first)s %(then)s numbers had a service, in %(last)s %(now)s.",
            first=words.date(between.first[:7]),
            then=words.number(between.ports_then),
            last=words.date(between.last[:7]),
            now=words.number(between.ports_now),
        ),
        words.plural(
            "In %(years)s years %(n)s number was given up.",
            "In %(years)s years %(n)s numbers were given up.",
            len(page.given_up),
            years=words.number(years),
        ),
    )
