"""The import rules of pyproject.toml hold, and notice a planted fault."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent


_RUN = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the tree in `folder`."""
    return subprocess.run(
        [sys.executable, "-c", _RUN, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "src"), "PATH": "", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources and their rules."""
    shutil.copytree(TOP / "src", tmp_path / "src", ignore=shutil.ignore_patterns("*.pyc", "*.tsv"))
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_rules_hold(tree: Path) -> None:
    """The tree as it is keeps every contract."""
    done = lint(tree)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("owners/planted.py", "import portbook.sockets"),
        ("model/planted.py", "import portbook.host"),
        ("verdict/planted.py", "import socket"),
        ("owners/planted.py", "import subprocess"),
        ("registry/planted.py", "import psutil"),
        ("host/planted.py", "import portbook.survey"),
        ("utils/__init__.py", ""),
    ],
)
def test_a_planted_fault_breaks_them(tree: Path, file: str, line: str) -> None:
    """An upward, sideways or forbidden import is reported, and a folder without a place too."""
    planted = tree / "src" / "portbook" / file
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(f'"""Planted."""\n{line}\n', encoding="utf-8")
    assert lint(tree).returncode != 0
