"""A running `portbook watch` in a network namespace of the test's, and who calls while it runs."""

import os
import pwd
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from live.stage import NOBODY, environment
from traffic.own_network import OwnNetwork, own_network

_PAGE = b"HTTP/1.1 200 OK\r\nServer: bed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

_STARTED: "list[subprocess.Popen[str]]" = []

IN_A_NETWORK = [
    pytest.mark.live,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
"""Marks of tests that make a network namespace."""


@contextmanager
def watched_network() -> Iterator[OwnNetwork]:
    """A namespace with loopback up; no watch of it outlives the block."""
    with own_network() as made:
        try:
            yield made
        finally:
            while _STARTED:
                process = _STARTED.pop()
                process.kill()
                process.communicate()


@contextmanager
def web_server(network: OwnNetwork) -> Iterator[int]:
    """A server of one page; its port."""
    with network.server("127.0.0.1") as listening:
        ended = threading.Event()
        listening.settimeout(0.2)

        def serve() -> None:
            while not ended.is_set():
                try:
                    link, _ = listening.accept()
                except TimeoutError:
                    continue
                with link:
                    link.settimeout(5)
                    link.recv(4096)
                    link.sendall(_PAGE)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            ended.set()
            thread.join()


class Watch:
    """A running `portbook watch` inside the namespace; its stdout comes line by line."""

    def __init__(self, network: OwnNetwork, *arguments: str, nobody: bool = False) -> None:
        become = ("setpriv", f"--reuid={NOBODY}", "--clear-groups", "--inh-caps=-all")
        argv = [*(become if nobody else ()), sys.executable, "-m", "portbook", "watch", *arguments]
        self.process: subprocess.Popen[str] = network(
            subprocess.Popen,
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        _STARTED.append(self.process)

    def line(self) -> str:
        """The next line of stdout."""
        assert self.process.stdout
        return self.process.stdout.readline()

    def ready(self) -> None:
        """Wait until it says that it watches."""
        assert self.process.stderr
        assert self.process.stderr.readline().startswith("watching ")

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """End it as Ctrl-C does; its exit code, and what else it said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=50)
        return self.process.returncode, out, err


def fetch(network: OwnNetwork, port: int, source: str = "127.0.0.2") -> None:
    """A page, as a client gets it."""
    with network.client("127.0.0.1") as link:
        link.bind((source, 0))
        link.connect(("127.0.0.1", port))
        link.sendall(b"GET / HTTP/1.1\r\nHost: bed\r\n\r\n")
        while link.recv(4096):
            pass


def knock(network: OwnNetwork, port: int, source: str = "127.0.0.3") -> None:
    """A TLS hello to whoever is there, which is a wrong protocol for a server of pages."""
    with network.client("127.0.0.1") as link:
        link.bind((source, 0))
        link.connect(("127.0.0.1", port))
        link.sendall(b"\x16\x03\x01\x00\x2d\x01\x00\x00\x29\x03\x03" + bytes(39))
        while link.recv(4096):
            pass


class Caller:
    """Calls again and again until it is told to stop: the watch may have begun late."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(call, arguments))

    def _run(self, call: Any, arguments: tuple[Any, ...]) -> None:
        while not self._ended.wait(0.1):
            call(*arguments)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_raised: object) -> None:
        self._ended.set()
        self._thread.join()


def can_run_as_nobody() -> bool:
    """Whether the user nobody can start this Python and read the package."""
    assert pwd.getpwuid(NOBODY)
    argv = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", sys.executable]
    try:
        done = subprocess.run(
            [*argv, "-c", "import portbook"], env=environment(), capture_output=True, timeout=50
        )
    except OSError:
        return False
    return done.returncode == 0
