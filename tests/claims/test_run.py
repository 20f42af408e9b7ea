"""`portbook run`: what the program gets, what comes back, and who is told to stay away."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from claims.run_processes import line, python, run, running, server, until
from command import portbook

ENVIRONMENT = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:]]))"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder under version control."""
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    return tmp_path / "shop"


def claims() -> list[dict[str, object]]:
    """The live claims."""
    rows: list[dict[str, object]] = portbook("claims", "--json").document["claims"]
    return rows


def test_it_gets_its_port_in_variables_and_arguments(project: Path) -> None:
    """PORT, HOST, the claim and each named variable; braces that are not ours stay as they are."""
    asked = ["{port}", "--at={host}:{DB_PORT}", "{{port}}", '{"a": 1}', "{{.Names}}", "{WEB_PORT}"]
    done = run(
        *("--name", "web", "--env", "WEB_PORT", "--env", "DB_PORT"),
        *("--", *python(ENVIRONMENT, *asked)),
        cwd=project,
    )
    variables, arguments = json.loads(done.stdout)
    port, other = variables["WEB_PORT"], variables["DB_PORT"]
    assert variables["PORT"] == port != other
    assert variables["HOST"] == "127.0.0.1"
    assert re.fullmatch("[0-9a-f]{16}", variables["PORTBOOK_CLAIM"])
    assert int(variables["PORTBOOK_TOKEN"]) > 0
    assert arguments == [port, f"--at=127.0.0.1:{other}", "{port}", *asked[3:5], port]
    assert "LISTEN_FDS" not in variables


def test_the_number_stays_for_a_project_and_a_name(project: Path) -> None:
    """The same from run to run and in a folder below; another name has another."""
    script = python("import os; print(os.environ['PORT'])")
    below = project / "src"
    below.mkdir()
    first = run("--name", "web", "--", *script, cwd=project).stdout
    assert run("--name", "web", "--", *script, cwd=below).stdout == first
    assert run("--name", "api", "--", *script, cwd=project).stdout != first
    assert run("--", *script, cwd=project).stdout == run("--", *script, cwd=project).stdout


def test_two_worktrees_have_two_numbers(tmp_path: Path) -> None:
    """Each worktree of one repository is a project of its own, also when run again."""
    main, other = tmp_path / "main", tmp_path / "other"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q", str(main)], check=True)
    subprocess.run([*git, "-C", str(main), "commit", "-q", "--allow-empty", "-m", "t"], check=True)
    subprocess.run([*git, "-C", str(main), "worktree", "add", "-q", str(other)], check=True)
    script = python("import os; print(os.environ['PORT'])")
    with running("--ready", "--name", "web", "--", *server(), cwd=main) as first:
        told = line(first, "ready after")
        second = run("--name", "web", "--", *script, cwd=other).stdout.strip()
        assert f":{second}/" not in told
    assert f":{run('--name', 'web', '--', *script, cwd=main).stdout.strip()}/" in told
    assert run("--name", "web", "--", *script, cwd=other).stdout.strip() == second


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_the_exit_code_is_the_programs(code: int) -> None:
    """Whatever it is."""
    assert run("--", "sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize("name", ["TERM", "INT", "KILL", "SEGV", "HUP"])
def test_a_signal_that_ends_it_ends_us(name: str) -> None:
    """So that a shell sees what it would have seen without us."""
    assert run("--", "sh", "-c", f"kill -{name} $$").returncode == -signal.Signals[f"SIG{name}"]
    assert claims() == []


def test_a_program_that_cannot_be_started_frees_the_port(tmp_path: Path) -> None:
    """127 where there is none, 126 where it may not be run, as shells have it."""
    plain = tmp_path / "plain"
    plain.write_text("no program")
    assert run("--", "no-such-program-here").returncode == 127
    refused = run("--", str(plain))
    assert refused.returncode == 126
    assert refused.stderr.splitlines()[-1].startswith("portbook: error: ")
    assert claims() == []


def test_streams_are_the_programs_own() -> None:
    """stdin reaches it, and nothing of ours is between its lines on stdout."""
    done = run("--quiet", "--", "cat", stdin=b"one\ntwo\n")
    assert (done.stdout, done.stderr) == ("one\ntwo\n", "")


def test_the_document_comes_first() -> None:
    """With --json one line on stdout, then what the program writes."""
    done = run("--json", "--name", "web", "--", "sh", "-c", "echo $PORT")
    first, second = done.stdout.splitlines()
    told = json.loads(first)
    assert told["schema"] == "portbook/run/1"
    assert str(told["port"]) == second
    assert told["ports"] == {"PORT": told["port"]}


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["--"],
        ["--env", "1X", "--", "true"],
        ["--env", "A", "--env", "A", "--", "true"],
        ["--env", "HOST", "--", "true"],
        ["--env", "PATH", "--", "true"],
        ["--env", "HOME", "--", "true"],
        ["--env", "LD_PRELOAD", "--", "true"],
        ["--env", "LISTEN_PORT", "--", "true"],
        ["--host", "", "--", "true"],
        ["--host", "127.0.0.300", "--", "true"],
        ["--host", "http://localhost", "--", "true"],
        ["--host", "a\n", "--", "true"],
        ["--wait", "soon", "--", "true"],
        ["--ready=0", "--", "true"],
        ["--port", "0", "--", "true"],
        ["--port", "80000", "--", "true"],
        ["--udp", "--fd", "--", "true"],
        ["--fd", "--release-at-exec", "--", "true"],
        ["--ready-http", "health", "--", "true"],
        ["--ready=-1", "--", "true"],
    ],
)
def test_what_makes_no_sense_is_refused(wrong: list[str]) -> None:
    """Exit code 2 and one line, before anything is claimed."""
    done = run(*wrong)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("portbook: error: ")


