"""Words whose sentences are HTML: what is filled in is escaped, what is marked up already stays."""

from functools import cache, lru_cache
from urllib.parse import quote

from markupsafe import Markup, escape

from portbook.model import Transport
from portbook.pages.book import Place
from portbook.pages.words import Words

_TWO_STOPS = ("..", ".</a>.", ".</b>.", ".</q>.")
_TRANSPORTS = frozenset(Transport)


class Escaped:
    """The sentences of one language for a page.

    Messages themselves are plain text without `<` and `&`: tests see to that for translations.
    """

    def __init__(self, words: Words) -> None:
        self.words = words
        self._standing: dict[str, Markup] = {}

    def text(self, message: str, /, **values: object) -> Markup:
        """`message` with its `%(name)s` filled in."""
        if not values:
            return self._standing.get(message) or self._said(message)
        said = self.words.catalogue.gettext(message)
        return _closed(said % {name: escape(value) for name, value in values.items()})

    def _said(self, message: str) -> Markup:
        """What is said alike on every page."""
        said = Markup(self.words.catalogue.gettext(message))  # noqa: S704 - a checked translation
        self._standing[message] = said
        return said

    def plural(self, one: str, many: str, number: int, /, **values: object) -> Markup:
        """The form that fits `number`; `%(n)s` is the number as this language writes it."""
        said = self.words.catalogue.ngettext(one, many, number)
        filled = {name: escape(value) for name, value in values.items()}
        return _closed(said % {"n": self.words.number(number), **filled})

    def date(self, iso: str) -> str:
        """An ISO date as coarse as it is."""
        return self.words.date(iso)

    @lru_cache(maxsize=1024)  # noqa: B019 - there is one object per language, and it stays
    def listed(self, items: tuple[str, ...], *, either: bool = False) -> Markup:
        """`a, b and c`, or with `either` `a, b or c`."""
        return Markup(self.words.listing([str(escape(item)) for item in items], either=either))  # noqa: S704 - escaped one by one

    def some(self, items: tuple[str, ...], most: int) -> Markup:
        """The first `most` of the items, and how many there are besides."""
        rest = len(items) - most
        if rest <= 0:
            return self.listed(items)
        first = Markup(", ").join(items[:most])
        return self.plural(
            "%(first)s and %(n)s more", "%(first)s and %(n)s more", rest, first=first
        )

    def transports(self, transports: tuple[str, ...]) -> Markup:
        """`TCP and UDP`."""
        return self.listed(tuple(map(layer, transports)))

    def layers(self, transports: tuple[str, ...]) -> Markup:
        """The same; a registration without one is for every transport."""
        return self.transports(transports) if transports else self.text("every transport")


def _closed(said: str) -> Markup:
    """A sentence with one full stop, also where what was filled in last has one (Safenet Inc.)."""
    return Markup(said[:-1] if said.endswith(_TWO_STOPS) else said)  # noqa: S704 - filled with escaped text


@cache
def escaped(words: Words) -> Escaped:
    """The HTML sentences of a language, made once."""
    return Escaped(words)


def layer(transport: str) -> str:
    """A transport as it is written in a sentence: `TCP`."""
    return transport.upper() if transport in _TRANSPORTS else transport


def link(place: Place, address: str, text: object) -> Markup:
    """A link to another page of the book; `address` is behind the base, percent-encoded."""
    return Markup('<a href="{}{}{}">{}</a>').format(place.base, address, place.ext, text)


def port_link(base: str, port: int, ext: str) -> Markup:
    """A link to the page of a port, by what stands before and behind its address."""
    return Markup(f'<a href="{base}{port}{ext}">{port}</a>')  # noqa: S704 - our own addresses


def some_ports(words: Escaped, ports: tuple[int, ...], place: Place, most: int) -> Markup:
    """Links to ports, the first `most` of them and how many there are besides.

    Numbers that follow each other are one of them: `6000 to 6063`.
    """
    runs: list[list[int]] = []
    for port in ports:
        if runs and port == runs[-1][-1] + 1:
            runs[-1].append(port)
        else:
            runs.append([port])
    told: list[tuple[Markup, int]] = []
    for run in runs:
        links = [port_link(place.base, port, place.ext) for port in (run[0], run[-1])]
        if len(run) > 2:
            said = words.text("%(first)s to %(last)s", first=links[0], last=links[1])
            told.append((said, len(run)))
        else:
            told += [(each, 1) for each in links[: len(run)]]
    rest = sum(count for _, count in told[most:])
    first = tuple(link for link, _ in told[:most])
    if not rest:
        return words.listed(first)
    return words.plural(
        "%(first)s and %(n)s more", "%(first)s and %(n)s more", rest, first=Markup(", ").join(first)
    )


def outer_link(address: str, text: object) -> Markup:
    """A link for the reader to a place outside of the book; nothing is asked of it here."""
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, text)


def quoted(text: str, most: int = 400) -> Markup:
    """The registry's own words, which are English and not ours."""
    shown = text if len(text) <= most else f"{text[:most].rstrip()} …"
    return Markup('<q lang="en">{}</q>').format(shown)


def part_of_address(text: str) -> str:
    """Text of a registry as one part of an address."""
    return quote(text, safe="")
