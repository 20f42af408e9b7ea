"""A real `portbook serve` with claims, that a test may kill and start again, and ways to ask it."""

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple


class Said(NamedTuple):
    """An answer; names of headers are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return str(self.document["error"]["code"])

    @property
    def claim(self) -> Any:
        """The first claim of an answer to POST /v1/claims."""
        assert self.status == 201, self.body
        return self.document["claims"][0]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self._path)


class Claims:
    """The service on the data folder `home`; `kill` and `start` may follow each other."""

    def __init__(self, home: Path, *options: str, env: dict[str, str] | None = None) -> None:
        self.home = home
        self.options = options
        self.environment = {**os.environ, "PORTBOOK_DATA_HOME": str(home), **(env or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.told: dict[str, Any] = {}

    @property
    def log(self) -> str:
        """What it said on stderr."""
        return (self.home / "serve.log").read_text()

    @property
    def token(self) -> str:
        """The token of its TCP port."""
        return (self.home / "token").read_text().strip()

    @property
    def pid(self) -> int:
        """Of the running service."""
        assert self.process is not None
        return self.process.pid

    def start(self, *options: str, argv: tuple[str, ...] = ()) -> None:
        """Start it and wait until it answers."""
        port = str(self.port)
        command = [*argv, sys.executable, "-m", "portbook", "serve", "--port", port, "--json"]
        with (self.home / "serve.log").open("ab") as errors:
            self.process = subprocess.Popen(
                [*command, *self.options, *options],
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self.environment,
            )
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        line = self.process.stdout.readline() if ready else b""
        assert line, f"the service did not start: {self.log}"
        self.told = json.loads(line)
        self.port = int(self.told["url"].rstrip("/").rpartition(":")[2])

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal; the exit code."""
        process, self.process = self.process, None
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            assert process.stdout is not None
            process.stdout.close()

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self.end(signal.SIGKILL)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        unix: bool = False,
        known: bool = True,
        **headers: str,
    ) -> Said:
        """One request on a connection of its own; `_` in the name of a header is a dash."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if known and not unix:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        text = None
        if body is not None:
            text = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        link: http.client.HTTPConnection
        if unix:
            link = _UnixConnection(self.told["socket"])
        else:
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            link.request(method, path, text, sent)
            answer = link.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Said(answer.status, told, answer.read())
        finally:
            link.close()

    def claim(self, **fields: Any) -> Said:
        """POST /v1/claims."""
        return self.ask("POST", "/v1/claims", fields)

    def connect(self) -> socket.socket:
        """A connection to its TCP port."""
        return socket.create_connection(("127.0.0.1", self.port), 15)

    def raw(self, method: str, path: str, body: bytes = b"", *extra: str) -> bytes:
        """A request as bytes, with the token."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"Authorization: Bearer {self.token}", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(body)}", *extra, "", ""]
        return "\r\n".join(lines).encode() + body


@contextmanager
def serving_claims(
    home: Path, *options: str, env: dict[str, str] | None = None
) -> Iterator[Claims]:
    """The service, ended by SIGTERM; the test fails where it printed a traceback."""
    made = Claims(home, *options, env=env)
    try:
        made.start()
        yield made
    finally:
        made.end()
    assert "Traceback" not in made.log


def one_answer(link: socket.socket, seconds: float = 10.0) -> Said:
    """The next whole answer on a connection, and nothing behind it."""
    until = time.monotonic() + seconds
    got = b""
    while b"\r\n\r\n" not in got:
        got += _more(link, until)
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    while len(body) < int(fields["content-length"]):
        body += _more(link, until)
    return Said(int(first.split()[1]), fields, body)


def _more(link: socket.socket, until: float) -> bytes:
    link.settimeout(max(0.01, until - time.monotonic()))
    part = link.recv(65536)
    if not part:
        raise ConnectionResetError("it hung up")
    return part


def until(true: Any, seconds: float = 5.0) -> float:
    """Wait until `true()` is; how long that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it did not happen"
        time.sleep(0.01)
    return time.monotonic() - began
