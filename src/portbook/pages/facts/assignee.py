"""What the page of an assignee tells: who asked for numbers, for which, when, and what became."""

from portbook.model.record import Record
from portbook.pages.facts.registrations import Row, address_of, name_of, rows_of
from portbook.registry.kept import until_reload
from portbook.registry.names import near
from portbook.registry.registrations import Assignee, assignees, select, sources_asked

_MOST_NEAR = 6


class AssigneePage(Record):
    """An assignee by id (`Jay_Eckles`) and name, and all registrations, lowest number first.

    `counts` are by life, `first` and `last` the earliest and latest dates (ISO), None where no
    registration has one. `shared`: one of them names somebody else, too.
    """

    id: str
    name: str
    total: int
    counts: dict[str, int]
    first: str | None
    last: str | None
    rows: tuple[Row, ...]
    shared: bool
    sources_checked: int
    as_of: str


def assignee_page(identifier: str) -> AssigneePage | None:
    """What there is about one id, in any case, with spaces or underscores; None for nobody.

    Raises:
        TableFault: a table is missing or broken.
    """
    known = _by_plain_id().get(_plain(identifier))
    if known is None or address_of(known.id) is None:
        return None
    found = select(assignee=known.id)
    dates = sorted(each.registered for each in found if each.registered)
    return AssigneePage(
        known.id,
        name_of(known.id),
        known.total,
        known.counts,
        dates[0] if dates else None,
        dates[-1] if dates else None,
        rows_of(found),
        any(each.assignee != known.id for each in found),
        *sources_asked(),
    )


def assignee_ids() -> tuple[str, ...]:
    """The ids that have a page, most registrations first."""
    return tuple(each.id for each in assignees() if address_of(each.id) is not None)


def near_assignees(identifier: str) -> tuple[str, ...]:
    """Ids that somebody may have meant: those that have all of its words, then similar ones."""
    known = _by_plain_id()
    words = _plain(identifier).split()
    if not words:
        return ()
    holding = [plain for plain in known if all(word in plain.split() for word in words)]
    # Several ids of one row are joined by a space.
    joined = [_plain(each) for each in identifier.split() if _plain(each) in known]
    similar = near(" ".join(words), known)
    found = dict.fromkeys((*holding[:_MOST_NEAR], *joined, *similar))
    ids = (known[plain].id for plain in found)
    return tuple(each for each in ids if address_of(each) is not None)[:_MOST_NEAR]


@until_reload
def _by_plain_id() -> dict[str, Assignee]:
    return {_plain(each.id): each for each in assignees()}


def _plain(identifier: str) -> str:
    return " ".join(identifier.replace("_", " ").casefold().split())
