"""What a host's files can be asked, live or recorded. Imported by type checkers only."""

from collections.abc import Container, Iterable
from typing import Protocol


class Files(Protocol):
    """Files of one host. All paths are absolute, as that host sees them; errors are OSErrors."""

    def read(self, path: str, limit: int = ...) -> bytes:
        """At most `limit` bytes of a file."""

    def regular(self, path: str, limit: int = ...) -> bytes:
        """At most `limit` bytes of a plain file: what is no file, or a link, is refused unopened.

        For files of users who mean harm: opening a FIFO would wait, and a device could act.
        """

    def stamp(self, path: str) -> tuple[int, int, int]:
        """(inode, size, time of the last change in ns) of what `path` leads to."""

    def on_disk(self, path: str) -> str:
        """Where `path` lies for a library that opens files itself (sqlite3)."""

    def names(self, path: str) -> list[str]:
        """The names in a folder, in no order."""

    def link(self, path: str) -> str:
        """Where a symbolic link points."""

    def folders(self, path: str) -> list[tuple[str, int]]:
        """(name, inode number) of each folder inside `path`."""

    def inode(self, path: str) -> int:
        """The inode number of what `path` leads to; for /proc/PID/ns/net the namespace's."""

    def owner_uid(self, path: str) -> int:
        """The user id that owns `path`."""

    def open_links(
        self, pid: int, wanted: Container[str], numbers: Iterable[int] | None = None
    ) -> list[tuple[int, str]]:
        """(fd, target) of a process's open files whose link target is in `wanted`.

        With `numbers`, only those descriptors are looked at.

        Raises:
            PermissionError: another user's process.
            FileNotFoundError, ProcessLookupError: the process is gone.
        """
