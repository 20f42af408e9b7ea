"""The files that all pages share: styles, scripts, the map's, the charts, what is searched in."""

import os
from collections.abc import Callable, Iterator, Sequence

from portbook.pages.book import STATIC
from portbook.pages.charts import CHARTS, chart
from portbook.pages.export.documents import encoded
from portbook.pages.export.kind import Books, File
from portbook.pages.export.plan import EACH, EXT, Plan, place
from portbook.pages.facts.map import BY, LAYOUT
from portbook.pages.facts.search import names_file
from portbook.pages.portmap.assets import REGISTERED, codes, portmap_assets
from portbook.pages.portmap.curve import LAYOUTS
from portbook.pages.portmap.document import port_map
from portbook.registry.census import census
from portbook.registry.orphans import orphans

PART = 1


def subjects(plan: Plan) -> Sequence[str]:
    """What there is, by its name below."""
    return [name for name in _MAKERS if plan.twins or name != "documents"]


def paths(plan: Plan, subject: str) -> Sequence[str]:
    """The files of one."""
    return _PATHS[subject]()


def files(plan: Plan, books: Books, subject: str) -> Iterator[File]:
    """The same with what is in them."""
    return _MAKERS[subject](plan, books)


def _static(plan: Plan, books: Books) -> Iterator[File]:
    for name in sorted(os.listdir(STATIC)):
        with open(os.path.join(STATIC, name), "rb") as file:
            yield f"static/{name}", file.read()


def _map(plan: Plan, books: Books) -> Iterator[File]:
    yield from portmap_assets().items()


def _charts(plan: Plan, books: Books) -> Iterator[File]:
    for tag, book in books.items():
        for name in CHARTS:
            yield f"{tag}/orphans/{name}.svg", chart(name, book.words)


def _names(plan: Plan, books: Books) -> Iterator[File]:
    yield "search-names.json", names_file()


def _documents(plan: Plan, books: Books) -> Iterator[File]:
    known = codes(BY)
    yield "map.json", encoded("map", port_map(known.picture(LAYOUT), known.gaps))
    yield "orphans.json", encoded("orphans", {**orphans()._asdict(), "incomplete": ()})
    yield "census.json", encoded("census", {**census()._asdict(), "incomplete": ()})


def _start(plan: Plan, books: Books) -> Iterator[File]:
    """The page above the languages, and what a server shows for an address without a page.

    That one stands at any depth, so its links are right only where the address is known.
    """
    tag, book = next(iter(books.items()))
    offered = [
        (each, its.words.name, its.words.text("Every port and what uses it"))
        for each, its in books.items()
    ]
    at = place("/")._replace(root="", base=f"{tag}/")
    yield f"index{EXT}", book.render("languages.html", at, offered=offered)
    top = plan.base_url
    missing = book.render(
        "error.html",
        at._replace(root=top, base=f"{top}{tag}/"),
        code=404,
        sentence=book.words.text("There is no such page in this book."),
        hint="",
        suggestions=(),
    )
    yield f"404{EXT}", missing


_MAKERS: dict[str, Callable[[Plan, Books], Iterator[File]]] = {
    "static": _static,
    "map": _map,
    "charts": _charts,
    "names": _names,
    "documents": _documents,
    "start": _start,
}
_PATHS: dict[str, Callable[[], Sequence[str]]] = {
    "static": lambda: [f"static/{name}" for name in sorted(os.listdir(STATIC))],
    "map": lambda: [
        *("map/ports.bin", "map/names.json"),
        *(f"map/{scheme.name}-{layout}.svg" for scheme in REGISTERED for layout in LAYOUTS),
    ],
    "charts": lambda: [f"{EACH}orphans/{name}.svg" for name in CHARTS],
    "names": lambda: ["search-names.json"],
    "documents": lambda: ["map.json", "orphans.json", "census.json"],
    "start": lambda: [f"index{EXT}", f"404{EXT}"],
}
