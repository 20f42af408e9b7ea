"""docs/traffic.md tells everything that the judgement knows by name."""

import re
from pathlib import Path

import pytest

from portbook.model.traffic import SCAN_TYPES, TOOLS, VERDICTS
from portbook.traffic import judging_scans, judging_tools, rhythm
from portbook.traffic.calibrating import ENOUGH
from portbook.traffic.facts import KINDS, MARKS
from portbook.traffic.judging_seen import UDP_SWEEP
from portbook.traffic.trw import DEFAULT, straight

PAGE = (Path(__file__).parents[2] / "docs" / "traffic.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows(text: str) -> list[str]:
    """The first cells of a table, where they are names."""
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def test_every_verdict_has_a_section_and_no_other() -> None:
    """In any order."""
    found = re.findall(r"^### `([^`]+)`$", section("Verdicts"), re.MULTILINE)
    assert sorted(found) == sorted(VERDICTS)


def test_every_kind_has_a_line_in_order() -> None:
    """The kinds of flows."""
    assert tuple(rows(section("Kinds of flows"))) == KINDS


def test_every_mark_has_a_line() -> None:
    """With its formula, its chance and its source."""
    assert sorted(rows(section("Marks of tools"))) == sorted(MARKS)


@pytest.mark.parametrize("name", [*SCAN_TYPES])
def test_every_scan_type_is_named(name: str) -> None:
    """In the section of scans."""
    assert f"`{name}`" in section("Verdicts")


def test_the_numbers_are_those_of_the_code() -> None:
    """Thresholds that the page tells."""
    verdicts, marks, test = map(section, ("Verdicts", "Marks of tools", "The sequential test"))
    assert f"at most {rhythm.VARIATION:g}" in verdicts
    assert f"least {rhythm.BEATS} repetitions" in verdicts
    assert f"no scan below {judging_scans.WIDE}" in verdicts
    assert f"{judging_scans.FEW} failed contacts" in verdicts
    assert f"least {judging_scans.OUTWEIGHS} times" in verdicts
    assert f"at {UDP_SWEEP} ports" in verdicts
    assert f"there must be {judging_tools.MANY}" in marks
    assert ", ".join(judging_tools.PRECEDENCE) in marks
    assert set(judging_tools.PRECEDENCE) == set(TOOLS)
    for name, value in zip(DEFAULT._fields, DEFAULT, strict=True):
        assert f"`{name}` {value:g}" in test
    assert straight() == (4, 4)
    assert "4 failures in a row decide" in " ".join(test.split())
    assert f"Below {ENOUGH} contacts" in test
