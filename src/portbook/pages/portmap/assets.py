"""The files that the page of the map draws from: small, the same when served and when exported.

`map/ports.bin` has the life and the first year of every port as runs of equal ports, in order. A
run is a byte for the life (its place among the kinds of the scheme), a byte for the year
(0: no service, 1: no date, else the year since 1900), and its length, base 128 with the low bits
first, the high bit set in every byte but the last. The range of a port follows from its number.

`map/names.json` has the registered names, in the order of the ports: a text is the names on the
next port, a positive number says that as many ports more have the same, a negative one that as
many ports have none.

`map/BY-LAYOUT.svg` are the pictures without words, for who has no JavaScript.
"""

import json
import re
from collections.abc import Iterator
from itertools import groupby

from portbook.model import LAST_PORT
from portbook.pages.portmap.codes import Codes, registered
from portbook.pages.portmap.curve import LAYOUTS
from portbook.pages.portmap.scheme import LIFE, RANGE, YEAR
from portbook.pages.portmap.svg import plate
from portbook.registry import whole
from portbook.registry.kept import until_reload
from portbook.registry.tables import ASSIGNMENT_COLUMNS, open_assignments

REGISTERED = (LIFE, YEAR, RANGE)
"""The schemes that need no machine."""

UNREGISTERED, UNDATED, EPOCH = 0, 1, 1900
"""What a byte for a year says where it is none, and what else is added to it."""

_SERVICE = ASSIGNMENT_COLUMNS.index("service")
_STYLE = re.compile("<style>(.*)</style>")


def codes(by: str) -> Codes:
    """The kinds of all ports in one of the registry's schemes, kept until the registry is reloaded.

    Raises:
        KeyError: there is no such scheme.
        TableFault: a table is missing or broken.
    """
    kept = _codes()
    if by not in kept:
        kept[by] = registered({scheme.name: scheme for scheme in REGISTERED}[by])
    return kept[by]


@until_reload
def _codes() -> dict[str, Codes]:
    return {}


@until_reload
def portmap_assets() -> dict[str, bytes]:
    """Every file by its path under the root of the book; takes 0.7 s, and is kept as `codes` are.

    Raises:
        TableFault: a table is missing or broken.
    """
    files = {"map/ports.bin": _ports(), "map/names.json": _names()}
    for scheme in REGISTERED:
        for layout in LAYOUTS:
            drawn = plate(codes(scheme.name).picture(layout))
            files[f"map/{scheme.name}-{layout}.svg"] = drawn.encode()
    return files


def style_in(svg: str) -> str:
    """The style sheet inside of one of our SVG files: a Content-Security-Policy names its hash."""
    found = _STYLE.search(svg)
    return found[1] if found else ""


def _ports() -> bytes:
    """Life and year of every port, as runs."""
    written = bytearray()
    years = map(_year, whole.years())
    for (life, year), run in groupby(zip(codes(LIFE.name).values, years, strict=True)):
        written += bytes((life, year)) + _varint(sum(1 for _ in run))
    return bytes(written)


def _year(year: int | None) -> int:
    if year is None:
        return UNREGISTERED
    return max(0, min(255, year - EPOCH)) or UNDATED


def _varint(number: int) -> bytes:
    """Base 128, low bits first."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*written, number))


def _names() -> bytes:
    """The names of every port, as texts and numbers."""
    rows = open_assignments().by_port()
    named = {
        port: " ".join(dict.fromkeys(row[_SERVICE] for row in rows[port] if row[_SERVICE]))
        for port in rows
    }
    told: list[str | int] = []
    for names, run in groupby(named.get(port, "") for port in range(LAST_PORT + 1)):
        told += _run_of(names, sum(1 for _ in run))
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def _run_of(names: str, length: int) -> Iterator[str | int]:
    if not names:
        yield -length
        return
    yield names
    if length > 1:
        yield length - 1
