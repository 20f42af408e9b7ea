"""Real programs that cannot have a port, and what `portbook explain-error` makes of their words."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.live

_NGINX = "daemon off; pid {at}/pid; error_log stderr; events {{}} http {{ access_log off; "
_APACHE = """ServerRoot {at}
PidFile {at}/pid
ServerName here
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
ErrorLog /dev/stderr
"""
_HAPROXY = """defaults
 mode http
 timeout client 1s
 timeout server 1s
 timeout connect 1s
frontend web
 bind 127.0.0.1:{port}
"""
_LIGHTTPD = """server.document-root = "{at}"
server.port = {port}
server.bind = "127.0.0.1"
"""
_GO = """package main

import "net"

func main() {{
\tif _, err := net.Listen("tcp", "127.0.0.1:{port}"); err != nil {{
\t\tpanic(err)
\t}}
}}
"""
_RUST = """fn main() {{
    println!("listening on 127.0.0.1:{port}");
    std::net::TcpListener::bind("127.0.0.1:{port}").unwrap();
}}
"""
_JAVA = """public class Here {{
    public static void main(String[] given) throws Exception {{
        System.err.println("starting on port {port}");
        new java.net.ServerSocket({port}, 5, java.net.InetAddress.getByName("127.0.0.1"));
    }}
}}
"""
_PYTHON = """from http.server import HTTPServer, BaseHTTPRequestHandler
HTTPServer(("127.0.0.1", {port}), BaseHTTPRequestHandler)
"""


class Tried(NamedTuple):
    """A program, a file that it is given, and its command line: `{at}` is a folder of its own."""

    program: str
    argv: tuple[str, ...]
    file: str = ""
    text: str = ""


_NODE = "require('net').createServer().listen({port}, '127.0.0.1')"
_WERKZEUG = "import werkzeug.serving as s; s.run_simple('127.0.0.1', {port}, print)"
PROGRAMS = (
    Tried("node", ("node", "-e", _NODE)),
    Tried("python", (sys.executable, "{at}/app.py"), "app.py", _PYTHON),
    Tried(
        "uvicorn",
        (sys.executable, "-m", "uvicorn", "--app-dir", "{at}", "--port", "{port}", "app:app"),
        "app.py",
        "async def app(scope, receive, send): pass\n",
    ),
    Tried("flask", (sys.executable, "-c", _WERKZEUG)),
    Tried(
        "nginx",
        ("nginx", "-c", "{at}/n.conf"),
        "n.conf",
        _NGINX + "server {{ listen 127.0.0.1:{port}; }} }}",
    ),
    Tried("redis", ("redis-server", "--bind", "127.0.0.1", "--port", "{port}")),
    Tried(
        "sshd",
        *(("/usr/sbin/sshd", "-D", "-e", "-f", "{at}/config", "-h", "{at}/key"), "config"),
        "Port {port}\nListenAddress 127.0.0.1\nPidFile none\n",
    ),
    Tried("php", ("php", "-S", "127.0.0.1:{port}")),
    Tried("haproxy", ("haproxy", "-f", "{at}/h.cfg"), "h.cfg", _HAPROXY),
    Tried("caddy", ("caddy", "file-server", "--listen", "127.0.0.1:{port}")),
    Tried("apache", ("apache2", "-f", "{at}/a.conf", "-DFOREGROUND"), "a.conf", _APACHE),
    Tried("lighttpd", ("lighttpd", "-D", "-f", "{at}/l.conf"), "l.conf", _LIGHTTPD),
    Tried("go", ("go", "run", "{at}/here.go"), "here.go", _GO),
    Tried("rust", ("sh", "-c", "rustc {at}/here.rs -o {at}/here && {at}/here"), "here.rs", _RUST),
    Tried("java", ("java", "{at}/Here.java"), "Here.java", _JAVA),
    Tried("ncat", ("ncat", "-l", "127.0.0.1", "{port}")),
    Tried("socat", ("socat", "TCP-LISTEN:{port},bind=127.0.0.1", "-")),
)


@pytest.fixture
def held() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def output(argv: list[str]) -> bytes:
    """What a program says before it gives up, both streams together."""
    done = subprocess.run(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    return done.stdout


def explained(text: bytes, *options: str) -> tuple[int, Any]:
    """The exit code and the document of `portbook explain-error`."""
    argv = [sys.executable, "-m", "portbook", "explain-error", "--json", *options]
    done = subprocess.run(argv, input=text, capture_output=True, timeout=60, check=False)
    assert b"Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("tried", PROGRAMS, ids=lambda tried: tried.program)
def test_a_real_program_that_finds_its_port_taken(tried: Tried, held: int, tmp_path: Path) -> None:
    """The port is found in its words, whose words they are, and who has it: this very process."""
    name = "rustc" if tried.program == "rust" else tried.argv[0]
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")

    def fill(text: str) -> str:
        return text.format(at=tmp_path, port=held)

    if tried.file:
        (tmp_path / tried.file).write_text(fill(tried.text))
    if tried.program == "sshd":
        if (
            os.geteuid() == 0
        ):  # Its unit would make it (RuntimeDirectory); without, sshd gives up first.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")]
        subprocess.run(key, check=True)
    said = output([fill(part) for part in tried.argv])
    code, document = explained(said)
    assert code == 1, said.decode(errors="replace")
    (found,) = document["found"]
    assert (found["port"], found["error"], found["program"]) == (held, "in-use", tried.program)
    (reason, *_) = found["why"]["tcp"]["reasons"]
    assert reason["kind"] == "listening"
    assert reason["owner"]["pid"] == os.getpid()


def test_a_program_that_fell_back_to_another_port_has_an_answer_too(held: int) -> None:
    """mosquitto goes on after it failed; what it wrote by then is enough."""
    if shutil.which("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    argv = ["timeout", "2", "mosquitto", "-p", str(held)]
    _, document = explained(output(argv))
    (found,) = document["found"]
    assert (found["port"], found["program"]) == (held, "mosquitto")
    assert f"port {held}" in found["number_line"]


def test_a_privileged_port_and_an_address_of_another_machine() -> None:
    """node's words for both, as a user without privileges; what is said now fits each."""
    if os.geteuid() != 0 or shutil.which("node") is None or shutil.which("setpriv") is None:
        pytest.skip("needs root, node and setpriv")
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80:
        pytest.skip("every user may bind 80 here")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    serve = "require('net').createServer().listen(%d, '%s')"
    said = output([*nobody, "node", "-e", serve % (80, "127.0.0.1")])
    _, document = explained(said)
    assert [each["error"] for each in document["found"]] == ["denied"]
    code, document = explained(output(["node", "-e", serve % (3000, "203.0.113.7")]))
    (away,) = document["found"]
    assert (code, away["error"], away["ours"]) == (1, "unavailable", False)
    assert (away["port"], away["address"]) == (3000, "203.0.113.7")
