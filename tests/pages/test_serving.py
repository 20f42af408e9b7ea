"""How the book is started and ended: sockets, signals, TLS, and what is said when it cannot be."""

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live.stage import NOBODY, environment, run_portbook
from pages.certificates import make_certificate
from pages.serving import serving
from pages.tiny import heard, request, status, tiny_server
from portbook.cli.serve import Name, host_names, parse_name
from portbook.model import EnvironmentFault, UsageError
from portbook.pages.listening import LOOPBACK, Place, PortTaken, listen

pytestmark = pytest.mark.live


@contextlib.contextmanager
def holding() -> Iterator[int]:
    """A port of 127.0.0.1 that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


# --- sockets of our own ---------------------------------------------------------------------------


def test_it_says_where_it_answers_when_it_does(tmp_path: Path) -> None:
    """One document at once, so that a script can wait for it; loopback only, both families."""
    with serving(tmp_path) as server:
        assert server.url == f"http://127.0.0.1:{server.port}/"
        assert status(raw("127.0.0.1", server.port)) == 421
        with contextlib.suppress(OSError):
            assert status(raw("::1", server.port)) == 421
        listed = run_portbook("ls", "--json", "--port", str(server.port), "--tcp").document
        assert {row["address"] for row in listed["listeners"]} <= {"127.0.0.1", "::1"}


def raw(host: str, port: int) -> bytes:
    """The answer to a request that names a host of its own."""
    with socket.create_connection((host, port), timeout=10) as link:
        link.sendall(request(Connection="close"))
        return heard(link, 5)


def test_for_people_the_address_is_data_and_the_rest_is_talk() -> None:
    """The address alone on stdout."""
    argv = [sys.executable, "-m", "portbook", "serve", "--port", "0"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        process.send_signal(signal.SIGINT)
        rest, talk = process.communicate(timeout=20)
    port = url.rsplit(":", 1)[1].rstrip("/")
    assert url == f"http://127.0.0.1:{port}/"
    assert rest == b""
    assert f"to see this machine too: portbook open --port {port}" in talk.decode()
    assert process.returncode == 130


def test_a_port_that_is_taken_says_who_has_it() -> None:
    """In one line, with the way out, and exit code 1."""
    with holding() as port:
        ran = run_portbook("serve", "--port", str(port))
    assert (ran.code, ran.out) == (1, "")
    error, hint = ran.err.splitlines()
    assert error.startswith(f"portbook: error: 127.0.0.1:{port} is held by ")
    assert f"(pid {os.getpid()}, user " in error
    assert hint == f"hint: portbook why {port}, or serve --port 0"


def test_a_port_that_is_taken_on_ipv6_alone_is_said_too() -> None:
    """Half a book would be found by half of the browsers."""
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with server:
        port = server.getsockname()[1]
        ran = run_portbook("serve", "--port", str(port))
    assert ran.code == 1
    assert f"[::1]:{port} is held by" in ran.err


def test_another_portbook_is_recognised(tmp_path: Path) -> None:
    """Then it can be opened, and need not be started."""
    with serving(tmp_path) as server:
        ran = run_portbook("serve", "--port", str(server.port))
    assert ran.code == 1
    assert "held by another portbook: " in ran.err
    assert "hint: portbook open" in ran.err


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become nobody")
def test_a_privileged_port_is_not_permitted() -> None:
    """Exit code 4, and the way out."""
    code = (
        f"import os; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY});"
        "from portbook.cli import main; raise SystemExit(main(['serve', '--port', '81']))"
    )
    # All that is imported is imported as root: nobody may not read this folder.
    preload = "import portbook.cli.serve, portbook.pages.app, portbook.pages.serving;"
    done = python(preload + code)
    limit = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()
    if int(limit) <= 81:
        pytest.skip("port 81 is free for all here")
    assert done.returncode == 4, done.stderr
    assert "127.0.0.1:81 cannot be bound: Permission denied" in done.stderr
    assert "hint: take a port from 1024 on" in done.stderr


def python(code: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run Python code with the package under test."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env=environment() | env,
        timeout=50,
        text=True,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--host", "0.0.0.0"), 2, "0.0.0.0 is reached from other machines"),
        (("--host", "::"), 2, ":: is reached from other machines"),
        (("--host", "192.0.2.1", "--expose"), 5, "192.0.2.1:3255 cannot be bound"),
        (("--host", "no such host"), 5, "cannot be resolved"),
        (("--port", "70000"), 2, "70000 is no port"),
        (("--port", "abc"), 2, "abc is no port"),
        (("--name", "a/b"), 2, "'a/b' is no host name"),
        (("--name", "a:99999"), 2, "is no host name"),
        (("--tls-key", "key"), 2, "--tls-key without --tls-cert"),
        (("--tls-cert", "/nowhere/at all"), 5, "/nowhere/at all: No such file or directory"),
        (("--tls-cert", "/etc/passwd"), 5, "that is no certificate and key in PEM form"),
        (("--tls-cert", "/etc"), 5, "/etc: Is a directory"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    arguments: tuple[str, ...], code: int, said: str
) -> None:
    """And a hint at most; nothing was bound."""
    ran = run_portbook("serve", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err.splitlines()[0]
    assert len(ran.err.splitlines()) <= 2


def test_without_the_packages_the_way_to_them_is_told() -> None:
    """Exit code 5; the core of portbook needs none of them."""
    for package in ("starlette", "uvicorn", "jinja2", "babel", "httptools"):
        done = python(
            f"import sys; sys.modules[{package!r}] = None\n"
            "from portbook.cli import main; raise SystemExit(main(['serve', '--port', '0']))"
        )
        assert done.returncode == 5, package
        assert done.stderr == (
            f"portbook: error: the pages need {package}, which is not installed\n"
            'hint: pip install "portbook[pages]"\n'
        )


def test_exposed_it_answers_on_every_address(tmp_path: Path) -> None:
    """With --expose, and under the names of its loopback too."""
    with serving(tmp_path, "--host", "0.0.0.0", "--expose", "--name", "Book.Example") as server:
        assert server.url == f"http://127.0.0.1:{server.port}/"
        assert server.ask("/static/icon.svg").status == 200
        for name in ("book.example", f"book.example:{server.port}", f"localhost:{server.port}"):
            assert server.ask("/static/icon.svg", Host=name).status == 200
        assert server.ask("/static/icon.svg", Host="other.example").status == 421


def test_the_names_under_which_it_may_be_asked_for() -> None:
    """Literal values; usual ports may be left out; a wildcard has no name of its own."""
    book = Name("book.example", None)
    assert host_names([Place("127.0.0.1", 3255), Place("::1", 3255)], [book]) == {
        *("127.0.0.1:3255", "[::1]:3255", "localhost:3255"),
        *("book.example:3255", "book.example"),
    }
    assert host_names([Place("192.0.2.1", 443)], [Name("a", 443), Name("b", 8443)]) == {
        *("192.0.2.1", "192.0.2.1:443", "a", "a:443", "b:8443"),
    }
    assert host_names([Place("/run/book", 0)], []) == {"localhost"}
    assert "0.0.0.0" not in host_names([Place("0.0.0.0", 80)], [])
    assert parse_name("[2001:DB8::1]:8080") == Name("[2001:db8::1]", 8080)
    for wrong in ("", "a b", "a:b", "a:0", "http://a", "a/b", "*", "[::1", "a\r\nb", "ä"):
        with pytest.raises(UsageError):
            parse_name(wrong)


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """Both families say that they are TCP, or asyncio leaves Nagle's algorithm on: 40 ms each."""
    for made in listen(LOOPBACK, 0, optional=True):
        with made:
            assert made.proto == socket.IPPROTO_TCP


