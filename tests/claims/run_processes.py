"""`portbook run` as a user starts it, and small programs for it to run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 20.0

SERVER = (
    "import os, socket, sys, time\n"
    "s = socket.socket()\n"
    "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
    "s.bind(('127.0.0.1', int(sys.argv[1])))\n"
    "s.listen()\n"
    "time.sleep(60)\n"
)
"""Listens on its first argument with SO_REUSEADDR."""


def server(port: str = "{port}") -> list[str]:
    """The command line of a server."""
    return python(SERVER, port)


def python(script: str, *arguments: str) -> list[str]:
    """The command line of a script."""
    return [sys.executable, "-I", "-S", "-c", script, *arguments]


def command(*arguments: str) -> list[str]:
    """The command line of `portbook run`."""
    return [sys.executable, "-m", "portbook", "run", *arguments]


def environment(**more: str) -> dict[str, str]:
    """That of the test, with portbook's sources found from every folder."""
    source = str(Path(__file__).parents[2] / "src")
    return {**os.environ, "PYTHONPATH": source, **more}


def run(
    *arguments: str, cwd: Path | None = None, stdin: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        input=None if stdin is None else stdin.decode(),
    )


@contextmanager
def running(
    *arguments: str, cwd: Path | None = None, prefix: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    """Run it beside the test; what is left of it and its children is ended behind the block."""
    process = subprocess.Popen(
        [*prefix, *command(*arguments)],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def line(process: "subprocess.Popen[str]", holding: str) -> str:
    """The next line of stderr with these words; the lines before are passed over.

    Raises:
        AssertionError: stderr ended without.
    """
    assert process.stderr is not None
    seen = []
    for each in process.stderr:
        seen.append(each)
        if holding in each:
            return each
    raise AssertionError(f"no line with {holding!r} in {seen}")


def until(met: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something holds.

    Raises:
        AssertionError: it did not in time.
    """
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
