"""Starting the servers of the bed, in a network namespace of its own, until they all listen."""

import contextlib
import importlib
import importlib.metadata
import os
import pkgutil
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import bed.servers
from bed.server import NODE_MODULES, Place, Server, as_user

ADDRESS = "127.0.0.1"
ODD = 41001
TLS = 45001
_BED = ("stunnel4", "openssl", "iproute2", "util-linux")
_LISTEN = {"tcp": ("0A",), "udp": ("07",)}


class Running(NamedTuple):
    """An instance: a server on a port, why there, and its process."""

    server: Server
    place: Place
    kind: str
    process: subprocess.Popen[bytes]

    @property
    def output(self) -> str:
        """What it wrote so far, with its log files."""
        text = ""
        for name in ("output", *self.server.log):
            with contextlib.suppress(OSError), open(self.place.path(name), errors="replace") as log:
                text += log.read()
        return text

    @property
    def alive(self) -> bool:
        """Whether its process still runs, or (a daemon that forks) its port is still taken."""
        return self.process.poll() is None or is_open(self.place.port, self.server.transport)


def all_servers() -> list[Server]:
    """Every server of `tests/bed/servers`, by name."""
    found: list[Server] = []
    for module in pkgutil.iter_modules(bed.servers.__path__):
        found += importlib.import_module(f"bed.servers.{module.name}").SERVERS
    return sorted(found, key=lambda server: server.name)


def is_installed(server: Server) -> bool:
    """Whether everything that it needs is there."""
    return not any(map(_is_missing, server.packages))


def missing_packages(servers: Iterable[Server]) -> list[str]:
    """What the bed and the servers need and is not there, as Server.packages names it."""
    wanted = dict.fromkeys((*_BED, *(each for server in servers for each in server.packages)))
    return [package for package in wanted if _is_missing(package)]


def _is_missing(package: str) -> bool:
    if package.startswith("pip:"):
        try:
            importlib.metadata.distribution(package[4:])
        except importlib.metadata.PackageNotFoundError:
            return True
        return False
    if package.startswith("npm:"):
        return not os.path.isdir(os.path.join(NODE_MODULES, package[4:]))
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev}", package], capture_output=True
    )
    return not done.stdout.startswith(b"ii")


def start(server: Server, port: int, kind: str, top: str) -> Running:
    """Start one instance; its output goes to the file `output` of its folder."""
    folder = os.path.join(top, f"{server.name}-{kind}")
    os.makedirs(folder)
    os.chmod(folder, 0o755)  # noqa: S103 - servers run as users of their own
    place = Place(folder, ADDRESS, port)
    argv = server.start(place)
    if server.user:
        place.give_to(server.user)
    with open(place.path("output"), "wb") as output:
        process = subprocess.Popen(
            as_user(argv, server.user),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": folder, **(server.environment or {})},
            start_new_session=True,
        )
    return Running(server, place, kind, process)


def behind_tls(running: Running, port: int, top: str) -> subprocess.Popen[bytes]:
    """A stunnel in front of a running server."""
    folder = os.path.join(top, f"{running.server.name}-stunnel")
    os.makedirs(folder)
    place = Place(folder, ADDRESS, port)
    certificate = self_signed(place)
    config = place.write(
        "stunnel.conf",
        "foreground = yes\npid =\nsyslog = no\n"
        f"[in]\naccept = {ADDRESS}:{port}\nconnect = {ADDRESS}:{running.place.port}\n"
        f"cert = {certificate}\n",
    )
    with open(place.path("output"), "wb") as output:
        return subprocess.Popen(
            ["stunnel4", config], stdout=output, stderr=output, start_new_session=True
        )


def self_signed(place: Place) -> str:
    """A certificate with its key in one PEM file, for `bed.example`."""
    path = place.path("both.pem")
    place.run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-keyout", path + ".key", "-out", path + ".crt", "-days", "30"),
        *("-subj", "/CN=bed.example", "-addext", "subjectAltName=DNS:bed.example"),
    )
    with open(path, "w") as both:
        for part in (".key", ".crt"):
            with open(path + part) as file:
                both.write(file.read())
    return path


def is_open(port: int, transport: str) -> bool:
    """Whether something listens on the port in this network namespace."""
    wanted = f":{port:04X}"
    for name in (transport, f"{transport}6"):
        with open(f"/proc/self/net/{name}") as table:
            for line in table.readlines()[1:]:
                fields = line.split()
                if fields[1].endswith(wanted) and fields[3] in _LISTEN[transport]:
                    return True
    return False


def wait_until_open(started: Iterable[Running]) -> list[str]:
    """Wait for all of them to listen; the names of those that never did, with their last words."""
    failed = []
    began = time.monotonic()
    steady = 0.0
    for each in started:
        while not is_open(each.place.port, each.server.transport):
            if time.monotonic() - began > each.server.seconds or (
                each.process.poll() not in (None, 0)
            ):
                failed.append(f"{each.server.name}-{each.kind}: {each.output[-500:]}")
                break
            time.sleep(0.02)
        steady = max(steady, each.server.steady)
    time.sleep(steady)
    return failed


def stop(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """End them with all their children."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    for process in processes:
        process.wait()


@contextlib.contextmanager
def folder(name: str) -> Iterator[str]:
    """A temporary folder that every user may enter, removed afterwards."""
    path = tempfile.mkdtemp(prefix=f"portbook-bed-{name}-")
    os.chmod(path, 0o755)  # noqa: S103 - as above
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