def test_a_port_that_is_free_on_one_family_alone_is_tried_again() -> None:
    """Port 0 gives both families the same number; an absent address may be left out."""
    made = listen(LOOPBACK, 0, optional=True)
    assert len({each.getsockname()[1] for each in made}) == 1
    with pytest.raises(PortTaken) as taken:
        listen(("127.0.0.1",), made[0].getsockname()[1])
    assert taken.value.exit_code == 1
    for each in made:
        each.close()
    (only,) = listen(("192.0.2.1", "127.0.0.1"), 0, optional=True)
    only.close()
    with pytest.raises(EnvironmentFault, match=r"192\.0\.2\.1:0 cannot be bound"):
        listen(("192.0.2.1",), 0, optional=True)


# --- sockets of systemd's -------------------------------------------------------------------------

ACTIVATED = """
import os, socket, sys
made = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
made.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
path = sys.argv[1]
made.append(socket.socket(socket.AF_UNIX))
made[-1].bind(path)
made[-1].listen()
for number in range(20, 20 + len(made)):
    os.dup2(made[number - 20].fileno(), number)
for number in range(3, 3 + len(made)):
    os.dup2(number + 17, number, inheritable=True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(made)),
               "LISTEN_FDNAMES": "a:b:c:d"}
os.execv(sys.executable, [sys.executable, "-m", "portbook", "serve", "--json", *sys.argv[2:]])
"""


