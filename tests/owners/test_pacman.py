"""pacman's database: a tree that pacman itself installed a package into, and damaged ones."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import recorded
from owners.package_trees import ask, copy_of, why
from portbook.model import Package, Unknown

TREE = recorded("packages-pacman")
LOCAL = "var/lib/pacman/local"
BEACON = Package("pacman", "beacon", "3.1-2")


def test_an_executable_is_owned_by_the_package_that_lists_it() -> None:
    """Paths are listed without the slash in front; a configuration file is no executable."""
    assert ask(TREE, "/usr/bin/beacond", "/usr/lib/beacon/worker", "/opt/x") == (
        BEACON,
        BEACON,
        None,
    )


@pytest.mark.parametrize("path", ["/bin/beacond", "/sbin/beacond", "/usr/sbin/beacond"])
def test_all_four_folders_of_programs_are_one(path: str) -> None:
    """There /bin, /sbin and /usr/sbin are links to /usr/bin, the second through the third."""
    assert ask(TREE, path) == (BEACON,)


def test_a_package_without_desc_is_named_by_its_folder(tmp_path: Path) -> None:
    """The folder's name has the version as well; the name may hold dashes."""
    tree = copy_of("packages-pacman", tmp_path)
    (tree / LOCAL / "beacon-3.1-2/desc").unlink()
    (tree / LOCAL / "beacon-3.1-2").rename(tree / LOCAL / "bea-con-1:3.1-2")
    assert ask(tree, "/usr/bin/beacond") == (Package("pacman", "bea-con", "1:3.1-2"),)


@pytest.mark.parametrize("content", [b"%FILES%\nusr/\nusr/bi", b"\0" * 40, b"<html>\n", None])
def test_a_damaged_database_is_never_a_no(tmp_path: Path, content: bytes | None) -> None:
    """A list that is cut off or missing may have held the path."""
    tree = copy_of("packages-pacman", tmp_path)
    file = tree / LOCAL / "beacon-3.1-2/files"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    assert [why(answer) for answer in ask(tree, "/usr/bin/beacond")] == ["unreadable"]


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_survived(files: bytes, desc: bytes) -> None:
    """Whatever the two files hold, there is an answer."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder, LOCAL, "x")
        package.mkdir(parents=True)
        (package / "files").write_bytes(b"%FILES%\nusr/bin/x\n" + files)
        (package / "desc").write_bytes(b"%NAME%\n" + desc)
        for answer in ask(folder, "/usr/bin/x", "/y"):
            assert answer is None or isinstance(answer, Package | Unknown)
