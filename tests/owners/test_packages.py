"""All databases of a host together, the time they may take, and the cache of a live host."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import recorded
from owners.package_trees import ask, copy_of, why
from portbook.host import Host
from portbook.model import Package, Unknown
from portbook.owners import apk, dpkg, package_cache, pacman, rpm
from portbook.owners.packages import TOO_SLOW, packages_of

KNOWN = {
    "/usr/sbin/lampd": Package("dpkg", "lamp-server", "2:1.4-3"),
    "/opt/caf\udce9": Package("rpm", "café", None),
    "/opt/own": None,
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that is not there yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("PORTBOOK_CACHE_HOME", str(folder))
    return folder


def test_nothing_is_looked_up_for_nobody() -> None:
    """No paths, no answer."""
    assert packages_of(Host(recorded("packages-dpkg")), []) == {}


def test_a_recording_without_a_database_was_not_asked() -> None:
    """Most recordings hold /proc only; that is no sign of an unpackaged program."""
    assert [why(answer) for answer in ask(recorded("debian12-root"), "/bin/x")] == ["not-asked"]


def test_two_managers_on_one_host_are_both_asked(tmp_path: Path) -> None:
    """What neither knows belongs to no package."""
    tree = copy_of("packages-dpkg", tmp_path)
    os.rename(copy_of("packages-rpm", tmp_path) / "usr", tree / "usr")
    managers = [
        answer.manager if isinstance(answer, Package) else answer
        for answer in ask(tree, "/usr/sbin/lampd", "/usr/sbin/lanternd", "/opt/x")
    ]
    assert managers == ["dpkg", "rpm", None]


def test_one_unreadable_database_leaves_the_others_findings(tmp_path: Path) -> None:
    """What dpkg does not have may be rpm's."""
    tree = copy_of("packages-dpkg", tmp_path)
    (tree / "var/lib/rpm").mkdir()
    (tree / "var/lib/rpm/Packages").write_bytes(b"")
    assert [why(answer) for answer in ask(tree, "/usr/sbin/lampd", "/x")] == [None, "unsupported"]


def test_a_sound_database_does_not_speak_for_a_damaged_one(tmp_path: Path) -> None:
    """dpkg's is cut off and rpm's is whole: a path that neither shows may be dpkg's."""
    tree = copy_of("packages-dpkg", tmp_path)
    os.rename(copy_of("packages-rpm", tmp_path) / "usr", tree / "usr")
    (tree / "var/lib/dpkg/info/lamp-other.list").write_bytes(b"/usr/sb")
    assert [why(answer) for answer in ask(tree, "/usr/sbin/lanternd", "/x")] == [None, "unreadable"]


@pytest.mark.parametrize("path", ["/opt/caf\ufffd", "/opt/\udc00", "/opt/a\0b"])
def test_a_path_that_is_no_real_name_is_unknown(path: str) -> None:
    """A name with a replacement character is not the one that the file has."""
    assert [why(answer) for answer in ask(recorded("packages-dpkg"), path)] == ["unreadable"]


@pytest.mark.parametrize(
    ("reader", "name", "path"),
    [
        (dpkg, "packages-dpkg", b"/usr/sbin/lampd"),
        (rpm, "packages-rpm", b"/usr/sbin/lanternd"),
        (apk, "packages-apk", b"/usr/sbin/emberd"),
        (pacman, "packages-pacman", b"/usr/bin/beacond"),
    ],
)
def test_a_reader_stops_when_its_time_is_up(reader: object, name: str, path: bytes) -> None:
    """Then what it has not found is unknown."""
    found = reader.find(Host(recorded(name)), {path: "x"}, 0.0)  # type: ignore[attr-defined]
    assert found == ({}, TOO_SLOW)


def test_what_was_saved_is_loaded_for_the_same_databases_only(cache: Path) -> None:
    """Another state of the databases is another key."""
    package_cache.save("one", KNOWN, keep=())
    assert package_cache.load("one") == KNOWN
    assert package_cache.load("two") == {}
    assert [file.name for file in cache.iterdir()] == ["packages"]


def test_too_many_paths_are_cut_to_those_asked_last(cache: Path) -> None:
    """The file has a bound."""
    many: dict[str, Package | None] = {f"/opt/{number}": None for number in range(5000)}
    package_cache.save("one", many, keep=["/opt/7"])
    assert package_cache.load("one") == {"/opt/7": None}


