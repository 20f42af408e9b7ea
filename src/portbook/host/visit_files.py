"""Files with the first bytes of visitors: bounded in number and size, for their owner alone."""

import contextlib
import os
import re

from portbook.host import clock
from portbook.model.errors import EnvironmentFault

MOST_FILES = 1000
MOST_BYTES = 16 << 20
_NAME = re.compile(r"\d{8}T\d{6}Z-\d{1,5}-(tcp|udp)-\d{4}\.bin")


class VisitFiles:
    """A folder of such files. Those of earlier runs count, and none is ever overwritten.

    The names have the time, the port and a number, and nothing that a visitor sent.

    Raises:
        EnvironmentFault: the folder cannot be made or read.
    """

    def __init__(
        self, folder: str, *, most_files: int = MOST_FILES, most_bytes: int = MOST_BYTES
    ) -> None:
        self.fault: OSError | None = None
        self._files, self._bytes, self._last = most_files, most_bytes, 0
        self._folder = -1
        try:
            if not os.path.isdir(folder):
                os.mkdir(folder, 0o700)
            self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._look()
        except (OSError, ValueError) as error:
            self.close()
            said = getattr(error, "strerror", None) or str(error)
            raise EnvironmentFault(f"nothing can be kept in {folder}: {said}") from None

    def _look(self) -> None:
        """Count the files of earlier runs.

        Raises:
            OSError: they cannot be looked at.
        """
        with os.scandir(self._folder) as entries:
            for entry in entries:
                # Another one may tidy up meanwhile.
                with contextlib.suppress(FileNotFoundError):
                    if _NAME.fullmatch(entry.name):
                        self._bytes -= entry.stat(follow_symlinks=False).st_size
                        self._files -= 1

    def keep(self, at: float, port: int, transport: str, data: bytes) -> str | None:
        """Write a file; its name, or None where no more are kept (`fault`: the system refused)."""
        if self._files <= 0 or len(data) > self._bytes:
            return None
        moment = clock.iso(at).replace("-", "").replace(":", "")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        while self._last < 9999:
            self._last += 1
            name = f"{moment}-{port}-{transport}-{self._last:04}.bin"
            try:
                fd = os.open(name, flags, 0o600, dir_fd=self._folder)
            except FileExistsError:
                continue
            except OSError as error:
                self.fault = error
                return None
            return name if self._write(fd, name, data) else None
        return None

    def _write(self, fd: int, name: str, data: bytes) -> bool:
        """Whether all of it was written; half a file is none."""
        try:
            written = os.write(fd, data)
        except OSError as error:
            self.fault, written = error, -1
        finally:
            os.close(fd)
        if written != len(data):
            try:
                os.unlink(name, dir_fd=self._folder)
            except OSError as error:
                self.fault = self.fault or error
            return False
        self._files -= 1
        self._bytes -= len(data)
        return True

    def close(self) -> None:
        """Let go of the folder."""
        if self._folder >= 0:
            os.close(self._folder)
