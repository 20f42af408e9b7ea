"""Bad input: one clear line, the right exit code, never a traceback."""

import os
import pty
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command import Run, portbook, recorded
from portbook.cli import main, split_command
from portbook.cli.arguments import parse_target
from portbook.model import LAST_PORT, UsageError


def assert_one_line_error(run: Run, code: int) -> None:
    """stdout is empty, stderr is one error line and at most one hint."""
    assert run.code == code, run
    assert run.out == ""
    lines = run.err.splitlines()
    assert lines[0].startswith("portbook: error: ")
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("hint: "))


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("70000", "70000 is no port"),
        ("-1", "-1 is no port"),
        ("65536", "65536 is no port"),
        ("9" * 5000, "is no port"),
        ("0x50", "in decimal it is 80"),
        ("80/xyz", "unknown transport 'xyz'"),
        ("80/", "unknown transport ''"),
        ("8010-8000", "runs backwards"),
        ("8000-70000", "70000 is no port"),
        ("", "an empty port"),
        ("/tcp", "an empty port"),
        ("redsi", "did you mean redis"),
        ("no-such-service-anywhere", "unknown service name"),
        ("--colour", "unrecognized arguments"),
        ("٣٢٥٥", "is no port"),
        ("\x1b[31mred", r"\x1b[31mred"),
    ],
)
def test_a_port_that_is_none_is_refused_with_one_line(argument: str, says: str) -> None:
    """What cannot be understood is a usage error that names the trouble."""
    run = portbook(argument)
    assert_one_line_error(run, 2)
    assert says in run.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("why",),
        ("why", "1-2"),
        ("why", "3255/sctp"),
        ("ls", "--sort", "colour"),
        ("ls", "--watch", "0"),
        ("ls", "--port", "x y"),
        ("search", ""),
        ("search", "   "),
        ("orphans", "--range", "everything"),
        ("orphans", "--year", "last"),
        ("ls", "--source", "nothing"),
        ("ls", "--root", "/nowhere"),
    ],
)
def test_every_command_refuses_bad_options_with_one_line(arguments: tuple[str, ...]) -> None:
    """Options that do not fit are usage errors in every command."""
    assert_one_line_error(portbook(*arguments), 2)


def test_a_reader_that_leaves_early_is_no_error() -> None:
    """`portbook orphans | head -1` prints one line and nothing on stderr."""
    pipe = subprocess.run(
        ["bash", "-c", '"$0" -m portbook orphans | head -1', sys.executable],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert pipe.stdout.count(b"\n") == 1
    assert pipe.stderr == b""


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_survives_a_reader_that_left_and_a_full_disk(option: str) -> None:
    """What argparse prints itself ends as cleanly as everything else."""
    gone = subprocess.run(
        [
            "bash",
            "-c",
            f'"$0" -m portbook {option} | true; exit ${{PIPESTATUS[0]}}',
            sys.executable,
        ],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (gone.returncode, gone.stderr) == (0, b"")
    # Unbuffered, the write itself would fail, and argparse keeps that to itself.
    environ = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    full = subprocess.run(
        ["bash", "-c", f'"$0" -m portbook {option} >/dev/full', sys.executable],
        capture_output=True,
        check=False,
        timeout=60,
        env=environ,
    )
    assert full.returncode == 5
    assert full.stderr.startswith(b"portbook: error: ")
    assert full.stderr.count(b"\n") == 1


def test_a_closed_stdout_is_one_line_at_most() -> None:
    """`>&-` leaves no traceback."""
    run = subprocess.run(
        ["bash", "-c", '"$0" -m portbook 3255 >&-', sys.executable],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 5
    assert run.stderr == b"portbook: error: standard output is closed\n"


def test_a_full_disk_is_one_line() -> None:
    """Output that cannot be written is an environment fault."""
    run = subprocess.run(
        ["bash", "-c", '"$0" -m portbook 3255 >/dev/full', sys.executable],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 5
    assert run.stderr.startswith(b"portbook: error: ")
    assert b"Traceback" not in run.stderr


@pytest.mark.parametrize("columns", ["20", "0", "-3", "junk", "1", "100000"])
def test_any_width_of_the_terminal_is_survived(columns: str) -> None:
    """A narrow COLUMNS cuts lines, a senseless one is passed over."""
    root = recorded("debian12-root")
    for arguments in ([], ["ls", "--wide"], ["3255"], ["80", "443", "8080-8090"]):
        run = portbook(*arguments, "--root", root, env={"COLUMNS": columns})
        assert run.code == 0, run
    if columns == "20":
        listing = portbook("ls", "--root", root, env={"COLUMNS": columns})
        assert max(map(len, listing.out.splitlines())) <= 20


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii"},
    ],
)
def test_a_locale_without_utf8_loses_no_answer(locale: dict[str, str]) -> None:
    """What the encoding cannot say is written as an escape."""
    for arguments in (["3255"], ["ls", "--root", recorded("debian12-root")], ["search", "zigbee"]):
        run = portbook(*arguments, env={**locale, "COLUMNS": "40"})
        assert run.code == 0, run
        assert "Traceback" not in run.err


def test_on_a_terminal_the_overview_fits_its_width() -> None:
    """A real terminal of 80 columns gets no line that wraps."""
    leader, follower = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "portbook", "ls", "--root", recorded("debian12-nobody")],
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm"},
        check=False,
        timeout=60,
    )
    os.close(follower)
    text = b""
    try:
        while chunk := os.read(leader, 65536):
            text += chunk
    except OSError:
        pass
    os.close(leader)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text.decode()).splitlines()
    assert any("ssh.service" in line for line in lines)
    assert max(map(len, lines)) <= 80
    assert b"\x1b[" in text


@given(st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_reading_of_a_port(text: str) -> None:
    """Any text is a target within 0-65535 or an error of portbook's own."""
    try:
        target = parse_target(text)
    except UsageError:
        return
    assert target.ports
    assert all(0 <= port <= LAST_PORT for port in target.ports)


@given(st.lists(st.text(max_size=12), max_size=6))
@settings(max_examples=200, deadline=None)
def test_the_command_word_is_found_and_nothing_is_lost(arguments: list[str]) -> None:
    """Splitting off the command keeps every other argument in order."""
    word, rest = split_command(arguments)
    assert rest == arguments if word is None else len(rest) == len(arguments) - 1


def test_an_error_inside_main_never_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    """main() returns the exit code of the error."""
    assert main(["70000"]) == 2
    assert capsys.readouterr().err.startswith("portbook: error: 70000 is no port")
