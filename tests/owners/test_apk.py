"""apk's database: a recording written by hand in its documented form, and damaged ones."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import recorded
from owners.package_trees import ask, copy_of, why
from portbook.model import Package, Unknown

TREE = recorded("packages-apk")
FILE = "lib/apk/db/installed"
EMBER = Package("apk", "ember", "0.8.2-r3")


def test_a_file_belongs_to_the_stanza_that_it_stands_in() -> None:
    """Folder and file stand on lines of their own, below the package's name."""
    assert ask(TREE, "/usr/sbin/emberd", "/bin/ash", "/usr/sbin/ash") == (
        EMBER,
        Package("apk", "ash", "1.36.1-r29"),
        None,
    )


def test_two_files_of_one_name_are_told_apart_by_their_folder() -> None:
    """`worker` is in two packages."""
    own, other = ask(TREE, "/usr/lib/ember/worker", "/usr/lib/ash/worker")
    assert own == EMBER and isinstance(other, Package) and other.name == "ash"


@pytest.mark.parametrize("folder", ["usr/lib/apk/db", "var/lib/apk/db"])
def test_the_database_is_found_where_newer_systems_keep_it(tmp_path: Path, folder: str) -> None:
    """Systems with a merged /usr have it below /usr."""
    tree = copy_of("packages-apk", tmp_path)
    (tree / folder).mkdir(parents=True)
    (tree / FILE).rename(tree / folder / "installed")
    assert ask(tree, "/usr/sbin/emberd") == (EMBER,)


@pytest.mark.parametrize("content", [b"\0" * 64, b"garbage\n", b"P:ember\nV:1\nF:bi"])
def test_a_damaged_database_is_never_a_no(tmp_path: Path, content: bytes) -> None:
    """A file that is cut off, or is none of apk's, may have held anything."""
    tree = copy_of("packages-apk", tmp_path)
    (tree / FILE).write_bytes(content)
    assert [why(answer) for answer in ask(tree, "/bin/ash", "/x")] == ["unreadable"] * 2


@given(
    st.lists(
        st.sampled_from([b"P:a", b"V:1", b"F:", b"F:bin", b"R:ash", b"R:", b"", b"\xff", b"P:"]),
        max_size=40,
    )
    | st.binary(max_size=300).map(lambda data: [data])
)
def test_any_lines_are_survived(lines: list[bytes]) -> None:
    """Whatever the file holds, there is an answer."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, FILE)
        file.parent.mkdir(parents=True)
        file.write_bytes(b"\n".join(lines))
        for answer in ask(folder, "/bin/ash", "/ash", "/"):
            assert answer is None or isinstance(answer, Package | Unknown)
