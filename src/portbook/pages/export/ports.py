"""The pages of the ports: `en/3255.html`, and `3255.json`."""

from collections.abc import Iterator, Sequence

from portbook.pages.export.documents import encoded
from portbook.pages.export.kind import Books, File
from portbook.pages.export.plan import EXT, Plan, place, port_paths
from portbook.pages.facts.port import port_page
from portbook.pages.prose.port import port_text
from portbook.survey import by_the_book

PART = 512


def subjects(plan: Plan) -> Sequence[int]:
    """Every port that was asked for."""
    return [port for first, last in plan.ports for port in range(first, last + 1)]


def paths(plan: Plan, subject: int) -> Sequence[str]:
    """One page in each language, and the document."""
    return port_paths(subject, plan)


def files(plan: Plan, books: Books, subject: int) -> Iterator[File]:
    """The same facts told in each language."""
    at = place(f"/{subject}")
    found = port_page(subject)
    for tag, book in books.items():
        text = port_text(book.words, found, at)
        told = book.render("port.html", at, page=found, text=text, here=None, hour=None)
        yield f"{tag}/{subject}{EXT}", told
    if plan.twins:
        yield f"{subject}.json", encoded("answer", by_the_book(subject))
