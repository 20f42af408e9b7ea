"""What visitors said about the pages of the book: the values of the feedback."""

from portbook.model.record import Record
from portbook.model.unknown import Gap

LONGEST_COMMENT = 500
"""Characters of a comment, a line break counted as one."""
LONGEST_PAGE = 200
"""Characters of the address of a page."""


class Vote(Record):
    """One visitor's answer to "Was this page useful?".

    `page` is the page's address without language (`/3255`), `language` the tag of the language
    that it was read in.
    """

    page: str
    useful: bool
    comment: str | None
    language: str


class Comment(Record):
    """What a visitor wrote; `at` is an ISO 8601 UTC time."""

    at: str
    useful: bool
    language: str
    comment: str


class PageVotes(Record):
    """The votes on one page, the newest comment first."""

    page: str
    yes: int
    no: int
    comments: tuple[Comment, ...]


class Totals(Record):
    """The sums over all pages that were asked for; `comments` counts also those not shown."""

    pages: int
    yes: int
    no: int
    comments: int


class Feedback(Record):
    """The document: the file, from when on (null: everything), and the pages, most votes first."""

    database: str
    since: str | None
    pages: tuple[PageVotes, ...]
    totals: Totals
    incomplete: tuple[Gap, ...]
