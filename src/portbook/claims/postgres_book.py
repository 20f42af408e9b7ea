"""The one row `book` of a fleet's claim book: whose turn it was, and which server has it."""

from portbook.host import postgres
from portbook.model import EnvironmentFault
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from portbook.host.postgres import Link

BOOK = """SELECT epoch, token, event, first_event, clock_ms, turn, quiet, waiting, secret,
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM book"""
_PLACE = """SELECT book.system, book.timeline, control.system_identifier::text,
    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint
    FROM book, pg_control_system() AS control"""


class Book(Record):
    """The row `book`, and the server's time in milliseconds since 1970."""

    epoch: int
    token: int
    event: int
    first_event: int
    clock_ms: int
    turn: int
    quiet: int
    waiting: int
    secret: bytes
    server_ms: int


class Server(Record):
    """Which server the book believes to be in, and which it is: identity and timeline.

    Every cluster has an identity for life (pg_control_system), and every promotion of a standby
    begins a new timeline, the first 8 digits of the names of its write-ahead log.
    """

    system: str | None
    timeline: int | None
    real_system: str
    real_timeline: int

    @property
    def is_known(self) -> bool:
        """Whether it is the one that had the book last."""
        return (self.system, self.timeline) == (self.real_system, self.real_timeline)

    @property
    def is_older(self) -> bool:
        """Whether a standby of it was promoted meanwhile."""
        return (
            self.system == self.real_system
            and self.timeline is not None
            and self.timeline > self.real_timeline
        )


def read_server(link: "Link", url: str) -> Server:
    """Which server it is.

    Raises:
        EnvironmentFault: there is no book.
    """
    import psycopg

    try:
        row = link.execute(_PLACE).fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    if row is None:
        raise EnvironmentFault(
            f"{postgres.place(url)} has no claim book", hint="portbook fleet init"
        )
    return Server(*row)


def book_of(row: "tuple[Any, ...] | None", url: str) -> Book:
    """The row as a record.

    Raises:
        EnvironmentFault: there is none.
    """
    if row is None:
        raise EnvironmentFault(f"{postgres.place(url)} has an empty claim book")
    return Book(*row)


def read_book(link: "Link", url: str, *, lock: bool) -> Book:
    """The row, locked until the transaction ends or only looked at."""
    return book_of(link.execute(BOOK + (" FOR UPDATE" if lock else "")).fetchone(), url)


def write_book(link: "Link", book: Book, writer: str) -> None:
    """Write the row; `writer` names the commit."""
    link.execute(
        "UPDATE book SET epoch = %s, token = %s, event = %s, first_event = %s, clock_ms = %s,"
        " turn = %s, quiet = %s, waiting = %s, writer = %s",
        (*book[:8], writer),
    )
