"""A real `portbook serve` of the test's own, on a port that the kernel chose."""

import http.client
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Reply(NamedTuple):
    """One answer of the server; names of headers are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Serving(NamedTuple):
    """A server that runs: `url` ends in a slash."""

    url: str
    process: "subprocess.Popen[bytes]"
    token_file: Path
    environment: dict[str, str]

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return urlsplit(self.url).port or 0

    @property
    def token(self) -> str:
        """The token that opens the live parts."""
        return self.token_file.read_text().strip()

    def enter(self, path: str = "/") -> str:
        """An address that lets a browser in once, as `portbook open` makes it."""
        argv = [sys.executable, "-m", "portbook", "open", "--print", "--port", str(self.port), path]
        done = subprocess.run(
            argv, capture_output=True, env=self.environment, timeout=30, check=True, text=True
        )
        return done.stdout.strip()

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        *,
        known: bool = False,
        **headers: str,
    ) -> Reply:
        """One request over a connection of its own; `_` in the name of a header is a dash."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if known:
            sent["Authorization"] = f"Bearer {self.token}"
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            link.request(method, path, body, sent)
            answer = link.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, told, answer.read())
        finally:
            link.close()


@contextmanager
def serving(
    home: Path, *options: str, env: dict[str, str] | None = None, quiet: bool = True
) -> Iterator[Serving]:
    """`portbook serve --port 0` with `home` as its data folder, ended by SIGTERM.

    With `quiet` the test fails where the server printed a traceback.
    """
    environment = {**os.environ, "PORTBOOK_DATA_HOME": str(home), **(env or {})}
    argv = [sys.executable, "-m", "portbook", "serve", "--port", "0", "--json", *options]
    log = home / "serve.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors, env=environment)
    assert process.stdout is not None
    try:
        ready, _, _ = select.select([process.stdout], [], [], 30)
        line = process.stdout.readline() if ready else b""
        assert line, f"the server did not start: {log.read_text()}"
        told = json.loads(line)
        yield Serving(told["url"], process, Path(told["token_file"] or "/none"), environment)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
    if quiet:
        assert "Traceback" not in log.read_text()
