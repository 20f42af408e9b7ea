"""What `portbook run` says of a program: ready, elsewhere, silent, gone, or somebody else."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from claims.run_processes import (
    SERVER,
    command,
    environment,
    line,
    python,
    run,
    running,
    server,
    until,
)
from command import portbook

DAEMON = (
    "import os, socket, sys, time\n"
    "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
    "if os.fork(): os._exit(0)\n"
    "os.setsid()\n"
    "if os.fork(): os._exit(0)\n"
    "os.close(1); os.close(2)\n"
    "time.sleep(60)\n"
)
"""Listens, and goes on in a session of its own while its first process ends."""


def namespaced(script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a network namespace of its own; `$run` is `portbook run`."""
    words = " ".join(command())
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", f"ip link set lo up; run='{words}'; {script}"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.stderr.startswith("unshare:"):
        pytest.skip(f"no namespaces here: {done.stderr.strip()}")
    return done


def test_ready_tells_when_and_where() -> None:
    """One line with the address, and then it is true."""
    with running("--ready", "--", *server()) as process:
        told = line(process, "ready after")
        port = int(re.findall(r"http://127\.0\.0\.1:(\d+)/", told)[0])
        socket.create_connection(("127.0.0.1", port)).close()


def test_a_descendant_may_be_the_server() -> None:
    """As under npm, which starts a shell, which starts node."""
    inner = f'{sys.executable} -I -S -c "$0" "$1" & wait'
    with running(
        "--ready", "--", "sh", "-c", f'sh -c \'{inner}\' "$0" "$1"; :', SERVER, "{port}"
    ) as process:
        line(process, "ready after")


def test_a_page_may_be_what_is_waited_for() -> None:
    """--ready-http: it listens at once, and answers with an error for a while."""
    script = (
        "import http.server, sys, time\n"
        "began = time.monotonic()\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        late = time.monotonic() - began > 0.7 and self.path == '/health'\n"
        "        self.send_response(204 if late else 503); self.end_headers()\n"
        "    def log_message(self, *_): pass\n"
        "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n"
    )
    with running(
        "--ready-http", "/health", "--", sys.executable, "-c", script, "{port}"
    ) as process:
        seconds = float(re.findall(r"ready after ([0-9.]+) s", line(process, "ready after"))[0])
        assert seconds >= 0.7


def test_what_is_not_ready_in_time_is_ended() -> None:
    """Exit code 1, and the program is gone."""
    done = run("--ready", "0.5", "--", *python("import time; time.sleep(60)"))
    assert done.returncode == 1
    assert "not ready: nothing listens on" in done.stderr
    assert portbook("claims", "--json").document["claims"] == []


def test_what_ends_without_listening_was_not_ready() -> None:
    """Its own exit code if it failed, else 1; without --ready nobody minds."""
    assert run("--ready", "--", "true").returncode == 1
    failed = run("--ready", "--", "sh", "-c", "exit 9")
    assert failed.returncode == 9
    assert "it ended before it listened on" in failed.stderr
    assert run("--", "true").returncode == 0


def test_a_program_that_listens_elsewhere_is_told_on() -> None:
    """With both numbers, and the way to tell it its port."""
    script = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); time.sleep(60)"
    with running("--", *python(script)) as process:
        told = line(process, "it listens on")
        assert re.search(r"it listens on \d+ instead of \d+", told)
        assert "{port}" in line(process, "hint: ")


def test_a_program_in_another_network_namespace_is_told_on() -> None:
    """The right number, but nobody here can reach it."""
    with running("--", "unshare", "-rn", *server()) as process:
        told = line(process, "portbook: it listens on")
        assert "in another network namespace" in told


def test_a_daemon_keeps_the_claim(tmp_path: Path) -> None:
    """Its first process ends, and what listens has the claim from then on, until it ends."""
    done = run("--name", "d", "--", *python(DAEMON, "{port}"), cwd=tmp_path)
    assert done.returncode == 0
    pid = int(re.findall(r"\((\d+)\) still listens", done.stderr)[0])
    try:
        (claim,) = portbook("claims", "--json").document["claims"]
        assert claim["owner"]["pid"] == pid
        assert run("--name", "d", "--", "true", cwd=tmp_path).returncode == 1
    finally:
        os.kill(pid, signal.SIGKILL)
    until(lambda: portbook("claims", "--json").document["claims"] == [])


def test_a_thief_over_the_hold_is_named() -> None:
    """Somebody else listens where our program was to: said is who, and it is not ready."""
    with running("--ready", "20", "--", *python("import time; time.sleep(60)")) as process:
        port = int(re.findall(r"port (\d+)", line(process, "port "))[0])
        with closing(socket.socket()) as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind(("127.0.0.1", port))
            thief.listen()
            told = line(process, "is not started by this command")
            assert f"(pid {os.getpid()})" in told


def test_without_ipv6_the_hold_is_on_ipv4() -> None:
    """Nothing else changes where the kernel has IPv6 switched off."""
    script = shlex.quote(SERVER.replace("sleep(60)", "sleep(2)"))
    done = namespaced(
        "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6;"
        f"$run --ready -- {sys.executable} -I -S -c {script} '{{port}}'"
    )
    assert "ready after" in done.stderr, done.stderr
    assert done.returncode == 0


def test_another_namespaces_number_is_not_in_the_way() -> None:
    """The same number is free in a network namespace where nobody has it."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = namespaced(f"$run --port {port} -- echo started")
        assert done.stdout == "started\n", done.stderr


def test_several_ports_are_all_waited_for() -> None:
    """--env twice: ready when both listen."""
    script = (
        "import os, socket, time\n"
        "a = socket.create_server(('127.0.0.1', int(os.environ['A'])))\n"
        "time.sleep(0.5)\n"
        "b = socket.create_server(('127.0.0.1', int(os.environ['B'])))\n"
        "time.sleep(60)\n"
    )
    with running("--ready", "--env", "A", "--env", "B", "--", *python(script)) as process:
        seconds = float(re.findall(r"ready after ([0-9.]+) s", line(process, "ready after"))[0])
        assert seconds >= 0.4
