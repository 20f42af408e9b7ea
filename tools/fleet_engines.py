"""PostgreSQL and nats-server for the demo of a fleet, in a folder and on ports of their own."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


class Engines:
    """Both servers; in a network namespace on their usual ports, otherwise on any that are free."""

    def __init__(self, folder: Path, address: str, inside: Sequence[str]) -> None:
        """`inside` is put before each program; `folder` is there."""
        self.folder = folder
        self.address = address
        self.inside = list(inside)
        self.password = secrets.token_hex(16)
        self.programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=_version)
        self._ports = (5432, 4222) if inside else (_free(address), _free(address))
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def place(self) -> str:
        """Where the store is."""
        return f"{self.address}:{self._ports[0]}"

    @property
    def bus(self) -> str:
        """The URL of the bus."""
        return f"nats://{self.address}:{self._ports[1]}"

    def url(self, user: str, password: str, database: str = "portbook") -> str:
        """The URL of the store for a user; its owner is `owner`."""
        return f"postgresql://{user}:{password}@{self.place}/{database}"

    def start_store(self) -> None:
        """Make a cluster with a database `portbook`, and start it."""
        home = self.folder / "store"
        home.mkdir(mode=0o700)
        secret = home / "password"
        secret.write_text(self.password)
        if os.geteuid() == 0:
            shutil.chown(home, "postgres", "postgres")
            shutil.chown(secret, "postgres")
        data = str(home / "data")
        subprocess.run(
            [
                *(*_as_postgres(), str(self.programs / "initdb"), "--pgdata", data, "--no-sync"),
                *("--auth", "scram-sha-256", "--username", "owner", "--pwfile", str(secret)),
                *("--encoding", "UTF8", "--locale", "C"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=home,
        )
        with (Path(data) / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
        options = {
            "listen_addresses": self.address,
            "port": str(self._ports[0]),
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
        }
        self._start(
            "store.log",
            [*_as_postgres(), str(self.programs / "postgres"), "-D", data]
            + [part for key, value in options.items() for part in ("-c", f"{key}={value}")],
        )
        self._sql("CREATE DATABASE portbook", "postgres")

    def login(self, name: str, password: str, group: str) -> None:
        """Let somebody in, as a member of a group."""
        self._sql(f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE {group}", "portbook")

    def start_bus(self, configuration: str) -> None:
        """Start nats-server with this configuration."""
        path = self.folder / "nats.conf"
        path.write_text(configuration)
        self._start(
            "bus.log", ["setpriv", "--pdeathsig", "TERM", "nats-server", "--config", str(path)]
        )
        until = time.monotonic() + 15
        while b"Server is ready" not in (self.folder / "bus.log").read_bytes():
            if time.monotonic() > until or self._processes[-1].poll() is not None:
                raise SystemExit(f"fleet-demo: nats-server: {_end_of(self.folder / 'bus.log')}")
            time.sleep(0.05)

    def _start(self, log: str, argv: Sequence[str]) -> None:
        with (self.folder / log).open("ab") as said:
            self._processes.append(
                subprocess.Popen(
                    [*self.inside, *argv],
                    stdout=said,
                    stderr=said,
                    cwd=self.folder,
                    start_new_session=True,
                )
            )

    def _sql(self, statement: str, database: str) -> None:
        import psycopg

        until = time.monotonic() + 30
        while True:
            try:
                url = self.url("owner", self.password, database)
                with psycopg.connect(url, autocommit=True, connect_timeout=2) as link:
                    link.execute(statement.encode())
            except psycopg.OperationalError as error:
                if time.monotonic() > until:
                    raise SystemExit(f"fleet-demo: PostgreSQL: {error}") from None
                time.sleep(0.1)
            else:
                return

    def close(self) -> None:
        """End both."""
        for process in reversed(self._processes):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def _as_postgres() -> list[str]:
    """PostgreSQL does not run as root. What is started ends with us, whatever happens to us."""
    ending = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() != 0:
        return ending
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *ending]


def _version(folder: Path) -> float:
    return float(folder.parent.name)


def _free(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def _end_of(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").split()[-40:])
