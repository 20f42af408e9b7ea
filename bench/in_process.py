"""The listeners of one network namespace, read in process, against psutil.net_connections().

    python bench/in_process.py [--processes 300 --listeners 1000 --fds 40] [--short]

Both run in this process, in turns. psutil's call also looks for a process of each socket and can
not leave that out; so the search for owners is timed as well, as a row without a goal.
"""

import argparse
import sys
from importlib.util import find_spec

import herd
from measure import Row, in_turns_here, report
from portbook.host import Host
from portbook.owners import owners_of
from portbook.sockets import read_table


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    herd.add_options(parser, herd.Size(processes=300, listeners=1000, groups=300))
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--short", action="store_true", help="a small herd and few runs, for CI")
    options = parser.parse_args()
    if options.short:
        options.processes, options.listeners, options.groups, options.runs = 50, 100, 50, 3
    herd.apart()
    herd.stop_on_signals()
    size = herd.size_of(options)

    host = Host()

    def ours() -> int:
        return len(read_table(host).sockets)

    def ours_with_owners() -> int:
        sockets = read_table(host).sockets
        return sum(any(o.pid for o in each) for each in owners_of(host, sockets))

    calls = {"ours": ours, "with owners": ours_with_owners}
    if find_spec("psutil"):
        import psutil

        calls["psutil"] = lambda: len(psutil.net_connections("inet"))
    else:
        print("the peer psutil is not installed here: left out", file=sys.stderr)
    with herd.Herd(size) as standing:
        for name, call in calls.items():
            found = call()
            # Without root the machine's own listeners are there, too.
            if found < size.listeners or (herd.is_apart() and found != size.listeners):
                sys.exit(f"{name} finds {found} of {size.listeners} listeners")
        took = in_turns_here(calls, options.runs)
        kind = "cgroups" if standing.in_cgroups else "no cgroups"
    peer = took.get("psutil")
    rows = [
        Row(
            f"read_table, {size.listeners} listeners", took["ours"], "psutil.net_connections",
            peer, 1 / 15,
        ),
        Row(f"  and their owners ({kind})", took["with owners"], "the same", peer, None),
    ]  # fmt: skip
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