def test_the_second_of_a_name_is_refused_and_told_who_is_first(project: Path) -> None:
    """By its name and PID, and the program is not started."""
    with running("--ready", "--name", "web", "--", *server(), cwd=project) as first:
        line(first, "ready after")
        second = run("--name", "web", "--", "echo", "started", cwd=project)
        assert (second.returncode, second.stdout) == (1, "")
        assert str(first.pid) in second.stderr
        assert "web" in second.stderr
        assert "hint: " in second.stderr
        # Who waits gets it as soon as the first has ended.
        first.terminate()
        third = run("--wait", "10", "--name", "web", "--", "echo", "started", cwd=project)
        assert third.stdout == "started\n"


def test_a_port_in_use_is_refused_with_the_holders_name() -> None:
    """A program that never asked anybody is named by its process and user."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("--port", str(port), "--", "echo", "started")
    assert (done.returncode, done.stdout) == (1, "")
    told = done.stderr.splitlines()[0]
    assert f"{port} is in use" in told
    assert str(os.getpid()) in told
    assert "user " in told


def test_a_reserved_number_that_a_squatter_took_is_refused(project: Path) -> None:
    """The name keeps its number: another would surprise who bookmarked the first."""
    port = int(run("--name", "web", "--", "sh", "-c", "echo $PORT", cwd=project).stdout)
    with closing(socket.socket()) as squatter:
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        done = run("--name", "web", "--", "true", cwd=project)
        assert done.returncode == 1
        assert f"{port} is in use: " in done.stderr
        assert str(os.getpid()) in done.stderr
        # Without a name any other number does.
        other = run("--near", str(port), "--", "sh", "-c", "echo $PORT", cwd=project)
        assert other.returncode == 0
        assert int(other.stdout) != port


def test_it_is_free_again_at_the_end(project: Path) -> None:
    """Released, not left to run out."""
    with running("--ready", "--name", "web", "--", *server(), cwd=project) as process:
        line(process, "ready after")
        (claim,) = claims()
        assert claim["owner"]["pid"] == process.pid  # type: ignore[index]
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM
        assert claims() == []


def test_when_we_are_killed_the_program_ends_and_the_port_is_free(project: Path) -> None:
    """kill -9 leaves no server behind that nobody claims."""
    with running("--ready", "--name", "web", "--", *server(), cwd=project) as process:
        port = int(re.findall(r":(\d+)/", line(process, "ready after"))[0])
        process.kill()
        process.wait(10)

        def is_free() -> bool:
            with closing(socket.socket()) as sample:
                return sample.connect_ex(("127.0.0.1", port)) != 0

        until(is_free)
        assert claims() == []
        assert run("--name", "web", "--", "true", cwd=project).returncode == 0


def test_closed_connections_keep_no_restart_waiting(project: Path) -> None:
    """A server that closed a connection and ended gets its number again at once."""
    script = (
        "import socket, sys\n"
        "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "s.accept()[0].close()\n"
    )
    with running("--ready", "--name", "web", "--", *python(script, "{port}"), cwd=project) as one:
        port = int(re.findall(r":(\d+)/", line(one, "ready after"))[0])
        with closing(socket.create_connection(("127.0.0.1", port))) as client:
            client.recv(1)
            assert one.wait(10) == 0
    with closing(socket.socket()) as plain, pytest.raises(OSError, match="already in use"):
        plain.bind(("127.0.0.1", port))
    with running("--ready", "--name", "web", "--", *server(), cwd=project) as two:
        assert f":{port}/" in line(two, "ready after")


def test_a_passed_socket_listens_before_the_program_does() -> None:
    """LISTEN_FDS is 1 and LISTEN_PID the program's own; who connects early is served."""
    script = (
        "import os, socket, time\n"
        "time.sleep(0.5)\n"
        "assert os.environ['LISTEN_PID'] == str(os.getpid()), os.environ\n"
        "assert os.environ['LISTEN_FDS'] == '1'\n"
        "s = socket.socket(fileno=3)\n"
        "c, _ = s.accept()\n"
        "c.sendall(b'hello')\n"
    )
    with running("--fd", "--", *python(script)) as process:
        port = int(re.findall(r"port (\d+)", line(process, "port "))[0])
        until(lambda: _connects(port))
        with closing(socket.create_connection(("127.0.0.1", port))):
            pass
        assert process.wait(10) == 0, process.communicate()


