"""A real service that watches ports, in a network namespace of the test's own."""

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from live.stage import NOBODY, environment

pytestmark = [pytest.mark.live, pytest.mark.root]

PORTBOOK = (sys.executable, "-m", "portbook")
_CALL = """
import socket, sys, threading
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
def answer():
    while True:
        link, _ = server.accept()
        link.recv(1000)
        link.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
        link.close()
threading.Thread(target=answer, daemon=True).start()
for _ in range(5):
    with socket.create_connection(server.getsockname()) as link:
        link.sendall(b"GET / HTTP/1.0\\r\\nHost: a\\r\\n\\r\\n")
        while link.recv(1000):
            pass
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[2])))
except ConnectionRefusedError:
    pass
"""

_FLOOD = """
import random, socket, struct, sys
link = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
link.bind(("127.0.0.1", 0))
tcp = struct.pack("!HHIIBBHHH", 40000, int(sys.argv[1]), 7, 0, 5 << 4, 2, 1024, 0, 0)
first = random.randrange(11 << 24, 99 << 24)
for source in range(first, first + 60_000):
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, 40, 1, 0, 64, 6, 0, source, 0x7F000001)
    try:
        link.sendto(ip + tcp, ("127.0.0.1", 0))
    except OSError:
        pass
"""


class Service:
    """A service in a namespace of its own, and what is run beside it there."""

    def __init__(self, home: Path, *options: str, user: int = 0) -> None:
        self.environment = {**environment(), "PORTBOOK_DATA_HOME": str(home)}
        self.home = home
        self.log = home / "serve.log"
        change = f"setpriv --reuid {user} --clear-groups " if user else ""
        command = f'ip link set lo up; exec {change}"$@"'
        serve = (*PORTBOOK, "serve", "--port", "0", "--json", *options)
        with self.log.open("wb") as errors:
            self.process = subprocess.Popen(
                ("unshare", "-n", "sh", "-c", command, "sh", *serve),
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self.environment,
            )
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], 40)
        line = self.process.stdout.readline() if ready else b""
        assert line, self.log.read_text()
        self.told = json.loads(line)

    def run(self, *arguments: str) -> str:
        """What a program in the namespace prints."""
        inside = ("nsenter", f"--net=/proc/{self.process.pid}/ns/net", *arguments)
        done = subprocess.run(inside, capture_output=True, env=self.environment, timeout=50)
        return done.stdout.decode()

    def answer(self, port: int) -> Any:
        """`portbook PORT --json`."""
        return json.loads(self.run(*PORTBOOK, str(port), "--json"))

    def ask(self, path: str, *, known: bool = False) -> str:
        """A page, with the token or without."""
        code = (
            "import sys, urllib.request as u\n"
            "print(u.urlopen(u.Request(sys.argv[1], headers=eval(sys.argv[2]))).read().decode())"
        )
        token = (self.home / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"} if known else {}
        return self.run(sys.executable, "-c", code, self.told["url"] + path, repr(headers))

    def watchers(self) -> list[int]:
        """The processes of ours that watch."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for file in children for pid in file.read_text().split()]


@contextmanager
def service(home: Path, *options: str, user: int = 0) -> Iterator[Service]:
    """A service that ends with the block."""
    for program in ("unshare", "nsenter", "ip", "setpriv"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    made = Service(home, *options, user=user)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.communicate()


def soon(true: Callable[[], object], seconds: float = 40) -> bool:
    """Whether it becomes true."""
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def two_ports() -> tuple[str, str]:
    """Numbers that a namespace of its own has free anyway."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return str(one.getsockname()[1]), str(two.getsockname()[1])


def test_what_calls_is_shown_everywhere(tmp_path: Path) -> None:
    """Real connections: in the answer, on the page for who may see it, and for Prometheus."""
    served, closed = two_ports()
    with service(tmp_path, "--watch", f"{served},{closed}/tcp") as running:
        file = tmp_path / "traffic" / f"{closed}.json"
        assert soon(file.exists), running.log.read_text()

        def seen() -> bool:
            running.run(sys.executable, "-c", _CALL, served, closed)
            found = json.loads(file.read_bytes())
            return bool(found["sources"] and found["packets"] > 20)

        assert soon(seen), running.log.read_text()
        hour = running.answer(int(served))["traffic"]
        assert (hour["watching"], hour["listening"], hour["sources"]) == (True, True, 1)
        assert hour["verdicts"] == {"client": 1}
        assert [each["address"] for each in hour["top"]] == ["127.0.0.1"]
        refused = running.answer(int(closed))["traffic"]
        assert (refused["listening"], refused["sources"]) == (False, 1)
        assert "Last hour" in running.run(*PORTBOOK, closed)
        page = running.ask(served, known=True)
        assert 'id="hour"' in page and "1 address called it" in page
        assert 'id="hour"' not in running.ask(served)
        metrics = running.ask("metrics")
        assert f'portbook_watch_sources{{port="{served}",verdict="client"}} 1.0' in metrics
        assert "portbook_watch_dropped_total 0.0" in metrics
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(20)
        assert not json.loads(file.read_bytes())["watching"]
        assert "Traceback" not in running.log.read_text()


def test_a_flood_hides_no_caller_of_another_port_and_has_a_ceiling(tmp_path: Path) -> None:
    """SYNs of forged addresses at one port; the client of the other one is told all the same."""
    served, closed = two_ports()
    with service(tmp_path, "--watch", f"{served},{closed}/tcp") as running:
        files = [tmp_path / "traffic" / f"{port}.json" for port in (served, closed)]
        assert soon(files[0].exists), running.log.read_text()
        running.run(sys.executable, "-c", _CALL, served, closed)
        assert soon(lambda: json.loads(files[0].read_bytes())["sources"])

        def flooded() -> bool:
            running.run(sys.executable, "-c", _FLOOD, closed)
            return "packets of further sources: too many" in files[1].read_text()

        assert soon(flooded), files[1].read_text()[:500]
        client, flood = (json.loads(file.read_bytes()) for file in files)
    assert client["verdicts"] == {"client": 1}
    assert [each["address"] for each in client["top"]] == ["127.0.0.1"]
    assert 150_000 < flood["sources"] <= 200_000
    assert len(flood["top"]) == 20


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_lines_of_the_unit_for_a_watch_are_as_systemd_wants_them(tmp_path: Path) -> None:
    """They are comments: a drop-in of them has no unknown option, and no value that is none."""
    contrib = Path(__file__).parents[2] / "contrib"
    text = (contrib / "portbook.service").read_text()
    proposed = text.partition("# To watch who calls")[2].partition("# and, where")[0]
    lines = [line[1:] for line in proposed.splitlines() if re.match(r"#[A-Z\[]", line)]
    assert "OOMPolicy=continue" in lines
    folder = tmp_path / "portbook.service.d"
    folder.mkdir()
    (folder / "watch.conf").write_text("\n".join(lines))
    for name in ("portbook.service", "portbook.socket"):
        shutil.copy(contrib / name, tmp_path)
    done = subprocess.run(
        ("systemd-analyze", "verify", str(tmp_path / "portbook.service")),
        capture_output=True,
        text=True,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        timeout=30,
    )
    assert done.returncode == 0
    assert str(tmp_path) not in done.stderr


def test_a_watch_that_dies_is_begun_anew(tmp_path: Path) -> None:
    """And that is said once."""
    with service(tmp_path, "--watch", "3255") as running:
        assert soon(running.watchers)
        first = running.watchers()
        os.kill(first[0], signal.SIGKILL)
        assert soon(lambda: running.watchers() and running.watchers() != first)
        os.kill(running.watchers()[0], signal.SIGKILL)
        said = running.log.read_text()
    assert said == (
        "portbook: the watch of 3255 has ended (exit code 137): it is begun anew, after growing"
        " pauses\n"
    )


def test_the_watch_ends_with_its_service(tmp_path: Path) -> None:
    """Also where the service is killed."""
    with service(tmp_path, "--watch", "3255") as running:
        assert soon((tmp_path / "traffic" / "3255.json").exists), running.log.read_text()
        (watcher,) = running.watchers()
        running.process.kill()
        running.process.wait()
        assert soon(lambda: not Path(f"/proc/{watcher}/cmdline").exists())


def test_without_the_right_it_is_said_and_the_book_is_served(tmp_path: Path) -> None:
    """A user without CAP_NET_RAW."""
    os.chown(tmp_path, NOBODY, NOBODY)
    for parent in tmp_path.parents[:3]:
        if parent.name.startswith("pytest"):
            os.chmod(parent, 0o755)  # noqa: S103 - nobody has to come through
    with service(tmp_path, "--watch", "3255", user=NOBODY) as running:
        assert "3255" in running.ask("3255")
        assert running.watchers() == []
        assert "3255: not watched, that needs root or CAP_NET_RAW" in running.log.read_text()


@pytest.mark.parametrize("text", ["", "web app", "70000", "80,,81", "80/dccp", "1-200"])
def test_what_cannot_be_watched_is_a_usage_error(text: str, tmp_path: Path) -> None:
    """Before anything is opened."""
    done = subprocess.run(
        (*PORTBOOK, "serve", "--port", "0", "--watch", text),
        capture_output=True,
        env={**environment(), "PORTBOOK_DATA_HOME": str(tmp_path)},
        timeout=50,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(b"portbook: error: ")
