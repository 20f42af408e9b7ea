"""The store of claims in a SQLite file: memory answers, the file remembers.

Only the holder of the lock writes, so its memory is always what the file will say after the next
commit. One commit writes what many operations changed in one transaction (group commit). Where it
fails, memory is read anew from the file, and none of those operations has happened.
"""

import contextlib
import os
from collections.abc import Callable, Iterator

from portbook.claims import journal
from portbook.claims.changes import Changes
from portbook.claims.deadlines import Deadlines
from portbook.claims.journal import KIND, Journal, Meta
from portbook.claims.leases import Requests
from portbook.claims.ledger import Ledger
from portbook.claims.port_table import PortTable
from portbook.claims.semaphores import Semaphores
from portbook.claims.tokens import Tokens
from portbook.host import clock, lives
from portbook.host.database import Lock, NotWritten, faults, open_reader, open_writer
from portbook.host.port_marks import SUFFIX as MARKS_SUFFIX
from portbook.host.port_marks import PortMarks
from portbook.model import EnvironmentFault
from portbook.model.claim import (
    Claim,
    ClaimEvent,
    ClaimRefused,
    Permit,
    Reservation,
    SemaphoreState,
    Waiter,
)
from portbook.model.record import Record

LOCK_SUFFIX = ".lock"
TOKENS_SUFFIX = ".tokens"
_SMALL = 1 << 20
"""Bytes of a file that is looked through as a whole when it is opened: 1 ms."""
_SECRET = 32


def lock(path: str) -> Lock:
    """The right to write the store at `path`, until it is closed.

    Raises:
        EnvironmentFault: another process has it; the message names it.
        NotPermitted: the folder cannot be written.
    """
    name = path + LOCK_SUFFIX
    return Lock(name, _Holder(name))


