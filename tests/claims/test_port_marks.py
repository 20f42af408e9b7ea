"""The marks beside a store: a port without one is promised to nobody, cheaply learnt."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import portbook
from portbook.host.folders import claims_file
from portbook.host.port_marks import SUFFIX, PortMarks, any_marked

PORTS = st.integers(0, 65535)
"""Any port."""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of the test's own."""
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(tmp_path))


@given(st.sets(PORTS, max_size=40), st.lists(st.tuples(PORTS, st.integers(1, 9)), max_size=9))
def test_what_was_marked_is_found_and_nothing_else(
    first: set[int], later: list[tuple[int, int]]
) -> None:
    """As a set of ports would say."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/marks"
        marks = PortMarks(path, first)
        wanted = set(first)
        for port, size in later:
            end = min(port + size, 65536)
            marks.mark(port, end - port)
            wanted.update(range(port, end))
        marks.close()
        for port in {*wanted, *(each + 1 for each in wanted if each < 65535), 0, 65535}:
            assert any_marked(path, [port]) == (port in wanted)
        PortMarks(path, ()).close()
        assert not any_marked(path, range(65536))


@pytest.mark.parametrize("content", [None, b"", b"x", bytes(8191), bytes(8193)])
def test_a_file_that_cannot_tell_says_maybe(tmp_path: Path, content: bytes | None) -> None:
    """Then the store is asked; and whoever writes it next makes the file anew."""
    path = tmp_path / "marks"
    if content is not None:
        path.write_bytes(content)
    assert any_marked(str(path), [80])
    PortMarks(str(path), [443]).close()
    assert not any_marked(str(path), [80])
    assert any_marked(str(path), [80, 443])


def loaded(port: str) -> set[str]:
    """The modules that an answer about a port loads."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "portbook", port, "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}


def test_an_answer_about_another_port_opens_no_store() -> None:
    """With claims and reservations around: neither SQLite nor our claims are loaded."""
    claimed = portbook("claim", "--json", "--name", "web").document["claims"][0]
    reserved = portbook("reserve", "db", "--json").document["reservations"][0]["port"]
    names = loaded("3255")
    assert not {name for name in names if "sqlite" in name or "claims" in name or name == "typing"}
    for port in (claimed["port"], reserved):
        assert "sqlite3" in loaded(str(port))
    assert portbook(str(claimed["port"]), "--json").document["claim"]["id"] == claimed["id"]


def test_the_marks_end_with_what_they_stand_for() -> None:
    """After a release, as soon as the store is opened once more."""
    claimed = portbook("claim", "--json").document["claims"][0]
    path = claims_file() + SUFFIX
    assert any_marked(path, [claimed["port"]])
    assert portbook("release", claimed["id"]).code == 0
    assert portbook("claim", "--near", "9000", "--json").code == 0
    assert not any_marked(path, [claimed["port"]])
