"""Every rule has its page, in one shape, and its row in the list."""

import re
from pathlib import Path

import pytest
from tools.make_rules import FILE, page

from portbook.cli.lint_rules import every_rule
from portbook.lint.rules import NAMES
from portbook.lint.settings import SEVERITIES

PAGES = Path(__file__).parent.parent.parent / "docs" / "lint"


def test_the_list_of_rules_is_current() -> None:
    """`python -m tools.make_rules` writes it; every rule is in it."""
    assert FILE.read_text(encoding="utf-8") == page()
    assert re.findall(r"^\| \[(PB\d+)\]", page(), re.MULTILINE) == list(NAMES)


def test_rules_say_what_they_are() -> None:
    """The id of their row, a severity, a summary that is no sentence."""
    found = every_rule()
    assert [each.rule for each in found] == list(NAMES)
    for each in found:
        assert each.severity in SEVERITIES
        assert each.summary[0].islower()
        assert not each.summary.endswith(".")


@pytest.mark.parametrize("rule", NAMES)
def test_a_rule_has_a_page_that_says_how_to_allow_it(rule: str) -> None:
    """Title, what it finds, why, an example, when it is silent, how to allow it."""
    text = (PAGES / f"{rule}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {rule}: ")
    for word in ("Why it matters", "Example", "silent", "allow it"):
        assert word in text, f"{rule} does not say: {word}"


def test_there_is_no_page_without_a_rule() -> None:
    """A rule that is gone takes its page along."""
    assert {each.stem for each in PAGES.glob("PB*.md")} <= set(NAMES)


@pytest.mark.parametrize("rule", NAMES)
def test_fences_of_a_page_stand_on_lines_of_their_own(rule: str) -> None:
    """A fence behind text is none, and its closing one would swallow the rest of the page."""
    lines = (PAGES / f"{rule}.md").read_text(encoding="utf-8").splitlines()
    fences = [line for line in lines if "```" in line]
    assert len(fences) % 2 == 0
    assert all(line.startswith("```") for line in fences)
