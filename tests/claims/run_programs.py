"""Real servers under `portbook run`: how each is started, and which ways of keeping a port work.

`tools/make_run_table.py` writes the table of docs/run.md from it. Programs are looked for in the
folders of PORTBOOK_PROGRAMS (as in PATH) first: npm's and pip's, which are not installed here.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from claims.run_processes import command, environment

SECONDS = "40"
"""--ready for a program: a JVM or a bundler on a busy machine takes long."""
WAYS = {"hold": (), "release": ("--release-at-exec",), "fd": ("--fd",)}


class Program(NamedTuple):
    """One server.

    `make` prepares a folder and gives the arguments; `passed` the same for a socket that it gets,
    None where it takes none. `works` are the ways that are known to work, of `hold` and `release`.
    """

    name: str
    needs: str
    make: Callable[[Path], list[str]]
    passed: Callable[[Path], list[str]] | None = None
    works: tuple[str, ...] = ("hold", "release")
    tells: str = "{port}"


def find(program: str) -> str | None:
    """Where a program is."""
    # The development environment's own programs are beside its interpreter.
    places = [os.environ.get("PORTBOOK_PROGRAMS", ""), str(Path(sys.executable).parent)]
    places += [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/go/bin"]
    return shutil.which(program, path=os.pathsep.join(filter(None, places)))


def _path(program: str) -> str:
    return find(program) or program


def _write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def _asgi(folder: Path) -> None:
    _write(
        folder,
        "app.py",
        "async def app(scope, receive, send):\n"
        "    if scope['type'] == 'http':\n"
        "        await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "        await send({'type': 'http.response.body', 'body': b'ok'})\n",
    )


def _uvicorn(folder: Path) -> list[str]:
    _asgi(folder)
    return [_path("uvicorn"), "app:app", "--port", "{port}"]


def _uvicorn_fd(folder: Path) -> list[str]:
    _asgi(folder)
    return [_path("uvicorn"), "app:app", "--fd", "3"]


def _wsgi(folder: Path) -> None:
    _write(
        folder, "web.py", "def app(environ, start):\n    start('200 OK', [])\n    return [b'ok']\n"
    )


def _gunicorn(folder: Path) -> list[str]:
    _wsgi(folder)
    return [_path("gunicorn"), "web:app", "--bind", "127.0.0.1:{port}"]


def _gunicorn_fd(folder: Path) -> list[str]:
    _wsgi(folder)
    return [_path("gunicorn"), "web:app"]


def _flask(folder: Path) -> list[str]:
    _write(folder, "shop.py", "from flask import Flask\napp = Flask('shop')\n")
    return [_path("flask"), "--app", str(folder / "shop.py"), "run", "--port", "{port}"]


def _django(folder: Path) -> list[str]:
    subprocess.run([_path("django-admin"), "startproject", "shop", str(folder)], check=True)
    return [sys.executable, str(folder / "manage.py"), "runserver", "{port}"]


def _node(folder: Path) -> list[str]:
    text = "require('http').createServer((q, s) => s.end('ok')).listen(process.env.PORT)"
    return [_path("node"), _write(folder, "server.js", text)]


def _node_fd(folder: Path) -> list[str]:
    text = "require('http').createServer((q, s) => s.end('ok')).listen({fd: 3})"
    return [_path("node"), _write(folder, "server.js", text)]


def _vite(folder: Path) -> list[str]:
    _write(folder, "index.html", "<h1>ok</h1>")
    return [_path("vite"), "--port", "{port}", "--strictPort", "--host", "{host}"]


def _next(folder: Path) -> list[str]:
    modules = Path(_path("next")).parent.parent
    (folder / "node_modules").symlink_to(modules)
    (folder / "pages").mkdir()
    _write(folder, "pages/index.js", "export default () => 'ok'")
    _write(folder, "package.json", "{}")
    return [_path("next"), "dev", "--webpack"]


def _redis(folder: Path) -> list[str]:
    return [_path("redis-server"), "--port", "{port}", "--dir", str(folder), "--save", ""]


def _nginx(folder: Path) -> list[str]:
    # nginx has no way to put a port into its configuration: the shell writes it.
    text = (
        "daemon off; master_process on; error_log stderr; pid nginx.pid; user root;\n"
        "events {} http { access_log off; server { listen 127.0.0.1:PORT; } }\n"
    )
    config = _write(folder, "nginx.in", text)
    write = f"sed s/PORT/$PORT/ {config} > {folder}/nginx.conf"
    return ["sh", "-c", f"{write}; exec {_path('nginx')} -p {folder} -c {folder}/nginx.conf"]


def _caddy(folder: Path) -> list[str]:
    return [_path("caddy"), "file-server", "--listen", "127.0.0.1:{port}", "--root", str(folder)]


def _lighttpd(folder: Path) -> list[str]:
    text = f'server.document-root = "{folder}"\nserver.port = env.PORT\nserver.bind = "127.0.0.1"\n'
    return [_path("lighttpd"), "-D", "-f", _write(folder, "lighttpd.conf", text)]


def _postgres(folder: Path) -> list[str]:
    # It refuses to run as root.
    data = folder / "data"
    user: list[str] = []
    if os.geteuid() == 0:
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(folder, "postgres")
        folder.parent.chmod(0o755)
    initdb = [_path("initdb"), "-D", str(data), "-A", "trust", "--no-sync"]
    subprocess.run([*user, *initdb], check=True, capture_output=True)
    return [*user, _path("postgres"), "-D", str(data), "-p", "{port}", "-k", str(folder)]


def _java(folder: Path) -> list[str]:
    text = (
        "import com.sun.net.httpserver.HttpServer;\nimport java.net.InetSocketAddress;\n"
        "class Server { public static void main(String[] a) throws Exception {\n"
        '  int port = Integer.parseInt(System.getenv("PORT"));\n'
        '  HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0).start();\n} }\n'
    )
    return [_path("java"), _write(folder, "Server.java", text)]


_GO = """
package main

