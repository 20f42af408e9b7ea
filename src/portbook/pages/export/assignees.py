"""The pages of the assignees: `en/assignee/Jay_Eckles.html`, and `assignee/Jay_Eckles.json`."""

from collections.abc import Iterator, Sequence
from typing import cast

from portbook.pages.export.documents import encoded
from portbook.pages.export.kind import Books, File
from portbook.pages.export.plan import ALL_PORTS, EACH, EXT, Plan, is_file_name, place
from portbook.pages.facts.assignee import AssigneePage, assignee_ids, assignee_page
from portbook.pages.prose.census import assignee_told
from portbook.pages.prose.lives import life_names
from portbook.registry.orphans import orphans
from portbook.registry.registrations import registrations

PART = 500


def subjects(plan: Plan) -> Sequence[str]:
    """Ids in their order; of some ports, those who have registered one of them."""
    known = sorted(filter(is_file_name, assignee_ids()))
    if plan.ports == ALL_PORTS:
        return known
    named = {
        each.casefold()
        for first, last in plan.ports
        for found in registrations()
        if found.port <= last and found.last_port >= first
        for each in (found.assignee or "").split()
    }
    return [each for each in known if each.casefold() in named]


def paths(plan: Plan, subject: str) -> Sequence[str]:
    """One page in each language, and the document."""
    page = f"{EACH}assignee/{subject}{EXT}"
    return (page, f"assignee/{subject}.json") if plan.twins else (page,)


def files(plan: Plan, books: Books, subject: str) -> Iterator[File]:
    """The same facts told in each language."""
    found = cast("AssigneePage", assignee_page(subject))
    at = place(f"/assignee/{subject}")
    for tag, book in books.items():
        told = book.render(
            "assignee.html",
            at,
            assignee=found,
            said=assignee_told(book.words, found),
            names=life_names(book.words),
        )
        yield f"{tag}/assignee/{subject}{EXT}", told
    if plan.twins:
        report = orphans(assignee=subject, everything=True)
        body = {**report._asdict(), "incomplete": ()}
        yield f"assignee/{subject}.json", encoded("orphans", body)
