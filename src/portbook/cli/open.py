"""Open the book that this machine serves in a browser, with what this machine does.

The token goes only to a server of ours or root's: whose it is says the kernel, on the very
connection that it is asked on.
"""

import argparse
import json
import os
import re
import socket
import sys
from urllib.parse import quote

from portbook.cli.render import emit, emit_json, safe
from portbook.host import Host, clock
from portbook.model import EnvironmentFault, PortbookError, Unknown, UsageError, document
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_PATIENCE = 5.0
_MOST_HEAD = 16 << 10
_MOST_BODY = 64 << 10
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,6})\r\n", re.IGNORECASE)
_PATH = re.compile(r"[!-\[\]-~]{0,400}")
_CODE = re.compile(r"[\w-]{20,100}", re.ASCII)
_START = "portbook serve"


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook open`."""
    parser.add_argument("path", metavar="PATH", nargs="?", default="/", help="3255, /here, /map")
    parser.add_argument("--print", action="store_true", help="print the address, open nothing")
    parser.add_argument("--host", metavar="H", help="an address of this machine (loopback)")
    parser.add_argument("--port", metavar="P", help="default: 3255")
    parser.add_argument("--tls", action="store_true", help="it is served with --tls-cert")


class Opened(Record):
    """`url` is good for one minute and one browser; `opened`: a browser was started with it."""

    url: str
    opened: bool


def main(options: argparse.Namespace) -> int:
    """0 when the address is known, whether or not there is a browser.

    Raises:
        EnvironmentFault: nothing listens there, or something else than portbook, or a portbook
            with another token.
        UsageError: no path, port or address.
    """
    from portbook.cli.arguments import port_number

    path = f"/{options.path.removeprefix('/')}"
    if not _PATH.fullmatch(path):
        raise UsageError(f"{path[:100]!r} is no path of the book", hint="portbook open /3255")
    port = 3255 if options.port is None else port_number(options.port)
    url = _address(_hosts(options.host), port, path, tls=options.tls)
    opened = not options.print and open_browser(url)
    if options.json or options.jsonl:
        emit_json(document("open", Opened(url, opened)), line=options.jsonl)
        return 0
    if opened:
        print(f"opened {safe(url.partition('#')[0])}", file=sys.stderr)
        return 0
    emit([url])
    if not options.print:
        print("no browser is known here: open it yourself, within a minute", file=sys.stderr)
    return 0


def _hosts(asked: str | None) -> tuple[str, ...]:
    from portbook.host.names import addresses_of, is_ours

    if asked is None:
        return "127.0.0.1", "::1"
    addresses = addresses_of(asked)
    for address in addresses:
        if not is_ours(address):
            raise UsageError(f"{address} is no address of this machine")
    return addresses


def _address(hosts: tuple[str, ...], port: int, path: str, *, tls: bool) -> str:
    """The address to open, with a one-time code where the server shows this machine."""
    for host in hosts:
        try:
            talk = Talk(host, port, tls=tls)
        except (ConnectionRefusedError, OSError) as error:
            if host != hosts[-1]:
                continue
            where = _place(hosts[0], port)
            if isinstance(error, ConnectionRefusedError):
                raise EnvironmentFault(f"nothing answers on {where}", hint=_START) from None
            raise EnvironmentFault(f"{where}: {error.strerror or error}") from None
        with talk:
            return _entrance(talk, path)
    raise AssertionError("no address")


def _entrance(talk: "Talk", path: str) -> str:
    health = talk.ask("GET", "/healthz")
    if health is None or not health.server.startswith("portbook/"):
        who = _holder_text(talk)
        raise EnvironmentFault(
            f"{talk.place} is held by {who}, which is no portbook that can be asked",
            hint=f"portbook why {talk.port}; with --tls-cert it has to be: portbook open --tls",
        )
    if not health.json().get("live", True):
        return f"{talk.url}{path.removeprefix('/')}"
    from portbook.pages.tokens import default_path, read_token

    file = default_path()
    as_root = os.geteuid() == 0  # may use the token of a service that has a user of its own
    try:
        try:
            kept = read_token(file, foreign=as_root)
        except FileNotFoundError:
            # A server whose data folder was removed puts the file back for who wants to enter.
            talk.ask("GET", "/enter")
            kept = read_token(file, foreign=as_root)
    except FileNotFoundError:
        raise EnvironmentFault(
            f"there is no token in {file}, so the portbook on {talk.place} is somebody else's",
            hint="PORTBOOK_DATA_HOME has to be what it was for portbook serve",
        ) from None
    _require_friend(talk, (0, os.geteuid(), kept.uid))
    reply = talk.ask("POST", "/enter/code", kept.token)
    code = reply.json().get("code") if reply and reply.status == 200 else None
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        said = f"it answered {reply.status}" if reply else "it did not answer"
        raise EnvironmentFault(
            f"the portbook on {talk.place} does not take the token in {file}: {said}",
            hint="PORTBOOK_DATA_HOME has to be what it was for portbook serve; if it is, the token "
            "is newer than that server: start it again",
        )
    return entrance(talk.url, path, code)


def entrance(url: str, path: str, code: str) -> str:
    """The address that lets a browser in and leads it to `path`.

    What is behind # is not sent to any server, and is in no log.
    """
    onward = f"?next={quote(path, safe='/')}" if path != "/" else ""
    return f"{url}enter{onward}#{code}"


def _require_friend(talk: "Talk", uids: tuple[int, ...]) -> None:
    """Let nobody have the token who only waits on the port.

    Raises:
        EnvironmentFault: the server runs as somebody else, or the kernel does not say.
    """
    uid = talk.peer_uid()
    if uid in uids:
        return
    who = "nobody can say whom" if uid is None else f"user {Host().user(uid)}"
    raise EnvironmentFault(
        f"the server on {talk.place} belongs to {who}; it is not given the token",
        hint=f"{talk.url}enter takes the token by hand",
    )


def _holder_text(talk: "Talk") -> str:
    from portbook.cli.serve import holder

    return holder(talk.host, talk.port)


def is_portbook(host: str, port: int) -> bool:
    """Whether a portbook answers there, in plain HTTP."""
    try:
        with Talk(host, port, patience=1.0) as talk:
            reply = talk.ask("GET", "/healthz")
    except OSError:
        return False
    return reply is not None and reply.server.startswith("portbook/")


def open_browser(url: str) -> bool:
    """Open the user's browser; false where there is none that has a window of its own."""
    windows = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in windows):
        # webbrowser would start a text browser in this terminal.
        return False
    import webbrowser

    try:
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Reply(Record):
    """What a server answered; `server` is that header."""

    status: int
    server: str
    body: bytes

    def json(self) -> "dict[str, object]":
        """The body as an object; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Talk:
    """Requests over one connection, all of them within `patience` seconds.

    Raises:
        OSError: nothing answers there.
    """

    def __init__(
        self, host: str, port: int, *, tls: bool = False, patience: float = _PATIENCE
    ) -> None:
        self.host = host
        self.port = port
        self.place = _place(host, port)
        self.url = f"{'https' if tls else 'http'}://{self.place}/"
        self._until = clock.monotonic() + patience
        made = socket.create_connection((host, port), timeout=patience)
        self._ends = made.getsockname()[:2], made.getpeername()[:2]
        if tls:
            import ssl

            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            # It is this machine, and whose server it is says the kernel, not a certificate.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            made = context.wrap_socket(made)
        self._socket = made

    def ask(self, method: str, path: str, token: str = "") -> Reply | None:
        """One request without a body; None where the answer is no HTTP, or too late or long."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.place}", "Accept: application/json"]
        if method == "POST":
            lines += ["Content-Type: application/json", "Content-Length: 0"]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        try:
            self._socket.sendall("\r\n".join((*lines, "", "")).encode())
            return self._reply()
        except (OSError, ValueError):
            return None

    def _reply(self) -> Reply | None:
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._more()
            if len(got) > _MOST_HEAD:
                return None
        head, _, body = got.partition(b"\r\n\r\n")
        found = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
        length = _LENGTH.search(head + b"\r\n")
        if found is None or length is None or int(length[1]) > _MOST_BODY:
            return None
        while len(body) < int(length[1]):
            body += self._more()
        server = re.search(rb"\r\nserver: *([!-~ ]{1,100})\r\n", head + b"\r\n", re.IGNORECASE)
        return Reply(int(found[1]), server[1].decode() if server else "", body)

    def _more(self) -> bytes:
        self._socket.settimeout(max(0.001, self._until - clock.monotonic()))
        if clock.monotonic() > self._until or not (data := self._socket.recv(4096)):
            raise ValueError("no more")
        return data

    def peer_uid(self) -> int | None:
        """The user id of the process that accepted this connection, by the kernel's table."""
        from portbook.sockets import read_table

        (address, number), (there, port) = self._ends
        try:
            table = read_table(Host(), port=port, every_state=True)
        except PortbookError:
            return None
        peers = {f"{each}{address}:{number}" for each in ("", "::ffff:")}
        for row in table.sockets:
            if row.peer in peers and row.address.removeprefix("::ffff:") == there:
                return None if isinstance(row.uid, Unknown) else row.uid
        return None

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()
