"""`portbook explain-error`: from a program's words to the answer, on a port of the test's own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import Run, portbook, recorded
from free_ports import free_port
from portbook.survey.error_text import LONGEST
from test_documents import validator

ARGV = [sys.executable, "-m", "portbook", "explain-error"]


@pytest.fixture
def held() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def gone() -> int:
    """A port that nobody has any more."""
    return free_port()


def told(text: bytes, *options: str) -> Run:
    """The command with this on stdin."""
    done = subprocess.run(
        [*ARGV, *options],
        input=text,
        capture_output=True,
        env=dict(os.environ),  # readline has put COLUMNS where os.environ does not see it
        timeout=60,
        check=False,
    )
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


def node(port: int) -> bytes:
    """What node says of a port that is taken."""
    return f"Error: listen EADDRINUSE: address already in use 127.0.0.1:{port}\n".encode()


def test_a_port_that_is_still_taken_says_by_whom_and_what_to_do(held: int) -> None:
    """The program's line, the answer of `portbook why`, a way out; exit code 1."""
    run = told(b"\x1b[31m" + node(held))
    lines = run.out.splitlines()
    assert (run.code, run.err) == (1, "")
    assert lines[0] == f"{held}/tcp: in use, says node:"
    assert lines[1].strip() == node(held).decode().strip()
    why = portbook("why", f"{held}/tcp").out.splitlines()
    assert lines[2 : 2 + len(why)] == why
    assert f"{os.getpid()})" in run.out
    assert f"portbook stop {held} --dry-run" in run.out
    assert f"portbook free --near {held}" in run.out


def test_a_port_that_is_free_by_now_can_be_had(gone: int) -> None:
    """Exit code 0, and nothing is to be ended."""
    run = told(node(gone))
    assert run.code == 0
    assert "it can be bound now" in run.out
    assert "portbook stop" not in run.out


def test_a_guessed_port_that_is_free_was_probably_not_the_one(gone: int, held: int) -> None:
    """Exit code 3 and no advice to start again; one that is taken is the answer."""
    run = told(f"listening on port {gone}\nError: Address already in use\n".encode())
    assert run.code == 3
    assert f"{gone} is a guess from that line" in run.out
    assert "start the program again" not in run.out
    assert told(f"listening on port {held}\nError: Address already in use\n".encode()).code == 1


def test_a_unix_socket_is_named_and_has_no_port() -> None:
    """On stderr; there is no answer, which is exit code 1."""
    run = told(b"port 3000\nError: listen EADDRINUSE: address already in use /tmp/x.sock\n")
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith("portbook: /tmp/x.sock is a Unix socket, which has no port: Error:")


def test_the_document_has_the_body_of_why(held: int, gone: int) -> None:
    """One entry for each port, the errors in order; it fits its schema."""
    run = told(node(gone) + node(held) + node(gone), "--json")
    assert (run.code, run.err) == (1, "")
    document = run.document
    validator("explain-error").validate(document)
    assert [each["port"] for each in document["found"]] == [gone, held]
    first, second = document["found"]
    assert (first["program"], first["address"], first["ours"]) == ("node", "127.0.0.1", True)
    assert first["why"]["tcp"]["free"] is True
    why = portbook("why", f"{held}/tcp", "--json").document
    assert second["why"]["tcp"] == why["tcp"]
    assert (second["why"]["port"], second["why"]["udp"]) == (held, None)


def test_where_nothing_is_found_stderr_says_so() -> None:
    """stdout stays empty, or an empty document; exit code 1."""
    run = told(b"all is well on port 80\n")
    assert (run.code, run.out) == (1, "")
    assert run.err.splitlines()[0] == "portbook: no error about a port in this output"
    run = told(b"", "--json")
    assert (run.code, run.document["found"]) == (1, [])
    run = told(b"nc: Address already in use\n")
    assert (run.code, run.out) == (1, "")
    assert "nc: Address already in use" in run.err
    assert "hint: portbook why PORT" in run.err


