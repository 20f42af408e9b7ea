"""The form of a client-side judge: data on where to try it, and a pure function of the bytes."""

from collections.abc import Callable

from portbook.model.record import Record
from portbook.model.traffic import Opener

LONGEST = 200
"""The most characters that a value of `Opener.details` has."""

Judge = Callable[[bytes], Opener | None]


class Kind(Record):
    """One protocol over one transport.

    `judge` is given between 1 and 4,096 bytes, perhaps the beginning of more, and answers None
    where they are not this protocol's. It is asked only if the first byte is among `firsts`; where
    `firsts` is empty, any will do. `ports` decide between judges that are not certain, no more.
    """

    name: str
    transport: str
    judge: Judge
    firsts: bytes = b""
    ports: tuple[int, ...] = ()


def text(data: bytes) -> str:
    """Bytes from outside as a detail: as read, and no longer than a detail may be."""
    return data[:LONGEST].decode("utf-8", "replace")


def line(data: bytes, longest: int = LONGEST) -> bytes:
    """The first line without its end, or the beginning of it."""
    end = data.find(b"\n", 0, longest)
    return (data[:longest] if end < 0 else data[:end]).rstrip(b"\r")


def either(letters: bytes) -> bytes:
    """First bytes for words that may be written in capitals or not."""
    return letters.upper() + letters.lower()
