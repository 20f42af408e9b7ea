"""HAProxy's configuration: what it binds, and the servers that it leads to."""

import re

from portbook.lint.endpoint import Endpoint, Gathering, endpoint, number
from portbook.lint.reading import Reading
from portbook.lint.source import Source

FORM = "haproxy"

_SECTIONS = frozenset(
    (
        "global",
        "defaults",
        "frontend",
        "backend",
        "listen",
        "peers",
        "resolvers",
        "mailers",
        "ring",
        "userlist",
        "cache",
        "program",
        "http-errors",
        "log-forward",
        "log-profile",
        "fcgi-app",
        "crt-store",
        "traces",
        "acme",
    )
)
# Quotes may stand within a word. One that never closes takes the rest of the line.
_WORD = re.compile(r"(?:\"(?:[^\"\\]|\\.)*+(?:\"|\Z)|'[^']*+(?:'|\Z)|\\.|[^\s\"'\\#]|\\\Z)+|\#")
_FAMILY = re.compile(r"(?:(stream|dgram)\+)?(ipv4|ipv6|tcp|tcp4|tcp6|udp|udp4|udp6|quic4|quic6)@")
_ELSEWHERE = re.compile(r"(?:[a-z0-9]+\+)?(?:unix|abns|abnsz|fd|sockpair|rhttp|uxst|uxdg)@|/")
_PORT_AT_END = re.compile(r"(?P<host>.*):(?P<port>[0-9]{1,7}(?:-[0-9]{1,7})?)")
_DATAGRAM = frozenset(("udp", "udp4", "udp6", "quic4", "quic6"))


def read(source: Source) -> Reading:
    """What a configuration of HAProxy declares."""
    file = _File(source)
    offset = 0
    for line in source.text.split("\n"):
        words = _words(line, offset)
        if words:
            file.take(words)
        offset += len(line) + 1
    file.close()
    found = sorted(file.ports.declared, key=lambda one: (one.place.line, one.place.column))
    return Reading(tuple(found))


def _words(line: str, offset: int) -> list[tuple[str, int]]:
    """The words of a line up to its comment, with their offsets; quotes around one are left out."""
    words = []
    for found in _WORD.finditer(line):
        text, start = found[0], found.start() + offset
        if text == "#":
            break
        if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
            text, start = text[1:-1], start + 1
        words.append((text, start))
    return words


class _File:
    """A configuration as its lines come."""

    def __init__(self, source: Source) -> None:
        self.ports = Gathering(source, FORM, f"haproxy:{source.folder}", "haproxy")
        self._section = ""
        self._name = ""
        self._defaults: str | None = None
        self._mode: str | None = None
        self._binds: list[tuple[str, int, bool]] = []

    def take(self, words: list[tuple[str, int]]) -> None:
        """Take one line."""
        key = words[0][0]
        arguments = words[1:]
        if key in _SECTIONS and not (key == "cache" and self._section):
            self.close()
            self._section, self._name = key, arguments[0][0] if arguments else ""
            self._mode = None if key == "defaults" else self._defaults
            if key in ("frontend", "listen") and len(arguments) > 1:
                self._bind(arguments[1:])  # The old form has the address on the section's line.
        elif not arguments:
            return
        elif key == "mode":
            self._mode = arguments[0][0]
            if self._section == "defaults":
                self._defaults = self._mode
        elif key == "bind" and self._section in ("frontend", "listen", "peers"):
            self._bind(arguments)
        elif key == "dgram-bind" or (key == "bind" and self._section == "log-forward"):
            self._add(arguments[0], "listen", "udp" if key == "dgram-bind" else "tcp")
        elif key == "stats" and self._section == "global" and len(arguments) > 1:
            if arguments[0][0] == "socket":
                self._add(arguments[1], "listen", "tcp", who="stats socket")
        elif key in ("server", "server-template", "default-server"):
            self._server(key, arguments)
        elif key in ("peer", "mailer", "nameserver") and len(arguments) > 1:
            self._add(arguments[1], "client", "udp" if key == "nameserver" else "tcp")

    def _bind(self, arguments: list[tuple[str, int]]) -> None:
        text, start = arguments[0]
        secure = any(word == "ssl" for word, _ in arguments[1:])
        for part in text.split(","):
            self._binds.append((part, start, secure))
            start += len(part) + 1

    def _server(self, key: str, arguments: list[tuple[str, int]]) -> None:
        """`server NAME ADDRESS ... port N`; a template has a number of servers before it."""
        at = {"server": 1, "server-template": 2, "default-server": -1}[key]
        if 0 <= at < len(arguments):
            self._add(arguments[at], "client", "tcp", who=f"{self._section} {self._name}")
        for (word, _), (text, start) in zip(arguments[at + 1 :], arguments[at + 2 :], strict=False):
            if word in ("port", "agent-port"):
                who = f"{self._section} {self._name}" if self._name else self._section
                self.ports.add(start, number(text), "client", f"{who} check")

    def _add(
        self, word: tuple[str, int], role: str, transport: str, *, who: str | None = None
    ) -> None:
        found = _address(word[0])
        if found is not None:
            who = who or f"{self._section} {self._name}".strip()
            self.ports.add(word[1], found[0], role, who, transport=found[1] or transport)

    def close(self) -> None:
        """The end of a section: its mode is known now."""
        binds, self._binds = self._binds, []
        for text, start, secure in binds:
            found = _address(text)
            if found is None:
                continue
            transport = found[1] or "tcp"
            web = self._mode == "http" and transport == "tcp" and self._section != "peers"
            self.ports.add(
                start,
                found[0],
                "listen",
                f"{self._section} {self._name}".strip(),
                transport=transport,
                speaks=("https" if secure else "http") if web else None,
            )


def _address(text: str) -> tuple[Endpoint, str | None] | None:
    """The port of an address, and the transport that its prefix names."""
    if _ELSEWHERE.match(text):
        return None
    family = _FAMILY.match(text)
    begins = family.end() if family else 0
    transport = None
    if family:
        datagram = family[1] == "dgram" or family[2] in _DATAGRAM
        transport = "udp" if datagram else "tcp"
    bare = text[begins:]
    found = endpoint(bare) if ":" in bare else None
    if found is None:
        # IPv6 stands without brackets: `:::80` is every address, and port 80.
        six = _PORT_AT_END.fullmatch(bare)
        if six is None or any(mark in bare for mark in "$[]{}/"):
            return None
        port = number(six["port"])
        if port is None:
            return None
        found = port._replace(host=six["host"] or None, start=six.start("port"))
    return found._replace(start=found.start + begins), transport
