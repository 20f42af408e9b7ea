"""What every kind of page in an export has: its subjects, their files, and how these are made."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from portbook.pages.book import Book
from portbook.pages.export.plan import Plan

Books = dict[str, Book]
"""The book of every language of a plan, by its tag."""

File = tuple[str, bytes]
"""A file by its path below the folder, and what is in it."""


class Kind(Protocol):
    """A module of this folder that makes one kind of page.

    A subject is a port, a year, the name of a service: whatever one page is about. `PART` is how
    many of them are made in one go: that takes about half a second.
    """

    PART: int

    def subjects(self, plan: Plan) -> Sequence[Any]:
        """All of them, always in the same order."""
        ...

    def paths(self, plan: Plan, subject: Any) -> Sequence[str]:
        """The files of one, those of every language as `*/redis.html`."""
        ...

    def files(self, plan: Plan, books: Books, subject: Any) -> Iterator[File]:
        """The same files with what is in them."""
        ...
