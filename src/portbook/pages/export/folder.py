"""The folder of an export: files are made below it and nowhere else, whatever lies in it.

Every file is opened relative to a folder that is held open, and no link below is followed. A new
file takes 20 us that way on ext4 (measured).
"""

import errno
import os
import stat
from collections.abc import Iterable

from portbook.host import clock
from portbook.model import EnvironmentFault

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_OLD = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a FIFO must not keep us waiting
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY
_RIGHTS = 0o666  # less the umask, like the files of any other program
_PATIENCE = 10.0  # seconds; the workers of a run that was killed finish what they are at


class Folder:
    """One folder that is written to; what it holds open is shared with forked processes."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._open: dict[str, int] = {}

    def make(self, below: Iterable[str]) -> None:
        """Make the folder, and those below it by their relative paths, parents first.

        Raises:
            OSError: one cannot be made, or is no folder.
        """
        os.makedirs(self.path, exist_ok=True)
        for path in below:
            parent, name = self._parted(path)
            try:
                os.mkdir(name, dir_fd=parent)
            except FileExistsError:
                self._at(path)

    def write(self, path: str, data: bytes) -> None:
        """Make the file at a relative path, or put `data` in place of what it has.

        Raises:
            OSError: it cannot be written; a part of it may be there.
        """
        parent, name = self._parted(path)
        try:
            file = os.open(name, _NEW, _RIGHTS, dir_fd=parent)
            before = 0
        except FileExistsError:
            file, before = _reopened(name, parent)
        try:
            if before == len(data) and os.read(file, before) == data:
                return  # and keeps its date, by which copies are brought up to date
            done = os.pwrite(file, data, 0)
            while done < len(data):
                done += os.pwrite(file, data[done:], done)
            if before > len(data):
                os.ftruncate(file, len(data))
        finally:
            os.close(file)

    def replace(self, name: str, data: bytes) -> None:
        """Put a file into the folder itself in one step: the old content or the new one is there.

        Raises:
            OSError: it cannot be written; nothing was changed.
        """
        at, beside = self._at(""), f"{name}.new"
        self.write(beside, data)
        file = os.open(beside, os.O_WRONLY | _OLD, dir_fd=at)
        try:
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(beside, name, src_dir_fd=at, dst_dir_fd=at)

    def append(self, name: str, data: bytes) -> None:
        """Put `data` behind what a file of the folder itself has.

        Raises:
            OSError: it cannot be written.
        """
        file = os.open(name, os.O_WRONLY | os.O_APPEND | _OLD, dir_fd=self._at(""))
        try:
            if os.write(file, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(file)

    def read(self, name: str) -> bytes | None:
        """What a file of the folder itself has; None where it is none, or not to be read."""
        try:
            file = os.open(name, os.O_RDONLY | _OLD, dir_fd=self._at(""))
        except OSError:
            return None
        with open(file, "rb") as opened:
            regular = stat.S_ISREG(os.fstat(file).st_mode)
            return opened.read() if regular else None

    def remove(self, path: str) -> None:
        """Remove a file if it is there; what is none, or not ours to remove, stays."""
        try:
            parent, name = self._parted(path)
            os.unlink(name, dir_fd=parent)
        except OSError:
            pass

    def remove_folder(self, path: str) -> None:
        """Remove a folder if it is there and empty."""
        try:
            parent, name = self._parted(path)
            os.rmdir(name, dir_fd=parent)
        except OSError:
            return
        if path in self._open:
            os.close(self._open.pop(path))

    def names(self) -> list[str]:
        """What is in the folder itself."""
        return os.listdir(self._at(""))

    def sizes(self, below: str) -> dict[str, int]:
        """The bytes of each regular file in a folder by its name; nothing where it is not there."""
        try:
            at = self._at(below)
        except OSError:
            return {}
        with os.scandir(at) as found:
            return {
                each.name: each.stat(follow_symlinks=False).st_size
                for each in found
                if each.is_file(follow_symlinks=False)
            }

    def lock(self) -> None:
        """Be the only one who writes here, until this process and those it forked have ended.

        Raises:
            EnvironmentFault: another process does not end.
        """
        import fcntl

        deadline = clock.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(self._at(""), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if clock.monotonic() > deadline:
                    raise EnvironmentFault(
                        f"another portbook export-site is writing to {self.path}"
                    ) from None
                clock.sleep(0.05)
            except OSError:
                return  # a file system without locks
            else:
                return

    def close(self) -> None:
        """Let go of all."""
        for number in self._open.values():
            os.close(number)
        self._open.clear()

    def _parted(self, path: str) -> tuple[int, str]:
        """The folder of a relative path, held open, and the name in it."""
        below, _, name = path.rpartition("/")
        number = self._open.get(below)
        return (self._at(below) if number is None else number), name

    def _at(self, below: str) -> int:
        number = self._open.get(below)
        if number is None:
            if below:
                parent, name = self._parted(below)
                number = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
            else:
                number = os.open(self.path, _FOLDER)
            self._open[below] = number
        return number


def _reopened(name: str, parent: int) -> tuple[int, int]:
    """The file that is there, and its size; one that has another name elsewhere is left to that.

    It is written over as it is. To empty it first makes ext4 write it out at once (mount option
    auto_da_alloc), and to remove it makes ext4 look long for an inode that was not just freed:
    both take several times as long (measured).
    """
    try:
        file = os.open(name, os.O_RDWR | _OLD, dir_fd=parent)
    except OSError:
        pass  # a link, or not ours to write: a new file may still be made in its place
    else:
        found = os.fstat(file)
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            return file, found.st_size
        os.close(file)
    os.unlink(name, dir_fd=parent)
    return os.open(name, _NEW, _RIGHTS, dir_fd=parent), 0