def test_a_recorded_host_answers_and_what_is_hidden_is_told() -> None:
    """1 where the port is taken whatever is hidden; 3 where it cannot be told."""
    text = b"listen tcp :6379: bind: address already in use\n"
    assert told(text, "--root", recorded("debian12-root")).code == 1
    hidden = ("--root", recorded("debian12-nobody"))
    run = told(text, *hidden)
    assert run.code == 1
    assert "incomplete: the processes behind 2 sockets" in run.err
    assert "incomplete:" not in run.out
    document = told(text, *hidden, "--json").document
    assert document["incomplete"] == document["found"][0]["why"]["incomplete"] != []
    away = b"listen tcp 203.0.113.7:6380: bind: cannot assign requested address\n"
    run = told(away, *hidden)
    assert run.code == 3
    assert "which address is it given?" in run.out


def test_an_address_of_another_machine_is_named() -> None:
    """That the number is free here is no comfort."""
    run = told(b"listen tcp 203.0.113.7:9: bind: cannot assign requested address\n")
    assert run.code == 1
    assert "203.0.113.7 is no address of this machine" in run.out


def test_a_hostile_line_cannot_steer_the_terminal(held: int) -> None:
    """Everything is escaped, however the output was coloured."""
    run = told("\u202e\x07\x9b2J\x00\x1b]0;x\x07 ".encode() + node(held))
    assert run.code == 1
    assert all(line.isprintable() for line in run.out.splitlines())


def test_a_file_is_read_as_stdin_is(held: int, tmp_path: Path) -> None:
    """Its beginning and its end, however long it is; bytes that are no text as well."""
    log = tmp_path / "log"
    for text in (
        node(held),
        b"\xff\xfe\x80" * 10 + b"\n" + node(held),
        node(held) + b"quiet\n" * LONGEST,
        b"quiet\n" * LONGEST + node(held),
    ):
        log.write_bytes(text)
        run = portbook("explain-error", str(log), "--json")
        assert [each["port"] for each in run.document["found"]] == [held]
    with log.open("rb") as stream:
        done = subprocess.run(ARGV, stdin=stream, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"{held}/tcp".encode() in done.stdout


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """A folder, a file that is not there, a closed stdin: exit code 5."""
    for argument in (str(tmp_path), str(tmp_path / "none")):
        run = portbook("explain-error", argument)
        assert (run.code, run.out, len(run.err.splitlines())) == (5, "", 1)
    closed = subprocess.run(
        ["sh", "-c", f"{' '.join(ARGV)} <&-"], capture_output=True, timeout=60, check=False
    )
    assert closed.returncode == 5
    assert closed.stderr.startswith(b"portbook: error: ")


def test_ctrl_c_ends_the_reading_and_not_the_answer(held: int) -> None:
    """A server that went on with another port never ends by itself."""
    with subprocess.Popen(
        ARGV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        process.stdin.write(node(held))
        process.stdin.flush()
        _wait_until_read(process.pid)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (1, b"")
    assert f"{held}/tcp".encode() in out


def _wait_until_read(pid: int) -> None:
    """Until the process has read what there was, and waits for more."""
    import time

    for _ in range(200):
        time.sleep(0.05)
        read = Path(f"/proc/{pid}/wchan").read_text()
        if "pipe" in read:
            return
    raise AssertionError("it does not read its stdin")


def test_an_endless_output_costs_no_more_than_its_bound(held: int) -> None:
    """300 MB pass by in 200 MB of address space; the error at the beginning is still known."""
    writer = (
        f"import sys; w = sys.stdout.buffer.write; w({node(held)!r});"
        "[w(b'quiet line\\n' * 100_000) for _ in range(280)]"
    )
    limited = f"ulimit -v 204800; exec {' '.join(ARGV)} --json"
    with subprocess.Popen([sys.executable, "-c", writer], stdout=subprocess.PIPE) as source:
        done = subprocess.run(
            ["sh", "-c", limited], stdin=source.stdout, capture_output=True, timeout=60, check=False
        )
    assert done.stderr == b""
    assert [each["port"] for each in json.loads(done.stdout)["found"]] == [held]
