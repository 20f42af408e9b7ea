"""One port of a command, and the ways in which a word can spell one."""

import re
from collections.abc import Iterator

from portbook.lint.command_words import HOLE, Word
from portbook.model.record import Record

_BOUND = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+]*)://)?(?:(?P<host>\[[0-9a-fA-F:.%]*\]|[^\s:/\[\]@]*):)?"
    r"(?P<port>\d{1,6})(?:[/?].*)?",
    re.DOTALL,
)
_LOCAL_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+]{1,15})://(?:[^\s/@'\"]{1,200}@)?"
    r"(?P<host>localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|host\.docker\.internal)"
    r":(?P<port>\d{1,6})(?![\d.\w])"
)
_LOCAL_PAIR = re.compile(
    r"(?:^|[=@/,])(?P<host>localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|host\.docker\.internal)"
    r":(?P<port>\d{1,6})(?![\d.\w])"
)
_SHORT = re.compile(
    r"(?:(?P<host>\[[0-9a-fA-F:.%]*\]|\d+\.\d+\.\d+\.\d+|[^\s:/\[\]]*[^\s:/\[\]\d-][^\s:/\[\]]*):)?"
    r"(?:(?P<outer>\d{1,6}(?:-\d{1,6})?|[^\s:/]*):)?"
    r"(?P<inner>\d{1,6}(?:-\d{1,6})?)(?:/(?P<transport>tcp|udp|sctp))?"
)
_HTTP = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class CommandPort(Record):
    """One port, or a range, that a command names.

    `offset` and `length` are those of the digits in the text. `role` is one of
    `portbook.model.declared.ROLES`, `program` the word of the program (of `docker run` the image).
    `part` tells the commands of one text apart, `together` is whether its part runs beside others
    (`a & b`, `concurrently`).
    """

    offset: int
    length: int
    first: int
    last: int
    role: str
    address: str | None = None
    program: str | None = None
    speaks: str | None = None
    transport: str = "tcp"
    part: int = 0
    together: bool = False


def number(word: Word, role: str, start: int = 0, end: int | None = None) -> CommandPort | None:
    """The port of a part of a word: digits, or two numbers with `-` between them.

    None where it is something else, 0 ("any free one"), or does not stand in the text as such.
    """
    text = word.text[start:end]
    first, dash, last = text.partition("-")
    if not (_is_digits(first) and (_is_digits(last) if dash else not last)):
        return None
    at = word.at[start : start + len(text)]
    if at[0] < 0 or at[-1] - at[0] != len(text) - 1:
        return None
    low, high = int(first), int(last or first)
    if low == 0:
        return None
    return CommandPort(at[0], len(text), low, high, role)


def _is_digits(text: str) -> bool:
    return 0 < len(text) <= 6 and text.isascii() and text.isdigit()


def bound(word: Word, role: str) -> CommandPort | None:
    """The port of `8080`, `:8080`, `0.0.0.0:8080`, `tcp://[::1]:8080`."""
    found = _BOUND.fullmatch(word.text)
    if found is None or found["scheme"] == "unix":
        return None
    port = number(word, role, *found.span("port"))
    if port is None:
        return None
    host = None if found["host"] is None or HOLE in found["host"] else found["host"].strip("[]")
    speaks = "https" if found["scheme"] in ("https", "ssl") else None
    return port._replace(address="0.0.0.0" if host in ("", "*", "+") else host, speaks=speaks)


def local_ports(word: Word, *, bare: bool = False) -> Iterator[CommandPort]:
    """The ports of this machine that a word names: `http://localhost:3000`.

    Args:
        word: the word.
        bare: take `localhost:3000` without a scheme too.
    """
    if ":" not in word.text:
        return
    seen = set()
    for pattern in (_LOCAL_URL, _LOCAL_PAIR) if bare else (_LOCAL_URL,):
        for found in pattern.finditer(word.text):
            port = number(word, "client", *found.span("port"))
            if port is not None and port.offset not in seen:
                seen.add(port.offset)
                speaks = _HTTP.get(found["scheme"]) if pattern is _LOCAL_URL else None
                yield port._replace(address=found["host"].strip("[]"), speaks=speaks)


def short_ports(word: Word) -> Iterator[CommandPort]:
    """Both sides of `docker run -p`: `8080:80`, `127.0.0.1:8080:80/udp`, `80` (inside alone)."""
    found = _SHORT.fullmatch(word.text)
    if found is None:
        return
    transport = found["transport"] or "tcp"
    outer = None
    if found["outer"]:
        outer = number(word, "publish", *found.span("outer"))
    if outer is not None:
        address = found["host"] and found["host"].strip("[]")
        hidden = address is not None and HOLE in address
        yield outer._replace(transport=transport, address=None if hidden else address or None)
    inner = number(word, "container", *found.span("inner"))
    if inner is not None:
        yield inner._replace(transport=transport)
