"""What the page of a service name tells: on which numbers it is registered, or that it has none."""

from portbook.model import Assignment, UnknownService
from portbook.model.record import Record
from portbook.pages.facts.registrations import Row, Who, rows_of, who_of
from portbook.registry.kept import until_reload
from portbook.registry.lookup import lookup
from portbook.registry.names import near
from portbook.registry.registrations import Registration, registrations, sources_asked
from portbook.registry.tables import assignment_of, open_assignments, open_services


class NamePage(Record):
    """A service name as it is registered, and everything under it, lowest number first.

    `ports` are its numbers; `rows` the registrations, none where the name has no number, and then
    `description`, `who` and `transports` are what the registry tells of the name itself.
    """

    name: str
    ports: tuple[int, ...]
    rows: tuple[Row, ...]
    description: str | None
    who: tuple[Who, ...]
    registered: str | None
    sources_checked: int
    as_of: str


def name_page(name: str) -> NamePage:
    """What there is about a name, in any case.

    Raises:
        UnknownService: no row has it; the error carries near names.
        TableFault: a table is missing or broken.
    """
    spelled = spelled_name(name)
    ports = tuple(entry.port for entry in lookup(spelled))
    found = _by_name().get(_plain(spelled), ())
    bare = () if found else _bare().get(spelled.casefold(), ())
    first = bare[0] if bare else None
    return NamePage(
        spelled,
        ports,
        rows_of(found),
        first.description if first else None,
        who_of(first.assignee) if first else (),
        first.registered if first else None,
        *sources_asked(),
    )


def spelled_name(name: str) -> str:
    """The name as it is registered.

    Raises:
        UnknownService: no row has it, in any case.
    """
    services = open_services()
    rows = services.named(name)
    if not rows:
        raise UnknownService(name, near=near(name, (row[0] for row in services.all_rows())))
    # Several rows differ in case only: the one that was asked for, else the first.
    return next((row[0] for row in rows if row[0] == name), rows[0][0])


def ports_of_name(name: str) -> tuple[int, ...]:
    """The numbers of a name, lowest first; none for a name without one.

    Raises:
        UnknownService: no row has it.
    """
    # By the registry's own spelling: lookup keeps what it was asked, and case can vary without end.
    return tuple(entry.port for entry in lookup(spelled_name(name)))


@until_reload
def _by_name() -> dict[str, tuple[Registration, ...]]:
    found: dict[str, list[Registration]] = {}
    for each in registrations():
        found.setdefault(_plain(each.service), []).append(each)
    return {name: tuple(some) for name, some in found.items()}


@until_reload
def _bare() -> dict[str, tuple[Assignment, ...]]:
    """The rows without a number, by name."""
    found: dict[str, list[Assignment]] = {}
    for row in open_assignments().all_rows():
        if not row[0] and row[3]:
            found.setdefault(row[3].casefold(), []).append(assignment_of(row))
    return {name: tuple(some) for name, some in found.items()}


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-").replace("/", "-")
