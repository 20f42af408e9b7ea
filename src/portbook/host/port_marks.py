"""Which ports may be promised to somebody: a bit for each, beside the store of the claims.

Opening the store costs `portbook PORT` 20 ms, and for most ports to learn that there is nothing.
A bit is set before a claim or reservation is told to anybody, and cleared some time after it ended:
one that is not set is certain, one that is set is to be looked up.
"""

import os
from collections.abc import Collection, Iterable

from portbook.model import LAST_PORT

SUFFIX = ".ports"
_BYTES = (LAST_PORT + 1) // 8


def any_marked(path: str, ports: Collection[int]) -> bool:
    """Whether one of the ports has its bit set in the file; True where the file cannot tell."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return True
    try:
        bits = os.pread(fd, _BYTES + 1, 0)
    except OSError:
        return True
    finally:
        os.close(fd)
    return len(bits) != _BYTES or any(bits[port >> 3] & 1 << (port & 7) for port in ports)


class PortMarks:
    """The file of the one who writes the store.

    Raises:
        OSError: it cannot be made or written.
    """

    def __init__(self, path: str, ports: Iterable[int]) -> None:
        """Mark these ports and no others."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._bits = bytearray(_BYTES)
        for port in ports:
            self._bits[port >> 3] |= 1 << (port & 7)
        self._fd = os.open(path, flags, 0o600)
        try:
            if os.pread(self._fd, _BYTES + 1, 0) != self._bits:
                os.ftruncate(self._fd, _BYTES)
                os.pwrite(self._fd, self._bits, 0)
        except BaseException:
            os.close(self._fd)
            raise

    def mark(self, first: int, size: int) -> None:
        """Mark ports that were not, before anybody hears that they are promised."""
        for port in range(first, first + size):
            place, bit = port >> 3, 1 << (port & 7)
            if not self._bits[place] & bit:
                os.pwrite(self._fd, bytes((self._bits[place] | bit,)), place)
                self._bits[place] |= bit

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)
