"""Write the table of real servers into docs/run.md: run each under `portbook run`, every way.

    PORTBOOK_PROGRAMS=/folder/node_modules/.bin:/folder/venv/bin tools/make_run_table.py

Servers that are not here keep their old rows.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).parents[1]
sys.path[:0] = [str(TOP), str(TOP / "tests")]

from claims.run_programs import PROGRAMS, Program, attempt, missing  # noqa: E402 - path is set

PAGE = TOP / "docs" / "run.md"
BEGIN, END = "<!-- programs -->\n", "<!-- /programs -->"
HEAD = "| server | its port by | hold | `--release-at-exec` | `--fd` |\n|---|---|---|---|---|\n"


def row(program: Program) -> str:
    """One line of the table."""
    cells = []
    for way in ("hold", "release", "fd"):
        if way == "fd" and program.passed is None:
            cells.append("")
            continue
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            made = Path(folder) / "program"
            made.mkdir()
            outcome = attempt(program, way, made)
        cells.append("yes" if outcome.works else "no")
    return f"| {program.name} | `{program.tells}` | {' | '.join(cells)} |"


def main() -> int:
    """Write the page anew."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    table, _, after = rest.partition(END)
    old = {
        found[1]: found[0] for found in re.finditer(r"^\| (.+?) \|.*$", table, flags=re.MULTILINE)
    }
    lines = []
    with tempfile.TemporaryDirectory() as home:
        os.environ["PORTBOOK_DATA_HOME"] = home
        for program in PROGRAMS:
            why = missing(program)
            if why is None:
                lines.append(row(program))
            else:
                lines.append(old.get(program.name, f"| {program.name} | not tried: {why} | | | |"))
            print(lines[-1], flush=True)
    PAGE.write_text(before + BEGIN + HEAD + "\n".join(lines) + "\n" + END + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
