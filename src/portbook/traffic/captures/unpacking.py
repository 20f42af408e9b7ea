"""Unpacks gzip and Zstandard as they are read, in pieces of bounded size.

A piece is at most `PIECE` bytes however small the packed bytes are that give it, so a file made to
blow up costs time and no memory. Sources: RFC 1952 (gzip), RFC 8878 (Zstandard).
"""

import importlib
import io
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from portbook.model.unknown import Gap
from portbook.traffic.captures.fault import CaptureFault

GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"

PIECE = 1 << 20
_READ = 1 << 16
_BLOCK = 1 << 17
"""The most that one block of Zstandard unpacks to (RFC 8878, 3.1.1.2.4)."""
_WINDOW = 27
"""Windows of up to 2 to the power of this are allowed: 128 MB, what `zstd --long` needs."""


class _Packed(Protocol):
    """What the packed bytes are read from."""

    position: int

    def readable(self) -> bool: ...
    def ready(self, seconds: float) -> bool: ...


class Unpacked:
    """The unpacked bytes of `file`, as `pieces` gives them; `form` names the packing."""

    def __init__(self, file: _Packed, pieces: Iterator[bytes], form: str) -> None:
        self.form = form
        self._file = file
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readinto(self, view: memoryview) -> int:
        """Read into `view` what one piece has; 0 at the end. Raises OSError as the system does."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def ready(self, seconds: float) -> bool:
        """Whether something is there, or packed bytes come within `seconds`."""
        return bool(self._rest) or self._file.ready(seconds)


def _cut(gaps: list[Gap], form: str, position: int) -> None:
    gaps.append(Gap("the end of the capture", f"the {form} data ends early, at byte {position:,}"))


def _damaged(gaps: list[Gap], form: str, position: int, error: object) -> None:
    why = f"the {form} data is damaged near byte {position:,}: {error}"
    gaps.append(Gap("the rest of the capture", why))


def _trailing(gaps: list[Gap], form: str, position: int) -> None:
    why = f"near byte {position:,} something that is not {form} follows the {form} data"
    gaps.append(Gap("the rest of the capture", why))


def gunzipped(file: Any, gaps: list[Gap]) -> Iterator[bytes]:
    """The unpacked bytes of all members of gzip `file` (RFC 1952, 2.2), in pieces.

    A cut or damaged member ends it with a gap; zeros after the last member are padding.
    """
    data = b""
    while True:
        while len(data) < 2 and (more := file.read(_READ)):
            data = (data + more).lstrip(b"\x00")
        if not data:
            return
        if not data.startswith(GZIP):
            _trailing(gaps, "gzip", file.position - len(data))
            return
        member = zlib.decompressobj(wbits=31)
        at_end = False
        while not member.eof:
            if not data:
                data = file.read(_READ)
                at_end = not data
            before = member.copy()  # 40 KB, 5 microseconds
            try:
                piece = member.decompress(data, PIECE)
            except zlib.error as error:
                yield from _salvaged(before, data)
                _damaged(gaps, "gzip", file.position, error)
                return
            data = member.unconsumed_tail
            if piece:
                yield piece
            elif at_end and not member.eof:
                _cut(gaps, "gzip", file.position)
                return
        data = member.unused_data.lstrip(b"\x00")


def _salvaged(member: Any, data: bytes) -> Iterator[bytes]:
    """What `data` unpacks to before the damage in it: an error takes the whole piece with it."""
    for size in (4096, 64, 1):
        while not member.eof:
            before = member.copy()
            try:
                piece = member.decompress(data, size)
            except zlib.error:
                member = before
                break
            data = member.unconsumed_tail
            if not piece:
                return
            yield piece


def is_zstd(first: bytes) -> bool:
    """Whether `first` begins a Zstandard frame, or a skippable one (RFC 8878, 3.1.2)."""
    return first[:4] == ZSTD or (first[1:4] == b"\x2a\x4d\x18" and first[0] >> 4 == 5)


def unzstd(file: Any, gaps: list[Gap]) -> Iterator[bytes]:
    """The unpacked bytes of all frames of Zstandard `file`, one block of at most 128 KB at a time.

    Frames and blocks are walked here, and each block is handed to the decompressor by itself: that
    bounds what it gives back, and tells a cut file from a whole one, which the packages do not.
    Raises CaptureFault, before anything is read, where there is no decompressor.
    """
    return _blocks(io.BufferedReader(file, _READ), file, gaps, *_codec())


def _codec() -> tuple[Callable[[], Any], type[Exception]]:
    """What makes a decompressor of one frame, and the error that it raises."""
    try:
        package = importlib.import_module("zstandard")
    except ImportError:
        pass
    else:
        maker = package.ZstdDecompressor(max_window_size=1 << _WINDOW)
        return maker.decompressobj, package.ZstdError
    try:
        package = importlib.import_module("compression.zstd")  # Python 3.14 and later
    except ImportError as error:
        raise CaptureFault(
            "the capture is packed with Zstandard, and the package zstandard is not installed",
            hint="pip install 'portbook[watch]', or unpack it first: zstd -d FILE",
        ) from error
    options = {package.DecompressionParameter.window_log_max: _WINDOW}
    return lambda: package.ZstdDecompressor(options=options), package.ZstdError


class _Cut(Exception):
    """The packed bytes end in the middle of a frame."""


def _exactly(stream: io.BufferedReader, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise _Cut
    return data


def _blocks(
    stream: io.BufferedReader,
    file: _Packed,
    gaps: list[Gap],
    new: Callable[[], Any],
    fault: type[Exception],
) -> Iterator[bytes]:
    try:
        while magic := stream.read(4):
            if magic == ZSTD:
                yield from _frame(stream, new())
            elif is_zstd(magic):
                left = int.from_bytes(_exactly(stream, 4), "little")
                while left:
                    left -= len(_exactly(stream, min(left, _READ)))
            elif len(magic) < 4 and (ZSTD.startswith(magic) or magic[0] >> 4 == 5):
                _cut(gaps, "Zstandard", file.position)
            else:
                _trailing(gaps, "Zstandard", file.position)
                return
    except _Cut:
        _cut(gaps, "Zstandard", file.position)
    except fault as error:
        _damaged(gaps, "Zstandard", file.position, error)


def _frame(stream: io.BufferedReader, frame: Any) -> Iterator[bytes]:
    """The blocks of one frame whose magic number was read (RFC 8878, 3.1.1)."""
    descriptor = _exactly(stream, 1)
    flags = descriptor[0]
    single = flags >> 5 & 1
    size = (1 - single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]
    frame.decompress(ZSTD + descriptor + _exactly(stream, size))
    last = 0
    while not last:
        head = _exactly(stream, 3)
        value = int.from_bytes(head, "little")
        last, kind, size = value & 1, value >> 1 & 3, value >> 3
        # Too long or of the reserved kind: the header alone makes the decompressor refuse it.
        stored = 1 if kind == 1 else min(size, _BLOCK)
        piece = frame.decompress(head + _exactly(stream, stored))
        if piece:
            yield piece
    if flags & 4:
        piece = frame.decompress(_exactly(stream, 4))
        if piece:
            yield piece
