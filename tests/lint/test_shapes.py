"""Files of projects in every format that lint reads, with what it must find, written by hand.

A shape is a folder of `shapes/` with the files of a project and `expected.toml`. The expectations
were written from the formats' specifications before the readers ran; the registry is the shipped
one, and this machine is not looked at.
"""

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from portbook.lint.rules import NAMES
from portbook.model.declared import Declared
from portbook.survey.linting import LintReport, lint_paths

FOLDER = Path(__file__).parent / "shapes"
SHAPES = sorted(path.parent for path in FOLDER.glob("*/expected.toml"))


def linted(shape: Path, tmp_path: Path) -> LintReport:
    """The report on a copy of a shape, which has no expectations in it."""
    copy = tmp_path / shape.name
    shutil.copytree(shape, copy, ignore=shutil.ignore_patterns("expected.toml"))
    return lint_paths([str(copy)], cache=False)


def line_of(each: Declared) -> str:
    """A declaration as a line of `declared`."""
    numbers = str(each.first) if each.first == each.last else f"{each.first}-{each.last}"
    place = f"{each.place.path}:{each.place.line}:{each.place.column}"
    return f"{place} {numbers}/{each.transport} {each.role} {each.who}"


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_shape_declares_what_stands_in_it(shape: Path, tmp_path: Path) -> None:
    """Every declaration, with its place to the column, its role and whose it is; every fault."""
    expected = tomllib.loads((shape / "expected.toml").read_text(encoding="utf-8"))
    report = linted(shape, tmp_path)
    assert [line_of(each) for each in report.declared] == expected["declared"]
    assert [gap.what for gap in report.gaps] == expected.get("incomplete", [])


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_shape_is_found_fault_with_where_it_has_faults(shape: Path, tmp_path: Path) -> None:
    """Every finding: rule, place and number, and no other."""
    expected = tomllib.loads((shape / "expected.toml").read_text(encoding="utf-8"))
    found = [
        (
            each.rule,
            f"{each.place.path}:{each.place.line}:{each.place.column}",
            each.port,
        )
        for each in linted(shape, tmp_path).findings
    ]
    assert found == [
        (row["rule"], row["at"], row.get("port")) for row in expected.get("finding", [])
    ]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_number_stands_where_it_is_said_to_stand(shape: Path, tmp_path: Path) -> None:
    """The characters at each place are the digits: what --fix replaces is that and nothing else."""
    report = linted(shape, tmp_path)
    for each in report.declared:
        for place in each.digits:
            line = report.lines(place.path)[place.line - 1]
            text = line[place.column - 1 : place.column - 1 + place.length]
            numbers = [int(part) for part in text.replace("-", ":").split(":")]
            assert numbers[0] == each.first, (each, text)
            assert numbers[-1] == each.last, (each, text)


def expectations() -> Iterator[tuple[Path, str]]:
    """(shape, rule) of every finding that is expected anywhere."""
    for shape in SHAPES:
        table = tomllib.loads((shape / "expected.toml").read_text(encoding="utf-8"))
        for row in table.get("finding", []):
            yield shape, row["rule"]


LOOK_AT_THE_MACHINE = {"PB103", "PB104", "PB302"}


def test_there_are_enough_shapes_and_every_rule_is_in_one() -> None:
    """At least 40 shapes, a third of them without a fault; each rule that files alone break."""
    assert len(SHAPES) >= 40
    faulty = {shape for shape, _ in expectations()}
    assert len(SHAPES) - len(faulty) >= len(SHAPES) // 4
    assert {rule for _, rule in expectations()} >= set(NAMES) - LOOK_AT_THE_MACHINE
