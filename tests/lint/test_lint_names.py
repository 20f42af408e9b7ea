"""Which names lint knows, files that are named to it, and files that are not on disk yet."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from command import portbook
from portbook.lint.readers import forms_of
from portbook.survey.linting import lint_paths


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("stack.yml", "compose"),
        ("docker-stack.yml", "compose"),
        ("infra.compose.yml", "compose"),
        ("docker-compose.prod.yaml", "compose"),
        ("Dockerfile-prod", "dockerfile"),
        ("dockerfile", "dockerfile"),
        ("api.Dockerfile", "dockerfile"),
        (".envrc", "dotenv"),
        (".flaskenv", "dotenv"),
        (".env-sample", "dotenv"),
        ("env.example", "dotenv"),
        ("prod.env", "dotenv"),
    ],
)
def test_usual_names_are_known(name: str, form: str) -> None:
    """Those that people give to such files."""
    assert form in forms_of(name)


@pytest.mark.parametrize(
    "name", ["composer.json", "env.d.ts", "stack.js", "dockerfile_lines.py", "Dockerfile.md"]
)
def test_names_that_only_look_alike_are_nobodys(name: str) -> None:
    """Or every repository would be full of gaps."""
    assert forms_of(name) == []


def test_a_file_that_is_named_and_that_nobody_reads_is_a_gap(tmp_path: Path) -> None:
    """In a folder it would be passed over; who names it expects an answer."""
    (tmp_path / "notes.txt").write_text("8080")
    assert [gap.what for gap in lint_paths([str(tmp_path / "notes.txt")]).gaps] == ["notes.txt"]
    assert lint_paths([str(tmp_path)]).gaps == ()


def test_a_file_that_was_never_saved_can_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an editor holds it; its folder has to be there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path / "data"))
    command = [sys.executable, "-m", "portbook", "lint", "-", "--json", "--stdin-filename"]
    done = subprocess.run(
        [*command, "Dockerfile"], input=b"FROM x\nEXPOSE 99999\n", capture_output=True, check=False
    )
    assert done.returncode == 1
    assert [each["rule"] for each in json.loads(done.stdout)["findings"]] == ["PB306"]
    done = subprocess.run(
        [*command, "none/Dockerfile"], input=b"", capture_output=True, check=False
    )
    assert done.returncode == 2


def test_a_rule_is_explained_as_a_document_too() -> None:
    """With its page as Markdown."""
    told = portbook("lint", "--explain", "PB101", "--json").document
    assert told["schema"] == "portbook/lint-rule/1"
    assert told["page"].startswith("# PB101: ")


def test_an_ignore_inside_a_block_comment_counts(tmp_path: Path) -> None:
    """A line of it begins with a star."""
    config = "/*\n * portbook: ignore[PB305]\n */\nexport default { server: { port: 80 } }\n"
    (tmp_path / "vite.config.ts").write_text(config)
    assert lint_paths([str(tmp_path)], cache=False).findings == ()
    (tmp_path / "vite.config.ts").write_text(config.replace("PB305", "PB101"))
    found = lint_paths([str(tmp_path)], cache=False).findings
    assert [each.rule for each in found] == ["PB305"]