def test_all_sockets_that_systemd_passes_are_served(tmp_path: Path) -> None:
    """Two of TCP and one of Unix; the datagram socket is let go of, the variables are gone."""
    path = str(tmp_path / "book.sock")
    argv = [sys.executable, "-c", ACTIVATED, path]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environment()) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            first, second, unix = told["addresses"]
            assert unix == f"unix:{path}"
            assert told["pid"] == process.pid
            for place in (first, second):
                port = place.rsplit(":", 1)[1]
                asked = request("/static/icon.svg", Connection="close")
                with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as link:
                    link.sendall(asked.replace(b"127.0.0.1", place.encode()))
                    assert status(heard(link, 5)) == 200
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(path)
                link.sendall(asked.replace(b"127.0.0.1", b"localhost"))
                assert status(heard(link, 5)) == 200
        finally:
            process.terminate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("socket.socketpair()[0]", "which is a connection"),
        ("open('/dev/null')", "which is no socket"),
        ("socket.socket(type=socket.SOCK_DGRAM)", "no stream socket"),
        ("socket.create_server(('0.0.0.0', 0))", "0.0.0.0 is reached from other machines"),
    ],
)
def test_what_systemd_should_not_have_passed_is_said(made: str, said: str) -> None:
    """In one line; a wildcard address needs --expose here too."""
    code = (
        f"import os, socket, sys; made = {made}; os.dup2(made.fileno(), 3, inheritable=True);"
        "os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1'};"
        "from portbook.cli import main; raise SystemExit(main(['serve']))"
    )
    done = python(code)
    assert done.returncode in (2, 5)
    assert said in done.stderr.splitlines()[0]


def test_sockets_meant_for_somebody_else_are_left_alone() -> None:
    """Variables with another PID are a parent's, and so are nonsense numbers."""
    for pid, number in (("1", "1"), (None, "x"), (None, ""), (None, "²")):
        code = (
            f"import os; os.environ |= {{'LISTEN_PID': {pid!r} or str(os.getpid()), "
            f"'LISTEN_FDS': {number!r}}};"
            "from portbook.pages.listening import passed; assert passed() == [];"
            "assert 'LISTEN_PID' not in os.environ and 'LISTEN_FDS' not in os.environ"
        )
        assert python(code).stderr == ""


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd is not installed")
def test_systemds_own_launcher_starts_it_with_the_first_visitor() -> None:
    """The visitor waits in the queue until it answers: nothing is refused, nothing lost."""
    with holding() as port:
        pass
    argv = ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=book"]
    names = ("PYTHONPATH", "PORTBOOK_DATA_HOME", "PATH")
    argv += [f"--setenv={name}={environment()[name]}" for name in names]
    argv += [sys.executable, "-m", "portbook", "serve", "--no-live"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            asked = request("/static/icon.svg", Connection="close")
            answer = b""
            for _ in range(100):
                with contextlib.suppress(ConnectionRefusedError):
                    link = socket.create_connection(("127.0.0.1", port), timeout=10)
                    break
                time.sleep(0.05)
            with link:
                link.sendall(asked.replace(b"127.0.0.1", f"127.0.0.1:{port}".encode()))
                answer = heard(link, 20)
            assert status(answer) == 200
        finally:
            process.terminate()
    assert process.returncode == 0


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_units_are_as_systemd_wants_them(tmp_path: Path) -> None:
    """No unknown option, no unit that is missing; and what an attacker could do is little."""
    units = [tmp_path / "portbook.service", tmp_path / "portbook.socket"]
    for unit in units:
        shutil.copy(Path(__file__).parents[2] / "contrib" / unit.name, unit)
    verified = subprocess.run(
        ["systemd-analyze", "verify", *map(str, units)], capture_output=True, text=True, timeout=30
    )
    assert verified.returncode == 0
    assert str(tmp_path) not in verified.stderr
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(units[0])],
        capture_output=True,
        text=True,
        timeout=30,
    )
    exposure = float(rated.stdout.rpartition("exposure level for portbook.service: ")[2].split()[0])
    assert exposure < 2.5


