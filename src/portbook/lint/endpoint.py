"""Addresses with a port in them, such as `127.0.0.1:8080`, and where in the text the number is.

A variable with a default stands for its default: `${PORT:8080}`, `${PORT:-8080}`, `{$PORT:8080}`.
What is only a variable is no number.
"""

import re
from collections.abc import Iterator

from portbook.lint.source import Source
from portbook.model.declared import Declared
from portbook.model.record import Record

_NUMBER = r"[0-9]{1,7}"
# Names are bounded so that a megabyte of `${` costs a megabyte, not its square.
_DEFAULT = (
    rf"(?:(?:\$\{{[^{{}}:\s]{{1,100}}?(?::-?|-)){{1,5}}|\{{\$\w{{1,100}}:){_NUMBER}\}}{{1,5}}"
)
_PORT = rf"(?:{_NUMBER}(?:-{_NUMBER})?|{_DEFAULT})"
_HOST = r"(?:\[[^\[\]\s]{0,60}\]|\$\{[^{}\s]{0,200}\}|\{\$[^{}\s]{0,200}\}|[^\s:/\[\]{}$]*)"
_ENDPOINT = re.compile(rf"(?:({_HOST}):)?({_PORT})")
_URL_HOST = r"(?:\[[0-9A-Fa-f:.]{2,45}\]|\$\{[^{}\s]{1,200}\}|[\w.-]{1,253})"
_URL = re.compile(
    # The longest user and password that is looked through is bounded for the same reason.
    rf"(?://|thin:@)(?:[^@/\s]{{0,200}}@)?({_URL_HOST}):({_PORT})(?![\w.])"
)
_FURTHER = re.compile(rf",({_URL_HOST}):({_PORT})(?![\w.])")
_DIGITS = re.compile(rf"{_NUMBER}(?:-{_NUMBER})?(?=\}}*$)")
_HOST_DEFAULT = re.compile(r"\$\{[^{}:\s]+:-?([^{}:\s]+)\}|\{\$\w+:([^{}:\s]+)\}")


class Endpoint(Record):
    """A port, or a range of them, in a text: `start` and `length` are those of the digits.

    `host` is what stands before the colon, without brackets: None where nothing or a variable
    does, `0.0.0.0` for `*`.
    """

    host: str | None
    first: int
    last: int
    start: int
    length: int


def endpoint(text: str) -> Endpoint | None:
    """The port of a text that is nothing but `8080`, `:8080`, `host:8080` or `[::1]:8080`."""
    found = _ENDPOINT.fullmatch(text)
    return _made(found, 0) if found else None


def number(text: str) -> Endpoint | None:
    """The port of a text that is nothing but a number, or a variable with a number as default."""
    found = endpoint(text)
    return found if found is not None and found.host is None and text[:1] != ":" else None


def in_urls(text: str) -> Iterator[Endpoint]:
    """Every `//host:port` of a text, and those that follow it behind commas."""
    for found in _URL.finditer(text):
        yield _made(found, 0)
        behind = _FURTHER.match(text, found.end())
        while behind:
            yield _made(behind, 0)
            behind = _FURTHER.match(text, behind.end())


def in_list(text: str) -> Iterator[Endpoint]:
    """Every `host:port` of a list with commas, such as `one:9092,two:9092`; with URLs, theirs."""
    if "//" in text:
        yield from in_urls(text)
        return
    start = 0
    for part in text.split(","):
        bare = part.strip()
        found = _ENDPOINT.fullmatch(bare)
        if found and found[1]:
            yield _made(found, start + part.index(bare))
        start += len(part) + 1


def _made(found: "re.Match[str]", shift: int) -> Endpoint:
    port = found[2]
    digits = _DIGITS.search(port)
    assert digits is not None  # noqa: S101 - _PORT always ends with digits
    first, _, last = digits[0].partition("-")
    start = found.start(2) + digits.start() + shift
    return Endpoint(_host(found[1]), int(first), int(last or first), start, len(digits[0]))


def _host(text: str | None) -> str | None:
    if not text:
        return None
    default = _HOST_DEFAULT.fullmatch(text)
    if default:
        text = default[1] or default[2]
    if "$" in text:
        return None
    return "0.0.0.0" if text == "*" else text.strip("[]") or None


class Gathering:
    """The declarations of one file as its reader finds them.

    Attributes:
        declared: what was found so far.
    """

    def __init__(self, source: Source, form: str, runs: str | None, product: str | None) -> None:
        self.declared: list[Declared] = []
        self._source = source
        self._form = form
        self._runs = runs
        self._product = product

    def add(
        self,
        offset: int,
        found: Endpoint | None,
        role: str,
        who: str,
        *,
        transport: str = "tcp",
        address: str | None = None,
        speaks: str | None = None,
        profiles: tuple[str, ...] = (),
    ) -> None:
        """Declare what was found in the text that begins at `offset`.

        Port 0 asks for any free port, so it declares none; neither does None. An `address` is
        what it is bound to where the text itself has no host. What a program connects to is not
        the program's own: it has neither its name nor its identity.
        """
        if found is None or (found.first == 0 and found.last == 0):
            return
        own = role != "client"
        self.declared.append(
            Declared(
                self._source.place(offset + found.start, found.length),
                found.first,
                found.last,
                role,
                who,
                self._form,
                transport=transport,
                address=found.host or address,
                speaks=speaks,
                product=self._product if own else None,
                runs=self._runs if own else None,
                profiles=profiles,
            )
        )
