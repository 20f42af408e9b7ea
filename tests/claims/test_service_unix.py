"""The Unix socket of the service: who is there, sockets handed over, files left and found."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claims.serving_claims import Claims, one_answer, serving_claims, until
from free_ports import free_port

pytestmark = pytest.mark.live

NOBODY = 65534


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Claims]:
    """One service for these tests."""
    with serving_claims(tmp_path_factory.mktemp("unix")) as made:
        yield made


def test_the_kernel_says_who_asks(service: Claims) -> None:
    """No token is needed, and the socket is the user's alone."""
    said = service.ask("POST", "/v1/claims", {"name": "by socket"}, unix=True)
    assert said.claim["owner"]["uid"] == os.getuid()
    assert stat.S_IMODE(os.stat(service.told["socket"]).st_mode) == 0o600


def test_what_was_passed_on_needs_the_token(service: Claims) -> None:
    """Behind a proxy the other end of the socket is not who asks."""
    for field in ("Forwarded", "Via", "X_Forwarded_For", "Cookie", "Origin", "Sec_Fetch_Site"):
        value = "http://localhost" if field == "Origin" else "none"
        more: dict[str, Any] = {field: value}
        said = service.ask("POST", "/v1/claims", {}, unix=True, **more)
        assert said.status in (401, 403), field
    assert service.ask("POST", "/v1/claims", {}, unix=True, Host="evil.example").status == 421


def _fetched(service: Claims, claim: dict[str, Any]) -> tuple[bytes, list[int]]:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(service.told["socket"])
        body = b'{"token":%d}' % claim["token"]
        path = f"/v1/claims/{claim['id']}/fd"
        link.sendall(service.raw("POST", path, body).replace(b"Authorization", b"X-None"))
        data, fds, _, _ = socket.recv_fds(link, 65536, 4)
        return data, fds


def test_a_held_port_is_handed_over(service: Claims) -> None:
    """Bound from the claim on, so nobody gets it by chance; then it is the client's to listen."""
    port = free_port()
    claim = service.claim(port=port, hold=True, ttl_ms=60_000).claim
    with socket.socket() as thief, pytest.raises(OSError, match="in use"):
        thief.bind(("127.0.0.1", port))
    bad = service.ask("POST", f"/v1/claims/{claim['id']}/fd", {"token": 1}, unix=True)
    assert bad.code == "bad_token"
    assert service.ask("POST", f"/v1/claims/{claim['id']}/fd", {"token": 1}).code == "not_held"
    data, fds = _fetched(service, claim)
    assert data.startswith(b"HTTP/1.1 200")
    assert len(fds) == 1
    with socket.socket(fileno=fds[0]) as held:
        assert held.getsockname()[1] == port
        held.listen()
        with socket.create_connection(("127.0.0.1", port), 5):
            held.accept()[0].close()
    again, none = _fetched(service, claim)
    assert (again[9:12], none) == (b"409", [])


def test_a_held_port_is_free_after_release(service: Claims) -> None:
    """And after the death of its owner."""
    for ends_by in ("release", "death"):
        port = free_port()
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
            watch = {"watch_pid": owner.pid} if ends_by == "death" else {}
            claim = service.claim(port=port, hold=True, **watch).claim
            if ends_by == "release":
                service.ask("DELETE", f"/v1/claims/{claim['id']}?token={claim['token']}")
            owner.communicate(b"\n")

        def is_free(port: int = port) -> bool:
            with socket.socket() as link:
                return link.connect_ex(("127.0.0.1", port)) != 0 and _binds(port)

        assert until(is_free, 2) < 1


def _binds(port: int) -> bool:
    with socket.socket() as link:
        try:
            link.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_a_port_that_cannot_be_held_is_not_claimed(service: Claims) -> None:
    """All or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert service.claim(port=port, hold=True).code == "in_use"
    assert service.ask("GET", f"/v1/claims?port={port}").document == {"claims": []}


def test_transfer_makes_a_new_token(service: Claims) -> None:
    """The old one is fenced off; the new owner's life counts."""
    claim = service.claim(port=free_port(), ttl_ms=60_000).claim
    path = f"/v1/claims/{claim['id']}"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        asked = {"token": claim["token"], "to_pid": owner.pid}
        new = service.ask("POST", f"{path}/transfer", asked, unix=True).document
        assert new["owner"]["pid"] == owner.pid
        assert new["token"] > claim["token"]
        assert service.ask("DELETE", f"{path}?token={claim['token']}").code == "bad_token"
        owner.communicate(b"\n")
    until(lambda: service.ask("GET", path).document["state"] not in ("reserved", "bound"), 1)


