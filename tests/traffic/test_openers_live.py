"""Clients of the standard library, heard by a silent listener of this test."""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable

import pytest

from portbook.model.traffic import Opener
from portbook.traffic.openers import recognise

pytestmark = pytest.mark.live


def _heard(call: Callable[[int], object]) -> Opener:
    """What a client says first to a listener that says nothing and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        port = listener.getsockname()[1]

        def client() -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                call(port)

        started = threading.Thread(target=client)
        started.start()
        line, _ = listener.accept()
        with line:
            line.settimeout(20)
            data = line.recv(4096)
        started.join(20)
    return recognise("tcp", data, port)


def _secure(port: int) -> None:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", port), 20) as plain:
        context.wrap_socket(plain, server_hostname="a.example")


def _web(port: int) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    line.request("GET", "/x", headers={"User-Agent": "zgrab/0.x"})
    line.getresponse()


def test_tls() -> None:
    """The name and the protocols that a real hello asks for."""
    found = _heard(_secure)
    told = dict(found.details)
    assert (found.protocol, found.confidence) == ("tls", "certain")
    assert (told["sni"], told["alpn"]) == ("a.example", "h2,http/1.1")
    assert told["version"] in ("TLS 1.2", "TLS 1.3")


def test_http() -> None:
    """The request, its host, and who says it."""
    found = _heard(_web)
    told = dict(found.details)
    assert (found.protocol, found.tool) == ("http", "zgrab")
    assert told["request"] == "GET /x HTTP/1.1"
    assert told["host"].startswith("127.0.0.1:")
