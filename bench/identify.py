"""`portbook identify` on the test bed: every server on an odd port in one call, and one alone.

    python bench/identify.py [--runs 3] [--short]

As root, in namespaces of its own (tools/testbed.py). The goals are absolute (design.md, section
9): 60 services in 10 s, each known one within 1 s, a silent one within 3 s; one telling process
50 ms; 200 listeners in 120 MB. A bare interpreter beside it says how fast this machine is just now.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

from measure import ROOT, Row, Timed, in_turns, interpreter, median, portbook, report

GOAL_ALL = 10_000.0
GOAL_EACH = 1_000.0
GOAL_SILENT = 3_000.0
GOAL_TELLING = 50.0
GOAL_MEMORY = 120.0

_MANY = """
import socket, subprocess, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
sys.exit(subprocess.call(sys.argv[2:]))
"""
_ALONE = "PORTBOOK_BENCH_ALONE"


def bed(kinds: str, *options: str) -> dict[str, object]:
    """One run of the test bed, as its JSON."""
    bed_python = ROOT / ".venv-bed/bin/python"
    argv = [
        str(bed_python) if bed_python.exists() else sys.executable,
        "-m",
        "tools.testbed",
        "--json",
        "--kinds",
        kinds,
        *options,
    ]
    done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def results(run: dict[str, object]) -> list[dict[str, object]]:
    """What was said of each service that was recognised."""
    every = run["results"]
    assert isinstance(every, list)
    return [each["said"] for each in every if each["said"].get("protocol")]


def took(said: dict[str, object]) -> float:
    """Milliseconds."""
    value = said["took_ms"]
    assert isinstance(value, float | int)
    return float(value)


def lonely() -> dict[str, list[Timed]]:
    """A silent listener, and 200 silent ones, in a network namespace of their own."""
    programs = {
        "silent": [interpreter(), "-c", _MANY, "1", *portbook("identify", "--json")],
        "many": [interpreter(), "-c", _MANY, "200", *portbook("identify", "--json")],
        "python": [interpreter(), "-I", "-c", "pass"],
    }
    return in_turns(programs, 1)


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="the quick servers once, for CI")
    options = parser.parse_args()
    if os.environ.get(_ALONE):
        print(json.dumps({name: [list(one) for one in runs] for name, runs in lonely().items()}))
        return []
    if os.geteuid() != 0:
        sys.exit("needs root, for network namespaces")
    quick = ("--quick",) if options.short else ()
    runs = [bed("odd", *quick) for _ in range(1 if options.short else options.runs)]
    total = statistics.median(float(str(run["seconds"])) * 1000 for run in runs)
    each = [took(said) for run in runs for said in results(run)]
    alone = [bed("odd", "--only", "redis") for _ in range(1 if options.short else 5)]
    telling = [took(said) for run in alone for said in results(run)]
    shut = subprocess.run(
        [
            *("unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"),
            *(sys.executable, __file__),
        ],
        env={**os.environ, _ALONE: "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    lone = {name: [Timed(*one) for one in timed] for name, timed in json.loads(shut.stdout).items()}
    count = len(results(runs[0]))
    rows = [
        Row(f"identify {count} real services on odd ports", total, "the goal", GOAL_ALL, 1.0),
        Row("the slowest known one of them", max(each), "the goal", GOAL_EACH, 1.0),
        Row("the median one", statistics.median(each), "the goal", GOAL_EACH, None),
        Row("a telling process (redis-server)", max(telling), "the goal", GOAL_TELLING, 1.0),
        Row("a silent listener", median(lone["silent"]), "the goal", GOAL_SILENT, 1.0),
        Row("200 silent listeners", median(lone["many"]), "the goal", GOAL_ALL, None),
        Row(
            "memory, 200 listeners",
            max(one.peak_mb for one in lone["many"]),
            "the goal",
            GOAL_MEMORY,
            1.0,
            "MB",
        ),
    ]
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
