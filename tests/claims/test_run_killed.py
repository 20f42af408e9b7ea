"""`portbook run` killed with SIGKILL: what it started ends, and what it left on purpose stays."""

import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from claims.run_processes import SERVER, line, python, run, running, until
from portbook.host import holding

WATCHER = "portbook-watch"
BESIDE = f'{sys.executable} -I -S -c "$0" "$1" & wait'
"""A server beside a shell, as npm and `sh -c` have it: the shell's end is not the server's."""
IN_A_SESSION = (
    "import os, socket, sys, time\n"
    "if os.fork(): time.sleep(60)\n"
    "os.setsid()\n"
    "if os.fork(): os._exit(0)\n"
    "os.close(1); os.close(2)\n"
    "s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)\n"
)
"""A server that is nobody's descendant any more, beside a first process that goes on."""


def listens(port: int) -> bool:
    """Whether somebody does; no connection is left in the queue of a server that accepts none."""
    return holding.is_listened_on(port)


def watcher_of(runner: int) -> int | None:
    """The watcher of a runner, also as a zombie."""
    for each in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            name, _, rest = Path(f"/proc/{each}/stat").read_text(errors="replace").rpartition(")")
            if name.endswith("(" + WATCHER) and int(rest.split()[1]) == runner:
                return int(each)
    return None


@pytest.mark.parametrize(
    "program", [["sh", "-c", BESIDE, SERVER], python(IN_A_SESSION)], ids=["beside", "session"]
)
def test_what_the_program_started_ends_too(program: list[str]) -> None:
    """A listener that the kernel does not tell of our end is gone within three seconds."""
    with running("--ready", "--", *program, "{port}") as process:
        port = int(re.findall(r":(\d+)/", line(process, "ready after"))[0])
        assert listens(port)
        watcher = watcher_of(process.pid)
        assert watcher is not None
        process.kill()
        process.wait(10)
        until(lambda: not listens(port), 3.0)
        until(lambda: _is_over(watcher), 3.0)


def _is_over(pid: int) -> bool:
    """Whether a process has ended; who adopts it may not have noticed."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            == "Z"
        )
    except OSError:
        return True


def test_other_processes_are_left_alone() -> None:
    """The server of another run stays, and its own watcher with it."""
    with (
        running("--ready", "--", "sh", "-c", BESIDE, SERVER, "{port}") as one,
        running("--ready", "--", "sh", "-c", BESIDE, SERVER, "{port}") as two,
    ):
        first, second = (
            int(re.findall(r":(\d+)/", line(each, "ready after"))[0]) for each in (one, two)
        )
        one.kill()
        until(lambda: not listens(first), 3.0)
        until(lambda: watcher_of(one.pid) is None)
        assert listens(second)
        assert watcher_of(two.pid) is not None


def test_the_watcher_is_gone_with_us() -> None:
    """At a tidy end it is reaped, and what the program left behind stays."""
    with running(
        "--ready", "--", "sh", "-c", f"({BESIDE}) & exec sleep 60", SERVER, "{port}"
    ) as process:
        port = int(re.findall(r":(\d+)/", line(process, "ready after"))[0])
        watcher = watcher_of(process.pid)
        assert watcher is not None
        assert os.getsid(watcher) == watcher
        assert len(os.listdir(f"/proc/{watcher}/fd")) == 1
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert not Path(f"/proc/{watcher}").exists()
        assert listens(port)


def test_the_watcher_keeps_no_pipe_open() -> None:
    """Who reads our stdout sees its end with the program's."""
    assert run("--quiet", "--", "echo", "x").stdout == "x\n"
