import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iana_forms import as_csv, as_xml
from portbook.model import ImportRefused
from portbook.registry.offer import is_address, read_chunks, read_file
from portbook.registry.tables import read_assignments, shipped

BUILT_IN = read_assignments(shipped("assignments.tsv"))


@pytest.mark.parametrize("form", ["csv", "xml"])
def test_the_whole_table_survives_the_way_through_ianas_form(form: str, tmp_path: Path) -> None:
    """Table to file to import gives the same table, in either form."""
    path = tmp_path / "registry.txt"
    path.write_bytes({"csv": as_csv, "xml": as_xml}[form](BUILT_IN))
    read = read_file(str(path))
    assert read.form == form
    assert Counter(read.assignments) == Counter(BUILT_IN)


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Not root: root may read and write everything."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    yield
    os.seteuid(was)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty", b"", "empty"),
        ("blank", b" \r\n\r\n", "empty"),
        ("page.csv", b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "web page"),
        ("page.xml", b"\n<HTML lang='en'>", "web page"),
        ("bomb.csv", b"<!DOCTYPE r [<!ENTITY a 'b'>]><r>&a;</r>", "entities"),
        ("wide", "<registry/>".encode("utf-16"), "UTF-8"),
        ("archive.gz", b"\x1f\x8b\x08\x00" + bytes(100), "UTF-8"),
        ("cut.csv", as_csv(BUILT_IN)[:500_001] + b"x", "cut short"),
        ("cut.xml", as_xml(BUILT_IN)[:500_000], "broken or cut"),
        ("many.csv", as_csv([]) + b"a,1,tcp,,,,,,,,,\r\n" * 100_001, "more than 100000 records"),
        ("long.csv", as_csv([]) + b"a,1,tcp,,,,,,,,,\n" * 4_000_000, "more than"),
    ],
)
def test_a_file_that_is_no_whole_registry_is_refused(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    """In one line that names the file; the name's ending does not matter."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match=reason) as refused:
        read_file(str(path))
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_of_a_gigabyte_without_a_line_end_is_refused_quickly(tmp_path: Path) -> None:
    """A sparse file, so that the test costs no disk either."""
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(as_csv([]))
        file.truncate(1 << 30)
    with pytest.raises(ImportRefused, match="longer than"):
        read_file(str(path))


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder, and a name that would break the line."""
    with pytest.raises(ImportRefused, match="no such file"):
        read_file(str(tmp_path / "missing"))
    with pytest.raises(ImportRefused, match="no such file"):
        read_file("a\0b")
    with pytest.raises(ImportRefused, match="directory"):
        read_file(str(tmp_path))
    with pytest.raises(ImportRefused, match=r"a\?b\?c is refused") as refused:
        read_file(str(tmp_path / "a\nb\udcffc"))
    assert "\n" not in str(refused.value)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that nobody but root may read."""
    path = tmp_path / "secret"
    path.touch(mode=0)
    return path


def test_an_unreadable_file_is_refused(secret: Path, unprivileged: None) -> None:
    """With the system's reason."""
    with pytest.raises(ImportRefused, match="Permission denied"):
        read_file(str(secret))


@pytest.mark.parametrize("address", ["ftp://a/b", "file:///etc/passwd", "data://x", "GOPHER://a"])
def test_other_schemes_than_http_are_refused(address: str) -> None:
    """What looks like an address is never taken for a file, and only two schemes are opened."""
    with pytest.raises(ImportRefused, match="only http, https or a file"):
        is_address(address)


@pytest.mark.parametrize(
    ("source", "kind"),
    [("HTTPS://a/b", "address"), ("http://a", "address"), ("a/b.csv", "path"), ("a:b", "path")],
)
def test_addresses_and_paths_are_told_apart(source: str, kind: str) -> None:
    """An address has a scheme and two slashes; all else is a path."""
    assert is_address(source) is (kind == "address")


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=64), max_size=8))
def test_arbitrary_content_is_refused_and_nothing_else(chunks: list[bytes]) -> None:
    """Whatever arrives, in whatever pieces, ends in one line."""
    with pytest.raises(ImportRefused) as refused:
        read_chunks(chunks, "fuzz")
    assert "\n" not in str(refused.value)
