"""Write docs/commands.md from the commands' own help: python -m tools.make_reference [--check]."""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from portbook.cli import COMMANDS, module_of
from portbook.cli.arguments import parser_for

FILE = Path(__file__).parent.parent / "docs" / "commands.md"


def reference() -> str:
    """The help of every command as Markdown."""
    # argparse wraps to the terminal; the page must not depend on it.
    os.environ["COLUMNS"] = "100"
    parts = [
        "# Commands\n\nWritten by `python -m tools.make_reference` from the commands' own help.\n"
    ]
    for word in (None, *COMMANDS):
        module = import_module(module_of(word))
        title = f"portbook {word}" if word else "portbook PORT"
        parts.append(
            f"## {title}\n\n```text\n{parser_for(word, module).format_help().rstrip()}\n```\n"
        )
    return "\n".join(parts)


def main() -> int:
    """Write the page, or with --check exit 1 where it is stale."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        return int(FILE.read_text(encoding="utf-8") != reference())
    FILE.write_text(reference(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
