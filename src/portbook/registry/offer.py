"""A registry that is offered for import: opened, recognised by its content, read within limits.

Nothing is written here: see install.
"""

import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from portbook.model import Assignment, ImportRefused
from portbook.model.record import Record

IANA = "https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.csv"
"""Where IANA publishes the registry. The only remote address that portbook knows."""

MOST_BYTES = 64 << 20
"""The registry of 2026 is 1.2 MB as CSV and 3.9 MB as XML."""

_MOST_RECORDS = 100_000
_CHUNK = 64 << 10
_MOST_BLANKS = 1 << 16
_BLANK = b"\xef\xbb\xbf \t\r\n"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Offer(Record):
    """What was offered, whole and well-formed.

    `form` is `csv` or `xml`, `source` an address or an absolute path. `etag` and `last_modified`
    are the server's validators for the next time, None without.
    """

    source: str
    form: str
    assignments: list[Assignment]
    etag: str | None = None
    last_modified: str | None = None


def is_address(source: str) -> bool:
    """Whether `source` is an http or https address; else it is a path.

    Raises:
        ImportRefused: it is an address of another scheme.
    """
    scheme = _SCHEME.match(source)
    if scheme is None:
        return False
    if scheme[1].lower() not in ("http", "https"):
        raise ImportRefused(
            f"cannot import from {scheme[1]}: only http, https or a file",
            hint="portbook update --from FILE",
        )
    return True


def read_file(path: str) -> Offer:
    """The registry in the file at `path`.

    Raises:
        ImportRefused: it cannot be read, or is no whole registry.
    """
    source = printable(os.path.abspath(path))
    form, assignments = read_chunks(_file_chunks(path), source)
    return Offer(source, form, assignments)


def read_chunks(chunks: Iterable[bytes], source: str) -> tuple[str, list[Assignment]]:
    """The form (`csv` or `xml`) and the assignments of a registry that arrives in pieces.

    Raises:
        ImportRefused: the bytes are no whole registry; names `source`.
    """
    try:
        form, found = _recognised(chunks)
        return form, _collected(found)
    except ImportRefused as why:
        raise refusal(source, why) from None


def refusal(source: str, why: object) -> ImportRefused:
    """The one line that says what was refused and why."""
    return ImportRefused(f"{source} is refused, nothing was changed: {why}")


def printable(text: str) -> str:
    """`text` on one line of clean UTF-8, for a table's header and for messages."""
    clean = text.encode("utf-8", "replace").decode()
    return "".join(each if each.isprintable() else "?" for each in clean)[:1000]


def _recognised(chunks: Iterable[bytes]) -> tuple[str, Iterator[Assignment]]:
    """The form, by how the content starts, and its reader."""
    bounded = _bounded(chunks)
    start = b""
    for chunk in bounded:
        start += chunk
        if len(start.lstrip(_BLANK)) >= len(b"<!doctype html"):
            break
        if len(start) > _MOST_BLANKS:
            raise ImportRefused(f"it begins with more than {_MOST_BLANKS} blanks")
    head = start.lstrip(_BLANK)[:64].lower()
    if not head:
        raise ImportRefused("it is empty")
    if head.startswith((b"<!doctype html", b"<html")):
        raise ImportRefused("it is a web page, not the registry")
    again = chain((start,), bounded)
    if head.startswith(b"<"):
        from portbook.registry.iana_xml import read_xml

        return "xml", read_xml(again)
    from portbook.registry.iana_csv import read_csv

    return "csv", read_csv(again)


def _collected(found: Iterator[Assignment]) -> list[Assignment]:
    assignments = list(islice(found, _MOST_RECORDS + 1))
    if len(assignments) > _MOST_RECORDS:
        raise ImportRefused(f"it has more than {_MOST_RECORDS} records")
    return assignments


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MOST_BYTES:
            raise ImportRefused(f"it has more than {MOST_BYTES} bytes")
        yield chunk


def _file_chunks(path: str) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except (FileNotFoundError, ValueError):  # ValueError: a NUL in the name
        raise ImportRefused("there is no such file") from None
    except IsADirectoryError:
        raise ImportRefused("it is a directory") from None
    except OSError as why:
        raise ImportRefused(f"it cannot be read ({why.strerror})") from None