import (
    "net"
    "os"
)

func main() {
    l, err := net.Listen("tcp", "127.0.0.1:" + os.Getenv("PORT"))
    if os.Getenv("LISTEN_FDS") == "1" {
        l, err = net.FileListener(os.NewFile(3, "passed"))
    }
    if err != nil {
        panic(err)
    }
    for {
        c, err := l.Accept()
        if err == nil {
            c.Write([]byte("HTTP/1.0 204 No Content\\r\\n\\r\\n"))
            c.Close()
        }
    }
}
"""


def _go(folder: Path) -> list[str]:
    source = _write(folder, "server.go", _GO)
    build = [_path("go"), "build", "-o", str(folder / "server"), source]
    made = {**os.environ, "GO111MODULE": "off", "CGO_ENABLED": "0"}
    subprocess.run(build, check=True, env=made, capture_output=True)
    return [str(folder / "server")]


def _php(folder: Path) -> list[str]:
    return [_path("php"), "-S", "{host}:{port}", "-t", str(folder)]


def _memcached(_folder: Path) -> list[str]:
    user = ["-u", "root"] if os.geteuid() == 0 else []
    return [_path("memcached"), "-l", "127.0.0.1", "-p", "{port}", *user]


def _http_server(folder: Path) -> list[str]:
    return [sys.executable, "-m", "http.server", "{port}", "--directory", str(folder)]


def _plain(_folder: Path) -> list[str]:
    script = (
        "import socket, sys, time; s = socket.socket()\n"
        "s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen(); time.sleep(60)\n"
    )
    return [sys.executable, "-c", script, "{port}"]


def _compose(folder: Path) -> list[str]:
    text = "services:\n  web:\n    image: nginx\n    ports: ['127.0.0.1:${PORT}:80']\n"
    return ["docker", "compose", "-f", _write(folder, "compose.yaml", text), "up"]


PROGRAMS = (
    Program("python -m http.server", sys.executable, _http_server),
    Program("uvicorn", "uvicorn", _uvicorn, _uvicorn_fd),
    Program("gunicorn", "gunicorn", _gunicorn, _gunicorn_fd),
    Program("flask run", "flask", _flask),
    Program("django runserver", "django-admin", _django),
    Program("node http", "node", _node, _node_fd, tells="PORT"),
    Program("vite", "vite", _vite),
    Program("next dev", "next", _next, tells="PORT"),
    Program("php -S", "php", _php),
    Program("nginx", "nginx", _nginx, tells="PORT by sed"),
    Program("caddy", "caddy", _caddy),
    Program("lighttpd", "lighttpd", _lighttpd, tells="PORT"),
    Program("redis-server", "redis-server", _redis),
    Program("memcached", "memcached", _memcached),
    Program("postgres", "initdb", _postgres),
    Program("java HttpServer", "java", _java, tells="PORT"),
    Program("Go net.Listen", "go", _go, _go, tells="PORT"),
    Program("a server without SO_REUSEADDR", sys.executable, _plain, works=("release",)),
    Program("docker compose up", "docker", _compose, tells="PORT"),
)


def missing(program: Program) -> str | None:
    """Why it cannot be tried here; None if it can."""
    if find(program.needs) is None:
        return f"{program.needs} is not installed"
    if program.needs == "docker":
        done = subprocess.run(["docker", "info"], capture_output=True, check=False)
        if done.returncode:
            return "no container engine runs"
    return None


class Outcome(NamedTuple):
    """Whether it became ready on its port, and what was said."""

    works: bool
    told: str


def attempt(program: Program, way: str, folder: Path) -> Outcome:
    """Run a program with one way of keeping its port, until it is ready or not."""
    make = program.make if way != "fd" or program.passed is None else program.passed
    arguments = make(folder)
    ready = ["--ready", SECONDS]
    if way == "fd":
        # The port listens from the start, so only an answer shows that the program took it over.
        ready = [f"--ready={SECONDS}", "--ready-http", "/"]
    process = subprocess.Popen(
        command(*WAYS[way], *ready, "--", *arguments),
        cwd=folder,
        env=environment(NEXT_TELEMETRY_DISABLED="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    told = ""
    try:
        assert process.stderr is not None
        for line in process.stderr:
            told += line
            if line.startswith("portbook: ready after"):
                process.send_signal(signal.SIGTERM)
                process.wait(20)
                return Outcome(True, told)
        return Outcome(False, told)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
