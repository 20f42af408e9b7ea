"""The pages that there is one of: the first one, the map, the census, the method, the search."""

from collections.abc import Callable, Iterator, Sequence

from portbook.pages.book import Book
from portbook.pages.export.kind import Books, File
from portbook.pages.export.plan import EACH, EXT, Plan, place
from portbook.pages.facts.home import home_page
from portbook.pages.facts.map import map_page, variants
from portbook.pages.facts.method import method_page
from portbook.pages.facts.orphans import orphans_page
from portbook.pages.facts.search import MOST
from portbook.pages.prose.census import census_told
from portbook.pages.prose.lives import life_abouts, life_names
from portbook.pages.prose.sources import lists_told
from portbook.registry.kept import until_reload

PART = 1


def subjects(plan: Plan) -> Sequence[str]:
    """The names of the files without their ending."""
    return sorted(taken())


def paths(plan: Plan, subject: str) -> Sequence[str]:
    """One page in each language."""
    return (f"{EACH}{subject}{EXT}",)


def files(plan: Plan, books: Books, subject: str) -> Iterator[File]:
    """The same facts told in each language."""
    for tag, book in books.items():
        yield f"{tag}/{subject}{EXT}", _pages()[subject](book)


def taken() -> frozenset[str]:
    """The names of these pages, which no service can have."""
    return frozenset(_pages())


@until_reload
def _pages() -> dict[str, Callable[[Book], bytes]]:
    """How each is made."""
    pages: dict[str, Callable[[Book], bytes]] = {
        "index": _home,
        "method": _method,
        "orphans": _orphans,
        "search": _search,
    }
    for each in variants():
        pages[each.path.removeprefix("/")] = _map(each.path, each.by, each.layout)
    return pages


def _home(book: Book) -> bytes:
    return book.render(
        "home.html",
        place("/"),
        home=home_page(),
        names=life_names(book.words),
        abouts=life_abouts(book.words),
        here=None,
        verdicts=(),
        verdict_names={},
    )


def _method(book: Book) -> bytes:
    told = method_page()
    return book.render(
        "method.html",
        place("/method"),
        method=told,
        lists=lists_told(told.lists),
        names=life_names(book.words),
        abouts=life_abouts(book.words),
    )


def _orphans(book: Book) -> bytes:
    told = orphans_page()
    return book.render(
        "orphans.html", place("/orphans"), orphans=told, said=census_told(book.words, told)
    )


def _search(book: Book) -> bytes:
    return book.render("search.html", place("/search"), found=None, most=MOST)


def _map(path: str, by: str, layout: str) -> Callable[[Book], bytes]:
    def made(book: Book) -> bytes:
        return book.render("map.html", place(path), map=map_page(by, layout))

    return made
