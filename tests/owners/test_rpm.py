"""rpm's database: one that rpm itself wrote (rpmbuild and rpm --root), damaged and hostile ones."""

import shutil
import sqlite3
import struct
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from command import recorded
from owners.package_trees import ask, copy_of, why
from portbook.model import Package, Unknown
from portbook.owners.rpm import Header

TREE = recorded("packages-rpm")
FOLDER = "usr/lib/sysimage/rpm"
FILE = f"{FOLDER}/rpmdb.sqlite"
LANTERN = Package("rpm", "lantern", "1:2.4-1")
HARBOUR = Package("rpm", "harbour", "0.9-3")


def lantern() -> bytes:
    """The header of one package as rpm wrote it."""
    with closing(sqlite3.connect(f"file:{TREE}/{FILE}?mode=ro&immutable=1", uri=True)) as database:
        row = database.execute("SELECT p.blob FROM Packages p JOIN Name n USING (hnum) "
                               "WHERE n.key = 'lantern'").fetchone()  # fmt: skip
    return bytes(row[0])


def test_an_executable_is_owned_by_the_package_that_has_it() -> None:
    """Epoch, version and release as rpm writes them."""
    assert ask(TREE, "/usr/sbin/lanternd", "/opt/x") == (LANTERN, None)


def test_two_files_of_one_name_are_told_apart_by_their_folder() -> None:
    """The index has base names only; the folders are in the headers."""
    assert ask(TREE, "/usr/libexec/lantern/worker", "/usr/libexec/harbour/worker", "/worker") == (
        LANTERN,
        HARBOUR,
        None,
    )


def test_a_merged_folder_is_found_in_both_spellings() -> None:
    """The package has /bin/harbour, which the kernel calls /usr/bin/harbour."""
    assert ask(TREE, "/bin/harbour", "/usr/bin/harbour") == (HARBOUR, HARBOUR)


def test_the_older_place_of_the_database_is_known(tmp_path: Path) -> None:
    """/var/lib/rpm, where RHEL keeps it."""
    tree = copy_of("packages-rpm", tmp_path)
    (tree / "var/lib").mkdir(parents=True)
    (tree / FOLDER).rename(tree / "var/lib/rpm")
    assert ask(tree, "/usr/sbin/lanternd") == (LANTERN,)


@pytest.mark.parametrize("name", ["Packages", "Packages.db"])
def test_an_old_kind_of_database_is_named_with_a_way_out(tmp_path: Path, name: str) -> None:
    """Berkeley DB and ndb are not read."""
    (tmp_path / "var/lib/rpm").mkdir(parents=True)
    (tmp_path / "var/lib/rpm" / name).write_bytes(b"\0" * 100)
    (answer,) = ask(tmp_path, "/usr/sbin/lanternd")
    assert isinstance(answer, Unknown) and answer.unknown == "unsupported"
    assert answer.hint and "--rebuilddb" in answer.hint


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"SQLite format 3\0" + bytes(4080)])
def test_a_file_that_is_no_database_is_unknown(tmp_path: Path, content: bytes) -> None:
    """Empty, garbage, and a database's first page with nothing in it."""
    tree = copy_of("packages-rpm", tmp_path)
    (tree / FILE).write_bytes(content)
    assert [why(answer) for answer in ask(tree, "/usr/sbin/lanternd")] == ["unreadable"]


@pytest.mark.parametrize("size", [5_000, 60_000, 150_000])
def test_a_half_written_database_is_never_a_no(tmp_path: Path, size: int) -> None:
    """Cut off in the middle, it may have held the path."""
    tree = copy_of("packages-rpm", tmp_path)
    (tree / FILE).write_bytes((tree / FILE).read_bytes()[:size])
    (answer,) = ask(tree, "/usr/sbin/lanternd")
    assert answer == LANTERN or why(answer) == "unreadable"


