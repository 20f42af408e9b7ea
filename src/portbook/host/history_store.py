"""The record of who held which port when, in one SQLite file. See model/timeline for its values.

A period is one row: its beginning is written when a socket appears, its end when it is gone. One
row says from when to when was recorded; pauses and settings of the clock are rows of their own.
"""

import contextlib
from collections.abc import Iterator, Sequence

from portbook.host.database import (
    PAGE,
    RESERVE,
    Kind,
    Lock,
    NotWritten,
    faults,
    open_writer,
)
from portbook.host.folders import data_folder
from portbook.model import EnvironmentFault, Unknown
from portbook.model.document import plain
from portbook.model.record import Record
from portbook.model.timeline import (
    Change,
    Held,
    Holder,
    holder_from,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from portbook.model.timeline import Identity

KIND = Kind(
    "history of portbook's",
    0x50624831,
    1,
    """
    CREATE TABLE recorder (id INTEGER PRIMARY KEY CHECK (id = 1), first REAL NOT NULL,
        last REAL NOT NULL, every REAL NOT NULL, boot TEXT NOT NULL);
    CREATE TABLE holder (id INTEGER PRIMARY KEY, facts TEXT NOT NULL UNIQUE);
    CREATE TABLE period (id INTEGER PRIMARY KEY AUTOINCREMENT, transport TEXT NOT NULL,
        address TEXT NOT NULL, port INTEGER NOT NULL, state TEXT NOT NULL, netns INTEGER,
        inode INTEGER, holder INTEGER NOT NULL REFERENCES holder, since REAL NOT NULL,
        since_exact INTEGER NOT NULL, until REAL, until_exact INTEGER NOT NULL);
    CREATE INDEX period_port ON period (port);
    CREATE INDEX period_open ON period (id) WHERE until IS NULL;
    CREATE INDEX period_holder ON period (holder);
    CREATE TABLE pause (id INTEGER PRIMARY KEY, since REAL NOT NULL, until REAL NOT NULL,
        why TEXT NOT NULL);
    CREATE TABLE clock_step (id INTEGER PRIMARY KEY, at REAL NOT NULL, seconds REAL NOT NULL);
    """,
)
LEAST_BYTES = 1 << 20
_UNTOLD = Unknown("unsupported")


def default_path() -> str:
    """history.sqlite in PORTBOOK_DATA_HOME, else below XDG_DATA_HOME or ~/.local/share."""
    return f"{data_folder()}/history.sqlite"


class Left(Record):
    """What the recorder before left: its last sample, when that was, and in which boot."""

    last: float
    boot: str
    rows: "dict[Identity, Held]"


class HistoryWriter:
    """The one recorder of a file.

    Raises:
        EnvironmentFault: another one is at work, or the file is no history.
        NotPermitted: it cannot be written.
    """

    def __init__(self, path: str, *, limit: int) -> None:
        self.path = path
        self._lock = Lock(f"{path}.lock", "another recorder")
        try:
            self._link = open_writer(path, KIND)
        except FileNotFoundError:
            self._lock.close()
            raise EnvironmentFault(f"{path}: the folder has gone") from None
        except BaseException:
            self._lock.close()
            raise
        self._most = max(16, (limit - RESERVE) // PAGE)
        self._open: dict[Identity, int] = {}
        self._holders: dict[Holder, int] = {}

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_raised: object) -> None:
        try:
            self._link.close()
        finally:
            self._lock.close()

    def left(self) -> Left | None:
        """What the recorder before left; None where there was none.

        Raises:
            EnvironmentFault: the file is damaged.
        """
        with faults(self.path, KIND):
            row = self._link.execute("SELECT last, boot FROM recorder").fetchone()
            if row is None:
                return None
            rows = {}
            for number, *values in self._link.execute(SELECT + " WHERE until IS NULL"):
                found = held_from(self.path, values)
                rows[found.identity] = found
                self._open[found.identity] = number
        return Left(row[0], row[1], rows)

    def begin(self, at: float, every: float, boot: str) -> None:
        """Say that recording goes on (or begins) at `at`."""
        with self._transaction():
            self._link.execute(
                "INSERT INTO recorder VALUES (1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "last = excluded.last, every = excluded.every, boot = excluded.boot",
                (at, at, every, boot),
            )

    def write(
        self,
        at: float,
        changes: Sequence[Change] = (),
        *,
        last: float | None = None,
        pause: str | None = None,
        step: float = 0.0,
    ) -> None:
        """Add what a sample at `at` showed; all of it or nothing.

        After a pause for the reason `pause`, `last` is when the sample before it was taken. `step`
        is by how much the clock was set.

        Raises:
            NotWritten: the disk is full or fails.
        """
        before = (dict(self._open), dict(self._holders))
        link = self._link
        try:
            with self._transaction():
                for change in changes:
                    self._add(change, at if last is None else last, at)
                if pause and last is not None:
                    link.execute(
                        "INSERT INTO pause (since, until, why) VALUES (?, ?, ?)", (last, at, pause)
                    )
                if step:
                    link.execute("INSERT INTO clock_step (at, seconds) VALUES (?, ?)", (at, step))
                link.execute("UPDATE recorder SET last = ?", (at,))
                pruned = self._prune()
        except BaseException:
            self._open, self._holders = before
            raise
        if pruned:
            self._shrink()

    def _shrink(self) -> None:
        """Give free pages back. What was written is written already, also where this fails."""
        with contextlib.suppress(NotWritten), faults(self.path, KIND):
            self._link.execute("PRAGMA incremental_vacuum").fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with faults(self.path, KIND):
            self._link.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._link.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        # SQLite has rolled back by itself already after some failures of the disk.
        if self._link.in_transaction:
            self._link.execute("ROLLBACK")

    def _add(self, change: Change, last: float, at: float) -> None:
        row = Held(*change[3:])
        if change.kind != "appeared" and (number := self._open.pop(row.identity, None)):
            until = last if change.kind == "gone" else at
            self._link.execute(
                "UPDATE period SET until = ?, until_exact = ? WHERE id = ?",
                (until, change.exact, number),
            )
        if change.kind != "gone":
            done = self._link.execute(
                "INSERT INTO period (transport, address, port, state, netns, inode, holder, since,"
                " since_exact, until, until_exact) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, 1)",
                (
                    *(row.transport, row.address, row.port, row.state),
                    *(None if isinstance(n, Unknown) else n for n in (row.netns, row.inode)),
                    *(self._holder(row.holder), at, change.exact),
                ),
            )
            self._open[row.identity] = done.lastrowid or 0

    def _holder(self, holder: Holder) -> int:
        if holder not in self._holders:
            from json import dumps

            facts = (dumps(plain(holder)),)
            self._link.execute("INSERT OR IGNORE INTO holder (facts) VALUES (?)", facts)
            (number,) = self._link.execute(
                "SELECT id FROM holder WHERE facts = ?", facts
            ).fetchone()
            self._holders[holder] = number
        return self._holders[holder]

    def _prune(self) -> bool:
        """Forget the oldest tenth of what is over, again until a tenth of the room is free.

        Raises:
            NotWritten: what is held now takes more than all of it.
        """
        pruned = False
        for _ in range(50):
            (pages,) = self._link.execute("PRAGMA page_count").fetchone()
            (free,) = self._link.execute("PRAGMA freelist_count").fetchone()
            if pages - free <= 0.9 * self._most:
                break
            edge = self._link.execute(_OLDEST_TENTH).fetchone()
            if edge is None:
                if pages - free > self._most:
                    raise NotWritten(f"{self.path}: what is held now is more than --limit-size")
                break
            for statement in _FORGET:
                self._link.execute(statement, edge)
            self._holders.clear()
            pruned = True
        return pruned


SELECT = (
    "SELECT period.id, transport, address, port, state, netns, inode, facts, since, since_exact,"
    " until, until_exact FROM period JOIN holder ON holder.id = period.holder"
)
_OLDEST_TENTH = (
    "SELECT ends FROM (SELECT until AS ends FROM period WHERE until IS NOT NULL UNION ALL"
    " SELECT until FROM pause UNION ALL SELECT at FROM clock_step) ORDER BY ends LIMIT 1 OFFSET"
    " (SELECT ((SELECT count(*) FROM period WHERE until IS NOT NULL)"
    " + (SELECT count(*) FROM pause) + (SELECT count(*) FROM clock_step)) / 10)"
)
_FORGET = (
    "DELETE FROM period WHERE until <= ?1",
    "DELETE FROM pause WHERE until <= ?1",
    "DELETE FROM clock_step WHERE at <= ?1",
    "DELETE FROM holder WHERE id NOT IN (SELECT holder FROM period) AND ?1 IS NOT NULL",
    "UPDATE recorder SET first = max(first, ?1)",
)


def held_from(path: str, values: "Sequence[Any]") -> Held:
    """A row of the database; text and numbers are checked, for a file can be damaged."""
    from json import loads

    transport, address, port, state, netns, inode, facts = values[:7]
    numbers = (port, 0 if netns is None else netns, 0 if inode is None else inode)
    texts = (transport, address, state, facts)
    holder = None
    if all(isinstance(number, int) for number in numbers) and all(
        isinstance(text, str) for text in texts
    ):
        with contextlib.suppress(ValueError):
            holder = holder_from(loads(facts))
    if holder is None:
        raise EnvironmentFault(f"{path} is damaged; it was not touched")
    return Held(
        *(transport, address, port, state),
        _UNTOLD if netns is None else netns,
        _UNTOLD if inode is None else inode,
        holder,
    )
