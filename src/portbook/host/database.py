"""The door to SQLite files: made whole or not at all, one writer, and no foreign file touched.

sqlite3 is imported only where a file is really opened: it costs 5 ms of a start.
"""

import contextlib
import errno
import os
from collections.abc import Iterator

from portbook.host import clock
from portbook.model import EnvironmentFault, NotPermitted
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

_MAGIC = b"SQLite format 3\0"
_PATIENCE = 2.0
_LOCK_LOOK = 0.01
"""Seconds between two tries to get a lock."""
PAGE = 4096
_CHECKPOINT_PAGES = 64
RESERVE = 2 * _CHECKPOINT_PAGES * PAGE
"""Bytes of a size limit that are left to the write-ahead log."""


class Kind(Record):
    """What a file has to be: its application id and version (SQLite's header), and its tables."""

    what: str
    application: int
    version: int
    tables: str


class NotWritten(EnvironmentFault):
    """The disk is full or failed. Nothing was changed, and it may work again later."""


class Lock:
    """Held by the one process that writes; the kernel takes it back however that ends.

    Raises:
        EnvironmentFault: another process holds it.
        NotPermitted: the folder cannot be written.
    """

    def __init__(self, path: str, holder: str) -> None:
        import fcntl

        with _reached(path):
            os.makedirs(os.path.dirname(path) or ".", 0o700, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        # Who only asks whether it is held holds it for a moment as well.
        deadline = clock.monotonic() + 0.5
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if clock.monotonic() > deadline:
                    os.close(self._fd)
                    raise EnvironmentFault(f"{holder} is at work on {path}") from None
                # A command without the service holds it for 4 ms: many of them come in turns.
                clock.sleep(_LOCK_LOOK)

    def close(self) -> None:
        """Let others write."""
        os.close(self._fd)


def is_locked(path: str) -> bool:
    """Whether a process holds the lock."""
    import fcntl

    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False


def check(path: str, kind: Kind) -> None:
    """Read the file's header, nothing else.

    Raises:
        FileNotFoundError: there is no file.
        EnvironmentFault: it is another kind of file, or of another version.
        NotPermitted: it may not be read.
    """
    with _reached(path), open(path, "rb") as file:
        header = file.read(100)
    application = int.from_bytes(header[68:72], "big")
    version = int.from_bytes(header[60:64], "big")
    if len(header) < 100 or header[:16] != _MAGIC or application != kind.application:
        raise EnvironmentFault(f"{path} is no {kind.what}; it was not touched")
    if version != kind.version:
        raise EnvironmentFault(
            f"{path} is a {kind.what} of version {version}, and this portbook reads version "
            f"{kind.version}; it was not touched",
            hint="name another file with --database",
        )


def open_reader(path: str, kind: Kind) -> "sqlite3.Connection":
    """A connection that cannot write.

    Raises:
        FileNotFoundError, EnvironmentFault, NotPermitted: as `check`.
    """
    import sqlite3

    check(path, kind)
    with faults(path, kind):
        link = sqlite3.connect(_address(path, "mode=ro"), uri=True, timeout=_PATIENCE)
        try:
            with _or_closed(link):
                link.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            if _has_log(path):
                raise
            # Without a log nothing is missing in the file; where its folder cannot be written
            # SQLite could not make the log's index beside it.
            link = sqlite3.connect(_address(path, "immutable=1"), uri=True, timeout=_PATIENCE)
            with _or_closed(link):
                link.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return link


def open_writer(path: str, kind: Kind, *, thorough: bool = True) -> "sqlite3.Connection":
    """A connection that writes; where there is no file it is made.

    The caller holds the lock. What is committed survives the end of the process; after a power
    cut the last moments may be missing, and the file is whole. `thorough`: look through all of
    it for damage first, 1 ms for each MB.

    Raises:
        EnvironmentFault, NotPermitted: it cannot be made or read.
    """
    import sqlite3

    if not os.path.lexists(path):
        _make(path, kind)
    check(path, kind)
    with faults(path, kind):
        link = sqlite3.connect(
            _address(path, "mode=rw"), uri=True, timeout=_PATIENCE, isolation_level=None
        )
        with _or_closed(link):
            if thorough and link.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise EnvironmentFault(f"{path} is damaged; it was not touched", hint=_ELSEWHERE)
            link.execute("PRAGMA journal_mode = WAL")
            link.execute("PRAGMA synchronous = NORMAL")
            link.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            link.execute(f"PRAGMA journal_size_limit = {_CHECKPOINT_PAGES * PAGE}")
        return link


@contextlib.contextmanager
def _or_closed(link: "sqlite3.Connection") -> Iterator[None]:
    """A connection that cannot be used is closed, and the error goes on."""
    try:
        yield
    except BaseException:
        link.close()
        raise


_ELSEWHERE = "move it away, or name another file with --database"


def _make(path: str, kind: Kind) -> None:
    """Write an empty file of that kind beside its place, then put it there in one step."""
    import sqlite3

    new = f"{path}.new"
    with _reached(path):
        for left in (new, f"{new}-journal"):
            if os.path.lexists(left):
                os.unlink(left)
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with faults(path, kind):
            link = sqlite3.connect(_address(new, "mode=rw"), uri=True, isolation_level=None)
            try:
                link.executescript(
                    f"PRAGMA page_size = {PAGE}; PRAGMA auto_vacuum = INCREMENTAL; BEGIN;"
                    f"PRAGMA application_id = {kind.application};"
                    f"PRAGMA user_version = {kind.version}; {kind.tables} COMMIT;"
                )
            finally:
                link.close()
        with _reached(path):
            # The log of a file that was taken away would be played into the new one.
            for left in (f"{path}-wal", f"{path}-shm"):
                if os.path.lexists(left):
                    os.unlink(left)
            os.rename(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def _address(path: str, how: str) -> str:
    # The three signs that mean something there (sqlite.org/uri.html); urllib.parse costs 2 ms.
    plain = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{plain}?{how}"


def _has_log(path: str) -> bool:
    try:
        return os.path.getsize(f"{path}-wal") > 0
    except OSError:
        return False


@contextlib.contextmanager
def _reached(path: str) -> Iterator[None]:
    """A missing file stays a FileNotFoundError; every other refusal becomes one line."""
    try:
        yield
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise NotPermitted(f"{error.filename or path}: {error.strerror}", hint=_OTHER) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise NotWritten(f"{path}: {error.strerror}") from None
        raise EnvironmentFault(f"{error.filename or path}: {error.strerror}", hint=_OTHER) from None


_OTHER = "name another file with --database, or set PORTBOOK_DATA_HOME"


@contextlib.contextmanager
def faults(path: str, kind: Kind) -> Iterator[None]:
    """SQLite's errors as portbook's own, each one line.

    Raises:
        NotWritten: the disk is full or fails, or somebody else holds the file.
        NotPermitted: it may not be written.
        EnvironmentFault: it is damaged, or not what it should be.
    """
    import sqlite3

    try:
        yield
    except UnicodeDecodeError:  # sqlite3 cannot even say what is wrong with it
        raise EnvironmentFault(f"{path} is damaged; it was not touched", hint=_ELSEWHERE) from None
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        said = " ".join(str(error).split())[:200]
        if code in (
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
        ):
            raise NotWritten(f"{path}: {said}") from None
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
            raise NotPermitted(f"{path}: {said}", hint=_OTHER) from None
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise EnvironmentFault(
                f"{path} is damaged ({said}); it was not touched", hint=_ELSEWHERE
            ) from None
        raise EnvironmentFault(f"{path} is no {kind.what}: {said}", hint=_ELSEWHERE) from None
