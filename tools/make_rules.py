"""Write docs/lint/README.md, the list of lint's rules: tools/make_rules.py [--check]."""

import argparse
import sys
from pathlib import Path

from portbook.cli.lint_rules import every_rule

FILE = Path(__file__).parent.parent / "docs" / "lint" / "README.md"

_HEAD = """# The rules of `portbook lint`

Written by `python -m tools.make_rules` from the files of `src/portbook/lint/rules/`, one for each
rule. The [guide](../lint.md) says how to select, allow and renumber, and
`portbook lint --explain PB101` prints a page.

An **error** cannot work, a **warning** is most likely a mistake, a **note** is worth knowing and
fails nothing by itself.
"""

_GROUPS = {
    "1": "Two programs, one number",
    "2": "What a number is known for",
    "3": "Numbers that systems have plans for",
    "4": "Who can reach it",
    "5": "Places that must agree",
}


def page() -> str:
    """The page as Markdown."""
    lines = [_HEAD]
    for first, title in _GROUPS.items():
        lines += [f"## {title}\n", "| rule | severity | what it finds |", "|---|---|---|"]
        lines += [
            f"| [{each.rule}]({each.rule}.md) | {each.severity} | {each.summary} |"
            for each in every_rule()
            if each.rule[2] == first
        ]
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Write the page, or with --check say whether it differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 on a difference"
    )
    check = parser.parse_args().check
    stale = not FILE.exists() or FILE.read_text(encoding="utf-8") != page()
    if stale and not check:
        FILE.write_text(page(), encoding="utf-8")
    print(f"{'stale' if check else 'written'}: {FILE.name if stale else 'none'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
