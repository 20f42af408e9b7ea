"""`portbook audit` on this host, and how long it takes to try every port with bind().

    python bench/audit.py [--runs 15] [--short]

The host should be quiet. The goals are absolute (issue 3): audit 300 ms, 65,535 TCP ports 5 s; a
bare interpreter beside it says how fast this machine is just now.
"""

import argparse
import sys

from measure import ROOT, Row, Timed, in_turns, interpreter, median, portbook, report

GOAL_AUDIT = 300.0
GOAL_PORTS = 5000.0

_SWEEP = """
import sys

sys.path.insert(0, sys.argv[1])
from portbook.host import Host
from portbook.sockets import hidden
hidden.TRANSPORTS = hidden.TRANSPORTS[:1]
print(len(hidden.sweep(Host()).felt))
"""


def check_answer(name: str, timed: Timed, text: str) -> None:
    """Only the time of a right answer counts.

    Raises:
        SystemExit: it is wrong.
    """
    if name == "audit" and (timed.code not in (0, 1, 3) or "portbook/audit/1" not in text):
        sys.exit(f"audit ended with {timed.code}: {text[-300:]}")
    if name == "every TCP port" and not text.strip().isdigit():
        sys.exit(f"trying every port ended with {timed.code}: {text[-300:]}")


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--short", action="store_true", help="few runs, for CI")
    options = parser.parse_args()
    bare = [interpreter(), "-I", "-c", "pass"]
    quick = in_turns(
        {"audit": portbook("audit", "--json"), "python": bare},
        3 if options.short else options.runs,
        check_answer,
    )
    slow = in_turns(
        {"every TCP port": [interpreter(), "-I", "-c", _SWEEP, str(ROOT / "src")], "python": bare},
        1 if options.short else 3,
        check_answer,
    )
    rows = [
        Row("portbook audit --json", median(quick["audit"]), "the goal", GOAL_AUDIT, 1.0),
        Row(
            "portbook audit --json",
            median(quick["audit"]),
            "python -I -c pass",
            median(quick["python"]),
            None,
        ),
        Row(
            "bind() on every TCP port", median(slow["every TCP port"]), "the goal", GOAL_PORTS, 1.0
        ),
    ]
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
