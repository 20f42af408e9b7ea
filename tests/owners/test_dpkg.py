"""dpkg's database: a tree that dpkg itself installed into, damaged ones, and this machine's own.

The recording was made with `dpkg --root`, from packages made with dpkg-deb and one diversion.
"""

import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import recorded
from owners.package_trees import ask, copy_of, why
from portbook.host import Host
from portbook.model import Package, Unknown
from portbook.owners.packages import packages_of

TREE = recorded("packages-dpkg")
LAMP = Package("dpkg", "lamp-server", "2:1.4-3")
INFO = "var/lib/dpkg/info"


def test_an_executable_is_owned_by_the_package_that_lists_it() -> None:
    """Name and version as dpkg knows them; a file of no package has none."""
    assert ask(TREE, "/usr/sbin/lampd", "/opt/own/lampd") == (LAMP, None)


@pytest.mark.parametrize("path", ["/bin/lampctl", "/usr/bin/lampctl", "/sbin/lampd"])
def test_a_merged_folder_is_found_in_both_spellings(path: str) -> None:
    """The package lists /bin/lampctl, the kernel says /usr/bin/lampctl, and the other way round."""
    assert ask(TREE, path) == (LAMP,)


def test_without_a_merged_folder_the_two_spellings_are_two_files(tmp_path: Path) -> None:
    """On a system whose /bin is a folder of its own, /usr/bin/x is not /bin/x."""
    tree = copy_of("packages-dpkg", tmp_path)
    (tree / "links.tsv").unlink()
    assert ask(tree, "/bin/lampctl", "/usr/bin/lampctl") == (LAMP, None)


def test_a_diverted_file_belongs_to_the_package_that_diverts_it() -> None:
    """Two packages list /usr/sbin/flame; the other one's file lies under the diverted name."""
    assert ask(TREE, "/usr/sbin/flame", "/usr/sbin/flame.real") == (
        Package("dpkg", "lamp-wrap", "0.2"),
        Package("dpkg", "lamp-other", "5.0"),
    )


def test_a_file_that_the_administrator_diverted_is_no_packages(tmp_path: Path) -> None:
    """In a local diversion (`:`) what lies under the old name was put there by hand."""
    tree = copy_of("packages-dpkg", tmp_path)
    (tree / "var/lib/dpkg/diversions").write_bytes(b"/usr/sbin/lampd\n/usr/sbin/lampd.distrib\n:\n")
    assert ask(tree, "/usr/sbin/lampd", "/usr/sbin/lampd.distrib") == (None, LAMP)


def test_a_package_of_several_architectures_is_named_with_its_own(tmp_path: Path) -> None:
    """The list is called `name:architecture`, and the version is that architecture's."""
    tree = copy_of("packages-dpkg", tmp_path)
    stanza = "Package: libwick\nStatus: install ok installed\nArchitecture: {}\nVersion: {}\n\n"
    with (tree / "var/lib/dpkg/status").open("a") as status:
        status.write(stanza.format("i386", "1.0-1+b2") + stanza.format("amd64", "1.0-1"))
    for name in ("amd64", "i386"):
        (tree / INFO / f"libwick:{name}.list").write_text(f"/.\n/usr/lib/{name}/wick\n")
    assert ask(tree, "/usr/lib/amd64/wick", "/usr/lib/i386/wick") == (
        Package("dpkg", "libwick:amd64", "1.0-1"),
        Package("dpkg", "libwick:i386", "1.0-1+b2"),
    )


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (f"{INFO}/lamp-other.list", b"/.\n/usr\n/usr/sb"),
        (f"{INFO}/lamp-other.list", bytes(60)),
        (f"{INFO}/lamp-other.list", None),
        ("var/lib/dpkg/status", b"\x7fELF garbage"),
        ("var/lib/dpkg/status", b"Package: lamp-server\nVers"),
        ("var/lib/dpkg/status", b""),
        ("var/lib/dpkg/status", None),
        ("var/lib/dpkg/diversions", b"/a\n/b\n"),
    ],
)
def test_a_damaged_database_is_never_a_no(tmp_path: Path, file: str, content: bytes | None) -> None:
    """What is found stays true; what is not found may be in the damaged part."""
    tree = copy_of("packages-dpkg", tmp_path)
    if content is None:
        (tree / file).unlink()
    else:
        (tree / file).write_bytes(content)
    found, missing = ask(tree, "/usr/sbin/lampd", "/opt/own/lampd")
    assert isinstance(found, Package) and found.name == "lamp-server"
    assert why(missing) == "unreadable"


def test_a_database_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    """The recorder was refused the folder of the lists."""
    tree = copy_of("packages-dpkg", tmp_path)
    (tree / "denied.txt").write_text("/var/lib/dpkg/info\n")
    (answer,) = ask(tree, "/usr/sbin/lampd")
    assert isinstance(answer, Unknown) and answer.unknown == "denied" and answer.hint


@given(status=st.binary(max_size=400), paths=st.binary(max_size=200), moved=st.binary(max_size=90))
def test_any_bytes_are_survived(status: bytes, paths: bytes, moved: bytes) -> None:
    """Whatever the three kinds of files hold, there is an answer."""
    with tempfile.TemporaryDirectory() as folder:
        info = Path(folder, INFO)
        info.mkdir(parents=True)
        (info / "lamp-server.list").write_bytes(b"/usr/sbin/lampd\n" + paths)
        (info.parent / "status").write_bytes(b"Package: lamp-server\n" + status)
        (info.parent / "diversions").write_bytes(moved)
        for answer in ask(folder, "/usr/sbin/lampd", "/nowhere"):
            assert answer is None or isinstance(answer, Package | Unknown)


@pytest.mark.live
@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="no dpkg here")
def test_dpkg_itself_says_the_same_of_this_machine() -> None:
    """200 programs of this machine, as dpkg -S names them; it knows one spelling only."""
    folders = [folder for folder in ("/usr/bin", "/usr/sbin") if os.path.isdir(folder)]
    every = sorted({os.path.realpath(f"{at}/{x}") for at in folders for x in os.listdir(at)})
    paths = random.Random(3).sample(every, min(200, len(every)))
    asked = [*paths, *(path.removeprefix("/usr") for path in paths)]
    environ = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(["dpkg-query", "-S", *asked], capture_output=True, text=True, env=environ)
    lines = [line for line in done.stdout.splitlines() if not line.startswith("diversion by")]
    theirs: dict[str, set[str]] = {}
    for line in lines:
        packages, _, path = line.rpartition(": ")
        theirs.setdefault(path.removeprefix("/usr"), set()).update(packages.split(", "))
    ours = packages_of(Host(), paths)
    for path, answer in ours.items():
        names = theirs.get(path.removeprefix("/usr"), set())
        if isinstance(answer, Package):
            assert answer.version
            assert answer.name in names or not names, path
        else:
            assert answer is None and not names, path
    assert sum(isinstance(answer, Package) for answer in ours.values()) > len(paths) // 2
