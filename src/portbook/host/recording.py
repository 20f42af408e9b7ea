"""A host that was recorded by tools/record_host.py: a folder that answers like the machine did.

It looks like `/`, with what a plain folder cannot keep in tables: `links.tsv` (path, target),
`inodes.tsv` (path, inode number), `denied.txt` (paths that the recorder was not allowed to read)
and `sock_diag/` (raw netlink answers).
"""

import errno
import os
from collections.abc import Container, Iterable
from functools import cached_property

from portbook.host.files import require_file


class RecordedFiles:
    """The files of a recorded host below `root`."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")

    def _path(self, path: str) -> str:
        """Where the recording keeps `path`; refused where its recorder was refused."""
        if path in self._denied:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return self._root + path

    @cached_property
    def _denied(self) -> frozenset[str]:
        return frozenset(self._lines("/denied.txt"))

    @cached_property
    def _inodes(self) -> dict[str, str]:
        return self._pairs("/inodes.tsv")

    @cached_property
    def _links(self) -> dict[str, str]:
        return self._pairs("/links.tsv")

    def _pairs(self, path: str) -> dict[str, str]:
        return {name: value for name, _, value in (s.partition("\t") for s in self._lines(path))}

    def _lines(self, path: str) -> list[str]:
        try:
            with open(self._root + path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def read(self, path: str, limit: int = 1 << 24) -> bytes:
        """At most `limit` bytes of a file."""
        with open(self._path(path), "rb") as file:
            return file.read(limit)

    def regular(self, path: str, limit: int = 1 << 20) -> bytes:
        """The same of a plain file; what is no file is refused unopened."""
        if path in self._links:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        require_file(os.lstat(self._path(path)).st_mode, path)
        return self.read(path, limit)

    def stamp(self, path: str) -> tuple[int, int, int]:
        """(inode, size, time of the last change in ns) of the recording's own file."""
        found = os.stat(self._path(path))
        return found.st_ino, found.st_size, found.st_mtime_ns

    def on_disk(self, path: str) -> str:
        """Where the recording keeps `path`, for a library that opens files itself (sqlite3)."""
        return self._path(path)

    def names(self, path: str) -> list[str]:
        """The names in a folder, in no order."""
        return os.listdir(self._path(path))

    def link(self, path: str) -> str:
        """Where a symbolic link pointed."""
        self._path(path)
        try:
            return self._links[path]
        except KeyError:
            raise _missing(path) from None

    def folders(self, path: str) -> list[tuple[str, int]]:
        """(name, inode number) of each folder inside `path`."""
        here = path.rstrip("/")
        names = (name for name in self.names(path) if os.path.isdir(f"{self._root}{here}/{name}"))
        return [(name, self.inode(f"{here}/{name}")) for name in names]

    def inode(self, path: str) -> int:
        """The inode number that `path` led to."""
        try:
            return int(self._inodes[path])
        except (KeyError, ValueError):
            raise _missing(path) from None

    def owner_uid(self, path: str) -> int:
        """The user id that owned /proc/PID, from its status."""
        for line in self.read(f"{path}/status").split(b"\n"):
            if line.startswith(b"Uid:"):
                return int(line.split()[2])
        raise _missing(path)

    def open_links(
        self, pid: int, wanted: Container[str], numbers: Iterable[int] | None = None
    ) -> list[tuple[int, str]]:
        """(fd, target) of a process's open files whose link target is in `wanted`."""
        folder = f"/proc/{pid}/fd"
        self._path(folder)
        found = [
            (int(path.rpartition("/")[2]), target)
            for path, target in self._links.items()
            if target in wanted and path.startswith(f"{folder}/")
        ]
        return found if numbers is None else [(fd, link) for fd, link in found if fd in {*numbers}]


def _missing(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "not in the recording", path)
