"""The shape of the tree: sizes, names, docstrings, and nothing of this machine in it."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
SOURCES = sorted((TOP / "src").rglob("*.py"))
TESTS = sorted((TOP / "tests").rglob("*.py"))
REFUSED = {"utils", "helpers", "common", "base", "manager", "misc"}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.stem)
def test_a_source_file_is_short_and_says_what_it_is(file: Path) -> None:
    """At most 400 lines, and a docstring whose first sentence says what the file is."""
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring
    assert docstring.splitlines()[0].rstrip().endswith((".", ":", "?"))


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.stem)
def test_no_file_is_a_drawer(file: Path) -> None:
    """A name says what is inside."""
    assert file.stem not in REFUSED
    assert file.parent.name not in REFUSED


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_every_test_says_which_behaviour_it_holds(file: Path) -> None:
    """Test files have at most 600 lines, and each test one sentence."""
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= 600
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            assert ast.get_docstring(node), f"{file.name}: {node.name}"


def tracked() -> list[Path]:
    """Every file that git tracks."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [TOP / name for name in done.stdout.decode().split("\0") if name]


def test_nothing_of_one_machine_and_no_registry_host_is_committed() -> None:
    """No path of a machine, no address of a package registry."""
    pattern = re.compile(
        "|".join(
            (
                r"/wor" + r"k/",
                r"pypi\.o" + r"rg",
                r"registry\.npm" + r"js",
                r"deb\.deb" + r"ian\.org",
            )
        )
    )
    for file in tracked():
        if file.is_symlink() or not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        assert not pattern.search(text), file


def test_the_guard_for_addresses_finds_a_planted_one() -> None:
    """The pattern above matches what it is there for."""
    assert re.search(r"pypi\.o" + r"rg", "https://pypi." + "org/simple")


def test_the_readme_shows_a_real_answer_on_its_first_screen() -> None:
    """One question, its answer, and the two commands that do all the set-up."""
    first_screen = "\n".join((TOP / "README.md").read_text(encoding="utf-8").splitlines()[:60])
    for needed in ("./scripts/portbook 3255", "./scripts/test", "Semaphore Connection Port"):
        assert needed in first_screen
