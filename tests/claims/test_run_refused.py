"""What `portbook run` says where a number is not to be had, or not as it was asked for."""

import os
import pwd
import re
import socket
from contextlib import closing
from pathlib import Path

from claims.run_processes import line, python, run, running, server
from command import portbook

PORT = ("sh", "-c", "echo $PORT")


def test_who_holds_a_number_is_named(tmp_path: Path) -> None:
    """Its program, PID, user and claim."""
    with running("--ready", "--name", "web", "--", *server(), cwd=tmp_path) as process:
        line(process, "ready after")
        (claim,) = portbook("claims", "--json").document["claims"]
        told = run("--name", "web", "--", "true", cwd=tmp_path).stderr.splitlines()[0]
        user = pwd.getpwuid(os.geteuid()).pw_name
        program = Path(f"/proc/{process.pid}/comm").read_text().strip()
        who = f"{program} (pid {process.pid}, user {user}, claim {claim['id']})"
        assert f"{claim['port']} is held by {who} for web" in told


def test_a_reserved_number_says_how_to_use_it(tmp_path: Path) -> None:
    """By its name in its project, or given back; there is nobody to stop or wait for."""
    port = run("--name", "web", "--", *PORT, cwd=tmp_path).stdout.strip()
    done = run("--port", port, "--", "true", cwd=tmp_path)
    assert done.returncode == 1
    hint = done.stderr.splitlines()[-1]
    assert f"portbook run --name web (in {tmp_path}) uses it" in hint
    assert f"portbook unreserve {port}" in hint
    assert "stop" not in hint


def test_near_counts_until_the_name_has_a_number(tmp_path: Path) -> None:
    """Then one line says that it does not."""
    port = int(run("--name", "web", "--", *PORT, cwd=tmp_path).stdout)
    asked = ("--near", str(port + 1), "--name", "web", "--", *PORT)
    done = run(*asked, cwd=tmp_path)
    assert int(done.stdout) == port
    assert f"--near {port + 1} is not used: {port} is reserved for web" in done.stderr
    assert "--near" not in run("--quiet", *asked, cwd=tmp_path).stderr
    again = run("--near", str(port), "--name", "web", "--", *PORT, cwd=tmp_path)
    assert "--near" not in again.stderr


def test_a_failure_before_it_listened_names_the_option() -> None:
    """A server without SO_REUSEADDR fails against the hold; who listened or succeeded does not."""
    plain = python("import socket, sys; socket.socket().bind(('', int(sys.argv[1])))", "{port}")
    told = run("--", *plain).stderr
    assert re.search(r"it ended before it listened on \d+\nhint: .*--release-at-exec", told)
    assert "--release-at-exec" not in run("--release-at-exec", "--", "false").stderr
    assert "it ended" not in run("--", "true").stderr
    assert "it ended" not in run("--", "sh", "-c", "kill -TERM $$").stderr


def test_closed_connections_are_told_of(tmp_path: Path) -> None:
    """Without a hold they are let pass with a line, after as long as was asked."""
    script = (
        "import socket, sys\n"
        "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
        "s.accept()[0].close()\n"
    )
    with running("--ready", "--name", "web", "--", *python(script, "{port}"), cwd=tmp_path) as one:
        port = int(re.findall(r":(\d+)/", line(one, "ready after"))[0])
        with closing(socket.create_connection(("127.0.0.1", port))) as client:
            client.recv(1)
            assert one.wait(10) == 0
    for wait in ((), ("--wait", "1s")):
        options = ("--release-at-exec", *wait, "--name", "web")
        done = run(*options, "--", *PORT, cwd=tmp_path)
        assert done.stdout == f"{port}\n", done.stderr
        assert f"(TIME_WAIT) are on {port}" in done.stderr
        assert "--wait 60" in done.stderr


def test_durations_have_units() -> None:
    """As in the other commands; bare numbers are seconds."""
    sleeper = python("import time; time.sleep(60)")
    for text in ("1s", "0.5", "1"):
        done = run("--ready", text, "--wait", "1m", "--", *sleeper)
        assert re.search(r"nothing listens on \d+ after \d+\.\d s", done.stderr)
