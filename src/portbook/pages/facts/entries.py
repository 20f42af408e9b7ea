"""The registrations of one number as a page tells them: rows with the same facts are one entry."""

import re
from collections.abc import Iterable

from portbook.model import Assignment
from portbook.model.record import Record
from portbook.pages.facts.registrations import Who, who_of
from portbook.registry.kept import until_reload
from portbook.registry.life import life_of_assignment
from portbook.registry.lookup import evidence_rows, lookup
from portbook.registry.registrations import registrations

_ALIAS = re.compile(r'This entry is an alias to "([^"]+)"')
_RESPELLED = "IANA assigned this well-formed"
_DISCOVERY = "Defined TXT keys"
_NUMBER = re.compile(r"(?<![0-9./-])([0-9]{1,5})(?:-([0-9]{1,5}))?(?![0-9./])")
_GIVEN_BACK = ("unassigned", "de-registered", "removed")


class Entry(Record):
    """A service on the number, with the transports that share all of its facts.

    `transports` is empty where the registry names none. Dates are ISO 8601, as coarse as the
    registry has them. `rfcs` are the numbers of the RFCs that it refers to, `reference` what else
    it refers to. `spellings` are older spellings of the name, `elsewhere` the other numbers that
    have it. `first_known`: the number is one of a range, and the service is alive on the first of
    these. `unauthorized` and `notes` are the registry's own words, where they are about this
    number.
    """

    service: str
    transports: tuple[str, ...]
    first: int
    last: int
    description: str | None
    assignee: tuple[Who, ...]
    contact: tuple[str, ...]
    registered: str | None
    modified: str | None
    rfcs: tuple[int, ...]
    reference: str | None
    unauthorized: str | None
    notes: str | None
    spellings: tuple[str, ...]
    elsewhere: tuple[int, ...]
    first_known: bool = False


def entries_of(port: int, assignments: Iterable[Assignment]) -> tuple[Entry, ...]:
    """The named rows of `port`, in their order."""
    rows = [row for row in assignments if row.service is not None]
    older: dict[str, list[str]] = {}
    groups: dict[tuple[object, ...], list[Assignment]] = {}
    for row in rows:
        alias = _ALIAS.search(row.notes or "")
        name = row.service or ""
        if alias and any(other.service == alias[1] for other in rows):
            if name not in older.setdefault(alias[1], []):
                older[alias[1]].append(name)
            continue
        facts = row._replace(transport=None, description=described(row.description, name))
        groups.setdefault(tuple(facts), []).append(row)
    return tuple(_entry(port, group, older) for group in groups.values())


def _entry(port: int, rows: list[Assignment], older: dict[str, list[str]]) -> Entry:
    row = rows[0]
    name = row.service or ""
    rfcs, reference = _references(row.reference)
    first = port if row.port is None else row.port
    last = port if row.last_port is None else row.last_port
    return Entry(
        name,
        tuple(dict.fromkeys(each.transport for each in rows if each.transport)),
        first,
        last,
        described(row.description, name),
        who_of(row.assignee),
        tuple(each.name for each in who_of(row.contact)) if row.contact != row.assignee else (),
        row.registered,
        row.modified,
        rfcs,
        reference,
        about_here(port, row.unauthorized_use),
        None if (row.notes or "").startswith(_DISCOVERY) else row.notes,
        tuple(older.get(name, ())),
        tuple(each for each in _ports_of().get(_plain(name), ()) if not first <= each <= last),
        first < port and _is_known(first, name),
    )


def _is_known(port: int, service: str) -> bool:
    """Whether public sources know the service on that number."""
    entry = lookup(port)
    return any(
        life_of_assignment(row, entry.assignments, evidence_rows(port), as_of=entry.life.as_of)
        == "alive"
        for row in entry.assignments
        if row.service == service
    )


def kept_back(assignments: Iterable[Assignment]) -> tuple[str, ...]:
    """The transports on which IANA gives the number to nobody."""
    return tuple(
        row.transport
        for row in assignments
        if row.service is None
        and row.transport
        and not (row.description or "").casefold().startswith(_GIVEN_BACK)
    )


def remarks(port: int, assignments: Iterable[Assignment]) -> tuple[str, ...]:
    """The registry's own words on a number without a service, but for those that say nothing."""
    told = (
        text
        for row in assignments
        if row.service is None
        for text in (
            row.description if row.port == row.last_port else None,
            about_here(port, row.unauthorized_use),
            row.notes,
        )
        if text and text.casefold() not in ("unassigned", "reserved")
    )
    return tuple(dict.fromkeys(told))


def spelled_once(names: Iterable[str]) -> tuple[str, ...]:
    """Names without those that are another spelling of one before them: `gds-db`, `gds_db`."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(_plain(name), name)
    return tuple(found.values())


def about_here(port: int, text: str | None) -> str | None:
    """`text` unless it names other ports only: rows of many numbers say so of one of them."""
    spans = [(int(low), int(high or low)) for low, high in _NUMBER.findall(text or "")]
    if spans and not any(low <= port <= high for low, high in spans):
        return None
    return text


def described(description: str | None, name: str) -> str | None:
    """A description without IANA's remark on an older spelling; None if it is just the name."""
    text = (description or "").partition(_RESPELLED)[0].strip()
    return text if text and text.casefold() != name.casefold() else None


def _references(text: str | None) -> tuple[tuple[int, ...], str | None]:
    """The numbers of the RFCs, and what else the registry refers to."""
    words = (text or "").split()
    rfcs = [int(word[3:]) for word in words if _is_rfc(word)]
    rest = " ".join(word for word in words if not _is_rfc(word))
    return tuple(rfcs), rest if any(map(str.isalpha, rest)) and rest != "n/a" else None


def _is_rfc(word: str) -> bool:
    number = word.removeprefix("RFC")
    return number != word and number.isascii() and number.isdigit() and len(number) < 6


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-").replace("/", "-")


@until_reload
def _ports_of() -> dict[str, tuple[int, ...]]:
    """The numbers that have a name, for the names of several numbers."""
    found: dict[str, list[int]] = {}
    for each in registrations():
        found.setdefault(_plain(each.service), []).extend(range(each.port, each.last_port + 1))
    return {name: tuple(ports) for name, ports in found.items() if len(ports) > 1}