_AS_NOBODY = f"""
import os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
os.setgid({NOBODY}); os.setuid({NOBODY})
link.close()
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
for line in sys.stdin.read().split("---"):
    method, path, body = (line.strip().split(" ", 2) + [""])[:3]
    head = f"{{method}} {{path}} HTTP/1.1\\r\\nHost: localhost\\r\\n"
    kind = f"Content-Type: application/json\\r\\nContent-Length: {{len(body)}}\\r\\n\\r\\n"
    link.sendall((head + kind + body).encode())
    got = b""
    while b"\\r\\n\\r\\n" not in got: got += link.recv(65536)
    head, _, rest = got.partition(b"\\r\\n\\r\\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\\r\\n")[0])
    while len(rest) < length: rest += link.recv(65536)
    print(int(head.split()[1]), rest.decode())
"""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_another_user_can_do_nothing_with_a_claim(service: Claims) -> None:
    """It sees that the port is held, and neither token nor labels; every change is refused."""
    claim = service.claim(port=free_port(), labels={"a": "secret-label"}, ttl_ms=60_000).claim
    own = os.getpid()
    path, token = f"/v1/claims/{claim['id']}", claim["token"]
    asked = [
        "GET /v1/claims",
        f"GET {path}",
        f'POST /v1/claims {{"port":{claim["port"]}}}',
        "GET /v1/events?since=0",
        f'PUT {path}/lease {{"token":{token}}}',
        f"DELETE {path}?token={token}",
        f'POST {path}/transfer {{"token":{token},"to_pid":{own}}}',
        f'POST {path}/fd {{"token":{token}}}',
        f'POST /v1/fence/check {{"resource":"{claim["id"]}","token":{token}}}',
        f'POST /v1/claims {{"watch_pid":{own}}}',
    ]
    folder = Path(service.told["socket"])
    folder.chmod(0o666)
    reach = [folder.parent, *folder.parent.parents]
    modes = {each: stat.S_IMODE(each.stat().st_mode) for each in reach}
    try:
        for each in reach:
            each.chmod(modes[each] | 0o711)
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, service.told["socket"]],
            input="---".join(asked),
            capture_output=True,
            text=True,
            timeout=30,
        )
    finally:
        for each in reach:
            each.chmod(modes[each])
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [int(each[:3]) for each in lines] == [200, 200, 409, 200, 403, 403, 422, 403, 403, 422]
    for line in lines[:4]:
        assert str(token) not in line
        assert "secret-label" not in line
    assert str(claim["port"]) in lines[0]
    assert service.ask("GET", path).document["state"] == "reserved"


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    """After SIGKILL; one that answers is left alone, and a file that is no socket too."""
    with serving_claims(tmp_path) as first:
        path = Path(first.told["socket"])
        first.kill()
        assert path.is_socket()
        first.start()
        assert first.ask("GET", "/v1/status", unix=True).status == 200
        other = tmp_path / "other"
        other.mkdir()
        with serving_claims(other, "--socket", str(path)) as second:
            assert second.told["socket"] is None
            assert "another service answers" in second.log
        assert first.ask("GET", "/v1/status", unix=True).status == 200
    assert not path.exists()
    path.write_text("mine")
    with serving_claims(tmp_path) as third:
        assert third.told["store"] is None
    assert path.read_text() == "mine"


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    """Beyond the 107 bytes of sockaddr_un."""
    deep = tmp_path / ("d" * 120)
    path = deep / "portbook.sock"
    with serving_claims(tmp_path, "--socket", str(path)) as service:
        assert service.told["socket"] == str(path)
        folder = os.open(deep, os.O_PATH)
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(f"/proc/self/fd/{folder}/portbook.sock")
            link.sendall(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one_answer(link).document["epoch"] >= 1
        os.close(folder)
    assert not path.exists()


def test_the_file_of_another_is_not_removed(tmp_path: Path) -> None:
    """Whoever has taken the name meanwhile keeps it."""
    with serving_claims(tmp_path) as service:
        path = Path(service.told["socket"])
        path.unlink()
        path.write_text("theirs")
    assert path.read_text() == "theirs"


def test_a_socket_of_systemd_takes_claims(tmp_path: Path) -> None:
    """LISTEN_FDS: beside TCP, and then no socket of our own is made."""
    path = tmp_path / "given.sock"
    script = (
        "import os, socket, sys\n"
        "made = [socket.create_server(('127.0.0.1', 0)), socket.socket(socket.AF_UNIX)]\n"
        f"made[1].bind({str(path)!r})\nmade[1].listen()\n"
        "for at, each in enumerate(made):\n    os.dup2(each.fileno(), 10 + at)\n"
        "os.dup2(10, 3); os.dup2(11, 4)\n"
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2')\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'portbook', 'serve', '--json'])\n"
    )
    service = Claims(tmp_path)
    with (tmp_path / "serve.log").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=service.environment,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, service.log
        service.told = {"socket": str(path)}
        assert b'"socket": null' in line
        assert service.ask("POST", "/v1/claims", {}, unix=True).status == 201
        assert not (tmp_path / "portbook.sock").exists()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_asks_without_ceremony(service: Claims) -> None:
    """As in the documentation."""
    argv = ["curl", "-s", "--unix-socket", service.told["socket"], "http://localhost/v1/status"]
    began = time.monotonic()
    done = subprocess.run(argv, capture_output=True, timeout=10, check=True)
    assert b'"epoch":' in done.stdout
    assert time.monotonic() - began < 5
