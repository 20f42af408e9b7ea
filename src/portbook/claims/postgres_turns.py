"""Many writers of one claim book in PostgreSQL, one turn at a time.

Every writer has the whole book in memory, as the store in a file does. A turn begins by locking the
row `book`, which also says what others wrote meanwhile; that is read, then memory answers, and
`commit` writes what changed in one transaction (group commit) and lets the next writer in. Only a
primary will do, the server's clock counts, tokens come from the locked row, and constraints of the
tables refuse two live claims of one port, whatever a writer believes.

After a failover or a restored backup the server's timeline or identity is another one than the row
says. Then the epoch grows, tokens go on far above all that can have been given, and every lease
begins anew, since a renewal may be among what was lost.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator

from portbook.claims import postgres_rows
from portbook.claims.changes import Changes
from portbook.claims.deadlines import Deadlines
from portbook.claims.leases import Requests
from portbook.claims.ledger import Ledger
from portbook.claims.port_table import PortTable
from portbook.claims.postgres_book import BOOK, Book, book_of, read_book, read_server, write_book
from portbook.claims.postgres_rows import Rows
from portbook.claims.semaphores import Semaphores
from portbook.host import clock, postgres
from portbook.host.postgres import NotPrimary, NotReached
from portbook.model.claim import ClaimEvent, ClaimRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.host.postgres import Link

TOKENS_AHEAD = 2**36
"""By how much tokens go on after a failover: no book gives so many in the tail that can be lost."""
EVENTS_AHEAD = 2**20
"""The same for events: those between are not kept."""
LONGEST_TURN = 5_000
"""Milliseconds after which the server ends a turn whose writer hangs."""
_WAIT = 5_000
"""Milliseconds that a writer waits for its turn."""
_PAUSE = 0.5
"""Seconds after which a server that did not answer is tried again."""
_PATIENCE = 3.0
"""Seconds in which it is found out whether a commit whose answer was lost has happened."""


class Unclear(NotReached):
    """The server went away during a commit and did not come back: it may have happened."""


class Turns(Ledger):
    """A ledger that many writers share: the server, turns and commits; see claims.postgres.

    Args:
        url: where it is.
        name: of this writer.
        say: is told of failovers.
        handed: believe the `now` that is handed in, and `wall`: for tests of time.
        home: the inode of this host's network namespace, where that counts.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "portbook claims",
        say: Callable[[str], None] | None = None,
        handed: bool = False,
        wall: Callable[[], float] | None = None,
        home: int | None = None,
    ) -> None:
        super().__init__(draw=self._draw, wall=wall or self._wall, home=home)
        self.url = url
        self.lost = 0
        """Acknowledged events that failovers took away, as far as this writer knew."""
        self._name = name
        self._say = say
        self._handed = handed
        self._home = home
        self._rows = Rows()
        self._link: Link | None = None
        self._book: Book | None = None
        self._began = 0.0
        self._open = False
        self._turn = -1
        self._token = 0
        self._first_event = 1
        self._now = 0
        self._offset = int(clock.now() * 1000) - clock.boot_ms()
        self._tried = -_PAUSE
        self._loud = False
        with self._reading():
            pass

    # The clock

    def now(self) -> int:
        """Milliseconds of the book's clock."""
        return max(self._now, clock.boot_ms() + self._offset)

    def _wall(self) -> float:
        return self._now / 1000

    def _draw(self) -> int:
        self._token += 1
        return self._token

    # The server

    def _connected(self) -> "Link":
        """The connection, made anew where there is none.

        Raises:
            NotReached: it was tried a moment ago, or does not answer.
        """
        if self._link is not None and not self._link.closed:
            return self._link
        if clock.monotonic() - self._tried < _PAUSE:
            raise NotReached(f"{postgres.place(self.url)} does not answer")
        self._turn = -1
        try:
            link = postgres.connect(self.url, name=self._name)
            with postgres.closed_on_error(link), self._faults():
                link.execute(
                    f"SET synchronous_commit = on; SET lock_timeout = {_WAIT};"
                    f"SET idle_in_transaction_session_timeout = {LONGEST_TURN}"
                )
                self._check_server(link)
        except BaseException:
            self._tried = clock.monotonic()
            raise
        self._link = link
        return link

    def _check_server(self, link: "Link") -> None:
        """Refuse an older primary; note another one.

        Raises:
            NotPrimary: a newer server was promoted.
            EnvironmentFault: there is no book.
        """
        server = read_server(link, self.url)
        if server.is_known:
            return
        if server.is_older:
            raise NotPrimary(f"{postgres.place(self.url)} was followed by a newer primary")
        link.execute("BEGIN")
        found = link.execute("SELECT system, timeline FROM book FOR UPDATE").fetchone()
        if found == server[:2]:
            link.execute("UPDATE book SET system = %s, timeline = %s", server[2:])
            if server.system is not None:
                self._take_over(link)
        link.execute("COMMIT")

    def _take_over(self, link: "Link") -> None:
        """Begin a new epoch: a failover, or another cluster."""
        book = read_book(link, self.url, lock=True)
        known = self.changes.last if self._book is not None else 0
        if self._book is not None and known > book.event:
            self.lost += known - book.event
        self._load(link, book)
        self._now = book.clock_ms if self._handed else max(book.clock_ms, book.server_ms)
        self.epoch = self.changes.epoch = max(self.epoch, book.epoch) + 1
        self._token = max(self._token, book.token) + TOKENS_AHEAD
        self.changes.last = max(known, book.event) + EVENTS_AHEAD
        self._first_event = self.changes.last + 1
        self.begin_anew(self._now)
        link.execute("DELETE FROM event WHERE id < %s", (self._first_event,))
        self._write(link, book._replace(quiet=-1), f"takeover {self.epoch}")
        self.changes.written()
        self._turn = -1
        told = f"{postgres.place(self.url)}: another server has the book: epoch {self.epoch}"
        told += f"; {self.lost} changes that were acknowledged are lost" if self.lost else ""
        if self._say is not None:
            self._say(told)

    def _faults(self) -> contextlib.AbstractContextManager[None]:
        return postgres.faults(self.url)

    # Turns

    def begin(self, now: int) -> int:
        """Begin a turn, if none has begun; the moment that counts in it.

        Raises:
            NotReached: the server does not answer, or another writer does not end its turn.
        """
        if not self._open:
            self._once_more(self._begin)
            self._open = True
        return self._moment(now)

    def _begin(self, link: "Link") -> None:
        cursor = link.execute(f"BEGIN; {BOOK} FOR UPDATE".encode())
        cursor.nextset()
        self._take_in(link, book_of(cursor.fetchone(), self.url))

    def _once_more(self, act: "Callable[[Link], None]") -> None:
        """Do what changes nothing, once more over a new connection where an old one is broken.

        Raises:
            NotReached: that is broken too, or cannot be made.
        """
        kept = self._link
        while True:
            link = self._connected()
            try:
                with self._faults():
                    return act(link)
            except BaseException as error:
                self._drop()
                if link is not kept or not isinstance(error, NotReached):
                    raise

    def _moment(self, now: int) -> int:
        if self._handed:
            self._now = now
        return self._now

    def _take_in(self, link: "Link", book: Book) -> None:
        """Take in what others wrote, and the server's time."""
        if book.epoch < self.epoch:
            raise NotPrimary(f"{postgres.place(self.url)} has an older book than was seen before")
        if self._turn != book.turn:
            caught = (
                self._turn >= max(0, book.quiet)
                and book.epoch == self.epoch
                and self._rows.catch_up(link, self, book.event, waiters=book.waiting > self._turn)
            )
            if not caught:
                self._load(link, book)
        self._book, self._turn = book, book.turn
        self._first_event = book.first_event
        self._token = book.token
        if not self._handed:
            self._now = max(book.clock_ms, book.server_ms)
            self._offset = self._now - clock.boot_ms()

    def _load(self, link: "Link", book: Book) -> None:
        """Fill memory from the tables."""
        kept = self.changes
        self.epoch, self.secret = book.epoch, bytes(book.secret)
        self.changes = Changes(kept.wall, kept.draw, book.epoch)
        self.ports = PortTable(self._home)
        self.sems = Semaphores(self.changes)
        self.requests = Requests()
        self.ended = {}
        self._deadlines = Deadlines()
        self._rows = Rows()
        self._rows.load(link, self)
        self.changes.last = book.event

    @contextlib.contextmanager
    def _reading(self) -> "Iterator[Link]":
        """Memory as the primary has the book now; in a turn it is that already.

        Raises:
            NotReached, NotPermitted, EnvironmentFault: it cannot be known.
        """
        if not self._open:
            self._once_more(self._look)
        try:
            with self._faults():
                yield self._connected()
        except ClaimRefused:
            raise
        except BaseException:
            self._drop()
            raise

    def _look(self, link: "Link") -> None:
        if read_book(link, self.url, lock=False).turn != self._turn:
            link.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._take_in(link, read_book(link, self.url, lock=False))
            link.execute("COMMIT")

    def _drop(self) -> None:
        """Let go of a turn, and of a connection that may be broken; memory is read anew."""
        self._open = False
        self._loud = False
        self._turn = -1
        self.changes.written()
        if self._book is not None:
            self.changes.last = self._book.event
        if self._link is not None:
            with contextlib.suppress(Exception):
                self._link.close()
        self._link = None

    def give_up(self) -> None:
        """End a turn in which nothing was changed."""
        if not self._open or not self.changes.is_empty() or self._link is None:
            return
        self._open = False
        try:
            with self._faults():
                self._link.execute("ROLLBACK")
        except BaseException:
            self._drop()
            raise

    # Commits

    def commit(self) -> None:
        """See claims.store.Store.

        Raises:
            NotReached: nothing has happened.
            Unclear: that is not known; who asks again under the same request_id learns it.
        """
        if not self._open or self._link is None or self._book is None:
            self.changes.written()
            return
        if self.changes.is_empty():
            self.give_up()
            return
        writer, events = secrets.token_hex(8), list(self.changes.events)
        try:
            with self._faults(), self._link.pipeline():
                book = self._write(self._link, self._book, writer)
                self._link.execute("COMMIT")
        except NotReached:
            self._drop()
            if not self._happened(writer, events):
                raise
            return
        except BaseException:
            self._drop()
            raise
        self._open = False
        self._loud = False
        self._book, self._turn = book, book.turn
        self.changes.written()

    def _write(self, link: "Link", book: Book, writer: str) -> Book:
        """Write what changed, and the row `book`; `quiet` -1 marks it as more than events tell."""
        changes = self.changes
        turn = book.turn + 1
        self._rows.write(link, self)
        first = postgres_rows.drop_events(link, self._first_event, changes.last)
        made = book._replace(
            epoch=self.epoch,
            token=self._token,
            event=changes.last,
            first_event=first,
            clock_ms=self._now,
            turn=turn,
            quiet=turn if self._loud or book.quiet < 0 else book.quiet,
            waiting=turn if changes.waiters else book.waiting,
        )
        write_book(link, made, writer)
        self._first_event = first
        return made

    def _happened(self, writer: str, events: list[ClaimEvent]) -> bool:
        """Whether a commit whose answer was lost has happened.

        Raises:
            Unclear: the server does not come back in time.
        """
        deadline = clock.monotonic() + _PATIENCE
        while True:
            self._tried = -_PAUSE
            try:
                link = self._connected()
                with self._faults():
                    return postgres_rows.wrote(link, writer, events)
            except NotReached:
                self._drop()
                if clock.monotonic() > deadline:
                    raise Unclear(
                        f"{postgres.place(self.url)} went away during a commit: whether it was kept"
                        " is not known",
                        hint="ask again under the same request_id",
                    ) from None
                clock.sleep(0.1)

    def events(self, since: int, limit: int = 500) -> tuple[ClaimEvent, ...]:
        """See claims.store.Store."""
        with self._reading() as link:
            if since + 1 < self._first_event:
                raise ClaimRefused(
                    "compacted", f"events before {self._first_event} are no longer kept"
                )
            if since >= self.changes.last:
                return ()
            recent = self.changes.recent
            if recent and recent[0].id <= since + 1:
                start = since + 1 - recent[0].id
                return tuple(recent)[start : start + limit]
            found = postgres_rows.read_events(link, since, limit)
        after = found[-1].id if found else since
        found.extend(each for each in self.changes.events if each.id > after)
        return tuple(found[:limit])

    def close(self) -> None:
        """See claims.store.Store."""
        self._drop()
