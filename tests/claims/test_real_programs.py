"""Real servers take the port that is kept for them: the table in docs/run.md is of these."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from claims.run_programs import PROGRAMS, Program, attempt, missing

pytestmark = pytest.mark.timeout(180)
WITH_PASSED = [program for program in PROGRAMS if program.passed]


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder for the program, where another user (postgres) can come, too."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as outer:
        made = Path(outer) / "program"
        made.mkdir()
        yield made


def _skip_if_missing(program: Program) -> None:
    why = missing(program)
    if why is not None:
        pytest.skip(why)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
@pytest.mark.parametrize("way", ["hold", "release"])
def test_a_real_server_gets_its_port(program: Program, way: str, folder: Path) -> None:
    """It is ready with what is known to work for it, and only with that."""
    _skip_if_missing(program)
    outcome = attempt(program, way, folder)
    assert outcome.works == (way in program.works), outcome.told


@pytest.mark.parametrize("program", WITH_PASSED, ids=lambda program: program.name)
def test_a_real_server_takes_a_passed_socket(program: Program, folder: Path) -> None:
    """It answers on the socket that listened before it began."""
    _skip_if_missing(program)
    outcome = attempt(program, "fd", folder)
    assert outcome.works, outcome.told
