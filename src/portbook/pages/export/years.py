"""The pages of the years, and the lists of orphans: `en/year/2002.html`, `en/orphans/3.html`."""

from collections.abc import Iterator, Sequence
from typing import cast

from portbook.pages.book import Book, Place
from portbook.pages.export.documents import encoded
from portbook.pages.export.kind import Books, File
from portbook.pages.export.plan import EACH, EXT, Plan, place
from portbook.pages.facts.orphans import LISTS, OrphanList, orphan_list
from portbook.pages.facts.year import YearPage, known_years, year_page
from portbook.pages.prose.census import list_told, year_told
from portbook.pages.prose.lives import life_names
from portbook.registry.orphans import orphans

PART = 8

_YEAR, _LIST = "year", "orphans"


def subjects(plan: Plan) -> Sequence[tuple[str, int]]:
    """Every year that has a registration, and every thousand numbers."""
    years = [(_YEAR, year) for year in known_years()]
    return [*years, *((_LIST, number) for number in range(LISTS))]


def paths(plan: Plan, subject: tuple[str, int]) -> Sequence[str]:
    """One page in each language, and the document of a year."""
    kind, number = subject
    page = f"{EACH}{kind}/{number}{EXT}"
    return (page, f"year/{number}.json") if plan.twins and kind == _YEAR else (page,)


def files(plan: Plan, books: Books, subject: tuple[str, int]) -> Iterator[File]:
    """The same facts told in each language."""
    kind, number = subject
    at = place(f"/{kind}/{number}")
    for tag, book in books.items():
        told = _year(book, at, number) if kind == _YEAR else _orphans(book, at, number)
        yield f"{tag}/{kind}/{number}{EXT}", told
    if plan.twins and kind == _YEAR:
        report = orphans(year=number, everything=True)
        body = {**report._asdict(), "incomplete": ()}
        yield f"year/{number}.json", encoded("orphans", body)


def _year(book: Book, at: Place, year: int) -> bytes:
    found = cast("YearPage", year_page(year))
    return book.render(
        "year.html",
        at,
        year=found,
        said=year_told(book.words, found),
        names=life_names(book.words),
    )


def _orphans(book: Book, at: Place, number: int) -> bytes:
    found = cast("OrphanList", orphan_list(number))
    return book.render("orphan_list.html", at, list=found, said=list_told(book.words, found))
