"""Ten ordinary projects, laid out as people lay them out: lint may hardly ever cry wolf on them.

A layout is a folder of `layouts/` with the files of a project, and `expected.toml` with what a
careful reviewer would say of its ports too (`findings_meant`). Everything else that lint says at
the severity that fails a check is a false finding.
"""

import shutil
import tomllib
from pathlib import Path

import pytest

from portbook.survey.linting import LintReport, lint_paths

FOLDER = Path(__file__).parent / "layouts"
LAYOUTS = sorted(path.parent for path in FOLDER.glob("*/expected.toml"))
MOST_FALSE = 1 / 20


def linted(layout: Path, tmp_path: Path) -> LintReport:
    """The report on a copy of a layout, which has no expectations in it."""
    copy = tmp_path / layout.name
    shutil.copytree(layout, copy, ignore=shutil.ignore_patterns("expected.toml"))
    return lint_paths([str(copy)], cache=False)


def meant(layout: Path) -> list[str]:
    """What a careful reviewer would say: `PB401 compose.yaml:12:9`."""
    expected = tomllib.loads((layout / "expected.toml").read_text(encoding="utf-8"))
    found = expected["findings_meant"]
    assert isinstance(found, list)
    return found


def said(report: LintReport) -> list[str]:
    """What lint says, without what is only worth knowing."""
    return [
        f"{each.rule} {each.place.path}:{each.place.line}:{each.place.column}"
        for each in report.findings
        if each.severity != "note"
    ]


def test_of_twenty_numbers_at_most_one_is_found_fault_with_wrongly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """False findings are at most 1 in 20 of the numbers that the ten layouts declare."""
    rows = []
    for layout in LAYOUTS:
        report = linted(layout, tmp_path)
        false = [each for each in said(report) if each not in meant(layout)]
        notes = sum(each.severity == "note" for each in report.findings)
        rows.append((layout.name, report.files, len(report.declared), notes, false))
    with capsys.disabled():
        print("\n\nlayout                         files  numbers  notes  false findings")
        for name, files, numbers, notes, false in rows:
            print(f"{name:30} {files:5}  {numbers:7}  {notes:5}  {' '.join(false) or '-'}")
    assert len(rows) == 10
    assert sum(row[2] for row in rows) >= 200
    assert sum(len(row[4]) for row in rows) <= MOST_FALSE * sum(row[2] for row in rows)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_layout_is_read_whole(layout: Path, tmp_path: Path) -> None:
    """No file of an ordinary project is one that cannot be read, and numbers are found in each."""
    report = linted(layout, tmp_path)
    assert report.gaps == ()
    assert len(report.declared) >= 10


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_what_a_reviewer_would_say_is_said(layout: Path, tmp_path: Path) -> None:
    """Being quiet is not done by looking away: what is meant is found."""
    assert set(meant(layout)) <= set(said(linted(layout, tmp_path)))
