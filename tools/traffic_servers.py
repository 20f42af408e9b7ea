"""The services of our host: rows of the test bed on their own ports, one that is often away, sinks.

They listen at our address; some at our IPv6 address as well.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / each) for each in ("tests", "src")]

from tools.traffic_stage import TARGET, TARGET6, Stage  # noqa: E402 - the same

from bed.running import all_servers, is_installed  # noqa: E402 - after the path is set
from bed.server import Place, Server, as_user  # noqa: E402 - the same

FLAKY = 9000
"""The port of an HTTP service that stops for some seconds and comes back, again and again."""
STATSD = 8125
_PORTS = {
    "nginx": 80,
    "nginx-tls": 443,
    "openssh": 22,
    "redis": 6379,
    "postgresql": 5432,
    "mosquitto": 1883,
    "bind9": 53,
    "chrony": 123,
    "rsync": 873,
    "git-daemon": 9418,
    "exim": 25,
    "vsftpd": 21,
    "dovecot-imap": 143,
    "memcached": 11211,
    "rsyslog": 514,
    "python-http-server": 8000,
    "haproxy": 8404,
}
_SIX = {
    "nginx": (80, f"[{TARGET6}]"),
    "openssh": (22, f"[{TARGET6}]"),
    "python-http-server": (8000, TARGET6),
    "redis": (6379, TARGET6),
}
_AWAY = f"""
import http.server, threading, time
class Page(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words): pass
while True:
    server = http.server.ThreadingHTTPServer(("{TARGET}", {FLAKY}), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    time.sleep(6)
    server.shutdown()
    server.server_close()
    time.sleep(4)
"""
_SINK = f"""
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("{TARGET}", {STATSD}))
while True: sock.recv(65536)
"""


def start_servers(stage: Stage) -> list[str]:
    """Start them and wait until they listen; what could not be had, each with the reason."""
    rows = {server.name: server for server in all_servers()}
    told = []
    wanted: list[tuple[str, int]] = []
    for name, port in _PORTS.items():
        if not is_installed(rows[name]):
            told.append(f"{name}: {', '.join(rows[name].packages)} not installed")
            continue
        _start(stage, rows[name], TARGET, port, name)
        wanted.append((rows[name].transport, port))
    for name, (port, address) in _SIX.items():
        if is_installed(rows[name]):
            _start(stage, rows[name], address, port, f"{name}-six")
            wanted.append((f"{rows[name].transport}6", port))
    for script in (_AWAY, _SINK):
        stage.start("ours", [sys.executable, "-c", script])
    return told + _wait(stage, wanted)


def missing_servers() -> list[str]:
    """The packages of servers that are not installed."""
    rows = [server for server in all_servers() if server.name in _PORTS]
    return [package for row in rows if not is_installed(row) for package in row.packages]


def _start(stage: Stage, server: Server, address: str, port: int, name: str) -> None:
    folder = os.path.join(stage.folder, name)
    os.makedirs(folder)
    os.chmod(folder, 0o755)
    place = Place(folder, address, port)
    argv = list(server.start(place))
    if server.name == "chrony":
        _append(argv[-1], "allow\n")
    elif server.name == "redis":
        argv += ["--protected-mode", "no"]
    elif server.name == "postgresql":
        _append(place.path("data/pg_hba.conf"), "host all all all scram-sha-256\n")
    elif server.name == "git-daemon":
        argv.insert(2, "--export-all")
        _repository(place)
    if server.user:
        place.give_to(server.user)
    with open(place.path("output"), "wb") as output:
        stage.start("ours", as_user(argv, server.user), output=output, folder=folder)


def _append(path: str, text: str) -> None:
    with open(path, "a") as file:
        file.write(text)


def _repository(place: Place) -> None:
    place.run("git", "init", "-q", "work")
    place.write("work/a.txt", "a\n")
    name = ["-c", "user.name=A", "-c", "user.email=a@a.example"]
    place.run("git", "-C", "work", "add", "a.txt")
    place.run("git", "-C", "work", *name, "commit", "-q", "-m", "a")
    place.run("git", "clone", "-q", "--bare", "work", "a.git")


def _wait(stage: Stage, wanted: list[tuple[str, int]]) -> list[str]:
    """Wait for the ports; those that stayed closed."""
    until = time.monotonic() + 30
    while True:
        open_now = _open(stage)
        late = [each for each in wanted if each not in open_now]
        if not late or time.monotonic() > until:
            return [f"{transport} port {port} stayed closed" for transport, port in late]
        time.sleep(0.1)


def _open(stage: Stage) -> set[tuple[str, int]]:
    found = set()
    for transport, state in (("tcp", "0A"), ("udp", "07"), ("tcp6", "0A"), ("udp6", "07")):
        argv = stage.argv("ours", ["cat", f"/proc/net/{transport}"])
        shown = subprocess.run(argv, capture_output=True, check=True).stdout.decode()
        for line in shown.splitlines()[1:]:
            fields = line.split()
            if fields[3] == state:
                found.add((transport, int(fields[1].rpartition(":")[2], 16)))
    return found
