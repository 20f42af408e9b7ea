"""Real engines for tests: PostgreSQL and nats-server, each in a folder and on a port of its own.

Both can be killed and started again on the same port. Neither listens on more than loopback, or
the address that the test gives (in a network namespace of its own).
"""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from free_ports import free_port

PROGRAMS = "/usr/lib/postgresql/15/bin"
PASSWORD = "bed"


def require(*programs: str) -> None:
    """Skip the test where a program is not there."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def as_postgres(argv: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return list(argv)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *argv]


def reachable(name: str) -> Path:
    """A new folder, gone with this process, that other users get into.

    Not one of pytest's: each run of pytest shuts the folder above them for other users, also for
    the server that another run has there.
    """
    made = Path(tempfile.mkdtemp(prefix=f"portbook-{name}-"))
    made.chmod(0o755)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


class Postgres:
    """One cluster. `url` is a superuser's connection URI to the database `portbook`."""

    def __init__(
        self,
        folder: Path,
        *,
        address: str = "127.0.0.1",
        settings: dict[str, str] | None = None,
        inside: Sequence[str] = (),
    ) -> None:
        """A cluster that is called as `folder` is; `inside` is put before each program."""
        require(f"{PROGRAMS}/postgres")
        self.folder = reachable(folder.name)
        self.address = address
        self.port = free_port() if not inside else 5432
        self.inside = list(inside)
        self.data = self.folder / "data"
        self.settings = {
            "listen_addresses": address,
            "port": str(self.port),
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "max_wal_senders": "8",
            "wal_level": "replica",
            "hot_standby": "on",
            "logging_collector": "off",
            **(settings or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def make(self) -> "Postgres":
        """Run initdb; the superuser is `bed`, and may replicate."""
        secret = self.folder / "secret"
        secret.write_text(PASSWORD + "\n")
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            shutil.chown(secret, "postgres")
        self.run(
            *("initdb", "--pgdata", str(self.data), "--no-sync", "--auth", "scram-sha-256"),
            *("--encoding", "UTF8", "--locale", "C", "--username", "bed"),
            *("--pwfile", str(secret)),
        )
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\nhost replication all all scram-sha-256\n")
        return self

    def run(self, program: str, *argv: str) -> str:
        """One of its programs, to its end."""
        done = subprocess.run(
            as_postgres([f"{PROGRAMS}/{program}", *argv]),
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, "PGPASSWORD": PASSWORD, "HOME": str(self.folder)},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> "Postgres":
        """Start it, and wait until it takes connections."""
        options = [
            part for key, value in self.settings.items() for part in ("-c", f"{key}={value}")
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *self.inside,
                    *as_postgres([f"{PROGRAMS}/postgres", "-D", str(self.data), *options]),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while True:
            ready = subprocess.run(
                [
                    *self.inside,
                    f"{PROGRAMS}/pg_isready",
                    "-q",
                    "-h",
                    self.address,
                    "-p",
                    str(self.port),
                ]
            )
            if ready.returncode == 0:
                return self
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)

    def url_for(self, user: str = "bed", password: str = PASSWORD, name: str = "portbook") -> str:
        """The connection URI of a user."""
        return f"postgresql://{user}:{password}@{self.address}:{self.port}/{name}"

    @property
    def url(self) -> str:
        """That of the superuser."""
        return self.url_for()

    def create(self, name: str = "portbook") -> "Postgres":
        """Make a database."""
        self.query(f"CREATE DATABASE {name}", database="postgres")
        return self

    def query(self, sql: str, database: str = "portbook") -> list[tuple[object, ...]]:
        """Ask as superuser, outside of portbook."""
        import psycopg

        with psycopg.connect(self.url_for(name=database), autocommit=True) as link:
            found = link.execute(sql.encode())
            return found.fetchall() if found.description else []

    def kill(self) -> None:
        """SIGKILL to the whole server: what a power cut leaves, but for the page cache."""
        if self.process is None:
            return
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        # Its children see that within a moment, and hold the shared memory until then.
        deadline = time.monotonic() + 10
        while (self.data / "postmaster.pid").exists() and time.monotonic() < deadline:
            found = subprocess.run(["pgrep", "-f", str(self.data)], capture_output=True)
            if found.returncode:
                break
            time.sleep(0.02)

    def stop(self) -> None:
        """A fast shutdown."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def standby(self, folder: Path, *, synchronous: bool) -> "Postgres":
        """A streaming replica of it, started; with `synchronous` commits wait for it."""
        made = Postgres(folder, address=self.address, settings=None)
        if os.geteuid() == 0:
            shutil.chown(made.folder, "postgres", "postgres")
        made.run(
            *("pg_basebackup", "-D", str(made.data), "-R", "-X", "stream", "-c", "fast", "-d"),
            f"{self.url_for(name='replication')}?application_name=standby",
        )
        made.start()
        if synchronous:
            self.query("ALTER SYSTEM SET synchronous_standby_names = 'standby'", "postgres")
            self.query("SELECT pg_reload_conf()", "postgres")
        return made

    def promote(self) -> None:
        """Make a standby the primary, and wait until it is one."""
        self.query("SELECT pg_promote(true, 30)", "postgres")


class Nats:
    """One nats-server; `config` is more of its configuration file."""

    def __init__(
        self,
        folder: Path,
        *,
        address: str = "127.0.0.1",
        config: str = "",
        inside: Sequence[str] = (),
        port: int | None = None,
    ) -> None:
        require("nats-server")
        self.folder = folder
        self.address = address
        self.inside = list(inside)
        self.port = port or (free_port() if not inside else 4222)
        self.config = config
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{self.address}:{self.port}"

    def start(self) -> "Nats":
        """Start it, and wait until it listens."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "nats.conf"
        path.write_text(f'listen: "{self.address}:{self.port}"\n{self.config}\n')
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, "nats-server", "-c", str(path)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 15
        while "Server is ready" not in (self.folder / "log").read_text()[-2_000:]:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
            with (self.folder / "log").open("a") as log:
                log.write("killed\n" + " " * 2_000)

    def reload(self) -> None:
        """Read the configuration again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    stop = kill
