"""Reading the votes on pages of the book, also while a server writes to them."""

from portbook.host import clock
from portbook.host.database import NotWritten, faults, open_reader
from portbook.host.feedback_store import KIND
from portbook.model import EnvironmentFault, Gap
from portbook.model.feedback import Comment, Feedback, PageVotes, Totals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def feedback_of(
    path: str, *, page: str | None = None, since: float | None = None, limit: int = 1000
) -> Feedback:
    """The votes in a file; none where there is no file. The file is never changed.

    `page` leaves one page, `since` (seconds since 1970) what was given from then on; `limit` is the
    number of comments, the newest (0: all). What is left out is told in `incomplete`.

    Raises:
        EnvironmentFault: it is damaged, foreign, of another version, or held by somebody.
        NotPermitted: it may not be read.
    """
    said = None if since is None else clock.iso(since)
    try:
        link = open_reader(path, KIND)
    except FileNotFoundError:
        return Feedback(path, said, (), Totals(0, 0, 0, 0), ())
    except NotWritten as fault:
        raise EnvironmentFault(str(fault)) from None
    try:
        with faults(path, KIND):
            # One transaction: every number is of the same moment.
            link.execute("BEGIN")
            counts = link.execute(_COUNTS, (since, page)).fetchall()
            rows = link.execute(_COMMENTS, (since, page, limit or -1)).fetchall()
    finally:
        link.close()
    return _told(path, said, counts, rows)


_COUNTS = (
    "SELECT page, sum(useful), count(*) - sum(useful), count(comment) FROM vote"
    " WHERE at >= ifnull(?1, at) AND page = ifnull(?2, page)"
    " GROUP BY page ORDER BY count(*) DESC, page"
)
_COMMENTS = (
    "SELECT page, at, useful, language, comment FROM vote"
    " WHERE at >= ifnull(?1, at) AND page = ifnull(?2, page) AND comment IS NOT NULL"
    " ORDER BY at DESC, id DESC LIMIT ?3"
)


def _told(path: str, since: str | None, counts: "list[Any]", rows: "list[Any]") -> Feedback:
    """Texts and numbers are checked: a file can be damaged."""
    try:
        return _checked(path, since, counts, rows)
    except (TypeError, ValueError, OverflowError, OSError):
        raise EnvironmentFault(f"{path} is damaged; it was not touched") from None


def _checked(path: str, since: str | None, counts: "list[Any]", rows: "list[Any]") -> Feedback:
    comments: dict[str, list[Comment]] = {}
    for page, at, useful, language, comment in rows:
        if useful not in (0, 1):
            raise ValueError
        told = Comment(clock.iso(at), bool(useful), _text(language), _text(comment))
        comments.setdefault(_text(page), []).append(told)
    pages = tuple(
        PageVotes(_text(page), _count(yes), _count(no), tuple(comments.get(page, ())))
        for page, yes, no, _ in counts
    )
    totals = Totals(
        len(pages),
        sum(each.yes for each in pages),
        sum(each.no for each in pages),
        sum(_count(row[3]) for row in counts),
    )
    gaps: tuple[Gap, ...] = ()
    if totals.comments > len(rows):
        gaps = (Gap("older comments", f"only the newest {len(rows)} are shown", "--limit 0"),)
    return Feedback(path, since, pages, totals, gaps)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise TypeError
    return value
