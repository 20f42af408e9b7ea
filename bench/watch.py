"""A capture classified: packets per second and memory, beside tshark's table of conversations.

    python bench/watch.py [--packets 5000000] [--short]

The captures are made first (tools/traffic_bulk.py: seven packets in ten are clients', the rest
scans and UDP). Whole processes are timed, their start included. tshark is the peer: `-q -z
conv,tcp` keeps a row for each TCP conversation and judges nothing.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import ROOT, Row, Timed, have, in_turns, portbook, report

HOST = "198.51.100.10"
PACKETS_PER_SECOND = 1_000_000
FASTER_THAN_TSHARK = 8
MOST_MB = 1024
"""Memory for a million sources."""


def with_numpy(*arguments: str) -> list[str]:
    """portbook's command line in the first Python that has numpy."""
    command = portbook(*arguments)
    for python in (command[0], sys.executable):
        asked = [python, "-I", "-c", "import numpy"]
        if subprocess.run(asked, stderr=subprocess.DEVNULL).returncode == 0:
            return [python, *command[1:]]
    sys.exit("numpy is missing: pip install -r requirements/watch.txt")


def watch(path: Path) -> list[str]:
    """The command that classifies a capture."""
    return with_numpy(
        "watch", "--pcap", str(path), "--host", HOST, "--json", "--top", "100", "--color", "never"
    )


def check(packets: int) -> Callable[[str, Timed, str], None]:
    """A check that all packets of a capture were taken."""

    def checked(name: str, timed: Timed, said: str) -> None:
        if name != "portbook":
            return
        if timed.code not in (0, 3) or json.loads(said)["packets"] < packets * 0.99:
            sys.exit(f"{name} broke (exit {timed.code}): {said[:300]}")

    return checked


def median_mb(timed: list[Timed]) -> float:
    """The median of the highest memory."""
    return statistics.median(each.peak_mb for each in timed)


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--packets", type=int, default=5_000_000)
    parser.add_argument("--short", action="store_true", help="a small capture, for CI")
    options = parser.parse_args()
    whole = 200_000 if options.short else options.packets
    runs = 1 if options.short else 3
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:

        def captured(name: str, packets: int, sources: int) -> Path:
            path = Path(folder, name)
            # In a process of its own: the memory of ours counts as its children's highest.
            writing = "import sys; from tools.traffic_bulk import write_bulk; "
            writing += f"write_bulk(sys.argv[1], {packets}, {sources}, 1)"
            subprocess.run([sys.executable, "-c", writing, str(path)], cwd=ROOT, check=True)
            return path

        few = 2_000 if options.short else 50_000
        mixed = captured("mixed.pcap", whole, few)
        programs = {"portbook": watch(mixed)}
        if have("tshark"):
            programs["tshark"] = ["tshark", "-q", "-z", "conv,tcp", "-r", str(mixed)]
        turns = in_turns(programs, 1, check(whole))
        found = turns["portbook"] + in_turns({"portbook": watch(mixed)}, runs)["portbook"]
        ms = statistics.median(each.ms for each in found)
        rate = whole / ms * 1000
        name = f"the goal, {PACKETS_PER_SECOND:,}/s"
        goal = 1e6 / PACKETS_PER_SECOND
        rows.append(Row(f"{whole:,} packets, {rate:,.0f}/s", 1e6 / rate, name, goal, 1.0, "us"))
        peer = turns["tshark"][0] if "tshark" in turns else None
        name = "tshark -q -z conv,tcp"
        reach = 1 / FASTER_THAN_TSHARK
        rows.append(Row("the same", ms, name, peer.ms if peer else None, reach))
        flat = median_mb(found)
        rows.append(Row("memory for it", flat, name, peer.peak_mb if peer else None, None, "MB"))
        # The same visits again: twice as long, and nothing more to know.
        left = mixed.stat().st_size - 24
        with mixed.open("rb") as old, mixed.open("ab") as new:
            old.seek(24)
            while left:
                part = old.read(min(left, 1 << 20))
                new.write(part)
                left -= len(part)
        shown = median_mb(in_turns({"portbook": watch(mixed)}, 1)["portbook"])
        rows.append(Row("memory, the same twice over", shown, "once", flat, None, "MB"))
        mixed.unlink()

        many = 20_000 if options.short else 1_000_000
        crowd = captured("crowd.pcap", many * 3, many)
        found = in_turns({"portbook": watch(crowd)}, 1, check(many * 3))["portbook"]
        what = f"memory, {many:,} sources"
        rows.append(Row(what, median_mb(found), "the goal", MOST_MB, 1.0, "MB"))
        rate = many * 3000 / found[0].ms
        what = f"{many * 3:,} packets of them, {rate:,.0f}/s"
        rows.append(Row(what, 1e6 / rate, "no goal", None, None, "us"))
        crowd.unlink()

        half = 20_000 if options.short else 500_000
        crowd = captured("half.pcap", half * 3, half)
        programs = {"portbook": watch(crowd)}
        if "tshark" in turns:
            programs["tshark"] = ["tshark", "-q", "-z", "conv,tcp", "-r", str(crowd)]
        turns = in_turns(programs, 1, check(half * 3))
        highest = median_mb(turns["tshark"]) if "tshark" in turns else None
        what, ours = f"memory, {half:,} sources", median_mb(turns["portbook"])
        rows.append(Row(what, ours, "tshark", highest, None, "MB"))
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
