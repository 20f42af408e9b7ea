"""Caddyfiles: the addresses of sites, the global ports, and where requests are passed on."""

import re

from portbook.lint.caddy_syntax import Word, lines
from portbook.lint.endpoint import Endpoint, Gathering, endpoint, number
from portbook.lint.reading import Fault, Reading
from portbook.lint.source import Source

FORM = "caddyfile"

_SCHEME = re.compile(r"([a-z][a-z0-9+]*)://")
_PASSES = frozenset(("reverse_proxy", "php_fastcgi", "forward_auth"))
_GLOBAL = {"http_port": "http", "https_port": "https"}
_DEFAULT = re.compile(r"\{\$\w+:([^{}]*)\}")


class _Site:
    """One site while its block is open.

    `addresses` are (offset, port, scheme, host); a host that a variable gives is `{$`.
    """

    def __init__(self) -> None:
        self.addresses: list[tuple[int, Endpoint, str | None, str]] = []
        self.bind: str | None = None
        self.unix = False
        self.tls = False


def read(source: Source) -> Reading:
    """What a Caddyfile declares."""
    file = _File(source)
    last = 0
    for words in lines(source.text):
        file.take(words)
        last = words[0].start
    file.close()
    faults: tuple[Fault, ...] = ()
    if file.open:
        line = source.place(last, 1).line
        faults = (Fault(line, "a block never closes"),)
    found = sorted(file.ports.declared, key=lambda one: (one.place.line, one.place.column))
    return Reading(tuple(found), (), faults)


class _File:
    """A Caddyfile as its lines come.

    Attributes:
        ports: what was found.
        open: the first words of the blocks that are open, the outermost first.
    """

    def __init__(self, source: Source) -> None:
        self.ports = Gathering(source, FORM, f"caddy:{source.folder}", "caddy")
        self.open: list[str] = []
        self._site: _Site | None = None
        self._names: list[Word] = []
        self._bind: str | None = None
        self._automatic = True
        self._loose = False

    def take(self, words: list[Word]) -> None:
        """Take one line."""
        closing = 0
        for word in words:
            if not word.bare or word.text != "}":
                break
            closing += 1
            if self.open:
                self.open.pop()
            if not self.open:
                self.close()
        words = words[closing:]
        if not words:
            return
        opens = words[-1].bare and words[-1].text == "{"
        if opens:
            words = words[:-1]
        if self.open or self._loose:
            self._directive(words)
            if opens:
                self.open.append(words[0].text if words else "")
        else:
            self._top(words, opens=opens)

    def _top(self, words: list[Word], *, opens: bool) -> None:
        """The addresses of a site; a comma at a line's end goes on in the next."""
        self._names += words
        if opens:
            first = self._names[0].text if self._names else ""
            if not first:
                self.open.append("{")
            elif first.startswith(("(", "&(")):
                self.open.append("(")
            else:
                self.open.append("site")
                self._begin()
            self._names = []
        elif words[-1].text.endswith(","):
            return
        elif words[0].text == "import":
            self._names = []
        else:
            # A file of one site needs no braces: all that follows is the site's.
            self._loose = True
            self._begin()
            self._names = []

    def _begin(self) -> None:
        self._site = _Site()
        for word in self._names:
            # Addresses may be joined by commas without spaces.
            start = word.start
            for text in word.text.split(","):
                self._address(text, start)
                start += len(text) + 1

    def _address(self, text: str, start: int) -> None:
        text, start, scheme = _bare(text, start)
        found = endpoint(text.partition("/")[0])
        if found is not None and self._site is not None and ":" in text:
            host = "{$" if text.startswith("{$") else found.host or ""
            self._site.addresses.append((start, found, scheme, host))

    def _directive(self, words: list[Word]) -> None:
        if not words:
            return
        name, first = words[0].text, words[1] if len(words) > 1 else None
        if self.open[:1] == ["{"]:
            if len(self.open) == 1 and first is not None:
                self._option(name, first)
        elif name in _PASSES:
            for word in words[1:]:
                self._upstream(name, word)
        elif name == "to" and self.open and self.open[-1] in _PASSES:
            for word in words[1:]:
                self._upstream(self.open[-1], word)
        elif name == "health_port" and first is not None and self.open[-1:] == ["reverse_proxy"]:
            self.ports.add(first.start, number(first.text), "client", name)
        elif self._site is not None and first is not None and len(self.open) <= 1:
            if name == "bind":
                self._site.bind = _host(first.text)
                self._site.unix = first.text.startswith(("unix/", "fd/"))
            elif name == "tls":
                self._site.tls = True

    def _option(self, name: str, first: Word) -> None:
        if name in _GLOBAL:
            found = number(first.text)
            self.ports.add(first.start, found, "listen", name, speaks=_GLOBAL[name])
        elif name == "admin":
            text, start, _ = _bare(first.text, first.start)
            found = endpoint(text) if ":" in text else None
            self.ports.add(start, found, "listen", name, speaks="http")
        elif name == "default_bind":
            self._bind = _host(first.text)
        elif name == "auto_https":
            self._automatic = first.text != "off"

    def _upstream(self, name: str, word: Word) -> None:
        """`host:port`, with a scheme or without; paths, matchers and placeholders are none."""
        text, start, _ = _bare(word.text, word.start)
        if ":" in text:
            self.ports.add(start, endpoint(text), "client", name)

    def close(self) -> None:
        """The end of a site: what its block says of all its addresses is known now."""
        site, self._site = self._site, None
        if site is None or site.unix:
            return
        for start, found, scheme, host in site.addresses:
            self.ports.add(
                start,
                # A site's host is a name that is asked for, no address that is bound.
                found._replace(host=None),
                "listen",
                f"site {host}" if host not in ("", "{$") else "site",
                address=site.bind or self._bind,
                speaks=self._speaks(site, found, scheme, host),
            )

    def _speaks(self, site: _Site, found: Endpoint, scheme: str | None, host: str) -> str | None:
        if scheme in ("http", "https"):
            return scheme
        if site.tls or found.first == 443:
            return "https"
        if not host or found.first == 80:
            return "http"
        # With a name Caddy gets a certificate; whether a variable is one nobody can tell.
        return "https" if self._automatic and host != "{$" else None


def _bare(text: str, start: int) -> tuple[str, int, str | None]:
    """An address without its scheme, and that; what stands in a variable's default as itself."""
    default = _DEFAULT.fullmatch(text)
    if default:
        text, start = default[1], start + default.start(1)
    scheme = _SCHEME.match(text)
    if scheme:
        return text[scheme.end() :], start + scheme.end(), scheme[1]
    return text, start, None


def _host(text: str) -> str | None:
    return text.strip("[]") if "{" not in text and "/" not in text else None
