"""What `portbook run` adds to a program, `portbook free` without a service, and an idle service.

    python bench/claim_commands.py [--runs 21] [--idle 20] [--short]

`run` is timed with the service and without it, as `portbook run -- true` beside `true`, in turns.
The idle service holds ten claims, as on a developer's machine, and nobody asks.
"""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

from claims import served
from measure import Row, in_turns, median, portbook, report

RUN_MS, FREE_MS = 60.0, 60.0
IDLE_MB, IDLE_PERCENT = 45.0, 0.1


def cpu_seconds(pid: int) -> float:
    """User and system time of a process (fields 14 and 15 of /proc/PID/stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def timed(runs: int, label: str) -> list[Row]:
    """`run -- true` beside `true`, and `free`, with whatever is set up."""
    found = in_turns(
        {"true": ["true"], "run": portbook("run", "--", "true"), "free": portbook("free")}, runs
    )
    bare = median(found["true"])
    rows = [
        Row(f"run adds, {label}", median(found["run"]) - bare, "the goal", RUN_MS, 1.0),
        Row(f"free, {label}", median(found["free"]), "the goal", FREE_MS, 1.0),
    ]
    codes = {each.code for name in ("run", "free") for each in found[name]}
    if codes != {0}:
        raise SystemExit(f"portbook ended with {codes}")
    return rows


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--idle", type=int, default=20, help="seconds")
    parser.add_argument("--short", action="store_true", help="few runs, for CI")
    options = parser.parse_args()
    if options.short:
        options.runs, options.idle = 3, 2
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as home:
        os.environ["PORTBOOK_DATA_HOME"] = home
        rows += timed(options.runs, "without service")
    with served() as told:
        os.environ["PORTBOOK_DATA_HOME"] = told["home"]
        rows += timed(options.runs, "with service")
    with served() as told:
        os.environ["PORTBOOK_DATA_HOME"] = told["home"]
        pid = told["pid"]
        time.sleep(2)
        rows.append(Row("idle service, no claim", resident_mb(pid), "goal", IDLE_MB, 1.0, "MB"))
        before = cpu_seconds(pid)
        time.sleep(options.idle)
        used = (cpu_seconds(pid) - before) / options.idle * 100
        rows.append(Row("idle service, no claim", used, "goal", IDLE_PERCENT, 1.0, "%"))
        claim = ["claim", "--count", "10", "--ttl", "1h"]
        subprocess.run(portbook(*claim), stdout=subprocess.DEVNULL, check=True)
        before = cpu_seconds(pid)
        time.sleep(options.idle)
        used = (cpu_seconds(pid) - before) / options.idle * 100
        rows.append(Row("idle service, ten claims", used, "goal", IDLE_PERCENT, 1.0, "%"))
        rows.append(Row("idle service, ten claims", resident_mb(pid), "goal", IDLE_MB, 1.0, "MB"))
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
