"""`portbook 3255 --json` in a fresh process, against a bare interpreter, getent and whatportis.

    python bench/cold_start.py [--runs 31] [--short]

The bare interpreter (`python -I -c pass`, the same one) is what no Python program can beat.
whatportis is installed into .venv-bench from requirements/bench.txt when it is not there, and gets
our assignments as its table, so that nothing is downloaded while it is timed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROOT, Row, Timed, have, in_turns, interpreter, median, portbook, report

PORT = "3255"
_VENV = ROOT / ".venv-bench"


def whatportis() -> str | None:
    """The path of the peer, installed if need be; None where that does not work."""
    program = _VENV / "bin/whatportis"
    if not program.exists():
        wanted = str(ROOT / "requirements/bench.txt")
        try:
            subprocess.run([sys.executable, "-m", "venv", str(_VENV)], check=True)
            subprocess.run(
                [str(_VENV / "bin/pip"), "install", "--quiet", "--requirement", wanted],
                check=True,
                timeout=120,
            )
        except (OSError, subprocess.SubprocessError) as error:
            print(f"the peer whatportis cannot be installed: left out ({error})", file=sys.stderr)
            return None
    return str(program)


def fill_table(home: Path) -> None:
    """whatportis' table in the form of its database, made from the assignments of portbook."""
    from portbook.registry.tables import open_assignments

    rows = [
        {
            "name": row[3] or "---",
            "port": row[0] if row[0] == row[1] else f"{row[0]}-{row[1]}",
            "protocol": row[2] or "---",
            "description": row[4] or "---",
        }
        for row in open_assignments().all_rows()
    ]
    table = {"_default": {str(number): row for number, row in enumerate(rows, start=1)}}
    (home / ".whatportis_db.json").write_text(json.dumps(table), encoding="utf-8")


def check_answer(name: str, timed: Timed, text: str) -> None:
    """Only the time of a right answer counts.

    Raises:
        SystemExit: it is wrong.
    """
    if name == "portbook":
        found = json.loads(text)
        services = {row["service"] for row in found["assignments"]}
        if timed.code not in (0, 3) or found["port"] != int(PORT) or services != {"semaphore"}:
            sys.exit(f"portbook ended with {timed.code} and says {services}")
    elif name == "whatportis" and (timed.code or "semaphore" not in text):
        sys.exit(f"whatportis ended with {timed.code}: {text[-300:]}")


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=31)
    parser.add_argument("--short", action="store_true", help="few runs, for CI")
    options = parser.parse_args()
    programs = {
        "portbook": portbook(PORT, "--json"),
        "python": [interpreter(), "-I", "-c", "pass"],
    }
    with tempfile.TemporaryDirectory() as home:
        # An empty home: no imported registry of the user, and a place for the peer's table.
        os.environ["HOME"] = home
        os.environ.pop("XDG_DATA_HOME", None)
        if have("getent"):
            programs["getent"] = ["getent", "services", PORT]
        if program := whatportis():
            fill_table(Path(home))
            programs["whatportis"] = [program, PORT]
        found = in_turns(programs, 3 if options.short else options.runs, check_answer)
    ours = median(found["portbook"])
    goals = {"python": 3.5, "getent": None, "whatportis": None}
    names = {"python": "python -I -c pass", "getent": "getent services"}
    rows = [
        Row(
            f"portbook {PORT} --json, cold",
            ours,
            names.get(name, name),
            median(found[name]) if name in found else None,
            reach,
        )
        for name, reach in goals.items()
    ]
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
