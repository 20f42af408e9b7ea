"""The service of claims as a process of the test's own, and programs that use claims beside it."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def service(home: object) -> "Iterator[subprocess.Popen[bytes]]":
    """`portbook serve` with its store and socket in `home`; ended at the end of the block."""
    argv = [sys.executable, "-m", "portbook", "serve", "--port", "0", "--no-live", "--json"]
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PORTBOOK_DATA_HOME": str(home)},
    )
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["socket"] == f"{home}/portbook.sock"
        yield process
    finally:
        process.kill()
        process.communicate(timeout=20)


def command(*arguments: str) -> "subprocess.Popen[bytes]":
    """A `portbook` command that runs beside the test."""
    return subprocess.Popen(
        [sys.executable, "-m", "portbook", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def on_terminal(*arguments: str) -> str:
    """What a `portbook` command says on stderr, where that is a terminal."""
    ours, its = pty.openpty()
    with open(ours, "rb", buffering=0) as reader:
        done = subprocess.run(
            [sys.executable, "-m", "portbook", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=its,
            timeout=30,
            check=False,
        )
        os.close(its)
        assert done.returncode == 1
        return reader.read(4096).decode()


@contextmanager
def python(code: str, *arguments: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A Python program that has printed a line; killed at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.communicate(timeout=20)


def line(process: "subprocess.Popen[bytes]") -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def until(true: Callable[[], object], seconds: float = 10.0) -> float:
    """Wait until something is so; the seconds that it took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds
        time.sleep(0.01)
    return time.monotonic() - began
