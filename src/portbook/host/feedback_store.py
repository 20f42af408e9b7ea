"""The votes on pages of the book, in one SQLite file: once per page, visitor and day (UTC).

A visitor is a keyed hash of the peer's address and the browser's name. The key is drawn anew for
every day and kept as long as the day lasts, so that a restart does not let anybody vote twice;
then the key and the hashes are deleted and overwritten, and no visitor can be followed from one day
to the next.
"""

import contextlib
import hmac
import os
from enum import StrEnum

from portbook.host import clock
from portbook.host.database import PAGE, RESERVE, Kind, Lock, NotWritten, faults, open_writer
from portbook.host.folders import data_folder
from portbook.model import EnvironmentFault, PortbookError
from portbook.model.feedback import LONGEST_COMMENT, LONGEST_PAGE, Vote

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from typing import Self

KIND = Kind(
    "feedback of portbook's",
    0x50624631,
    1,
    """
    CREATE TABLE vote (id INTEGER PRIMARY KEY, page TEXT NOT NULL, day TEXT NOT NULL,
        visitor BLOB, useful INTEGER NOT NULL CHECK (useful IN (0, 1)), comment TEXT,
        language TEXT NOT NULL, at REAL NOT NULL);
    CREATE UNIQUE INDEX once ON vote (day, visitor, page) WHERE visitor IS NOT NULL;
    CREATE TABLE today (day TEXT PRIMARY KEY, salt BLOB NOT NULL, votes INTEGER NOT NULL);
    """,
)
LIMIT = 64 << 20
"""Bytes of the file and its log. When they are full votes are refused: none is forgotten."""
DAILY = 10_000
"""Votes of one day: at most a third of the room, so that who floods it cannot fill it at once."""
_SALT = 32
_HASH = 16
_AT_ONCE = 500


class Outcome(StrEnum):
    """What became of a vote: kept, given before today, or the day has had all its votes."""

    KEPT = "kept"
    ALREADY = "already"
    ENOUGH = "enough"


class Full(NotWritten):
    """The file has reached its largest size. What is in it stays."""


def default_path() -> str:
    """feedback.sqlite in PORTBOOK_DATA_HOME, else below XDG_DATA_HOME or ~/.local/share."""
    return f"{data_folder()}/feedback.sqlite"


