"""Opens a capture for reading forward only: a file, a pipe or standard input, packed or not.

Which packing it is, is told by the first bytes, never by the name. Nothing seeks and nothing is
mapped: pages of a mapped file count as resident memory, and a pipe has none.
"""

import io
import os
import select
import stat

from portbook.model.unknown import Gap
from portbook.traffic.captures.fault import CaptureFault
from portbook.traffic.captures.unpacking import GZIP, Unpacked, gunzipped, is_zstd, unzstd


class Opened(io.RawIOBase):
    """The bytes of a capture file as they are stored.

    `position` is how many of them were read, `size` how many there are (None for a pipe).
    Raises CaptureFault where the file cannot be opened or is a folder.
    """

    def __init__(self, path: str) -> None:
        self.position = 0
        self.size: int | None = None
        self._head = b""
        try:
            self._file = io.FileIO(0, closefd=False) if path == "-" else io.FileIO(path)
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
            why = getattr(error, "strerror", None) or str(error)
            raise CaptureFault(f"{path}: cannot be opened: {why}") from error
        status = os.fstat(self._file.fileno())
        self._is_file = stat.S_ISREG(status.st_mode)
        if self._is_file:
            self.size = status.st_size

    def readable(self) -> bool:
        """Always."""
        return True

    def first(self, wanted: int) -> bytes:
        """Up to `wanted` first bytes, which are then read again; fewer only at the end."""
        while len(self._head) < wanted:
            data = self._read(wanted - len(self._head))
            if not data:
                break
            self._head += data
        return self._head

    def readinto(self, view: memoryview) -> int:  # type: ignore[override]  # any buffer: ours is one
        """Read what is there into `view`; 0 at the end. Raises OSError as the system does."""
        if self._head:
            size = min(len(view), len(self._head))
            view[:size] = self._head[:size]
            self._head = self._head[size:]
        else:
            size = self._fill(view)
        self.position += size
        return size

    def ready(self, seconds: float) -> bool:
        """Whether a read returns within `seconds`: at once for a file."""
        if self._is_file or self._head:
            return True
        poll = select.poll()
        poll.register(self._file.fileno(), select.POLLIN)
        return bool(poll.poll(max(0, int(seconds * 1000))))

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if hasattr(self, "_file"):  # not where it could not be opened
            self._file.close()
        super().close()

    def _read(self, size: int) -> bytes:
        data = bytearray(size)
        return bytes(data[: self._fill(memoryview(data))])

    def _fill(self, view: memoryview) -> int:
        while (size := self._file.readinto(view)) is None:  # somebody made the pipe non-blocking
            poll = select.poll()
            poll.register(self._file.fileno(), select.POLLIN)
            poll.poll()
        return size


Source = Opened | Unpacked
"""What a `Window` reads: `readinto`, `ready`."""


def opened(path: str, gaps: list[Gap]) -> tuple[Opened, Source]:
    """The file itself, and what to read of it: itself, or its bytes unpacked.

    What is found to be damaged or cut while it is unpacked goes into `gaps`. Raises CaptureFault
    where the file cannot be opened, or is packed and the package for it is missing.
    """
    file = Opened(path)
    try:
        first = file.first(4)
        if first.startswith(GZIP):
            return file, Unpacked(file, gunzipped(file, gaps), "gzip")
        if is_zstd(first):
            return file, Unpacked(file, unzstd(file, gaps), "Zstandard")
    except OSError as error:
        file.close()
        raise CaptureFault(f"{path}: cannot be read: {error.strerror or error}") from error
    except CaptureFault:
        file.close()
        raise
    return file, file
