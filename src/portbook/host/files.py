"""Reading the files of this machine. A recorded host has the same methods: see recording."""

import errno
import os
import stat
from collections.abc import Container, Iterable


class LiveFiles:
    """The files of this machine."""

    def read(self, path: str, limit: int = 1 << 24) -> bytes:
        """At most `limit` bytes of a file. Files in /proc have no size, so it reads to the end."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # A table in /proc comes a page at a time, so only an empty read is the end.
            chunks = []
            left = limit
            while left > 0 and (chunk := os.read(fd, min(left, 65536))):
                chunks.append(chunk)
                left -= len(chunk)
            return b"".join(chunks)
        finally:
            os.close(fd)

    def regular(self, path: str, limit: int = 1 << 20) -> bytes:
        """At most `limit` bytes of a plain file: what is no file, or a link, is refused unopened.

        For files of users who mean harm: opening a FIFO would wait, and a device could act.
        """
        handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            require_file(os.fstat(handle).st_mode, path)
            # The open handle leads to what was looked at, whatever the path leads to by now.
            return self.read(f"/proc/self/fd/{handle}", limit)
        finally:
            os.close(handle)

    def stamp(self, path: str) -> tuple[int, int, int]:
        """(inode, size, time of the last change in ns) of what `path` leads to."""
        found = os.stat(path)
        return found.st_ino, found.st_size, found.st_mtime_ns

    def on_disk(self, path: str) -> str:
        """Where `path` lies for a library that opens files itself (sqlite3)."""
        return path

    def names(self, path: str) -> list[str]:
        """The names in a folder, in no order."""
        return os.listdir(path)

    def link(self, path: str) -> str:
        """Where a symbolic link points."""
        return os.readlink(path)

    def folders(self, path: str) -> list[tuple[str, int]]:
        """(name, inode number) of each folder inside `path`, without a stat() per entry."""
        with os.scandir(path) as entries:
            return [
                (entry.name, entry.inode())
                for entry in entries
                if entry.is_dir(follow_symlinks=False)
            ]

    def inode(self, path: str) -> int:
        """The inode number of what `path` leads to; for /proc/PID/ns/net the namespace's."""
        return os.stat(path).st_ino

    def owner_uid(self, path: str) -> int:
        """The user id that owns `path`."""
        return os.stat(path).st_uid

    def open_links(
        self, pid: int, wanted: Container[str], numbers: Iterable[int] | None = None
    ) -> list[tuple[int, str]]:
        """(fd, target) of a process's open files whose link target is in `wanted`.

        The hot loop of the whole program: one readlink() per open file of every process that is
        looked at. A descriptor that closes meanwhile is skipped. With `numbers`, only those
        descriptors are looked at: 5 us each, where a process with 20 open files costs 60 us.

        Raises:
            PermissionError: another user's process.
            FileNotFoundError, ProcessLookupError: the process is gone.
        """
        found = []
        denied: PermissionError | None = None
        readlink = os.readlink
        if numbers is not None:
            for number in numbers:
                try:
                    target = readlink(f"/proc/{pid}/fd/{number}")
                except FileNotFoundError:
                    continue
                if target in wanted:
                    found.append((number, target))
            return found
        # Links relative to the open folder take a fifth less time than whole paths.
        folder = os.open(f"/proc/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name in os.listdir(folder):
                try:
                    target = readlink(name, dir_fd=folder)
                except PermissionError as error:
                    # The folder of a process with more capabilities than ours can be listed.
                    denied = error
                    continue
                except OSError:
                    continue
                if target in wanted:
                    found.append((int(name), target))
        finally:
            os.close(folder)
        if denied and not found:
            raise denied
        return found


def require_file(mode: int, path: str) -> None:
    """Refuse what is no plain file.

    Raises:
        IsADirectoryError: it is a folder.
        OSError: it is a link (ELOOP), a device, a FIFO or a socket (EINVAL).
    """
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(mode):
        code = errno.ELOOP if stat.S_ISLNK(mode) else errno.EINVAL
        raise OSError(code, os.strerror(code), path)
