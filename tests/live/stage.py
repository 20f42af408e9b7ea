"""What the live tests share: helper processes, and portbook run as a command."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import portbook
from portbook.host import Host
from portbook.model import Listener
from portbook.survey import survey

NOBODY = 65534
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(portbook.__file__)))
_SCRIPT = os.path.join(os.path.dirname(__file__), "servers", "actor.py")


def environment() -> dict[str, str]:
    """The environment of this test, in which the package under test is the one that is found."""
    path = os.pathsep.join(filter(None, (PACKAGE, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


class Ran(NamedTuple):
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its output as the one JSON document it has to be."""
        return json.loads(self.out)


def run_portbook(*arguments: str, env: dict[str, str] | None = None) -> Ran:
    """`python -m portbook ...`, a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "portbook", *arguments],
        capture_output=True,
        env={**environment(), **(env or {})},
        timeout=50,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


class Actor:
    """One helper process: see servers/actor.py for what it can do."""

    def __init__(self, *arguments: bytes | str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, _SCRIPT, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            start_new_session=True,
        )
        self.pid = self.process.pid

    def __call__(self, command: str, *positional: Any, **named: Any) -> Any:
        """Let it do one thing; an error over there is an OSError here."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([command, positional, named]).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the helper died during {command}"
        reply = json.loads(line)
        if "errno" in reply:
            raise OSError(reply["errno"], reply["error"])
        return reply["value"]

    def portbook(self, *arguments: str) -> Ran:
        """Portbook's command line, run by what the actor has become."""
        return Ran(**self("portbook", list(arguments)))

    def end(self) -> None:
        """Hang up and wait until it is gone, with all its children."""
        try:
            # Children share the pipe, so its end says that the last of them has exited.
            self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.communicate()
            raise


@contextmanager
def actor(*arguments: bytes | str) -> Iterator[Actor]:
    """An actor for the length of a block."""
    made = Actor(*arguments)
    try:
        yield made
    finally:
        made.end()


@contextmanager
def holding(
    address: str = "127.0.0.1",
    transport: str = "tcp",
    *,
    port: int = 0,
    listen: bool = True,
    v6only: bool | None = None,
) -> Iterator[socket.socket]:
    """A socket of this process: bound, and listening where it is TCP."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as made:
        if v6only is not None:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        made.bind((address, port))
        if transport == "tcp" and listen:
            made.listen(7)
        yield made


def port_of(opened: socket.socket) -> int:
    """The port a socket is bound to."""
    return int(opened.getsockname()[1])


def inode_of(opened: socket.socket) -> int:
    """The number by which the kernel tells sockets apart."""
    return os.fstat(opened.fileno()).st_ino


def rows(port: int, *, source: str | None = None) -> list[Listener]:
    """What the library lists for a port on this machine."""
    return [row for row in survey(Host(), source=source).listeners if row.socket.port == port]


def listed(port: int, *options: str) -> list[dict[str, Any]]:
    """What `portbook ls --json` lists for a port; it ran well and its exit code is honest."""
    ran = run_portbook("ls", "--json", "--port", str(port), *options)
    assert ran.err == ""
    document = ran.document
    assert document["schema"] == "portbook/listeners/1"
    found: list[dict[str, Any]] = document["listeners"]
    expected = 3 if document["incomplete"] else 0 if found else 1
    assert ran.code == expected
    return found


def kinds(reasons: Sequence[Any]) -> list[str]:
    """The kinds of reasons, from the library or from JSON."""
    return [reason["kind"] if isinstance(reason, dict) else reason.kind for reason in reasons]


def cgroup2() -> str | None:
    """Where cgroup v2 is mounted and we may make groups, or None."""
    with open("/proc/self/mounts") as mounts:
        points = [line.split()[1] for line in mounts if line.split()[2] == "cgroup2"]
    return next((point for point in points if os.access(point, os.W_OK)), None)


@contextmanager
def cgroup(name: bytes | str) -> Iterator[str]:
    """A cgroup v2 group of that name, removed afterwards; its processes must have ended."""
    top = cgroup2()
    assert top is not None
    path = os.path.join(top, os.fsdecode(name))
    os.mkdir(path)
    try:
        yield path
    finally:
        with open(os.path.join(path, "cgroup.events")) as events:
            # The kernel wakes a reader when the group's last process has gone.
            watch = select.poll()
            watch.register(events, select.POLLPRI)
            while "populated 1" in events.read() and watch.poll(5000):
                events.seek(0)
        os.rmdir(path)


def sleep_program() -> str:
    """The real file of a program that does nothing for a while."""
    found = shutil.which("sleep")
    assert found
    return os.path.realpath(found)