class FeedbackStore:
    """Keeps votes; several processes may write to one file.

    The file is made with the first vote, and opened anew where it was replaced or could not be
    opened before. An object belongs to the thread that first calls it.
    """

    def __init__(self, path: str, *, limit: int = LIMIT, daily: int = DAILY) -> None:
        self.path = path
        self._most = max(16, (limit - RESERVE) // PAGE)
        self._daily = daily
        self._link: sqlite3.Connection | None = None
        self._opened_file: tuple[int, int] | None = None
        self._forgotten = ""
        self._logged = True

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def add(self, vote: Vote, whom: bytes, at: float) -> Outcome:
        """Keep a vote of the visitor `whom` (peer address and browser; never stored) at `at`.

        `at` is seconds since 1970. A vote that is KEPT survives the end of the process.

        Raises:
            ValueError: a page or comment that is too long or cannot be written as UTF-8.
            Full: the file has its largest size.
            NotWritten: the disk is full or fails, or another process holds the file.
            NotPermitted: it cannot be written.
            EnvironmentFault: it is damaged, or no feedback.
        """
        if len(vote.page) > LONGEST_PAGE or len(vote.comment or "") > LONGEST_COMMENT:
            raise ValueError("a page or a comment is too long")
        for text in (vote.page, vote.comment or "", vote.language):
            text.encode()
        day = clock.iso(at)[:10]
        with self._file() as link:
            if self._forgotten != day:
                self._forget(link, day)
            link.execute("BEGIN IMMEDIATE")
            try:
                outcome = self._add(link, vote, whom, day, at)
                link.execute("COMMIT" if outcome is Outcome.KEPT else "ROLLBACK")
            except BaseException:
                # SQLite has rolled back by itself already after some failures of the disk.
                if link.in_transaction:
                    link.execute("ROLLBACK")
                raise
        return outcome

    def _add(
        self, link: "sqlite3.Connection", vote: Vote, whom: bytes, day: str, at: float
    ) -> Outcome:
        fresh = os.urandom(_SALT)
        link.execute("INSERT INTO today VALUES (?, ?, 0) ON CONFLICT DO NOTHING", (day, fresh))
        salt, votes = link.execute(
            "UPDATE today SET votes = votes + 1 WHERE day = ? RETURNING salt, votes", (day,)
        ).fetchone()
        visitor = hmac.digest(salt, whom, "sha256")[:_HASH]
        done = link.execute(
            "INSERT INTO vote (page, day, visitor, useful, comment, language, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (vote.page, day, visitor, vote.useful, vote.comment, vote.language, at),
        )
        if not done.rowcount:
            return Outcome.ALREADY
        if votes > self._daily:
            return Outcome.ENOUGH
        (pages,) = link.execute("PRAGMA page_count").fetchone()
        (free,) = link.execute("PRAGMA freelist_count").fetchone()
        if pages - free > self._most:
            raise Full(f"{self.path} is full; what is in it stays")
        return Outcome.KEPT

    def tidy(self, at: float) -> None:
        """Delete what tells the visitors of days before `at` apart, from the log as well.

        Nothing is done where there is no file.

        Raises:
            NotWritten, NotPermitted, EnvironmentFault: as `add`.
        """
        if not os.path.lexists(self.path):
            return
        day = clock.iso(at)[:10]
        with self._file() as link:
            if self._forgotten != day:
                self._forget(link, day)
            if self._logged:
                # The log still has the pages as they were; a reader at work can keep it so.
                (busy, _, _) = link.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                self._logged = bool(busy)

    def _forget(self, link: "sqlite3.Connection", day: str) -> None:
        link.execute("DELETE FROM today WHERE day < ?", (day,))
        # A few at a time, so that the log stays small.
        while link.execute(_UNKNOWN, (day, _AT_ONCE)).rowcount > 0:
            pass
        self._forgotten, self._logged = day, True

    def close(self) -> None:
        """Let go of the file."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    @contextlib.contextmanager
    def _file(self) -> "Iterator[sqlite3.Connection]":
        try:
            with faults(self.path, KIND):
                yield self._opened()
        except NotWritten:
            raise
        except PortbookError:
            # What was opened where nothing may be written stays so, whatever is allowed later.
            self.close()
            raise

    def _opened(self) -> "sqlite3.Connection":
        if self._link is not None and self._opened_file == _identity(self.path):
            return self._link
        self.close()
        # Only who makes the file must be alone; later SQLite's own locks are enough, and so two
        # servers share it while one takes over from the other.
        if not os.path.lexists(self.path):
            _make_alone(self.path)
        try:
            link = open_writer(self.path, KIND)
        except FileNotFoundError:
            raise EnvironmentFault(f"{self.path}: the folder has gone") from None
        try:
            link.execute("PRAGMA secure_delete = ON")
        except BaseException:
            link.close()
            raise
        self._link, self._opened_file = link, _identity(self.path)
        self._forgotten, self._logged = "", True
        return link


_UNKNOWN = (
    "UPDATE vote SET visitor = NULL WHERE id IN"
    " (SELECT id FROM vote WHERE visitor IS NOT NULL AND day < ? LIMIT ?)"
)


def _make_alone(path: str) -> None:
    try:
        lock = Lock(f"{path}.lock", "another process")
    except EnvironmentFault:
        if os.path.lexists(path):
            return
        raise
    try:
        if not os.path.lexists(path):
            # SQLite would play the log of a file that was taken away into the new one.
            for left in (f"{path}-wal", f"{path}-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(left)
            with contextlib.suppress(FileNotFoundError):
                open_writer(path, KIND).close()
    finally:
        lock.close()


def _identity(path: str) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None
