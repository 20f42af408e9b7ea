"""`portbook record`: its options, on a recorded host."""

import sqlite3
from pathlib import Path

import pytest

from command import portbook, recorded

ROOT = recorded("debian12-root")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--every", "often"), "no duration"),
        (("--every", "0.01s"), "at least 0.1s"),
        (("--for", "1y"), "no duration"),
        (("--limit-size", "0"), "--limit-size"),
        (("--limit-size", "nan"), "--limit-size"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2 and one line, nothing is written."""
    run = portbook("record", *arguments)
    assert run.code == 2
    assert said in run.err


def test_one_sample_of_a_recorded_host(own_home: Path) -> None:
    """Every listener is new; a second sample finds nothing changed and writes no row."""
    file = own_home / "history.sqlite"
    first = portbook("record", "--once", "--json", "--root", ROOT)
    assert (first.code, first.err) == (0, "")
    assert first.document == {
        "schema": "portbook/record/1",
        "database": str(file),
        "samples": 1,
        "changes": 11,
        "incomplete": [],
    }
    second = portbook("record", "--once", "--root", ROOT)
    assert second.out == f"1 sample, 0 changes in {file}\n"
    with sqlite3.connect(file) as link:
        assert link.execute("SELECT count(*) FROM period").fetchone() == (11,)
        assert link.execute("SELECT count(*) FROM holder").fetchone()[0] < 11
    link.close()


def test_command_lines_are_not_kept(own_home: Path) -> None:
    """They may hold passwords; the file is for its owner alone as well."""
    portbook("record", "--once", "--root", ROOT)
    data = (own_home / "history.sqlite").read_bytes()
    assert b"cmdline" not in data
    assert (own_home / "history.sqlite").stat().st_mode & 0o077 == 0


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    """One line, exit code 5, and not a byte of it changed."""
    file = tmp_path / "mail.sqlite"
    with sqlite3.connect(file) as link:
        link.execute("CREATE TABLE mail (text)")
    link.close()
    before = file.read_bytes()
    run = portbook("record", "--once", "--database", str(file))
    assert run.code == 5
    assert "it was not touched" in run.err
    assert file.read_bytes() == before
