"""Every benchmark in one table.

    python bench/run_all.py [--short]

Each script runs in a process of its own (a herd goes into namespaces of its own) and says its rows
as JSON through PORTBOOK_BENCH_ROWS. Exits with 1 only if a script breaks; time is never judged.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROWS_FILE, Row, report

SCRIPTS = (
    "cold_start.py",
    "ls_herd.py",
    "in_process.py",
    "audit.py",
    "packages.py",
    "recorder.py",
    "identify.py",
    "serve_pages.py",
    "export_site.py",
    "claims.py",
    "udp_status.py",
    "claim_commands.py",
    "lint.py",
    "watch.py",
    "watch_live.py",
    "mcp_tools.py",
    "fleet_ask.py",
    "fleet_inventory.py",
    "fleet_ingest.py",
    "fleet_claims.py",
    "fleet_agent.py",
)


def main() -> int:
    """Run them one after the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="small herds and few runs, for CI")
    options = parser.parse_args()
    broken = []
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for script in SCRIPTS:
            found = Path(folder, script + ".json")
            argv = [sys.executable, str(Path(__file__).with_name(script))]
            argv += ["--short"] if options.short else []
            environ = {**os.environ, ROWS_FILE: str(found)}
            done = subprocess.run(argv, env=environ, stdout=subprocess.DEVNULL)
            if done.returncode or not found.exists():
                broken.append(script)
                continue
            rows += [Row(*values) for values in json.loads(found.read_text(encoding="utf-8"))]
    report(rows, judge=not options.short)
    for script in broken:
        print(f"{script} broke", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
