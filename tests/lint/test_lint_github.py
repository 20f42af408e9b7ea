"""The annotations of GitHub Actions: one command to a line, and nothing else is one."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import portbook
from portbook.cli.lint_github import annotations
from portbook.model import Gap
from portbook.model.declared import LintFinding, Place, Related
from portbook.survey.linting import LintReport

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")
"""The form of a workflow command as the runner reads it: properties end at the next `::`."""


def told(*found: LintFinding, gaps: tuple[Gap, ...] = ()) -> list[str]:
    """The lines for these findings of a folder elsewhere."""
    return annotations(LintReport("/srv", found, 3, (), gaps, lambda _: []))


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """A command as a runner understands it: its name, its properties, its message."""
    match = COMMAND.fullmatch(line)
    assert match is not None
    properties = dict(part.split("=", 1) for part in match[2].split(","))
    return match[1], {name: unquote(value) for name, value in properties.items()}, unquote(match[3])


def test_each_finding_is_one_command() -> None:
    """Name by severity; file, lines, columns and rule as properties; the rest in the message."""
    found = LintFinding(
        *("PB101", "error", Place("a,b:c/compose.yaml", 5, 9, 4), 8080, "100%0A taken %2C"),
        hint="take another",
        related=(Related(Place("x.yaml", 3, 1, 2), "there"),),
    )
    name, properties, message = parsed(told(found)[0])
    assert name == "error"
    assert properties == {
        "file": "/srv/a,b:c/compose.yaml",
        "line": "5",
        "endLine": "5",
        "col": "9",
        "endColumn": "13",
        "title": "PB101",
    }
    assert message == "100%0A taken %2C\nalso /srv/x.yaml:3:1: there\nhelp: take another"
    for severity, command in (("warning", "warning"), ("note", "notice")):
        assert parsed(told(found._replace(severity=severity))[0])[0] == command


def test_what_the_baseline_has_is_no_annotation() -> None:
    """It is counted in the last line alone."""
    found = LintFinding("PB101", "error", Place("a", 1, 1, 1), 1, "x", known=True)
    assert told(found) == ["0 findings, 1 more in the baseline; 3 files with ports read"]


def test_what_was_not_checked_is_a_warning() -> None:
    """With its file in the text."""
    line, _ = told(gaps=(Gap("a.yaml:3", "it is no YAML", "the rest was checked"),))
    assert parsed(line) == (
        "warning",
        {"title": "portbook lint is incomplete"},
        "a.yaml:3: it is no YAML (the rest was checked)",
    )


TEXT = st.text(st.sampled_from("ab%:,\r\n\x1b:;=é "), max_size=20)


@given(TEXT, TEXT, TEXT, TEXT)
def test_no_text_of_a_file_becomes_a_command(path: str, said: str, what: str, hint: str) -> None:
    """Line ends, colons, commas and percent signs arrive as they are, in one command."""
    found = LintFinding(
        *("PB101", "error", Place(f"x{path}", 1, 1, 1), 1, said),
        hint=hint or None,
        related=(Related(Place("y", 1, 1, 1), what),),
    )
    lines = told(found, gaps=(Gap(path, said),))
    assert len(lines) == 3
    assert not any("\n" in line or "\r" in line for line in lines)
    _, properties, message = parsed(lines[0])
    assert properties["title"] == "PB101"
    assert message.count("\n") == (2 if hint else 1)
    assert not lines[2].startswith("::")


def test_files_are_named_from_the_top_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GITHUB_WORKSPACE, wherever the command is run."""
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    port = 'image: nginx, ports: ["127.0.0.1:8080:80"]'
    (deploy / "compose.yaml").write_text(f"services:\n  a: {{{port}}}\n  b: {{{port}}}\n")
    monkeypatch.chdir(deploy)
    run = portbook("lint", "--github", "--select", "PB101")
    assert run.code == 1
    assert parsed(run.out.splitlines()[0])[1]["file"] == "compose.yaml"
    run = portbook("lint", "--github", "--select", "PB101", env={"GITHUB_WORKSPACE": str(tmp_path)})
    assert parsed(run.out.splitlines()[0])[1]["file"] == "deploy/compose.yaml"
