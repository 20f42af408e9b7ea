"""`portbook ls --json` on a herd of processes, against `ss -ltnup` and `lsof -nP -i`.

    python bench/ls_herd.py [--processes 3000 --listeners 200 --fds 40 --groups 200] [--short]

Twice: every service in a cgroup of its own, and everything in one cgroup. The answer is checked
(every listener, every owner) before it is timed.
"""

import argparse
import json
import statistics
import sys

import herd
from measure import Row, Timed, have, in_turns, median, portbook, report

MOST_MB = 60.0


def compare(size: herd.Size, runs: int) -> list[Row]:
    """The rows for one herd."""
    programs = {"portbook": portbook("ls", "--json")}
    if have("ss"):
        programs["ss"] = ["ss", "-ltnup"]
    if have("lsof"):
        programs["lsof"] = ["lsof", "-nP", "-i"]
    with herd.Herd(size) as standing:

        def check(name: str, timed: Timed, text: str) -> None:
            check_answer(name, timed, text, size, in_cgroups=standing.in_cgroups)

        found = in_turns(programs, runs, check)
        in_cgroups = standing.in_cgroups
    ours = median(found["portbook"])
    kind = "one cgroup" if size.one_cgroup or not in_cgroups else f"{size.groups} cgroups"
    what = f"ls --json, {size.processes} processes, {kind}"
    one = size.one_cgroup or not in_cgroups
    rows = [
        Row(what, ours, "ss -ltnup", _median(found, "ss"), 1.0 if one else 0.35),
        Row(what, ours, "lsof -nP -i", _median(found, "lsof"), None if one else 0.2),
    ]
    peak = statistics.median(timed.peak_mb for timed in found["portbook"])
    rows.append(Row("  its highest memory", peak, "the limit", MOST_MB, 1.0, "MB"))
    return rows


def _median(found: dict[str, list[Timed]], name: str) -> float | None:
    return median(found[name]) if name in found else None


def check_answer(name: str, timed: Timed, text: str, size: herd.Size, *, in_cgroups: bool) -> None:
    """Only the time of a right answer counts.

    Raises:
        SystemExit: it is wrong.
    """
    if name != "portbook":
        if timed.code:
            sys.exit(f"{name} ended with {timed.code}")
        return
    if timed.code not in (0, 3):
        sys.exit(f"portbook ended with {timed.code}: {text[-500:]}")
    rows = json.loads(text)["listeners"]
    names = [
        {owner["name"] for owner in row["owners"] if isinstance(owner["name"], str)} for row in rows
    ]
    ours = [
        (row, found)
        for row, found in zip(rows, names, strict=True)
        if any(each.startswith("herd-") for each in found)
    ]
    if len(ours) != size.listeners:
        sys.exit(f"portbook shows {len(ours)} listeners of the herd instead of {size.listeners}")
    for row, _ in ours:
        units = {owner["unit"] for owner in row["owners"]}
        if in_cgroups and not all(str(unit).startswith("herd-") for unit in units):
            sys.exit(f"port {row['socket']['port']} is attributed to {units}")


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    herd.add_options(parser, herd.Size())
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--short", action="store_true", help="a small herd and few runs, for CI")
    parser.add_argument("--only", choices=("many", "one"), help="one of the two herds")
    options = parser.parse_args()
    if options.short:
        options.processes, options.listeners, options.groups, options.runs = 200, 40, 20, 2
    herd.apart()
    herd.stop_on_signals()
    rows: list[Row] = []
    for one in (False, True):
        if options.only in (None, "one" if one else "many"):
            rows += compare(herd.size_of(options, one_cgroup=one), options.runs)
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
