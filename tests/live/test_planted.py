"""Planted listeners that do not belong, and honest ones that look the same: all of them real."""

import ctypes.util
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from live.stage import NOBODY, Actor, port_of, rows, run_portbook, sleep_program
from portbook.model import Verdict

pytestmark = pytest.mark.live

WAITING = "kill -STOP $$; :"
"""What a shell can do without another process and without touching its standard input."""
_BIND_SHELL = os.path.join(os.path.dirname(__file__), "servers", "bind_shell.py")


@contextmanager
def planted(
    argv: Sequence[str], *, executable: str | None = None, stdin: bool = False, **options: Any
) -> Iterator[int]:
    """A process that holds a listening socket of loopback, which is the port of the block."""
    options.setdefault("cwd", "/")  # where the tests lie is no part of the evidence
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen(1)
        port = port_of(made)
        process = subprocess.Popen(
            argv,
            executable=executable,
            stdin=made.fileno() if stdin else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(*options.pop("keep", ()), *(() if stdin else (made.fileno(),))),
            **options,
        )
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def verdict_on(port: int) -> Verdict:
    """The verdict of the only listener of the port."""
    (row,) = rows(port)
    return row.verdict


def rules_on(port: int) -> dict[str, str]:
    """The rules that fired, with their severities."""
    return {each.rule: each.severity for each in verdict_on(port).suspicions}


def shell() -> str:
    """A real shell."""
    found = shutil.which("dash") or shutil.which("sh")
    assert found
    return found


def test_a_shell_with_the_socket_as_standard_input_is_found() -> None:
    """A shell that was handed the listening socket as descriptor 0."""
    with planted([shell(), "-c", WAITING], stdin=True) as port:
        found = verdict_on(port)
    assert found.value == "suspicious"
    assert {each.rule: each.severity for each in found.suspicions}["shell-on-socket"] == "high"
    assert any("file descriptor 0" in reason for reason in found.reasons)


def test_a_bind_shell_that_serves_somebody_is_found() -> None:
    """It runs a command for who connected, and its socket is seen behind the exec."""
    with subprocess.Popen(
        [sys.executable, _BIND_SHELL, shell()], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"echo $((6 * 7))\n")
            assert client.recv(100) == b"42\n"
            assert rules_on(port)["shell-on-socket"] == "medium"
        process.kill()


def test_an_executable_that_was_deleted_is_found(tmp_path: Path) -> None:
    """Its file is gone, and no package owned it."""
    program = shutil.copy(sleep_program(), tmp_path / "sleep")
    with planted([str(program), "60"]) as port:
        assert "deleted-executable" not in rules_on(port)
        os.unlink(program)
        assert rules_on(port)["deleted-executable"] == "medium"
        assert verdict_on(port).value == "suspicious"


def test_an_executable_in_shared_memory_is_found() -> None:
    """A copy of a program in /dev/shm, where nothing is installed."""
    try:
        folder = tempfile.mkdtemp(dir="/dev/shm")
    except OSError as error:
        pytest.skip(f"shared memory cannot be used: {error}")
    program = shutil.copy(sleep_program(), os.path.join(folder, "sleep"))
    try:
        with planted([program, "60"]) as port:
            assert rules_on(port)["temporary-folder"] == "medium"
            assert verdict_on(port).value == "suspicious"
    except PermissionError:
        pytest.skip("shared memory is mounted without exec")
    finally:
        shutil.rmtree(folder)


def test_a_program_that_was_never_a_file_is_found() -> None:
    """An executable in a memfd is found, on loopback too."""
    memory = os.memfd_create("portbook-test", 0)
    try:
        with open(sleep_program(), "rb") as source:
            os.write(memory, source.read())
        argv = ["sleep", "60"]
        with planted(argv, executable=f"/proc/self/fd/{memory}", keep=(memory,)) as port:
            assert rules_on(port)["memory-executable"] == "high"
    finally:
        os.close(memory)


def test_a_process_that_calls_itself_a_kernel_thread_is_found() -> None:
    """argv[0] is one of the kernel's names; the executable says what it is."""
    with planted(["[kworker/0:1]", "60"], executable=sleep_program()) as port:
        assert rules_on(port) == {"kernel-look-alike": "high"}
        assert "[kworker/0:1]" in verdict_on(port).reasons[0]


