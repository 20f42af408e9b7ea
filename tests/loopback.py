"""A real HTTP server on loopback that misbehaves on request, for tests of what downloads."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple

LAST_MODIFIED = "Mon, 20 Apr 2026 08:00:00 GMT"


class Seen(NamedTuple):
    """One request as it arrived."""

    path: str
    headers: dict[str, str]


class Server(ThreadingHTTPServer):
    """Serves `body` in the manner that the path names; `seen` are the requests so far."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body = b""
        self.etag = '"one"'
        self.seen: list[Seen] = []

    def handle_error(self, *_arguments: object) -> None:
        """Say nothing of clients that leave early: they are what is tested."""

    def address(self, path: str, scheme: str = "http") -> str:
        """The address of `path` here."""
        return f"{scheme}://127.0.0.1:{self.server_port}/{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer in the manner of the path's first part."""
        self.server.seen.append(Seen(self.path, dict(self.headers)))
        self.close_connection = True
        manner, _, rest = self.path.removeprefix("/").partition("/")
        getattr(self, f"_{manner}")(rest)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _whole(self, _rest: str) -> None:
        """The body, or 304 if the client has it already."""
        validators = {"ETag": self.server.etag, "Last-Modified": LAST_MODIFIED}
        if self.headers.get("If-None-Match") == self.server.etag:
            self._head(304, validators)
        else:
            self._head(200, {"Content-Length": str(len(self.server.body)), **validators})
            self.wfile.write(self.server.body)

    def _since(self, _rest: str) -> None:
        """The same with a date only."""
        if self.headers.get("If-Modified-Since") == LAST_MODIFIED:
            self._head(304, {})
        else:
            self._head(200, {"Last-Modified": LAST_MODIFIED})
            self.wfile.write(self.server.body)

    def _endless(self, _rest: str) -> None:
        """No length; the end of the connection is the end of the body."""
        self._head(200, {})
        self.wfile.write(self.server.body)

    def _chunked(self, cut: str) -> None:
        """Chunks of 1000 bytes; with `cut` the last ones are missing."""
        self._head(200, {"Transfer-Encoding": "chunked"})
        body = self.server.body[: len(self.server.body) // 2] if cut else self.server.body
        for start in range(0, len(body), 1000):
            piece = body[start : start + 1000]
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if not cut:
            self.wfile.write(b"0\r\n\r\n")

    def _cut(self, _rest: str) -> None:
        """Half of what was announced."""
        self._head(200, {"Content-Length": str(len(self.server.body))})
        self.wfile.write(self.server.body[: len(self.server.body) // 2])

    def _announce(self, length: str) -> None:
        """A length, and the body."""
        self._head(200, {"Content-Length": length})
        self.wfile.write(self.server.body)

    def _encoded(self, coding: str) -> None:
        """A content coding that nobody asked for."""
        self._head(200, {"Content-Encoding": coding, "Content-Length": "3"})
        self.wfile.write(b"zip")

    def _status(self, code: str) -> None:
        """A status with a phrase that would like to be printed."""
        self.send_response(int(code), "Fine\x1b[31m")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _to(self, address: str) -> None:
        """A redirect to a path here or to an address."""
        self._head(302, {"Location": address if ":" in address else f"/{address}"})

    def _loop(self, number: str) -> None:
        """A redirect to the next of endless redirects."""
        self._head(302, {"Location": f"/loop/{int(number) + 1}"})

    def _silent(self, _rest: str) -> None:
        """Nothing for a while."""
        time.sleep(1.5)

    def _drip(self, _rest: str) -> None:
        """A byte now and then, for ever."""
        self._head(200, {"Content-Length": "1000000"})
        try:
            for _ in range(100):
                self.wfile.write(b"a")
                time.sleep(0.02)
        except OSError:
            pass

    def _garbage(self, _rest: str) -> None:
        """No HTTP at all."""
        self.wfile.write(b"\x00\x01 hello\r\n\r\n")

    def _etag(self, _rest: str) -> None:
        """Validators that would break a header or a table."""
        self._head(200, {"ETag": "x" * 5000, "Last-Modified": "caf\xe9", "Content-Length": "0"})


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server at work, and gone at the end."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
