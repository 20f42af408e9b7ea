"""`Window`: the part of a capture that is in memory, moved forward over it.

Each move makes a new buffer and carries over what was not yet used, so batches of frames that were
handed out stay as they are. One window is 8 MB, so memory does not grow with the capture.
"""

import numpy as np
from numpy.typing import NDArray

from portbook.host.clock import monotonic
from portbook.model.unknown import Gap
from portbook.traffic.captures.opening import Source

SIZE = 8 << 20
LONGEST = 4 << 20
"""The longest record that a window must hold whole; half of `SIZE`."""

_SLACK = 64
"""Bytes behind the end of a full window, so that a whole header can be gathered from any place."""

_PATIENCE = 0.2
"""How many seconds a window waits for a pipe to fill it, once something came."""


class Window:
    """Bytes `data[begin:end]` of the capture, unpacked, are read and not yet used.

    `data[0]` is byte `before` of the capture. Errors of reading end the capture with a gap.
    """

    def __init__(self, source: Source, gaps: list[Gap], size: int = SIZE) -> None:
        self._source = source
        self._gaps = gaps
        self._size = size
        self._ended = False
        self.data: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.begin = self.end = self.before = 0

    @property
    def view(self) -> memoryview:
        """The buffer for batches: read only, like bytes."""
        return self.data.data.toreadonly()

    @property
    def offset(self) -> int:
        """Where in the capture the first unused byte is."""
        return self.before + self.begin

    def need(self, size: int) -> bool:
        """Whether `size` unused bytes are there, after reading as much as it takes."""
        while self.end - self.begin < size:
            if not self.more():
                return False
        return True

    def more(self) -> bool:
        """Read on; False at the end. For a pipe it takes what comes within a moment."""
        kept = self.end - self.begin
        if self._ended or kept >= self._size:
            return False
        data = np.empty(self._size + _SLACK, np.uint8)
        data[:kept] = self.data[self.begin : self.end]
        self.before += self.begin
        self.data, self.begin, self.end = data, 0, kept
        return self._fill(data.data[: self._size])

    def skip(self, size: int) -> bool:
        """Leave out `size` bytes; False where the capture ends before."""
        while size > self.end - self.begin:
            size -= self.end - self.begin
            self.begin = self.end
            if not self.more():
                return False
        self.begin += size
        return True

    def _fill(self, view: memoryview) -> bool:
        before = self.end
        until = None
        while self.end < self._size:
            try:
                size = self._source.readinto(view[self.end :])
            except OSError as error:
                why = f"reading fails: {error.strerror or error}"
                self._gaps.append(Gap("the rest of the capture", why))
                size = 0
            if not size:
                self._ended = True
                break
            self.end += size
            if until is None:
                until = monotonic() + _PATIENCE
            if not self._source.ready(until - monotonic()):
                break
        return self.end > before