def test_systemd_is_told_when_it_answers_and_when_it_ends(tmp_path: Path) -> None:
    """Type=notify: READY=1 comes when a request is answered, not before."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.settimeout(10)
        with serving(tmp_path, env={"NOTIFY_SOCKET": path}):
            assert systemd.recv(100) == b"READY=1"
        assert systemd.recv(100) == b"STOPPING=1"


# --- the end --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 0), ("SIGHUP", 0), ("SIGINT", 130)])
def test_what_is_at_work_is_finished_and_nothing_new_is_taken(
    tmp_path: Path, number: str, code: int
) -> None:
    """The slow answer comes; the port is free at once; idle connections are closed."""
    with tiny_server(tmp_path) as server, server.connect() as slow, server.connect() as idle:
        idle.sendall(request())
        assert status(heard(idle, 0.5)) == 200
        slow.sendall(request("/slow"))
        time.sleep(0.3)
        server.process.send_signal(getattr(signal, number))
        time.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        assert heard(idle, 0.5) == b""
        assert status(heard(slow, 5)) == 200
        assert server.process.wait(5) == code


def test_what_never_ends_is_given_up(tmp_path: Path) -> None:
    """After the time to drain (10 seconds, here 2); who holds a connection open changes nothing."""
    with tiny_server(tmp_path, drain=2) as server, server.connect() as link, server.connect():
        link.sendall(request("/stuck"))
        time.sleep(0.3)
        began = time.monotonic()
        server.process.terminate()
        assert server.process.wait(10) == 0
        assert 1.9 < time.monotonic() - began < 6


def test_the_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """For who does not want to wait."""
    with tiny_server(tmp_path) as server, server.connect() as link:
        link.sendall(request("/stuck"))
        time.sleep(0.3)
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        began = time.monotonic()
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(10) == 130
        assert time.monotonic() - began < 3


# --- TLS ------------------------------------------------------------------------------------------


def test_it_speaks_tls(tmp_path: Path) -> None:
    """1.2 and newer; plain HTTP on that port gets no answer, and nobody a traceback."""
    certificate, key = make_certificate(tmp_path)
    with serving(tmp_path, "--tls-cert", certificate, "--tls-key", key) as server:
        assert server.url.startswith("https://")
        context = ssl.create_default_context(cafile=certificate)
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as link,
        ):
            asked = request("/static/icon.svg", Connection="close")
            link.sendall(asked.replace(b"127.0.0.1", f"localhost:{server.port}".encode()))
            assert status(heard(link, 5)) == 200
        assert b"200" not in raw("127.0.0.1", server.port)


def test_a_handshake_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    """Seconds, not the minute that is usual."""
    certificate, key = make_certificate(tmp_path)
    with (
        serving(tmp_path, "--tls-cert", certificate, "--tls-key", key) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=15) as link,
    ):
        began = time.monotonic()
        assert link.recv(100) == b""
        assert 4 < time.monotonic() - began < 8


def test_files_that_do_not_fit_are_one_line(tmp_path: Path) -> None:
    """Another certificate's key, an encrypted one (nobody is asked for a password), none."""
    (tmp_path / "other").mkdir()
    certificate, key = make_certificate(tmp_path)
    _, other = make_certificate(tmp_path / "other")
    _, locked = make_certificate(tmp_path / "other", password=b"secret")
    for files, said in (
        (("--tls-cert", certificate, "--tls-key", other), "the key belongs to another certificate"),
        (("--tls-cert", certificate, "--tls-key", locked), "is encrypted"),
        (("--tls-cert", certificate), "that is no certificate and key in PEM form"),
        (("--tls-cert", key), "that is no certificate and key in PEM form"),
    ):
        ran = run_portbook("serve", "--port", "0", *files)
        assert ran.code == 5
        assert said in ran.err.splitlines()[0], ran.err
        assert len(ran.err.splitlines()) == 2


# --- what it writes -------------------------------------------------------------------------------


def test_requests_are_logged_on_request_and_escaped(tmp_path: Path) -> None:
    """One line each, which cannot steer a terminal; without --log there is none."""
    with serving(tmp_path, "--log") as server:
        server.ask("/static/icon.svg?a=%1b[31m")
        with server_link(server.port) as link:
            link.sendall(b"GET /\xc2\x9b2J\xff?\xe2\x80\xae HTTP/1.1\r\nHost: a\r\n\r\n")
            heard(link, 1)
        lines = (tmp_path / "serve.log").read_text().splitlines()
    assert any(" 127.0.0.1 GET /static/icon.svg?a=%1b[31m 200 " in line for line in lines)
    assert all(line.isascii() and line.isprintable() for line in lines)
    with serving(tmp_path) as server:
        server.ask("/static/icon.svg")
    assert (tmp_path / "serve.log").read_text() == ""


def server_link(port: int) -> socket.socket:
    """A raw connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=10)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a file system")
@pytest.mark.parametrize("options", ["ro", "size=4k,nr_inodes=1"])
def test_a_folder_that_takes_no_file_closes_the_live_parts_alone(
    tmp_path: Path, options: str
) -> None:
    """Read-only or full: the book is served, nobody gets in, and it is said why."""
    script = f"mount -t tmpfs -o {options} none {tmp_path} && exec {sys.executable} -m portbook "
    argv = ["unshare", "-m", "sh", "-c", script + "serve --port 0 --json"]
    env = environment() | {"PORTBOOK_DATA_HOME": str(tmp_path)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        _, talk = process.communicate(timeout=20)
    told: Any = json.loads(line)
    assert told["token_file"] is None
    assert talk.decode().startswith("portbook: nobody can enter the live parts: no token can be")
    hint, claims = talk.decode().splitlines()[1:]
    assert hint == "hint: PORTBOOK_DATA_HOME names another folder"
    assert claims.startswith("portbook: no claims are handed out: ")
    assert process.returncode == 0
