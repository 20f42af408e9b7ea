"""`Capture`: a capture file as batches of frames, whatever its form and packing."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from portbook.model.unknown import Gap
from portbook.traffic.captures.fault import CaptureFault
from portbook.traffic.captures.opening import opened
from portbook.traffic.captures.pcap import Pcap, is_pcap
from portbook.traffic.captures.pcapng import Pcapng, is_pcapng
from portbook.traffic.captures.refusals import PEEK, resembles
from portbook.traffic.captures.window import Window
from portbook.traffic.packets import Frames


class Capture:
    """The packets of the pcap or pcapng file `path`, `-` for standard input; gzip and zstd too.

    Read forward once, so pipes work. `gaps` fills while reading: what the file lacks, and where it
    is cut or damaged; everything before is given. Raises CaptureFault where the file cannot be
    opened, is neither pcap nor pcapng, has not even a whole header, or is packed in a way that
    cannot be unpacked here.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.gaps: list[Gap] = []
        self._file, source = opened(path, self.gaps)
        try:
            window = Window(source, self.gaps)
            self._reader = _reader(path, window, self.gaps, packed=source is not self._file)
        except BaseException:
            self._file.close()
            raise
        self._frames = self._reader.batches()

    @property
    def position(self) -> int:
        """How many bytes of the file, as stored, were read so far."""
        return self._file.position

    @property
    def size(self) -> int | None:
        """How many bytes the file has as stored; None for a pipe."""
        return self._file.size

    def frames(self) -> Iterator[Frames]:
        """Batches of at most 32,768 frames in the order of the file; each frame comes once.

        Where one pcapng file has several link types, frames of different ones may change places
        within 4,096. Never raises: see `gaps`.
        """
        return self._frames

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _reader(path: str, window: Window, gaps: list[Gap], *, packed: bool) -> Pcap | Pcapng:
    window.need(4)
    first = window.data[window.begin : min(window.end, window.begin + 4)].tobytes()
    try:
        if is_pcap(first):
            return Pcap(window, gaps)
        if is_pcapng(first):
            return Pcapng(window, gaps)
    except CaptureFault as fault:
        raise CaptureFault(f"{path}: {fault}", hint=fault.hint) from fault
    window.need(PEEK)
    first = window.data[window.begin : min(window.end, window.begin + PEEK)].tobytes()
    if not first:
        why = gaps[0].why if gaps else "it is empty"
        raise CaptureFault(f"{path}: no capture: {why}")
    name, hint = resembles(first)
    inside = "what it unpacks to" if packed else "it"
    raise CaptureFault(f"{path}: neither pcap nor pcapng: {inside} looks like {name}", hint=hint)
