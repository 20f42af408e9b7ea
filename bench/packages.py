"""The packages of 200 executables: cold and from the cache, against dpkg -S.

    python bench/packages.py [--executables 200] [--short]

Cold and warm are calls in this process, each cold one in a cache folder of its own. dpkg -S runs
once with all paths, and once per file for a sample of 20, whose sum is extrapolated to all. dpkg
finds only the spelling that the package lists, so both are given that one.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measure import Row, have, report
from portbook.host import Host
from portbook.model import Package
from portbook.owners.packages import packages_of

SAMPLE = 20


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--executables", type=int, default=200)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--short", action="store_true", help="few files and runs, for CI")
    options = parser.parse_args()
    if options.short:
        options.executables, options.runs = 40, 3
    if not have("dpkg-query"):
        report([Row("packages of executables", 0.0, "dpkg -S", None, None)], judge=False)
        return []
    paths = listed(options.executables)
    host = Host()
    with tempfile.TemporaryDirectory() as folder:
        homes = iter(range(1_000_000))

        def ours() -> object:
            return packages_of(host, paths)

        def cold() -> object:
            os.environ["PORTBOOK_CACHE_HOME"] = f"{folder}/{next(homes)}"
            return ours()

        def fork_all() -> object:
            return subprocess.run(["dpkg", "-S", *paths], capture_output=True).stdout

        def fork_each() -> object:
            return [subprocess.run(["dpkg", "-S", p], capture_output=True) for p in sample]

        sample = paths[:SAMPLE]
        check(paths, cold())
        took = in_turns({"cold": cold, "warm": ours, "all": fork_all}, options.runs)
        each = in_turns({"each": fork_each}, 2)["each"] * len(paths) / len(sample)
    count = len(paths)
    rows = [
        Row(f"packages of {count} executables, cold", took["cold"], "dpkg -S, all at once",
            took["all"], None),
        Row(f"packages of {count} executables, cold", took["cold"], f"dpkg -S, {count} times",
            each, None),
        Row(f"packages of {count} executables, warm", took["warm"], "dpkg -S, all at once",
            took["all"], None),
    ]  # fmt: skip
    report(rows, judge=not options.short)
    print(
        f"wanted: cold <= 150 ms, warm <= 5 ms; dpkg -S once per file: extrapolated from "
        f"{len(sample)} files",
        file=sys.stderr,
    )
    return rows


def listed(count: int) -> list[str]:
    """Programs of this machine in the spelling that their package lists, always the same ones."""
    every = set()
    for file in sorted(Path("/var/lib/dpkg/info").glob("*.list")):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if "bin/" in line and os.access(line, os.X_OK) and not os.path.islink(line):
                every.add(line)
    return random.Random(7).sample(sorted(every), min(count, len(every)))


def check(paths: list[str], answer: object) -> None:
    """The answer is right: every path has a package."""
    assert isinstance(answer, dict)
    missing = [path for path in paths if not isinstance(answer[path], Package)]
    if missing:
        sys.exit(f"no package for {missing[:3]}")


def in_turns(calls: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """One call of each in turns, the median in milliseconds. The first turn is not counted.

    Not measure.in_turns_here: its repeated calls would make a cold one warm.
    """
    found: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(runs + 1):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            if turn:
                found[name].append((time.perf_counter() - begin) * 1000)
    return {name: statistics.median(values) for name, values in found.items()}


if __name__ == "__main__":
    main()
