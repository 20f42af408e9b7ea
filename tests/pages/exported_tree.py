"""What a folder of exported pages is asked: its bytes, and where its links lead."""

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from portbook.pages.export.contents import parts
from portbook.pages.export.manifest import Manifest
from portbook.pages.export.plan import Plan
from portbook.pages.prose.sources import LISTS
from portbook.pages.words import languages
from portbook.registry.sources import read_sources

_OUTWARD = ("www.rfc-editor.org", "www.iana.org")
"""Where a reader may be sent, beside the sources of the tables."""

_ADDRESSES = frozenset(("href", "src", "action", "content", "poster", "srcset", "cite"))
_REFRESH = re.compile(r"[0-9]+; url=(.*)")


class _Links(HTMLParser):
    """Every attribute that may hold an address, and every id."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            if (name in _ADDRESSES or name.startswith("data-")) and value:
                self.found.append((tag, name, value))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file by its path, with the hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).digest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def moments(folder: Path) -> dict[str, int]:
    """When every file was last written."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))
    }


@cache
def whole_book() -> frozenset[str]:
    """Every file of the book with all its ports: a trial's links may lead to what it left out."""
    plan = Plan(languages())
    return frozenset(Manifest("", plan, parts(plan), {}).files())


def faults(folder: Path) -> Iterator[str]:
    """Links that lead nowhere or where they must not."""
    pages = {path: _read(path) for path in folder.rglob("*.html")}
    outward = {*_OUTWARD, *(urlsplit(each.link).netloc for each in read_sources().sources)}
    outward |= {urlsplit(address).netloc for _, address in LISTS.values()}
    for path, page in pages.items():
        name = str(path.relative_to(folder))
        for tag, attribute, value in page.found:
            why = _fault(folder, pages, path, outward, (tag, attribute, value))
            if why:
                yield f"{name}: <{tag} {attribute}={value!r}> {why}"


def _read(path: Path) -> _Links:
    found = _Links()
    found.feed(path.read_text(encoding="utf-8"))
    return found


def _fault(
    folder: Path,
    pages: dict[Path, _Links],
    path: Path,
    outward: set[str],
    link: tuple[str, str, str],
) -> str:
    tag, attribute, value = link
    refreshed = _REFRESH.fullmatch(value)
    if attribute == "content" and not refreshed:
        return ""
    if refreshed:
        value = refreshed[1]
    parts_of = urlsplit(value)
    if attribute.startswith("data-"):
        return "is absolute" if value.startswith("/") or "://" in value else ""
    if parts_of.scheme or parts_of.netloc:
        outer = tag == "a" and parts_of.netloc in outward
        return "" if outer else "leaves the book"
    if value.startswith("/"):
        return "is absolute"
    target = path if not parts_of.path else (path.parent / unquote(parts_of.path)).resolve()
    if not target.is_relative_to(folder.resolve()):
        return "leads out of the folder"
    if not target.is_file():
        known = str(target.relative_to(folder.resolve())) in whole_book()
        return "" if known else "leads nowhere"
    if parts_of.fragment and target in pages and parts_of.fragment not in pages[target].ids:
        return "has no such part"
    return ""
