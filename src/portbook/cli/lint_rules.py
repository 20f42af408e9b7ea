"""The list of lint's rules, and the page of each."""

import argparse
import os

from portbook.cli.render import Column, emit, emit_json, safe, style_of, table
from portbook.model import EnvironmentFault, document
from portbook.model.record import Record

_MOST_BYTES = 1 << 18


class LintRule(Record):
    """A rule: its id, its usual severity, and what it finds."""

    rule: str
    severity: str
    summary: str


def every_rule() -> tuple[LintRule, ...]:
    """The rules in the order of their ids."""
    from portbook.lint.rules import rules

    return tuple(LintRule(each.ID, each.SEVERITY, each.SUMMARY) for each in rules())


def list_rules(options: argparse.Namespace) -> int:
    """Print every rule."""
    found = every_rule()
    if options.json or options.jsonl:
        emit_json(document("lint-rules", {"rules": found}), line=options.jsonl)
        return 0
    columns = (Column("RULE"), Column("SEVERITY"), Column("WHAT IT FINDS", flexible=True))
    emit(table(columns, found, style_of(options.color)))
    return 0


class RulePage(Record):
    """A rule with its page, as Markdown."""

    rule: str
    severity: str
    summary: str
    page: str


def explain(options: argparse.Namespace) -> int:
    """Print the page of the rule that --explain names.

    Raises:
        UsageError: there is no such rule.
        EnvironmentFault: its page was not installed.
    """
    from portbook.lint.rules import NAMES
    from portbook.lint.settings import check_rule

    name = options.explain.strip().upper()
    if name not in NAMES:
        check_rule(name if len(name) == 5 else f"?{name}", "--explain")
    page = page_of(name)
    if page is None:
        raise EnvironmentFault(f"the page of {name} is not installed", hint=f"docs/lint/{name}.md")
    if options.json or options.jsonl:
        (found,) = (each for each in every_rule() if each.rule == name)
        emit_json(document("lint-rule", RulePage(*found, page)._asdict()), line=options.jsonl)
    else:
        emit(safe(line) for line in page.splitlines())
    return 0


def page_of(rule: str) -> str | None:
    """The text of a rule's page: from the package, or from docs/lint of a clone."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for folder in (f"{package}/lint/pages", f"{package}/../../docs/lint"):
        try:
            with open(f"{folder}/{rule}.md", encoding="utf-8") as file:
                return file.read(_MOST_BYTES)
        except OSError:
            continue
    return None
