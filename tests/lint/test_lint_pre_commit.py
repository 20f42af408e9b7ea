"""The hook for pre-commit, for real: a repository, a commit that is stopped, one that is not."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from portbook.lint.readers import FORMS

TOP = Path(__file__).parent.parent.parent
HOOKS = TOP / ".pre-commit-hooks.yaml"
COMPOSE = """\
services:
  web:
    image: nginx
    ports: ["127.0.0.1:8080:80"]
"""
SECOND = """\
  admin:
    image: nginx
    ports: ["127.0.0.1:8080:80"]
"""


class Done(NamedTuple):
    """What a program said, and its exit code."""

    code: int
    said: str


class Shell:
    """Runs programs in a repository with a home, a git and a pre-commit of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        config = folder.parent / "gitconfig"
        config.write_text(
            "[user]\nname = A Tester\nemail = tester@example.invalid\n"
            "[init]\ndefaultBranch = main\n[safe]\ndirectory = *\n"
        )
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": str(config),
            "GIT_CONFIG_NOSYSTEM": "1",
            "PRE_COMMIT_HOME": str(folder.parent / "pre-commit"),
            "PRE_COMMIT_COLOR": "never",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def run(self, *arguments: str) -> Done:
        """Run a program in the repository."""
        done = subprocess.run(
            arguments,
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=500,
            check=False,
        )
        return Done(done.returncode, done.stdout)

    def do(self, *arguments: str) -> str:
        """Run one that has to succeed."""
        done = self.run(*arguments)
        assert done.code == 0, done.said
        return done.said


def repository(folder: Path) -> Shell:
    """An empty git repository."""
    folder.mkdir(parents=True)
    shell = Shell(folder)
    shell.do("git", "init", "--quiet")
    return shell


def hooks_of_this_tree(folder: Path) -> Path:
    """A repository with this tree's files as they are, committed or not."""
    shell = repository(folder)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=TOP,
        env={**shell.env},
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        # What is installed, and nothing of the tests and their recordings.
        if name.startswith(("src/", "docs/lint", ".pre-commit")) or "/" not in name:
            source = TOP / name
            if source.is_file() and not source.is_symlink():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, folder / name)
    shell.do("git", "add", "--all", "--force")
    shell.do("git", "commit", "--quiet", "--message", "as it is")
    return folder


@pytest.mark.timeout(600)
def test_a_commit_with_a_collision_is_stopped_and_goes_through_once_fixed(tmp_path: Path) -> None:
    """pre-commit installs the hook from a clone and runs it at `git commit`."""
    hooks = hooks_of_this_tree(tmp_path / "hooks")
    shop = repository(tmp_path / "shop")
    revision = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=hooks, env=shop.env, capture_output=True, check=True
    )
    (shop.folder / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {hooks}\n    rev: {revision.stdout.decode().strip()}\n"
        "    hooks:\n      - id: portbook-lint\n"
    )
    (shop.folder / "compose.yaml").write_text(COMPOSE)
    shop.do("pre-commit", "install")
    shop.do("git", "add", "--all")
    first = shop.run("git", "commit", "--message", "one service")
    if first.code and re.search(r"No matching distribution|Could not (find|fetch)", first.said):
        pytest.skip("pip cannot install here: no package index")
    assert first.code == 0, first.said
    assert re.search(r"portbook lint\.+Passed", first.said)

    # The half that collides is the other file, which is not in the commit.
    (shop.folder / "compose.override.yaml").write_text("services:\n" + SECOND)
    shop.do("git", "add", "--all")
    stopped = shop.run("git", "commit", "--message", "and another")
    assert stopped.code == 1
    assert "error PB101 " in stopped.said
    assert "compose.override.yaml:4:" in stopped.said or "compose.yaml:4:" in stopped.said
    assert shop.do("git", "log", "--format=%s").splitlines() == ["one service"]

    (shop.folder / "compose.override.yaml").write_text(
        "services:\n" + SECOND.replace("8080", "8093")
    )
    shop.do("git", "add", "--all")
    shop.do("git", "commit", "--message", "and another")
    assert shop.do("git", "log", "--format=%s").splitlines() == ["and another", "one service"]

    # A commit of files that declare no ports does not start it.
    (shop.folder / "notes.txt").write_text("8080\n")
    shop.do("git", "add", "--all")
    said = shop.do("git", "commit", "--message", "notes")
    assert re.search(r"portbook lint\.+\(no files to check\)\s?Skipped", said)


def hook() -> dict[str, object]:
    """The one hook."""
    (found,) = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_the_hook_reads_the_whole_project() -> None:
    """A collision takes two files, and one of them may not be in the commit."""
    found = hook()
    assert found["pass_filenames"] is False
    assert found["entry"] == "portbook lint"
    assert found["language"] == "python"


NAMES = st.one_of(*(st.from_regex(pattern, fullmatch=True) for pattern in FORMS.values()))


@given(NAMES, st.sampled_from(["", "web/", "deploy/k8s/"]))
def test_every_file_that_a_reader_wants_starts_the_hook(name: str, folder: str) -> None:
    """Its pattern has no form less than the readers."""
    if "\n" not in name:
        assert re.search(str(hook()["files"]), folder + name)


@pytest.mark.parametrize("name", ["notes.txt", "src/main.py", "a.png", "LICENSE", "x/y.md"])
def test_other_files_do_not_start_it(name: str) -> None:
    """It costs a third of a second, but that is no reason."""
    assert not re.search(str(hook()["files"]), name)