@given(st.integers(0, 200), st.binary(min_size=1, max_size=5))
def test_a_damaged_cache_is_passed_over(at: int, junk: bytes) -> None:
    """Whatever bytes change, the answer is what was saved or nothing."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORTBOOK_CACHE_HOME", folder)
        package_cache.save("one", KNOWN, keep=())
        file = Path(folder, "packages")
        data = file.read_bytes()
        file.write_bytes(data[:at] + junk + data[at + len(junk) :])
        assert package_cache.load("one") in ({}, KNOWN)


@pytest.mark.parametrize("place", ["/proc/none", "relative", "/dev/null/x"])
def test_a_home_that_cannot_be_written_is_no_error(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then there is no cache."""
    monkeypatch.setenv("PORTBOOK_CACHE_HOME", place)
    package_cache.save("one", KNOWN, keep=())
    assert package_cache.load("one") == {}


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_folder_that_others_can_write_is_refused(cache: Path, mode: int) -> None:
    """They could have put there what they like."""
    package_cache.save("one", KNOWN, keep=())
    cache.chmod(mode)
    assert package_cache.load("one") == {}


def test_a_link_in_place_of_the_folder_or_the_file_is_refused(cache: Path) -> None:
    """Neither is followed, to read or to write."""
    package_cache.save("one", KNOWN, keep=())
    moved = cache.with_name("moved")
    cache.rename(moved)
    cache.symlink_to(moved)
    assert package_cache.load("one") == {}
    package_cache.save("two", KNOWN, keep=())
    cache.unlink()
    moved.rename(cache)
    assert package_cache.load("one") == KNOWN
    (cache / "packages").rename(moved)
    (cache / "packages").symlink_to(moved)
    assert package_cache.load("one") == {}


def test_a_pipe_in_place_of_the_file_does_not_wait(cache: Path) -> None:
    """Opening it would wait for a writer."""
    cache.mkdir()
    os.mkfifo(cache / "packages")
    assert package_cache.load("one") == {}


def test_a_writer_that_died_does_not_block_the_next(cache: Path) -> None:
    """What it left is cleared away, and the one after that saves."""
    cache.mkdir()
    (cache / "packages.new").write_bytes(b"half")
    package_cache.save("one", KNOWN, keep=())
    package_cache.save("one", KNOWN, keep=())
    assert package_cache.load("one") == KNOWN


def test_a_full_disk_leaves_nothing_behind(cache: Path) -> None:
    """A file that cannot be written whole is taken away again."""
    program = (
        "import resource\n"
        "from portbook.owners import package_cache\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))\n"
        "package_cache.save('one', {'/a': None}, keep=())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(cache.iterdir()) == []


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give folders away")
def test_root_neither_follows_nor_makes_a_cache_in_a_users_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sudo may leave HOME as it was."""
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    monkeypatch.delenv("PORTBOOK_CACHE_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(home))
    package_cache.save("one", KNOWN, keep=())
    assert list(home.iterdir()) == []
    os.chown(home, 0, 0)
    package_cache.save("one", KNOWN, keep=())
    assert package_cache.load("one") == KNOWN
    os.chown(home / ".cache/portbook", 65534, 65534)
    assert package_cache.load("one") == {}


@pytest.mark.live
def test_the_second_answer_about_this_machine_comes_from_the_cache(cache: Path) -> None:
    """It is the same as the first, and a planted entry shows where it came from."""
    paths = [os.path.realpath(sys.executable), "/no/such/program"]
    first = packages_of(Host(), paths)
    assert packages_of(Host(), paths) == first
    if not (cache / "packages").exists():
        assert all(isinstance(answer, Unknown) for answer in first.values())
        return
    data = (cache / "packages").read_bytes()
    key = data.split(b"\0")[2].decode()
    planted = Package("dpkg", "planted", "1")
    package_cache.save(key, {"/no/such/program": planted}, keep=())
    assert packages_of(Host(), ["/no/such/program"])["/no/such/program"] == planted


def test_recordings_are_never_cached(cache: Path) -> None:
    """Their stamps say nothing about another checkout."""
    ask(recorded("packages-dpkg"), "/usr/sbin/lampd")
    assert not cache.exists()
