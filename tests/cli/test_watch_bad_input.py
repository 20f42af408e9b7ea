"""`portbook watch` asked for what makes no sense: one line, and the right exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import portbook as package
from command import portbook
from traffic.watched_capture import written

SOURCES = os.path.dirname(os.path.dirname(os.path.abspath(package.__file__)))


def one_line(err: str) -> str:
    """The error; a hint may follow, nothing else."""
    first, *more = err.splitlines()
    assert first.startswith("portbook: error: "), err
    assert all(line.startswith("hint: ") for line in more), err
    assert len(more) <= 1
    return first


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "which port?"),
        (("70000",), "70000 is no port"),
        (("3255/ftp",), "unknown transport"),
        (("3255/dccp",), "dccp cannot be watched"),
        (("9-8",), "runs backwards"),
        (("3255", "--for", "soon"), "no duration"),
        (("3255", "--for", "0"), "outside of 0.1s"),
        (("3255", "--for", "1y"), "no duration"),
        (("3255", "--host", "localhost"), "no address and no network"),
        (("3255", "--host", "10.0.0.0/99"), "no address and no network"),
        (("3255", "--host", ""), "no address and no network"),
        (("3255", "--top", "-1"), "no number of sources"),
        (("3255", "--top", "many"), "no number of sources"),
        (("3255", "--rates", "0.2,0.8"), "1 > THETA0 > THETA1 > 0"),
        (("3255", "--rates", "nan,0.1"), "1 > THETA0 > THETA1 > 0"),
        (("3255", "--rates", "1"), "1 > THETA0 > THETA1 > 0"),
        (("3255", "--calibrate"), "--calibrate needs a capture"),
        (("--pcap", "x", "--calibrate", "--rates", "0.9,0.1"), "one of the two"),
        (("--pcap", "x", "--for", "60"), "--for is for a live watch"),
        (("--pcap", "x", "--interface", "lo"), "--interface is for a live watch"),
        (("3255", "--root", "/"), "--root"),
        (("no-such-service-here",), "unknown service name"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, one line that names it, nothing on stdout."""
    run = portbook("watch", *arguments)
    assert (run.code, run.out) == (2, "")
    assert said in one_line(run.err)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be opened"),
        (b"", "it is empty"),
        (b"No. Time Source Destination\n1 0.0 a b\n", "neither pcap nor pcapng"),
        (b"\x1f\x8b\x08\x00broken", "broken.pcap"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "ends in the middle of its file header"),
        (b"\x7fELF" + bytes(200), "neither pcap nor pcapng"),
    ],
    ids=["missing", "empty", "text", "gzip", "cut header", "program"],
)
def test_a_file_that_is_no_capture_is_said(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    """Exit code 5 and one line with the file's name."""
    file = tmp_path / "broken.pcap"
    if content is not None:
        file.write_bytes(content)
    run = portbook("watch", "--pcap", str(file))
    assert (run.code, run.out) == (5, "")
    error = one_line(run.err)
    assert said in error
    assert "broken.pcap" in error


def test_a_folder_is_no_capture(tmp_path: Path) -> None:
    """Exit code 5, as for any file that is none."""
    run = portbook("watch", "--pcap", str(tmp_path))
    assert (run.code, run.out) == (5, "")
    assert str(tmp_path) in one_line(run.err)


def test_a_name_with_escape_sequences_is_printed_harmless(tmp_path: Path) -> None:
    """The name of a file is outside text, too."""
    run = portbook("watch", "--pcap", str(tmp_path / "a\x1b[2Jb"))
    assert run.code == 5
    assert "\x1b" not in run.err
    assert "\\x1b" in one_line(run.err)


def test_a_capture_without_a_packet_has_nobody_in_it(tmp_path: Path) -> None:
    """A file header alone is a capture: exit code 1, in text and as JSON."""
    file = tmp_path / "none.pcap"
    file.write_bytes(Path(written(tmp_path / "all.pcap")).read_bytes()[:24])
    run = portbook("watch", "--pcap", str(file))
    assert (run.code, run.err) == (1, "")
    assert run.out.startswith("nobody came")
    document = portbook("watch", "--pcap", str(file), "--json").document
    assert (document["packets"], document["sources"], document["first"]) == (0, [], None)


def test_an_unknown_interface_is_said() -> None:
    """With the right to see packets and without it."""
    run = portbook("watch", "3255", "--interface", "no-such-if0", "--for", "0.3")
    assert (run.code, run.out) == (2, "")
    assert "no interface is called 'no-such-if0'" in one_line(run.err)


def test_a_closed_standard_input_is_said() -> None:
    """Exit code 5 at once: no other descriptor is taken for it."""
    argv = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "portbook", "watch"]
    done = subprocess.run([*argv, "--pcap", "-"], capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout) == (5, "")
    assert one_line(done.stderr) == "portbook: error: standard input is closed"


def test_without_numpy_it_says_what_to_install(tmp_path: Path) -> None:
    """A Python without any package: exit code 5, one line and the way out."""
    capture = written(tmp_path / "all.pcap")
    start = f"import sys; sys.path.insert(0, {SOURCES!r}); from portbook.cli import run; run()"
    argv = [sys.executable, "-I", "-S", "-c", start, "watch", "--pcap", capture]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (5, "")
    assert "numpy, which is not installed" in one_line(done.stderr)
    assert "hint: pip install 'portbook[watch]'" in done.stderr


def test_a_closed_stdout_is_no_fault(tmp_path: Path) -> None:
    """A reader that leaves early, and a descriptor that was closed from the beginning."""
    capture = written(tmp_path / "all.pcap")
    argv = f"{sys.executable} -m portbook watch --top 0 --pcap {capture}"
    left = subprocess.run(
        ["bash", "-c", f"{argv} --jsonl | head -n 1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (left.returncode, left.stderr) == (0, "")
    closed = subprocess.run(
        ["bash", "-c", f"{argv} >&-"], capture_output=True, text=True, timeout=60
    )
    assert closed.returncode == 5
    assert one_line(closed.stderr)


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """Nothing is written twice, and nothing is shown but the reason."""
    capture = written(tmp_path / "all.pcap")
    with open("/dev/full", "wb") as full:
        argv = [sys.executable, "-m", "portbook", "watch", "--json", "--pcap", capture]
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 5
    assert one_line(done.stderr)
