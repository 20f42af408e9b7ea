"""Write docs/completion/, a script for each shell: python -m tools.make_completion [--check]."""

import argparse
import sys
from pathlib import Path

from portbook.cli.completion import SHELLS, script

FOLDER = Path(__file__).parent.parent / "docs" / "completion"
FILES = dict(zip(SHELLS, ("portbook.bash", "_portbook", "portbook.fish"), strict=True))
"""What the shells look for where the wheel puts them."""


def main() -> int:
    """Write the scripts, or with --check exit 1 and name those that are stale."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = 0
    FOLDER.mkdir(exist_ok=True)
    for shell, name in FILES.items():
        file = FOLDER / name
        if not check:
            file.write_text(script(shell), encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != script(shell):
            print(f"stale: docs/completion/{name}", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