def test_a_preloaded_library_is_found_and_an_allocator_is_not() -> None:
    """LD_PRELOAD of the process's own environment."""
    library = ctypes.util.find_library("m")
    if library is None:
        pytest.skip("no library to preload is known")
    argv = [sleep_program(), "60"]
    with planted(argv, env={"LD_PRELOAD": library}) as port:
        assert rules_on(port) == {"preloaded-library": "low"}
    with planted(argv, env={"LD_PRELOAD": "libeatmydata.so"}) as port:
        assert rules_on(port) == {}


def test_an_inline_program_is_found_and_one_of_a_virtual_environment_is_not(
    tmp_path: Path,
) -> None:
    """The same text after `python -c`, by the system's path and by that of an environment."""
    text = "import time; time.sleep(60)"
    program = tmp_path / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.symlink_to(os.path.realpath(sys.executable))
    with planted([str(program), "-c", text]) as port:
        inside = rules_on(port)
    with planted(["python3", "-c", text], executable=sys.executable) as port:
        plain = rules_on(port)
    assert "inline-program" not in inside
    assert plain == {"inline-program": "low"}


def test_a_worker_of_multiprocessing_is_not_suspected() -> None:
    """Python starts it with an inline program of its own, and hands it the socket."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen(1)
        port = port_of(made)
        context = multiprocessing.get_context("spawn")
        worker = context.Process(target=socket.socket.accept, args=(made,))
        worker.start()
        try:
            for _ in range(100):
                (row,) = rows(port)
                if len(row.owners) > 1:
                    break
                worker.join(0.05)
            commands = [owner.cmdline for owner in row.owners]
            assert any("spawn_main" in str(command) for command in commands)
            assert "inline-program" not in {each.rule for each in row.verdict.suspicions}
        finally:
            worker.kill()
            worker.join()


def test_a_planted_shell_fails_the_audit_until_a_baseline_knows_it(tmp_path: Path) -> None:
    """Exit code 1 with the finding, the reason and what to do; then known, and no failure."""
    file = str(tmp_path / "baseline.json")
    with planted([shell(), "-c", WAITING], stdin=True) as port:
        run = run_portbook("audit", "--json", "--fail-on", "high")
        mine = [each for each in run.document["findings"] if each["listener"]["port"] == port]
        wrote = run_portbook("audit", "--write-baseline", file)
        after = run_portbook("audit", "--baseline", file, "--json")
    assert run.code == 1
    (found,) = [each for each in mine if each["rule"] == "shell-on-socket"]
    assert found["severity"] == "high" and not found["known"]
    assert wrote.code in (0, 3)
    again = [each for each in after.document["findings"] if each["listener"]["port"] == port]
    assert all(each["known"] for each in again if each["rule"] == "shell-on-socket")


@pytest.mark.root
def test_a_restart_on_the_same_port_is_quiet_and_a_newcomer_is_not(
    island: Actor, tmp_path: Path
) -> None:
    """In a network namespace of its own: the holder restarts, then another port is opened."""
    file = str(tmp_path / "baseline.json")
    first = island("bind", "tcp", "0.0.0.0")
    assert island.portbook("audit", "--write-baseline", file).code in (0, 3)
    island("close", first["fd"])
    island("bind", "tcp", "0.0.0.0", first["port"])
    quiet = island.portbook("audit", "--baseline", file, "--json").document["drift"]
    assert quiet == {"added": [], "gone": [], "changed": []}
    island("bind", "tcp", "0.0.0.0", 3255)
    ran = island.portbook("audit", "--baseline", file, "--json")
    assert ran.code == 1
    assert [entry["port"] for entry in ran.document["drift"]["added"]] == [3255]


@pytest.mark.root
def test_every_port_of_a_namespace_is_tried_and_nothing_honest_is_felt(island: Actor) -> None:
    """Listening, bound, UDP, on both families: --hidden finds no hidden one among them."""
    island("bind", "tcp", "127.0.0.1")
    island("bind", "tcp", "::1")
    island("bind", "tcp", "0.0.0.0", listen=False)
    island("bind", "udp", "0.0.0.0")
    ran = island.portbook("audit", "--hidden", "--json")
    assert ran.err == ""
    assert not [each for each in ran.document["findings"] if each["rule"] == "hidden-listener"]


@pytest.mark.root
def test_without_root_the_ports_that_need_it_are_named_as_not_tried(island: Actor) -> None:
    """bind() is not permitted below 1024: a gap with a hint, exit code 3."""
    island("become", NOBODY)
    ran = island.portbook("audit", "--hidden", "--json")
    assert ran.code == 3
    gaps = {gap["what"]: gap["hint"] for gap in ran.document["incomplete"]}
    assert gaps["hidden listeners on 2046 ports of 1-1023"] == "run as root"
