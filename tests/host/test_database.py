"""The door to SQLite files: what it opens it closes, whatever happens."""

import os
from pathlib import Path

import pytest

from portbook.host.database import Kind, open_reader, open_writer
from portbook.model import EnvironmentFault

KIND = Kind("test's file", 0x70627465, 1, "CREATE TABLE kept (text TEXT);")


def held(path: str) -> list[str]:
    """The files of this process whose names begin with `path`."""
    links = (f"/proc/self/fd/{each}" for each in os.listdir("/proc/self/fd"))
    found = [os.readlink(each) for each in links if os.path.lexists(each)]
    return [each for each in found if each.startswith(path)]


@pytest.mark.parametrize("opens", [open_writer, open_reader])
def test_a_damaged_file_is_let_go_of(tmp_path: Path, opens: object) -> None:
    """The error may be kept for long, and a leaked connection would keep its locks as long."""
    path = str(tmp_path / "kept.sqlite")
    open_writer(path, KIND).close()
    assert callable(opens)
    with open(path, "r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3900)
    with pytest.raises(EnvironmentFault, match="damaged") as kept:
        opens(path, KIND)
    assert held(path) == []
    del kept
