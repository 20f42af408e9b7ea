"""The rules are found by their folder: the tuple kept by hand cannot forget one."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from portbook.model.verdict import SEVERITIES
from portbook.verdict import rules
from portbook.verdict.findings import rules as every_rule

FOLDER = Path(rules.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "verdicts.md"


def test_every_file_in_the_folder_is_a_rule_and_is_asked() -> None:
    """SUSPICIONS and VALUES together are the folder."""
    named = {rule.__name__ for rule in (*rules.VALUES, *rules.SUSPICIONS)}  # type: ignore[attr-defined]
    found = {f"{rules.__name__}.{file.stem}" for file in FOLDER.glob("*.py")}
    assert named == found - {f"{rules.__name__}.__init__"}


@pytest.mark.parametrize("rule", rules.SUSPICIONS, ids=lambda rule: rule.ID)
def test_a_rule_of_suspicion_is_called_what_its_file_is_called(rule: Any) -> None:
    """The id can be searched for: `shell-on-socket` is in shell_on_socket.py."""
    module = import_module(f"{rules.__name__}.{rule.ID.replace('-', '_')}")
    assert module is rule
    assert rule.SUMMARY
    assert not rule.SUMMARY.endswith(".")


@pytest.mark.parametrize("rule", rules.VALUES, ids=lambda rule: rule.VALUE)
def test_a_rule_of_a_value_is_called_what_its_file_is_called(rule: Any) -> None:
    """The value `expected` is judged in expected.py."""
    assert import_module(f"{rules.__name__}.{rule.VALUE}") is rule


def test_every_rule_has_its_section_in_the_docs() -> None:
    """docs/verdicts.md has one section for each rule and each value, and none too many."""
    text = DOCS.read_text(encoding="utf-8")
    sections = set(re.findall(r"^### `([a-z-]+)`$", text, re.MULTILINE))
    assert sections == set(every_rule())
    for rule in rules.VALUES:
        assert f"| `{rule.VALUE}` |" in text


def test_the_docs_say_how_severe_each_rule_can_be() -> None:
    """Each section names its severities in bold."""
    text = DOCS.read_text(encoding="utf-8")
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        assert any(f"**{severity}**" in section for severity in SEVERITIES), section[:40]