def test_a_database_that_is_being_changed_is_unknown(tmp_path: Path) -> None:
    """A change that is only in the write-ahead log cannot be seen without taking part in it."""
    tree = copy_of("packages-rpm", tmp_path)
    with closing(sqlite3.connect(tree / FILE, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("DELETE FROM Basenames")
        assert [why(answer) for answer in ask(tree, "/usr/sbin/lanternd")] == ["unreadable"]


def test_a_locked_database_is_read_all_the_same(tmp_path: Path) -> None:
    """An exclusive lock of a writer that has written nothing yet keeps nobody out."""
    tree = copy_of("packages-rpm", tmp_path)
    with closing(sqlite3.connect(tree / FILE, isolation_level=None)) as writer:
        writer.execute("PRAGMA locking_mode = EXCLUSIVE")
        writer.execute("BEGIN EXCLUSIVE")
        assert ask(tree, "/usr/sbin/lanternd") == (LANTERN,)


def test_nothing_is_written_beside_the_database(tmp_path: Path) -> None:
    """No journal, no shared memory, no lock file."""
    tree = copy_of("packages-rpm", tmp_path)
    ask(tree, "/usr/sbin/lanternd")
    assert [file.name for file in (tree / FOLDER).iterdir()] == ["rpmdb.sqlite"]


def test_a_database_that_never_ends_is_given_up(tmp_path: Path) -> None:
    """A view that computes for ever in place of the index is stopped within a second."""
    tree = copy_of("packages-rpm", tmp_path)
    with closing(sqlite3.connect(tree / FILE, isolation_level=None)) as writer:
        writer.execute("DROP TABLE Basenames")
        writer.execute(
            "CREATE VIEW Basenames AS WITH RECURSIVE n(key, hnum, idx) AS (SELECT '', 0, 0 "
            "UNION ALL SELECT '', hnum + 1, 0 FROM n) SELECT * FROM n"
        )
        writer.execute("PRAGMA journal_mode = DELETE")
    begin = time.monotonic()
    assert [why(answer) for answer in ask(tree, "/usr/sbin/lanternd")] == ["unreadable"]
    assert time.monotonic() - begin < 3


def test_a_real_header_is_read() -> None:
    """Files, folders, name and version out of the bytes that rpm wrote."""
    header = Header(lantern())
    assert header.package() == LANTERN
    assert header.path(0) == b"/usr/bin/lantern"
    assert header.path(99) is None


@given(st.binary(max_size=400))
def test_any_bytes_are_a_header_or_refused(blob: bytes) -> None:
    """Nothing but ValueError is raised."""
    try:
        header = Header(blob)
    except ValueError:
        return
    header.package()
    header.path(0)


@given(
    st.integers(0, len(lantern()) - 1),
    st.integers(0, 255),
    st.integers(0, 80),
)
def test_a_real_header_with_one_byte_changed_is_survived(at: int, value: int, index: int) -> None:
    """Counts, offsets and types that lie."""
    blob = bytearray(lantern())
    blob[at] = value
    try:
        header = Header(bytes(blob))
    except ValueError:
        return
    header.path(index)
    header.package()


def test_a_header_that_announces_gigabytes_is_refused() -> None:
    """The counts are held against the bytes that are there."""
    for counts in ((0xFFFFFFFF, 16), (1, 0xFFFFFFFF), (0x10000, 0)):
        with pytest.raises(ValueError, match="cut off"):
            Header(struct.pack(">II", *counts) + bytes(1000))


@given(st.integers(0, 225_279), st.binary(min_size=1, max_size=16))
@example(141_595, b"\x80")
def test_a_real_database_with_bytes_changed_is_survived(at: int, junk: bytes) -> None:
    """Pages, schema and records that lie."""
    with tempfile.TemporaryDirectory() as folder:
        tree = copy_of("packages-rpm", Path(folder))
        with (tree / FILE).open("r+b") as file:
            file.seek(at)
            file.write(junk)
        for answer in ask(tree, "/usr/sbin/lanternd", "/opt/x"):
            assert answer is None or isinstance(answer, Package | Unknown)


@pytest.mark.live
@pytest.mark.skipif(shutil.which("rpm") is None, reason="no rpm here")
def test_rpm_itself_says_the_same(tmp_path: Path) -> None:
    """rpm -qf on a copy of the recording."""
    tree = copy_of("packages-rpm", tmp_path)
    paths = ("/usr/sbin/lanternd", "/bin/harbour", "/usr/libexec/harbour/worker")
    for path, ours in zip(paths, ask(TREE, *paths), strict=True):
        asked = ["rpm", "--dbpath", str(tree / FOLDER), "-q", "--whatprovides", path]
        done = subprocess.run(
            [*asked, "--qf", "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}"],
            capture_output=True,
            text=True,
        )
        assert isinstance(ours, Package)
        assert done.stdout == f"{ours.name} {ours.version}"