def _connects(port: int) -> bool:
    with closing(socket.socket()) as sample:
        return sample.connect_ex(("127.0.0.1", port)) == 0


def test_the_port_is_held_until_the_program_listens() -> None:
    """Nobody gets it in between: not by a plain bind(), not by another run."""
    script = "import time; print('begun', flush=True); time.sleep(60)"
    with running("--", *python(script)) as process:
        port = int(re.findall(r"port (\d+)", line(process, "port "))[0])
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.3)
        assert not _binds(port, reuse=False)
        assert _binds(port, reuse=True)
        assert run("--port", str(port), "--", *python(script)).returncode == 1


def test_a_server_without_the_option_needs_the_hold_gone() -> None:
    """It fails against the hold, and works with --release-at-exec."""
    script = "import socket, sys; socket.socket().bind(('127.0.0.1', int(sys.argv[1])))"
    assert run("--", *python(script, "{port}")).returncode == 1
    assert run("--release-at-exec", "--", *python(script, "{port}")).returncode == 0


def _binds(port: int, *, reuse: bool) -> bool:
    with closing(socket.socket()) as sample:
        if reuse:
            sample.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sample.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_nothing_of_ours_is_open_in_the_program() -> None:
    """The hold and the store are closed on exec."""
    script = "import os; print(sorted(os.listdir('/proc/self/fd')))"
    plain = subprocess.run(python(script), capture_output=True, text=True, check=True).stdout
    assert run("--", *python(script)).stdout == plain


def test_udp_is_claimed_and_let_go_for_the_program() -> None:
    """A datagram server binds it plainly."""
    script = (
        "import socket, sys\n"
        "s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('127.0.0.1', int(sys.argv[1])))\n"
    )
    done = run("--udp", "--", *python(script, "{port}"))
    assert done.returncode == 0, done.stderr
