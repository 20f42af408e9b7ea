"""What `portbook record --every 1s` costs on a herd: its share of one core, and of one sample.

    python bench/recorder.py [--seconds 60] [--processes 3000 --listeners 200 ...] [--short]

The share is the recorder's own time on a processor, user and system, after its start and first
sample. Measured twice: on a still herd, and while a server comes and goes every two seconds.
"""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import herd
from measure import Row, portbook, report

GOAL = 1.0
"""Percent of one core."""
_STARTING = 3.0
_COME_AND_GO = """
import socket, time
while True:
    with socket.create_server(("127.0.0.1", 0)):
        time.sleep(1)
    time.sleep(1)
"""


def cpu_of(argv: list[str], seconds: float) -> float:
    """CPU seconds that a program uses in `seconds`, its first three seconds not counted."""
    pid = os.posix_spawn(argv[0], argv, dict(os.environ), file_actions=_quiet())
    time.sleep(_STARTING)
    before = _ran(pid)
    time.sleep(seconds)
    after = _ran(pid)
    os.kill(pid, signal.SIGTERM)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != 0:
        sys.exit(f"the recorder ended with {code}")
    return after - before


def _ran(pid: int) -> float:
    """Seconds on a processor so far, user and system, to the nanosecond (proc(5), schedstat)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def _quiet() -> list[tuple[int, int, str, int, int]]:
    return [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]


@contextlib.contextmanager
def _coming_and_going() -> Iterator[None]:
    """A server that listens for a second, every other second, in a process of its own.

    It is no ancestor of the herd: all descendants of a holder are looked into.
    """
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", _COME_AND_GO], dict(os.environ))
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def sampling(runs: int) -> tuple[float, float]:
    """Milliseconds of CPU of one sample in which nothing changed, and of a full search."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
    from portbook.cli.record import Sampler
    from portbook.host import Host

    host = Host()
    full = []
    for _ in range(3):
        sampler = Sampler(host, None)
        begin = time.process_time()
        sampler.sample()
        full.append((time.process_time() - begin) * 1000)
    begin = time.process_time()
    for _ in range(runs):
        sampler.sample()
    still = (time.process_time() - begin) * 1000 / runs
    sampler.close()
    return still, sorted(full)[1]


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    herd.add_options(parser, herd.Size())
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--short", action="store_true", help="a small herd and little time, for CI")
    options = parser.parse_args()
    if options.short:
        options.processes, options.listeners, options.groups, options.seconds = 200, 40, 20, 3.0
    herd.apart()
    herd.stop_on_signals()
    size = herd.size_of(options)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder, herd.Herd(size):
        file = str(Path(folder, "history.sqlite"))
        still, full = sampling(20 if options.short else 300)
        argv = [*portbook("record", "--every", "1s"), "--database", file]
        what = f"record --every 1s, {size.listeners} listeners"
        for churn in (False, True):
            with _coming_and_going() if churn else contextlib.nullcontext():
                share = cpu_of(argv, options.seconds) / options.seconds * 100
            name = f"{what}, {'one comes and goes' if churn else 'still'}"
            rows.append(Row(name, share, "one core's share", GOAL, 1.0, "%"))
        rows.append(
            Row("  a sample without a change", still, "the first, all searched", full, None)
        )
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