class _Holder(str):
    """Names the process that holds a lock, once that is asked for."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return format(holder(str(self)) or "another portbook", form)


def holder(path: str) -> str | None:
    """The process that has a lock on the file, as /proc/locks (proc(5)) says; None if none does."""
    try:
        inode = os.stat(path).st_ino
        with open("/proc/locks", encoding="ascii", errors="replace") as file:
            rows = [line.split() for line in file]
    except OSError:
        return None
    for row in rows:
        # PID 0 is one of another PID namespace.
        if len(row) > 5 and row[1] == "FLOCK" and row[5].endswith(f":{inode}") and row[4] != "0":
            try:
                with open(f"/proc/{row[4]}/comm", encoding="utf-8", errors="replace") as comm:
                    return f"{comm.read().strip()} (PID {row[4]})"
            except OSError:
                return f"PID {row[4]}"
    return None


def open_store(
    path: str,
    *,
    now: int,
    boot_id: str,
    wall: Callable[[], float] = clock.now,
    durable: bool = False,
    netns: int | None = None,
) -> "SqliteStore":
    """The store at `path`, made where there is none; the caller holds its lock.

    Args:
        path: of the file; `.tokens` and `.ports` (see host.port_marks) are beside it.
        now: milliseconds of CLOCK_BOOTTIME.
        boot_id: which boot they count from; another than the file's voids every lease.
        wall: seconds since 1970.
        durable: wait at every commit until the disk has it, so that a power cut loses nothing.
        netns: the inode of this host's network namespace; None: that of this process.

    Raises:
        EnvironmentFault, NotPermitted, NotWritten: it cannot be made, read or written.
    """
    home = lives.namespace_of("self", "net") if netns is None else netns
    return SqliteStore(path, now, boot_id, wall, durable=durable, home=home)


class SqliteStore(Ledger):
    """A ledger whose changes a file keeps; see claims.store.Store."""

    def __init__(
        self,
        path: str,
        now: int,
        boot_id: str,
        wall: Callable[[], float],
        *,
        durable: bool,
        home: int | None,
    ) -> None:
        self.path = path
        self._boot = boot_id
        self._home = home
        self._broken: str | None = None
        large = _size(path) > _SMALL
        self._link = open_writer(path, KIND, thorough=not large)
        try:
            with faults(path, KIND):
                self._open(now, wall, durable=durable)
        except BaseException:
            self._link.close()
            raise

    def _open(self, now: int, wall: Callable[[], float], *, durable: bool) -> None:
        link = self._link
        if durable:
            link.execute("PRAGMA synchronous = FULL")
        link.execute("PRAGMA wal_autocheckpoint = 1000")
        journal.check_columns(link)
        self._inode = _identity(self.path)
        meta = journal.read_meta(link)
        last = link.execute("SELECT max(id) FROM event").fetchone()[0] or 0
        self._tokens = tokens = Tokens(
            self.path + TOKENS_SUFFIX, 0 if meta is None else meta.token, wall
        )
        found = tokens.found
        known = 0 if meta is None else meta.epoch
        if meta is None or found is None or last < found.event or known < found.epoch:
            epoch = max(known, 0 if found is None else found.epoch) + 1
        else:
            epoch = known
        super().__init__(
            draw=tokens.draw,
            wall=wall,
            epoch=epoch,
            secret=os.urandom(_SECRET) if meta is None else meta.secret,
            home=self._home,
        )
        self._journal = Journal(link)
        self._journal.load(self)
        self._written = meta
        with _marking(self.path):
            self._marks = PortMarks(self.path + MARKS_SUFFIX, self.ports.promised())
        if meta is None or meta.boot != self._boot:
            self.void(now)
        if meta is None or meta.boot != self._boot or meta.epoch != epoch:
            tokens.secure(epoch, last, always=True)
            self.commit()

    def _load(self) -> None:
        """Fill memory from the file."""
        kept = self.changes
        self.changes = Changes(kept.wall, kept.draw, kept.epoch)
        self.ports = PortTable(self._home)
        self.sems = Semaphores(self.changes)
        self.requests = Requests()
        self.ended = {}
        self._deadlines = Deadlines()
        self._journal = Journal(self._link)
        self._journal.load(self)

    def commit(self) -> None:
        """See claims.store.Store."""
        changes = self.changes
        if changes.is_empty() and self._written is not None:
            return
        try:
            self._check()
            self._mark()
            self._tokens.secure(self.epoch, changes.last)
            meta = Meta(self.epoch, self._boot, self.secret, self._tokens.bound)
            with faults(self.path, KIND):
                self._journal.write(self, meta if meta != self._written else None)
        except BaseException:
            self._undo()
            raise
        self._written = meta
        changes.written()
        self._tokens.note(self.epoch, changes.last)

    def _mark(self) -> None:
        changes, ports = self.changes, self.ports
        with _marking(self.path):
            for name in changes.claims:
                claim = ports.live.get(name)
                if claim is not None:
                    self._marks.mark(claim.port, claim.size)
            for key in changes.reservations:
                kept = ports.reserved.get(key)
                if kept is not None:
                    self._marks.mark(kept.port, kept.size)

    def _undo(self) -> None:
        try:
            with faults(self.path, KIND):
                self._load()
        except Exception as error:  # noqa: BLE001 - it is told at every commit from now on
            self._broken = str(error)

    def _check(self) -> None:
        """Refuse to write into a file that nobody will find again.

        Raises:
            EnvironmentFault: the file is gone or another one, or could not be read anew.
        """
        if self._broken is not None:
            raise EnvironmentFault(f"{self.path} can no longer be read: {self._broken}")
        if _identity(self.path) != self._inode:
            raise EnvironmentFault(
                f"{self.path} was taken away or replaced",
                hint="start again: claims that were made before are not in the new file",
            )

    def events(self, since: int, limit: int = 500) -> tuple[ClaimEvent, ...]:
        """See claims.store.Store."""
        changes = self.changes
        if since + 1 < self._journal.first_event:
            raise ClaimRefused(
                "compacted", f"events before {self._journal.first_event} are no longer kept"
            )
        if since >= changes.last:
            return ()
        recent = changes.recent
        if recent and recent[0].id <= since + 1:
            start = since + 1 - recent[0].id
            return tuple(recent[place] for place in range(start, min(len(recent), start + limit)))
        with faults(self.path, KIND):
            found = self._journal.events(since, limit)
        if len(found) < limit:
            after = found[-1].id if found else since
            found.extend([each for each in changes.events if each.id > after])
        return tuple(found[:limit])

    def close(self) -> None:
        """See claims.store.Store."""
        self._tokens.close()
        self._marks.close()
        self._link.close()


@contextlib.contextmanager
def _marking(path: str) -> Iterator[None]:
    """A file of marks that cannot be written is as bad as a store that cannot."""
    try:
        yield
    except OSError as error:
        raise NotWritten(f"{path}{MARKS_SUFFIX}: {error.strerror}") from None


class Listing(Record):
    """What a store says to who only looks."""

    claims: tuple[Claim, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    semaphores: tuple[SemaphoreState, ...] = ()


def read_store(path: str, now: int | None = None, boot_id: str | None = None) -> Listing:
    """What is in the store at `path`, without its lock; nothing where there is no file.

    Leases that ran out by their TTL alone are left out, and all of another boot; whether a process
    lives is not looked at. Without `now` and `boot_id` nothing is left out.

    Raises:
        EnvironmentFault, NotPermitted, NotWritten: it cannot be read.
    """
    try:
        link = open_reader(path, KIND)
    except FileNotFoundError:
        return Listing()
    with contextlib.closing(link), faults(path, KIND):
        link.execute("BEGIN")
        meta = journal.read_meta(link)
        reservations = tuple(journal.read_reservations(link))
        if meta is None or boot_id not in (None, meta.boot):
            return Listing(reservations=reservations)

        def lasts(each: Claim | Permit | Waiter) -> bool:
            return now is None or each.owner.pid is not None or each.expires_ms >= now

        return Listing(
            tuple(filter(lasts, journal.read_claims(link))),
            reservations,
            tuple(
                _states(
                    [each for each in journal.read_permits(link) if lasts(each)],
                    [each for each in journal.read_waiters(link) if lasts(each)],
                )
            ),
        )


def _states(permits: list[Permit], waiters: list[Waiter]) -> Iterator[SemaphoreState]:
    limits = {each.semaphore: each.limit for each in permits}
    limits.update({each.semaphore: each.limit for each in waiters})
    for name, limit in sorted(limits.items()):
        queue = [each for each in waiters if each.semaphore == name]
        yield SemaphoreState(
            name,
            limit,
            tuple(each for each in permits if each.semaphore == name),
            tuple(each._replace(position=place) for place, each in enumerate(queue, 1)),
        )


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _identity(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0)
    return (found.st_dev, found.st_ino)
