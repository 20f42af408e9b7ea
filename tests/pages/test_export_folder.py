"""The folder of an export: names that every system takes, its manifest, disks that are full."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.exported_tree import tree
from portbook.model import LAST_PORT, EnvironmentFault
from portbook.pages.export.contents import parts
from portbook.pages.export.folder import Folder
from portbook.pages.export.manifest import NAME, Done, Manifest, Part, begin, read, tell
from portbook.pages.export.plan import Plan, is_file_name, place
from portbook.pages.words import languages

WHOLE = Plan(languages())
LEAN = ("--language", "en", "--no-json", "--ports", "3250-3259")


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    """What the whole book is to contain."""
    return Manifest("0" * 32, WHOLE, parts(WHOLE), {})


def test_no_two_pages_have_one_file(manifest: Manifest) -> None:
    """Also where a file system does not tell A from a; every name is fit for every system."""
    files = list(manifest.files())
    assert len({path.casefold() for path in files}) == len(files)
    for path in files:
        assert all(is_file_name(part) for part in path.split("/")), path
    assert manifest.pages() == sum(path.endswith(".html") for path in files)
    assert {path.rpartition("/")[0] for path in files} - {""} <= set(manifest.folders())


def test_the_whole_book_has_every_port_in_every_language(manifest: Manifest) -> None:
    """A page and a document for each of the 65,536, among them 404, and no page for the missing."""
    files = set(manifest.files())
    for port in range(LAST_PORT + 1):
        assert {f"{tag}/{port}.html" for tag in WHOLE.languages} <= files
        assert f"{port}.json" in files


@given(st.text(max_size=200))
def test_a_file_name_is_harmless(name: str) -> None:
    """Whatever somebody's registry has: no path, no device, no sign that a system refuses."""
    if is_file_name(name):
        assert os.path.basename(name) == name not in ("", ".", "..")
        assert not re.search(r'[\x00-\x1f<>:"/\\|?*%#&]', name)
        assert len(f"{name}.html".encode()) < 200


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "con", "CON", "aux.x", "nul", "com1", "lpt9.y", ".htaccess",
     "sql*net", "a\x00", "a\n", "a" * 121, "\udcff", "a%2fb"],
)  # fmt: skip
def test_a_bad_file_name_is_refused(name: str) -> None:
    """Paths, devices of Windows, hidden files, signs that some system refuses, what is too long."""
    assert not is_file_name(name)


@pytest.mark.parametrize(
    "name", ["Jay_Eckles", "Mahr_GmbH_Göttingen", "Plex_Inc.", "z39.50", "con_x"]
)
def test_a_good_file_name_is_taken(name: str) -> None:
    """Names as the registry has them."""
    assert is_file_name(name)


@pytest.mark.parametrize(
    ("path", "base", "root"),
    [("/3255", "", "../"), ("/", "", "../"), ("/year/2002", "../", "../../")],
)
def test_a_page_knows_where_it_stands(path: str, base: str, root: str) -> None:
    """Links lead up as many folders as the page is deep."""
    at = place(path)
    assert (at.base, at.root, at.ext, at.served) == (base, root, ".html", False)


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    """With the parts that were told after it; a last line without its end does not count."""
    folder = Folder(str(tmp_path))
    plan = Plan(("en", "nl"), ((3250, 3259), (4000, 4000)), base_url="https://example.org/")
    first, second = Part("ports", 3250, 4000), Part("years", 0, 1)
    written = Manifest("f" * 32, plan, {first: (), second: ("*/year/2002.html",)}, {})
    begin(folder, written)
    tell(folder, second, Done(2, 2, 99))
    folder.append(NAME, b'["ports",3250,4000,22')
    found = read(folder)
    assert found is not None
    assert found == written._replace(done={second: Done(2, 2, 99)})
    assert list(found.files_of(second)) == ["en/year/2002.html", "nl/year/2002.html"]
    assert len(list(found.files_of(first))) == 33


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_manifest_is_read_or_refused(text: bytes) -> None:
    """Whatever lies there under that name: one line, and nothing is done by it."""
    with pytest.raises(EnvironmentFault, match="cannot be understood"):
        read(_Lying(text))


