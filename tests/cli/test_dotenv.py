"""Setting variables in .env files: the value changes, every other byte stays."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portbook.cli.dotenv import assignments, merge, numbers
from portbook.cli.env import merge_file
from portbook.model import EnvironmentFault

LINES = st.sampled_from(
    [
        b"WEB_PORT=3000",
        b"  WEB_PORT = 3000  # the shop",
        b"export WEB_PORT='3000'",
        b'WEB_PORT="3000" # quoted',
        b"WEB_PORT=",
        b"WEB_PORT=#",
        b"WEB_PORT=  # c",
        b"#WEB_PORT=1",
        b"WEB_PORT",
        b"OTHER='two",
        b"lines'",
        b'KEY="a \\" WEB_PORT=9',
        b'still"',
        b"",
        b"\xff\xfe\x00",
        b"URL=http://x/#frag",
        b"DB_PORT=5432",
    ]
)
FILES = st.builds(
    lambda lines, ends, last: (
        b"".join(line + end for line, end in zip(lines, ends, strict=False)) + last
    ),
    st.lists(LINES, max_size=12),
    st.lists(st.sampled_from([b"\n", b"\r\n"]), min_size=12, max_size=12),
    st.sampled_from([b"", b"WEB_PORT=7", b"A=1"]),
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"WEB_PORT=4173\n"),
        (b"A=1\n", b"A=1\nWEB_PORT=4173\n"),
        (b"A=1", b"A=1\nWEB_PORT=4173"),
        (b"A=1\r\n", b"A=1\r\nWEB_PORT=4173\r\n"),
        (b"A=1\r\nB=2", b"A=1\r\nB=2\r\nWEB_PORT=4173"),
        (b"WEB_PORT=1\nA=2\n", b"WEB_PORT=4173\nA=2\n"),
        (b"WEB_PORT=1\r\nA=2\r\n", b"WEB_PORT=4173\r\nA=2\r\n"),
        (b"export WEB_PORT = 1 # c\n", b"export WEB_PORT = 4173 # c\n"),
        (b"WEB_PORT='1' # c\n", b"WEB_PORT='4173' # c\n"),
        (b'WEB_PORT="1"\n', b'WEB_PORT="4173"\n'),
        (b"WEB_PORT=\n", b"WEB_PORT=4173\n"),
        (b"WEB_PORT=# c\n", b"WEB_PORT=4173 # c\n"),
        (b"WEB_PORT=  # c\n", b"WEB_PORT=4173  # c\n"),
        (b"WEB_PORT=  \r\n", b"WEB_PORT=4173  \r\n"),
        (b"WEB_PORT=1\nWEB_PORT=2\n", b"WEB_PORT=1\nWEB_PORT=4173\n"),
        (b"# WEB_PORT=1\n", b"# WEB_PORT=1\nWEB_PORT=4173\n"),
        (b"MY_WEB_PORT=1\n", b"MY_WEB_PORT=1\nWEB_PORT=4173\n"),
        (b"A='x\nWEB_PORT=1\n'\n", b"A='x\nWEB_PORT=1\n'\nWEB_PORT=4173\n"),
        (b'A="x \\" y\nWEB_PORT=1\n"\n', b'A="x \\" y\nWEB_PORT=1\n"\nWEB_PORT=4173\n'),
        (b'A="x \\\\"\nWEB_PORT=1\n', b'A="x \\\\"\nWEB_PORT=4173\n'),
        (b"\xef\xbb\xbfWEB_PORT=1\n", b"\xef\xbb\xbfWEB_PORT=4173\n"),
        (b"\xff=\xfe\nWEB_PORT=1\n", b"\xff=\xfe\nWEB_PORT=4173\n"),
        (b"A=it's\nWEB_PORT=1\n", b"A=it's\nWEB_PORT=4173\n"),
        (b"A='open\nWEB_PORT=1\n", b"A='open\nWEB_PORT=4173\n"),
    ],
)
def test_files_as_they_are(before: bytes, after: bytes) -> None:
    """Line ends, comments, quotes, prefixes, duplicates and odd bytes."""
    assert merge(before, {"WEB_PORT": "4173"}).data == after
    assert merge(after, {"WEB_PORT": "4173"}).data == after


@settings(max_examples=500)
@given(FILES)
def test_every_other_byte_stays_and_twice_is_once(data: bytes) -> None:
    """What is around the values is the same bytes, and the second run changes nothing."""
    done = merge(data, {"WEB_PORT": "4173", "DB_PORT": "5432"})
    again = merge(done.data, {"WEB_PORT": "4173", "DB_PORT": "5432"})
    assert again.data == done.data
    assert not again.added
    assert not again.changed
    last = {each.name: each for each in assignments(done.data)}
    assert done.data[last[b"WEB_PORT"].start : last[b"WEB_PORT"].end] == b"4173"
    # Without the values that were set and the lines that were added it is the file of before.
    place = {each.name: each for each in assignments(data)}
    rest = done.data
    old = data
    for name in sorted(done.changed, key=lambda each: -place[each.encode()].start):
        key = name.encode()
        old = old[: place[key].start] + old[place[key].end :]
        # A blank keeps the number apart from a comment that stood right behind the sign.
        apart = data[place[key].end : place[key].end + 1] == b"#"
        rest = rest[: last[key].start] + rest[last[key].end + apart :]
    assert rest.startswith(old)
    assert len(rest[len(old) :].split()) == len(done.added)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_a_fault(data: bytes) -> None:
    """A file that is none still keeps all its bytes."""
    done = merge(data, {"X": "1"})
    assert merge(done.data, {"X": "1"}).data == done.data
    if done.added:
        assert done.data.startswith(data)


def test_the_mode_stays_and_a_link_is_followed(tmp_path: Path) -> None:
    """0600 stays 0600 under any umask, and the link still leads to the file that was changed."""
    real = tmp_path / "real.env"
    real.write_bytes(b"WEB_PORT=1\n")
    real.chmod(0o666)
    link = tmp_path / ".env"
    link.symlink_to(real)
    mask = os.umask(0o077)
    try:
        done = merge_file(str(link), {"WEB_PORT": "4173"})
    finally:
        os.umask(mask)
    assert done.changed == ("WEB_PORT",)
    assert link.is_symlink()
    assert real.read_bytes() == b"WEB_PORT=4173\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o666


def test_a_file_that_fits_is_not_written(tmp_path: Path) -> None:
    """Its inode and its time stay: a program that watches the file is not woken."""
    file = tmp_path / ".env"
    file.write_bytes(b"WEB_PORT=4173\n")
    before = file.stat()
    done = merge_file(str(file), {"WEB_PORT": "4173"})
    after = file.stat()
    assert (done.added, done.changed) == ((), ())
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_what_is_no_plain_text_file_is_left_alone(tmp_path: Path) -> None:
    """A FIFO is not waited for, a folder and UTF-16 are refused."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    wide = tmp_path / "wide.env"
    wide.write_bytes("WEB_PORT=1\n".encode("utf-16"))
    before = wide.read_bytes()
    for path in (fifo, tmp_path, wide):
        with pytest.raises(EnvironmentFault):
            merge_file(str(path), {"WEB_PORT": "4173"})
    assert wide.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["fifo", "wide.env"]


def test_numbers_of_a_file() -> None:
    """The last one of each, and only what is a number."""
    data = b"A=1\nA='4173'\nB=x\nC=123456\nD=5\nD=\n"
    assert numbers(data) == {"A": 4173}
