"""Fencing tokens that only grow, whatever becomes of the database.

Beside the database lies a file of one line, the sidecar: below which number every token is that
was ever given (`high`), the newest epoch, and the newest event. It is written ahead in blocks and
made durable, so that a database from a backup, or one that lost its last moments in a power cut,
neither gives a token again nor goes unnoticed.
"""

import contextlib
import os
import re
from collections.abc import Callable

from portbook.host.database import NotWritten
from portbook.model import EnvironmentFault, NotPermitted
from portbook.model.record import Record

BLOCK = 2**20
"""Tokens that one write of the sidecar allows: about a second of the wall clock."""
LAST = 2**53 - 1
"""The largest number that every JSON reader keeps exactly (RFC 8259 section 6)."""
_LINE = re.compile(rb"portbook-tokens 1 epoch (\d{10}) high (\d{16}) event (\d{16})\n")


class Mark(Record):
    """What the sidecar says."""

    epoch: int
    high: int
    event: int


class Tokens:
    """The sequence of one store.

    Args:
        path: the sidecar; it need not exist.
        used: no token that the database knows of is above it.
        wall: seconds since 1970.

    Raises:
        EnvironmentFault, NotPermitted: the sidecar cannot be read.
    """

    def __init__(self, path: str, used: int, wall: Callable[[], float]) -> None:
        self._path = path
        self._fd = -1
        self.found = read_mark(path)
        """What the sidecar said at the beginning; None: there is none, or it is damaged."""
        seen = 0 if self.found is None else self.found.high
        self.last = max(used, seen, int(wall() * 1_000_000))
        self._begun = self.last
        self.high = 0
        """Tokens below it may be told; 0 before the first `secure`."""
        self.bound = used
        """No token that was told is above it: for the database to keep."""

    def draw(self) -> int:
        """The next token. It may be told once `secure` has returned.

        Raises:
            EnvironmentFault: there are no more (in the year 2255).
        """
        if self.last >= LAST:
            raise EnvironmentFault("there are no more tokens", hint="look at the clock")
        self.last += 1
        return self.last

    def secure(self, epoch: int, event: int, *, always: bool = False) -> None:
        """Allow what was drawn: nothing to do for all but one in a million, or if none was.

        Raises:
            NotWritten: the disk is full or fails.
            NotPermitted: the sidecar may not be written.
        """
        if (self.last < self.high or self.last == self._begun) and not always:
            return
        high = min(LAST, self.last + BLOCK)
        try:
            if self._fd < 0:
                self._open()
            os.pwrite(self._fd, _line(Mark(epoch, high, event)), 0)
            os.fdatasync(self._fd)
        except PermissionError as error:
            raise NotPermitted(f"{self._path}: {error.strerror}") from None
        except OSError as error:
            raise NotWritten(f"{self._path}: {error.strerror}") from None
        self.high = self.bound = high

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(self._path, flags, 0o600)
        # The name has to last as well as what is in it.
        folder = os.open(os.path.dirname(self._path) or ".", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def note(self, epoch: int, event: int) -> None:
        """Write down the newest event that is committed, without waiting for the disk."""
        high = self.high or (0 if self.found is None else self.found.high)
        if high:
            with contextlib.suppress(OSError):
                if self._fd < 0:
                    self._fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
                os.pwrite(self._fd, _line(Mark(epoch, high, event)), 0)

    def close(self) -> None:
        """Let go of the sidecar."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _line(mark: Mark) -> bytes:
    return b"portbook-tokens 1 epoch %010d high %016d event %016d\n" % mark


def read_mark(path: str) -> Mark | None:
    """What a sidecar says; None where there is none, or no whole one.

    Raises:
        EnvironmentFault, NotPermitted: it cannot be read.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            text = os.read(fd, 200)
        finally:
            os.close(fd)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise NotPermitted(f"{path}: {error.strerror}") from None
    except OSError as error:
        raise EnvironmentFault(f"{path}: {error.strerror}") from None
    found = _LINE.fullmatch(text)
    if found is None or int(found[2]) > LAST:
        return None
    return Mark(*map(int, found.groups()))
