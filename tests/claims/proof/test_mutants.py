"""Every planted fault is noticed: the proof would not say that all is well whatever it is shown."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from claims.proof.mixed_runs import TOP
from claims.proof.mutants import HISTORY, MUTANTS, Mutant

SEEDS = tuple(map(str, range(1, 7)))


def noticed(mutant: Mutant, source: Path) -> str:
    """Why the fault would go unnoticed, or nothing."""
    package = source / "portbook"
    shutil.copytree(TOP / "src" / "portbook", package, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in mutant.edits:
        file = package / edit.file
        text = file.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            return f"{edit.file} has it {text.count(edit.old)} times: {edit.old!r}"
        file.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
    return "" if run(mutant.caught_by, source) else "nothing noticed it"


def run(name: str, source: Path) -> bool:
    """Whether it fails on these sources; a fault of the run itself is none that was noticed.

    Raises:
        AssertionError: it did not run.
    """
    env = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{TOP / 'tests'}"}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    if name == HISTORY:
        argv = [sys.executable, "-m", "claims.proof.store_history", *SEEDS]
    else:
        argv = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:hypothesispytest", name]
    done = subprocess.run(argv, capture_output=True, env=env, cwd=TOP, timeout=60, check=False)
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode in (0, 1), said
    if name == HISTORY:
        assert not done.returncode or "Traceback" not in said, said
    elif done.returncode:
        assert "failed" in said.splitlines()[-1], said
    return done.returncode == 1


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All of them, two at a time."""
    folder = tmp_path_factory.mktemp("mutants")

    def one(place: int) -> str:
        try:
            return noticed(MUTANTS[place], folder / str(place))
        except (AssertionError, subprocess.TimeoutExpired) as fault:
            return str(fault)
        finally:
            shutil.rmtree(folder / str(place), ignore_errors=True)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(one, range(len(MUTANTS))))
    return {mutant.name: why for mutant, why in zip(MUTANTS, found, strict=True)}


@pytest.mark.live
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", [mutant.name for mutant in MUTANTS])
def test_a_planted_fault_is_noticed(name: str, results: dict[str, str]) -> None:
    """The mutant does not pass the test or history that is named with it."""
    assert not results[name]


def test_the_history_of_the_store_as_it_is_has_nothing_wrong() -> None:
    """What notices the faults notices none where none was planted."""
    assert not run(HISTORY, TOP / "src")
