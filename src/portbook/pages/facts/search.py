"""What the page of the search tells: where a text leads, what fits it, and what is near."""

import json
import re

from portbook.model import LAST_PORT, Transport
from portbook.model.record import Record
from portbook.pages.facts.registrations import ports_of
from portbook.registry.kept import until_reload
from portbook.registry.names import near
from portbook.registry.registrations import Registration, registrations
from portbook.registry.search import Match, search
from portbook.registry.tables import open_evidence, open_services

LONGEST = 100
"""Characters of a text; `registry.search` refuses a longer one."""

MOST = 50
"""Matches on a page."""

_TRANSPORTS = "|".join(Transport)
_NUMBER = r"(?P<port>[0-9]{1,12})"
_DIRECT = tuple(
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        rf"(?:port\s+)?{_NUMBER}(?:\s*/\s*|\s+)?(?P<transport>{_TRANSPORTS})?",
        rf"(?P<transport>{_TRANSPORTS})(?:\s*/\s*|\s+){_NUMBER}",
        # What is copied from an address bar or a listing: http://localhost:3000/, [::1]:8080, :22
        rf"(?:[a-z][a-z0-9+.-]*://)?(?:\[[0-9a-f:.%]+\]|(?![0-9]+:)[a-z0-9._*-]+)?:{_NUMBER}/?",
    )
)
_INSIDE = re.compile(r"(?<![0-9])[0-9]{1,5}(?![0-9])", re.ASCII)
_MOST_INSIDE = 4


class Direct(Record):
    """A text that is a number: its port, and the transport if it names one."""

    port: int
    transport: str | None

    @property
    def path(self) -> str:
        """The address of its page."""
        return f"/{self.port}/{self.transport}" if self.transport else f"/{self.port}"


class Hit(Record):
    """A match as a row; `address` is behind `base`, without `ext`."""

    address: str
    ports: str
    match: Match


class Alone(Record):
    """A word of a text in which the words do not go together, and how many matches it has."""

    word: str
    matches: int


class SearchPage(Record):
    """What was found for `text`.

    `beyond`: the text is a number, but no port. Where nothing was found, `near` are names like
    it, `ports` the ports that the text mentions, and `alone` its words that fit by themselves.
    """

    text: str
    hits: tuple[Hit, ...] = ()
    beyond: bool = False
    near: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    alone: tuple[Alone, ...] = ()


def direct(text: str) -> Direct | None:
    """The port that `text` is: `3255`, `3255/udp`, `udp 3255`, `localhost:3255`."""
    for pattern in _DIRECT:
        found = pattern.fullmatch(text.strip())
        if found and int(found["port"]) <= LAST_PORT:
            transport = found.groupdict().get("transport")
            return Direct(int(found["port"]), transport.lower() if transport else None)
    return None


def search_page(text: str) -> SearchPage:
    """What fits a text, best first.

    Raises:
        UsageError: the text is blank or too long.
        TableFault: a table is missing or broken.
    """
    found = search(text, limit=MOST)
    plain = text.strip()
    beyond = plain.isdecimal() and len(plain) <= LONGEST
    if found:
        return SearchPage(text, tuple(map(_hit, found)), beyond)
    words = [each for each in dict.fromkeys(plain.split()) if each != plain]
    alone = [Alone(each, len(search(each, limit=MOST))) for each in words[:_MOST_INSIDE]]
    inside = (int(each) for each in _INSIDE.findall(plain))
    return SearchPage(
        text,
        beyond=beyond,
        near=near("-".join(plain.split()), (row[0] for row in open_services().all_rows())),
        ports=tuple(dict.fromkeys(each for each in inside if each <= LAST_PORT))[:_MOST_INSIDE],
        alone=tuple(each for each in alone if each.matches),
    )


def _hit(match: Match) -> Hit:
    if match.port is None:
        return Hit(f"name/{match.service}", "", match)
    return Hit(str(match.port), ports_of(match.port, match.last_port or match.port), match)


@until_reload
def names_file() -> bytes:
    """`search-names.json`: what an exported book searches in, for it has no server to ask.

    One column a key, in the order of the numbers. `steps` leads from one port to the next,
    `services` are the names there and `about` their descriptions, empty where those only repeat
    the name. `products` are what sources name, and `on` the ports of each. About 280 KB, 97 KB
    compressed; it is fetched when something is searched for.
    """
    found = registrations()
    ports = [each.port for each in found]
    named = {(each.port, _letters(each.service)) for each in found}
    products: dict[str, set[int]] = {}
    for row in open_evidence().table.all_rows():
        if (int(row[0]), _letters(row[3])) not in named:
            products.setdefault(row[3], set()).add(int(row[0]))
    told = {
        "steps": [here - before for before, here in zip([0, *ports], ports, strict=False)],
        "services": [each.service for each in found],
        "about": [_about(each) for each in found],
        "products": sorted(products),
        "on": [sorted(products[each]) for each in sorted(products)],
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _about(each: Registration) -> str:
    about = each.description or ""
    return "" if _letters(about) == _letters(each.service) else about


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
