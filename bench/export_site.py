"""`portbook export-site` of the whole book, against writing the same files without any work.

    python bench/export_site.py [--runs 1] [--into DIR] [--short]

The floor makes files of the same names and sizes, in as many processes, from memory that is filled
already: no program can be faster than the file system. A second run, which finds all of it done,
stands beside it. Every run gets a new folder and a disk that has written everything before it, and
all folders are removed at the end: ext4 is slow for a while after 200,000 files were removed.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Row, report, with_pages

GOAL = 5000  # pages/s on two cores, issue 5
MOST_MB = 1300.0


def timed(argv: list[str]) -> tuple[float, str]:
    """Seconds of one program, and what it printed.

    Raises:
        SystemExit: it failed.
    """
    os.sync()
    begin = time.perf_counter()
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - begin
    if done.returncode:
        sys.exit(f"{' '.join(argv[-4:])} ended with {done.returncode}")
    return seconds, done.stdout


def floor(like: Path, into: Path, jobs: int) -> float:
    """Seconds to make the files of one folder in another, whatever is in them."""
    sizes = [
        (str(path.relative_to(like)), path.stat().st_size)
        for path in sorted(like.rglob("*"))
        if path.is_file()
    ]
    for folder in sorted({os.path.dirname(name) for name, _ in sizes}):
        (into / folder).mkdir(parents=True, exist_ok=True)
    filled = b"x" * max(size for _, size in sizes)
    os.sync()
    begin = time.perf_counter()
    children = []
    for job in range(jobs):
        child = os.fork()
        if not child:
            parts: dict[str, int] = {}
            for name, size in sizes[job::jobs]:
                folder, _, last = name.rpartition("/")
                if folder not in parts:
                    parts[folder] = os.open(into / folder, os.O_RDONLY)
                file = os.open(last, os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=parts[folder])
                os.write(file, memoryview(filled)[:size])
                os.close(file)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return time.perf_counter() - begin


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--into", metavar="DIR", help="a folder on the disk to measure on")
    parser.add_argument("--short", action="store_true", help="2,048 ports, for CI")
    options = parser.parse_args()
    jobs = len(os.sched_getaffinity(0))
    wanted = ["--ports", "2000-4047"] if options.short else []
    top = Path(tempfile.mkdtemp(prefix="portbook-export-", dir=options.into))
    firsts, seconds, floors, cpu = [], [], [], []
    try:
        for turn in range(options.runs):
            folder = top / f"book{turn}"
            argv = with_pages("export-site", str(folder), "--json", *wanted)
            busy = _children()
            first, text = timed(argv)
            cpu.append(_children() - busy)
            told = json.loads(text)
            second, again = timed(argv)
            if told["outcome"] != "written" or json.loads(again)["outcome"] != "unchanged":
                sys.exit(f"unexpected: {text} {again}")
            firsts.append(first)
            seconds.append(second)
            floors.append(floor(folder, top / f"floor{turn}", jobs))
    finally:
        print(f"removing {top}", file=sys.stderr)
        shutil.rmtree(top, ignore_errors=True)
    ours = statistics.median(firsts)
    pages, what = told["pages"], f"export-site, {told['pages']:,} pages"
    rows = [
        Row(what, ours, f"the goal, {GOAL:,} pages/s", pages / GOAL, 1.0, "s"),
        Row(what, ours, "the same files, no work at all", statistics.median(floors), None, "s"),
        Row("  a second run", statistics.median(seconds), "the first", ours, None, "s"),
        Row("  all of its files", told["bytes"] / 1e6, "the goal", MOST_MB, 1.0, "MB"),
    ]
    report(rows, judge=not options.short)
    print(f"{pages / ours:,.0f} pages/s in {jobs} processes, {statistics.median(cpu):.1f} s of CPU")
    own = (told["bytes"] - told["shared_bytes"]) / told["files"] / 1e3
    print(f"{told['files']:,} files of {own:.1f} kB, {told['shared_bytes'] / 1e6:.1f} MB shared")
    return rows


def _children() -> float:
    """Seconds of processor time of all programs that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
