"""Registrations as rows of a page: who asked for each, and where more about them is told."""

from collections.abc import Iterable
from urllib.parse import quote

from portbook.model.record import Record
from portbook.registry.kept import until_reload
from portbook.registry.registrations import Registration, assignees


class Who(Record):
    """An assignee: a name to read, and the address of its page behind `base`.

    The address is None where the id cannot be one: then the name stands alone.
    """

    name: str
    address: str | None


class Row(Record):
    """One registration: `ports` to read (`80`, `6000-6063`), and the words of the registry."""

    port: int
    ports: str
    service: str
    transports: str
    registered: str | None
    who: tuple[Who, ...]
    description: str | None
    life: str


def rows_of(found: Iterable[Registration]) -> tuple[Row, ...]:
    """The registrations as rows, in their order."""
    return tuple(
        Row(
            each.port,
            ports_of(each.port, each.last_port),
            each.service,
            ", ".join(each.transports).upper(),
            each.registered,
            who_of(each.assignee),
            each.description,
            each.life,
        )
        for each in found
    )


def ports_of(first: int, last: int) -> str:
    """`80`, or `6000-6063` for several."""
    return str(first) if first == last else f"{first}–{last}"  # noqa: RUF001 - a range of numbers


def who_of(ids: str | None) -> tuple[Who, ...]:
    """Each of the ids of a row: IANA joins several by a space."""
    return tuple(Who(name_of(each), address_of(each)) for each in (ids or "").split())


def name_of(identifier: str) -> str:
    """An id as a name: `Jay_Eckles` is Jay Eckles."""
    return identifier.replace("_", " ").strip() or identifier


def address_of(identifier: str) -> str | None:
    """`assignee/Jay_Eckles`, percent-encoded, in the one spelling that has a page.

    None for an id without a page: a contact who has registered nothing, or one that would lead
    elsewhere. A registry that somebody imported may have any text there, and a page is a file.
    """
    return _addresses().get(_plain(identifier))


@until_reload
def _addresses() -> dict[str, str]:
    return {
        _plain(each.id): f"assignee/{quote(each.id, safe='')}"
        for each in assignees()
        if "/" not in each.id and not each.id.startswith(".")
    }


def _plain(identifier: str) -> str:
    return " ".join(identifier.replace("_", " ").casefold().split())
