"""Every socket of contrib/portbook.socket, passed as systemd passes them, is answered on."""

import json
import os
import secrets
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pages.serving import serving
from portbook.claims.datagram import heartbeat_request, read_reply, status_request

pytestmark = pytest.mark.live

_EXEC = (
    "import os, sys\n"
    "for at, fd in enumerate(map(int, sys.argv[1].split(','))):\n"
    "    os.dup2(fd, 3 + at)\n"
    "os.environ['LISTEN_PID'] = str(os.getpid())\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'portbook', 'serve', '--json'])\n"
)


@pytest.fixture
def passed(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A service that was passed TCP, UDP, a Unix socket and a portserver's."""
    name = f"portbook-passed-{secrets.token_hex(6)}"
    tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    path, named = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    tcp.bind(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    udp.bind(("127.0.0.1", port))
    path.bind(str(tmp_path / "unix.sock"))
    named.bind(f"\0{name}")
    links = (tcp, udp, path, named)
    for each in (tcp, path, named):
        each.listen()
    # Above those that they are moved to, or one would overwrite another.
    fds = [os.dup2(each.fileno(), 50 + at) for at, each in enumerate(links)]
    process = subprocess.Popen(
        [sys.executable, "-c", _EXEC, ",".join(map(str, fds))],
        env={**os.environ, "PORTBOOK_DATA_HOME": str(tmp_path), "LISTEN_FDS": str(len(fds))},
        pass_fds=fds,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        for each in links:
            each.close()
        for fd in fds:
            os.close(fd)
        assert select.select([process.stdout], [], [], 30)[0]
        told = json.loads(process.stdout.readline())
        yield {**told, "port": port, "name": name, "path": str(tmp_path / "unix.sock")}
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stdout.close()


def test_all_four_are_answered_on(passed: dict[str, Any]) -> None:
    """HTTP on both streams, a datagram, and a line of portpicker's."""
    assert passed["addresses"] == [f"127.0.0.1:{passed['port']}", f"unix:{passed['path']}"]
    assert passed["socket"] is None
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(20)
        link.connect(passed["path"])
        link.sendall(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert link.recv(100).startswith(b"HTTP/1.1 200 ")
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(20)
        link.connect(f"\0{passed['name']}")
        link.sendall(b"\n")
        number = int(link.recv(100))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(20)
        link.connect(("127.0.0.1", passed["port"]))
        link.send(status_request("udp", number, b"12345678"))
        told = read_reply(link.recv(100))
    assert told is not None
    assert (told.state, told.uid, told.port) == ("reserved", os.getuid(), number)


def test_recorded_heartbeat_is_of_no_use_after_a_restart(tmp_path: Path) -> None:
    """The highest seq is kept with the claim; a good one is answered by the next service."""
    with serving(tmp_path) as first:
        reply = first.ask("/v1/claims", "POST", b"{}", known=True, Content_Type="application/json")
        claim = reply.document["claims"][0]
        secret = bytes.fromhex(claim["secret"])
        sent = [
            heartbeat_request(claim["id"], claim["token"], seq, b"12345678", secret)
            for seq in (7, 8)
        ]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(20)
            link.connect(("127.0.0.1", first.port))
            for each in sent:
                link.send(each)
                told = read_reply(link.recv(100))
                assert told is not None
                assert told.state == "reserved"
        first.process.kill()
        first.process.wait()
    with serving(tmp_path) as second, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(20)
        link.connect(("127.0.0.1", second.port))
        for each in sent:
            link.send(each)
        path = f"/v1/claims/{claim['id']}?token={claim['token']}"
        link.send(heartbeat_request(claim["id"], claim["token"], 9, b"the last", secret))
        assert link.recv(100)[8:16] == b"the last"
        assert second.ask(path, "DELETE", known=True).document == {"released": True}
        link.send(heartbeat_request(claim["id"], claim["token"], 10, b"too late", secret))
        told = read_reply(link.recv(100))
    assert told is not None
    assert told.state == "lost"
