"""nginx's configuration: what its servers listen on, and where they pass requests on."""

import re

from portbook.lint.block_syntax import Broken, Statement, Word, statements
from portbook.lint.endpoint import Gathering, endpoint
from portbook.lint.reading import Fault, Reading
from portbook.lint.source import Source

FORM = "nginx"

# Only what could have a number; bounded, so that a line of a megabyte costs a megabyte.
_OURS = re.compile(
    # In an .ini file a line that begins with `;` is a comment, and `listen =` is PHP's.
    r"(?:^|[^\s;#][ \t]{0,20}[;{])[ \t]{0,100}"
    r"(?:listen|(?:proxy|fastcgi|grpc|uwsgi|scgi|memcached)_pass)"
    r"[ \t]{1,50}(?!=)[^;{}\n]{1,300};"
    r"|^[ \t]{0,100}upstream[ \t]{1,50}[^\s;{}]{1,200}\s{0,50}\{",
    re.MULTILINE,
)
_PASSES = frozenset(
    ("proxy_pass", "fastcgi_pass", "grpc_pass", "uwsgi_pass", "scgi_pass", "memcached_pass")
)
_WEB = frozenset(
    (
        "server_name",
        "location",
        "root",
        "index",
        "try_files",
        "fastcgi_pass",
        "add_header",
        "error_page",
        "rewrite",
        "client_max_body_size",
    )
)
"""Directives that only a server of `http` has, for files that stand in its place by `include`."""
_ENTRY = re.compile(r"^[a-z]+://")


class _Server:
    """One `server` block while it is open."""

    def __init__(self) -> None:
        self.listens: list[tuple[Word, tuple[str, ...]]] = []
        self.name: str | None = None
        self.web = False
        self.ssl = False


def wants(source: Source) -> bool:
    """Whether a statement of nginx that may have a port is in it; many programs have a .conf."""
    return _OURS.search(source.text) is not None


def read(source: Source) -> Reading:
    """What a configuration of nginx declares."""
    file = _File(source)
    faults = []
    try:
        for each in statements(source.text):
            file.take(each)
    except Broken as broken:
        line = source.place(broken.start, 1).line
        faults.append(Fault(line, f"not read from here on: {broken}"))
    file.close_all()
    found = sorted(file.ports.declared, key=lambda one: (one.place.line, one.place.column))
    return Reading(tuple(found), (), tuple(faults))


class _File:
    """A configuration as its statements come."""

    def __init__(self, source: Source) -> None:
        self.ports = Gathering(source, FORM, f"nginx:{source.folder}", "nginx")
        self._blocks: list[tuple[str, str]] = []
        self._servers: list[_Server] = []

    def take(self, each: Statement) -> None:
        """Take one statement."""
        if each.ends == "}":
            if self._blocks and self._blocks.pop()[0] == "server" and self._servers:
                self._close(self._servers.pop())
            return
        name = each.words[0].text if each.words else ""
        server = self._servers[-1] if self._servers else None
        if server is not None and name in _WEB:
            server.web = True
        if each.ends == "{":
            argument = each.words[1].text if len(each.words) > 1 else ""
            self._blocks.append((name, argument))
            if name == "server":
                self._servers.append(_Server())
        elif len(each.words) > 1:
            self._statement(name, each.words, server)

    def _statement(self, name: str, words: tuple[Word, ...], server: _Server | None) -> None:
        inside, argument = self._blocks[-1] if self._blocks else ("", "")
        if server is not None and name == "listen":
            server.listens.append((words[1], tuple(word.text for word in words[2:])))
        elif server is not None and name == "ssl":
            server.ssl = words[1].text == "on"
        elif server is not None and name == "server_name" and server.name is None:
            server.name = words[1].text if words[1].text not in ("_", "") else None
        elif name == "server" and inside == "upstream":
            self.ports.add(
                words[1].start, endpoint(words[1].text), "client", f"upstream {argument}"
            )
        elif name in _PASSES:
            self._pass(name, words[1])

    def _pass(self, name: str, target: Word) -> None:
        """`http://host:port/path`, or `host:port` alone; an `upstream` has no port here."""
        if server := self._servers[-1] if self._servers else None:
            # `proxy_pass` of a stream has no scheme.
            server.web = server.web or target.text.startswith(("http://", "https://"))
        text, start = target
        scheme = _ENTRY.match(text)
        if scheme:
            start += scheme.end()
            text = text[scheme.end() :].partition("/")[0]
        if ":" in text:
            self.ports.add(start, endpoint(text), "client", name)

    def _close(self, server: _Server) -> None:
        around = {name for name, _ in self._blocks}
        web = "http" in around or (server.web and not around & {"stream", "mail"})
        who = f"server {server.name}" if server.name else "server"
        for word, options in server.listens:
            if word.text.startswith("unix:"):
                continue
            quic = "quic" in options or "http3" in options
            secure = server.ssl or "ssl" in options
            self.ports.add(
                word.start,
                endpoint(word.text),
                "listen",
                who,
                transport="udp" if quic or "udp" in options else "tcp",
                speaks=("https" if secure else "http") if web and not quic else None,
            )

    def close_all(self) -> None:
        """The servers that a broken file leaves open."""
        while self._servers:
            self._close(self._servers.pop())
