"""What the benchmarks share: timed processes in turns, medians, and the table of rows.

Every figure is a median over runs that were made in turns (ours, peer, ours, peer, ...), so that a
busy moment of the machine meets all of them. Only ratios within one run are compared with a goal.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ROWS_FILE = "PORTBOOK_BENCH_ROWS"
"""The environment variable that names a file to leave the rows in, for run_all.py."""
RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from portbook.cli import run; run()"
"""What the console script does."""


class Timed(NamedTuple):
    """One process: wall time, its highest memory in MB, its exit code."""

    ms: float
    peak_mb: float
    code: int


class Row(NamedTuple):
    """One line of the report. `reach` is the highest ratio of ours to the peer's that is wanted.

    `peer` None says that the peer is missing here; `reach` None that there is no goal.
    """

    what: str
    ours: float
    peer_name: str
    peer: float | None
    reach: float | None
    unit: str = "ms"

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's."""
        return self.ours / self.peer if self.peer else None

    @property
    def judged(self) -> str:
        """`ok`, `short` of the goal, `missing` peer, or nothing where there is no goal."""
        if self.ratio is None:
            return "missing"
        if self.reach is None:
            return ""
        return "ok" if self.ratio <= self.reach else "short"


def interpreter() -> str:
    """The Python that runs portbook: PORTBOOK_PYTHON, else the bare venv's, else ours."""
    bare = ROOT / ".venv/bin/python"
    return os.environ.get("PORTBOOK_PYTHON") or (str(bare) if bare.exists() else sys.executable)


def portbook(*arguments: str) -> list[str]:
    """The command line of portbook, isolated from the environment and the working folder."""
    return [interpreter(), "-I", "-c", RUN, str(ROOT / "src"), *arguments]


def with_pages(*arguments: str) -> list[str]:
    """The same in the first Python that has the packages of the pages; PORTBOOK_PYTHON decides."""
    for python in (interpreter(), sys.executable):
        asked = [python, "-I", "-c", "import babel, jinja2, starlette, uvicorn"]
        if subprocess.run(asked, stderr=subprocess.DEVNULL).returncode == 0:
            return [python, *portbook(*arguments)[1:]]
    sys.exit("the packages of the pages are missing: pip install -r requirements/pages.txt")


def run(argv: list[str], into: int, environ: Mapping[str, str] | None = None) -> Timed:
    """Run one program to its end with its output in the file descriptor `into`."""
    path = shutil.which(argv[0])
    if path is None:
        raise FileNotFoundError(argv[0])
    os.ftruncate(into, 0)
    os.lseek(into, 0, os.SEEK_SET)
    begin = time.perf_counter()
    pid = os.posix_spawn(
        path,
        argv,
        dict(os.environ if environ is None else environ),
        file_actions=[(os.POSIX_SPAWN_DUP2, into, 1)],
    )
    _, status, usage = os.wait4(pid, 0)
    ms = (time.perf_counter() - begin) * 1000
    return Timed(ms, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))


def output(into: int) -> str:
    """What the last program wrote."""
    return os.pread(into, os.fstat(into).st_size, 0).decode("utf-8", "replace")


def in_turns(
    programs: Mapping[str, list[str]],
    runs: int,
    check: Callable[[str, Timed, str], None] | None = None,
) -> dict[str, list[Timed]]:
    """`runs` runs of every program, in turns, after one of each that is not counted.

    `check` sees the name, the figures and the output of each first run.
    """
    found: dict[str, list[Timed]] = {name: [] for name in programs}
    into = os.memfd_create("output")
    try:
        for turn in range(runs + 1):
            for name, argv in programs.items():
                timed = run(argv, into)
                if turn:
                    found[name].append(timed)
                elif check:
                    check(name, timed, output(into))
    finally:
        os.close(into)
    return found


def in_turns_here(calls: Mapping[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """The same for functions of this process: the median milliseconds of one call.

    Each turn makes five calls in a row: the first one meets the caches that another function left,
    and the median of all is that of a call which does not.
    """
    found: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(runs + 1):
        for name, call in calls.items():
            for _ in range(5):
                begin = time.perf_counter()
                call()
                if turn:
                    found[name].append((time.perf_counter() - begin) * 1000)
    return {name: statistics.median(values) for name, values in found.items()}


def median(timed: Sequence[Timed]) -> float:
    """The median wall time in milliseconds."""
    return statistics.median(one.ms for one in timed)


def have(program: str) -> bool:
    """Whether a peer is installed; says so where it is not."""
    if shutil.which(program):
        return True
    print(f"the peer {program} is not installed here: left out", file=sys.stderr)
    return False


def report(rows: Sequence[Row], *, judge: bool = True) -> None:
    """Print the table, and leave it where run_all.py asks for it.

    The goals are for the full sizes: a smoke run (--short) is not to be judged.
    """
    if path := os.environ.get(ROWS_FILE):
        Path(path).write_text(json.dumps(rows), encoding="utf-8")
    print(f"{'what':46}{'ours':>11}  {'peer':30}{'its':>11}{'ratio':>8}{'reach':>8}")
    for row in rows:
        peer = "-" if row.peer is None else f"{row.peer:.2f} {row.unit}"
        ratio = "-" if row.ratio is None else f"{row.ratio:.3f}"
        reach = "-" if row.reach is None else f"{row.reach:.3f}"
        print(
            f"{row.what:46}{f'{row.ours:.2f} {row.unit}':>11}  {row.peer_name:30}{peer:>11}"
            f"{ratio:>8}{reach:>8}  {row.judged if judge else ''}".rstrip()
        )