_HEAD = (
    '{"portbook-export":1,"fingerprint":"","languages":["en"],"ports":[[0,9]],"json":true,'
    '"base_url":"","paths":[[["years",0,0],["*/year/2002.html"]]]}\n'
)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("*/year/2002.html", "../../etc/passwd"),
        ("*/year/2002.html", "/etc/passwd"),
        ("*/year/2002.html", "*/../../passwd"),
        ('["en"]', '[".."]'),
        ('["en"]', '["en/../.."]'),
        ("[[0,9]]", "[[0]]"),
    ],
)
def test_a_manifest_that_leads_elsewhere_is_refused(good: str, bad: str) -> None:
    """Files of an older export are removed by it, so it names none outside of its folder."""
    assert read(_Lying(_HEAD.encode())) is not None
    with pytest.raises(EnvironmentFault):
        read(_Lying(_HEAD.replace(good, bad).encode()))


class _Lying(Folder):
    """A folder with that manifest."""

    def __init__(self, text: bytes) -> None:
        super().__init__("/nowhere")
        self._text = text

    def read(self, name: str) -> bytes | None:
        return self._text if name == NAME else None


def inside(folder: Path, size: str, script: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell script in a mount namespace with a small file system on `folder` (`$0`)."""
    if os.geteuid() != 0:
        pytest.skip("needs root for a file system of its own")
    mounted = f'mount -t tmpfs -o size={size} none "$0" && {script}'
    argv = ["unshare", "-m", "sh", "-c", mounted, str(folder), sys.executable, *LEAN]
    return subprocess.run(argv, capture_output=True, text=True, timeout=50)


@pytest.mark.root
@pytest.mark.live
@pytest.mark.parametrize(("jobs", "size"), [("1", "3m"), ("2", "3m"), ("1", "12k")])
def test_a_full_disk_is_a_line_and_can_be_gone_on_from(
    tmp_path: Path, jobs: str, size: str
) -> None:
    """Exit code 5 and one line; with more room the next run goes on, and all of it is whole."""
    folder = tmp_path / "small"
    folder.mkdir()
    run = f'"$1" -m portbook export-site "$0/book" --jobs {jobs} "$2" "$3" "$4" "$5" "$6"'
    script = (
        f'{run}; echo "code $?"; mount -o remount,size=80m "$0" && {run} --json; echo "code $?";'
        f' cp -r "$0/book" "$0.copy"'
    )
    done = inside(folder, size, script)
    first, rest = done.stdout.split("\n", 1)
    assert first == "code 5"
    outcome = "written" if size == "12k" else "continued"  # no part was done yet
    assert f'"outcome": "{outcome}"' in rest and rest.endswith("code 0\n")
    error, *hint = done.stderr.splitlines()
    assert error.startswith(f"portbook: error: cannot write {folder}/book")
    assert error.endswith("No space left on device")
    assert hint in ([], ["hint: the same command goes on from here"])
    fresh = [sys.executable, "-m", "portbook", "export-site", str(tmp_path / "fresh"), *LEAN]
    subprocess.run(fresh, check=True, capture_output=True, timeout=50)
    assert tree(tmp_path / "small.copy") == tree(tmp_path / "fresh")


@pytest.mark.root
@pytest.mark.live
def test_a_read_only_disk_is_a_line(tmp_path: Path) -> None:
    """Exit code 5; nothing can be begun there."""
    run = '"$1" -m portbook export-site "$0/book" "$2" "$3" "$4" "$5" "$6"'
    done = inside(tmp_path, "1m", f'mount -o remount,ro "$0" && {run}; echo "code $?"')
    assert done.stdout == "code 5\n"
    assert done.stderr == f"portbook: error: cannot write {tmp_path}/book: Read-only file system\n"


@pytest.mark.root
@pytest.mark.live
def test_a_folder_of_somebody_else_is_not_permitted(tmp_path: Path) -> None:
    """Exit code 4 and one line for who is not root and may not write there."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")
    start = (
        "import os, sys\n"
        "from portbook.pages.export import exporting\n"
        "from portbook.pages.export.plan import Plan\n"
        "import portbook.cli.export_site\n"
        "from portbook.cli import main\n"
        "os.setgid(65534), os.setuid(65534)\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    tmp_path.chmod(0o755)
    argv = [sys.executable, "-c", start, "export-site", str(tmp_path / "book")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=50)
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "Permission denied" in done.stderr
