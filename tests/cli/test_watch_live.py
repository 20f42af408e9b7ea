"""`portbook watch` as it happens, in a network namespace of its own with real connections."""

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from live.stage import NOBODY, environment
from test_documents import validator
from traffic.own_network import OwnNetwork, own_network

pytestmark = [
    pytest.mark.live,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]

_PAGE = b"HTTP/1.1 200 OK\r\nServer: bed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


_STARTED: "list[subprocess.Popen[str]]" = []


@pytest.fixture
def network() -> Iterator[OwnNetwork]:
    """A namespace with loopback up; no watch of it outlives the test."""
    with own_network() as made:
        yield made
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


def test_changes_are_told_as_they_come_and_summed_up(network: OwnNetwork) -> None:
    """A line for the client while the watch goes on; Ctrl-C brings the summary and exit code 0."""
    with web_server(network) as port:
        watch = Watch(network, str(port))
        with Caller(fetch, network, port):
            first = watch.line()
        assert "127.0.0.2" in first
        assert " client " in first
        code, out, err = watch.end()
    assert (code, err) == (0, "")
    assert f"{port}: http; 1 source" in out
    assert "the kernel dropped 0" in out
    assert "(interfaces)" in out


def test_a_stream_has_events_and_the_document_last(network: OwnNetwork) -> None:
    """Both sources, the wrong protocol as a probe, every line of its schema."""
    with web_server(network) as port:
        watch = Watch(network, str(port), "--jsonl")
        seen: dict[str, str] = {}
        with Caller(fetch, network, port), Caller(knock, network, port):
            while len(seen) < 2:
                event = json.loads(watch.line())
                validator("traffic-event").validate(event)
                seen[event["source"]["address"]] = event["source"]["verdict"]
        code, out, err = watch.end(signal.SIGTERM)
    assert (code, err) == (0, "")
    document = json.loads(out.splitlines()[-1])
    validator("traffic").validate(document)
    found = {each["address"]: each["verdict"] for each in document["sources"]}
    assert found["127.0.0.2"] == "client"
    assert found["127.0.0.3"] in ("probe", "scan")
    assert document["dropped"] == 0


def test_nobody_came_in_the_time_that_was_given(network: OwnNetwork) -> None:
    """--for ends it: exit code 1, one document and no line before it."""
    watch = Watch(network, "3255", "--for", "1", "--json")
    out, err = watch.process.communicate(timeout=50)
    assert (watch.process.returncode, err) == (1, "")
    document = json.loads(out)
    assert document["sources"] == []
    assert document["ports"][0]["port"] == 3255


def test_one_interface_hears_nothing_of_another(network: OwnNetwork) -> None:
    """A watch of another device does not see what loopback carries."""
    network.ip("link", "add", "quiet0", "type", "veth", "peer", "name", "quiet1")
    network.ip("link", "set", "quiet0", "up")
    with web_server(network) as port:
        watch = Watch(network, str(port), "--interface", "quiet0", "--for", "3", "--json")
        with Caller(fetch, network, port):
            out, _ = watch.process.communicate(timeout=50)
    assert json.loads(out)["sources"] == []


def test_a_stranger_sees_connections_and_is_told_what_not(network: OwnNetwork) -> None:
    """Without CAP_NET_RAW: who holds a connection, exit code 3, and the way to see more."""
    if not _can_run_as_nobody():
        pytest.skip("this Python cannot be entered by other users")
    with network.server("127.0.0.1") as server:
        port = int(server.getsockname()[1])
        with network.client("127.0.0.1") as link:
            link.bind(("127.0.0.2", 0))
            link.connect(("127.0.0.1", port))
            accepted, _ = server.accept()
            link.sendall(b"unread")
            watch = Watch(network, str(port), "--for", "2", "--json", nobody=True)
            out, err = watch.process.communicate(timeout=50)
            accepted.close()
    assert (watch.process.returncode, err) == (3, "")
    document = json.loads(out)
    validator("traffic").validate(document)
    (source,) = document["sources"]
    assert (source["address"], source["verdict"]) == ("127.0.0.2", "client")
    assert source["evidence"][1] == "up to 6 bytes waited to be read or acknowledged"
    assert document["ports"][0]["listening"] is True
    assert "CAP_NET_RAW" in document["incomplete"][0]["why"]
    assert "docs/watch.md" in document["incomplete"][0]["hint"]


def test_a_stranger_is_told_in_text_too(network: OwnNetwork) -> None:
    """The gap is one `incomplete` on stderr; stdout has the answer."""
    if not _can_run_as_nobody():
        pytest.skip("this Python cannot be entered by other users")
    watch = Watch(network, "3255", "--for", "0.5", nobody=True)
    out, err = watch.process.communicate(timeout=50)
    assert watch.process.returncode == 3
    assert err.startswith("incomplete: scans, probes")
    assert out.startswith("3255: no service here; nobody came")


def _can_run_as_nobody() -> bool:
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


def test_an_address_family_of_its_own(network: OwnNetwork) -> None:
    """IPv6 clients are told by their own address."""
    with network.server("::1") as server:
        port = int(server.getsockname()[1])
        watch = Watch(network, f"{port}/tcp", "--jsonl")

        def call() -> None:
            with network.client("::1") as link:
                link.connect(("::1", port))
                accepted, _ = server.accept()
                with accepted:
                    accepted.sendall(b"SSH-2.0-bed\r\n")
                    link.sendall(b"SSH-2.0-client\r\n")
                    accepted.recv(64)
                    link.shutdown(socket.SHUT_WR)

        with Caller(call):
            event = json.loads(watch.line())
        code, _, _ = watch.end()
    assert code == 0
    assert event["source"]["address"] == "::1"
