"""A small page for each name of a service that leads to its port: `en/redis.html`.

Only where the name can be a file on every system and is no page already, and in lower case. A
name with several numbers gets a list of them.
"""

from collections.abc import Iterator, Sequence

from portbook.model.record import Record
from portbook.pages.export.kind import Books, File
from portbook.pages.export.plan import EACH, EXT, Plan, is_file_name, place
from portbook.pages.export.singles import taken
from portbook.registry.kept import until_reload
from portbook.registry.tables import open_services

PART = 1000


class Name(Record):
    """A name and its numbers, each range by its first one."""

    name: str
    ports: tuple[int, ...]


def subjects(plan: Plan) -> Sequence[Name]:
    """Every name that has a number whose page is made."""
    wanted = (
        Name(each.name, tuple(port for port in each.ports if plan.has(port))) for each in _names()
    )
    return [each for each in wanted if each.ports]


def paths(plan: Plan, subject: Name) -> Sequence[str]:
    """One page in each language."""
    return (f"{EACH}{subject.name}{EXT}",)


def files(plan: Plan, books: Books, subject: Name) -> Iterator[File]:
    """Where the name leads, in each language."""
    at = place(f"/{subject.name}")
    for tag, book in books.items():
        told = book.render("name_leads.html", at, name=subject.name, ports=subject.ports)
        yield f"{tag}/{subject.name}{EXT}", told


@until_reload
def _names() -> tuple[Name, ...]:
    found: dict[str, set[int]] = {}
    others = taken()
    for name, spans in open_services().all_rows():
        plain = name.lower()
        if spans and is_file_name(plain) and plain not in others and not plain.isdecimal():
            firsts = (span.partition("/")[0].partition("-")[0] for span in spans.split())
            found.setdefault(plain, set()).update(map(int, firsts))
    return tuple(Name(name, tuple(sorted(found[name]))) for name in sorted(found))
