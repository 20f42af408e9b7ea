"""A whole fleet of real processes: engines, a hub, and an agent on each host; each can be killed.

Roles and permissions are those that init, enrol, join and nats-config make. Each agent has a folder
of its own, as each host would.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.staged import Staged

from fleet.engines import Nats, Postgres
from fleet.namespaces import Hosts, Listeners, Place, until
from live.stage import Ran, environment
from portbook.fleet.enrolment import enrol, new_nkey, redeem
from portbook.fleet.migrating import migrate
from portbook.fleet.nats_config import configuration, hosts_of

_STORED = """SELECT host.id, listener.transport, address, port FROM portbook.listener
    JOIN portbook.host ON host.number = listener.host"""
_CLOSED = """SELECT host.id, history.transport, address, port FROM portbook.history
    JOIN portbook.host ON host.number = history.host"""


class Fleet(Staged):
    """The engines are started, and the hosts have joined, while the context is open.

    `direct` are hosts whose agents write to the store themselves; the others have the bus alone.
    """

    def __init__(
        self,
        folder: Path,
        hosts: Hosts,
        *,
        every: str = "1s",
        direct: Sequence[str] | None = None,
        settings: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.hosts = hosts
        self.every = every
        self.direct = set(hosts.hosts if direct is None else direct)
        centre = hosts.inside("centre")
        self.store = Postgres(
            folder / "store", address=hosts.centre, inside=centre, settings=settings
        )
        self.bus = Nats(folder / "bus", address=hosts.centre, inside=centre)
        self.listeners: dict[str, Listeners] = {}
        self.agents: dict[str, subprocess.Popen[bytes]] = {}
        self.hub: subprocess.Popen[bytes] | None = None

    def _build(self) -> None:
        self.store.make().start().create()
        migrate(self.store.url)
        keys = {}
        for name, group in (("hub", "portbook_hub"), ("reader", "portbook_reader")):
            password = secrets.token_hex(16)
            self.store.query(f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE {group}")
            keys[name] = self._home(name, store=self.store.url_for(name, password))
        for host in self.hosts.hosts:
            self._join(host)
        found, _ = hosts_of(self.store.url)
        self.bus.config = configuration(
            found,
            hubs=(keys["hub"],),
            askers=(keys["reader"],),
            listen=f"{self.bus.address}:{self.bus.port}",
        )
        self.bus.start()

    def _join(self, host: str) -> None:
        """What `fleet enrol` and `fleet join` do; a host without a login has the bus alone."""
        key = self._home(host, host=host)
        if host not in self.direct:
            enrol(self.store.url, host, nkey=key, seconds=None)
            return
        token = enrol(self.store.url, host, bus=self.bus.url)
        assert token is not None
        joined = redeem(token, nkey=key, password=secrets.token_hex(16), extra={})
        with (self.folder / "homes" / host / "fleet.toml").open("a") as settings:
            settings.write(f"store = {json.dumps(joined.store)}\n")

    def _home(self, name: str, **settings: str) -> str:
        """A folder with a fleet.toml and a key for the bus; the key's public half."""
        home = self.folder / "homes" / name
        home.mkdir(parents=True, exist_ok=True)
        seed, public = new_nkey()
        (home / "bus.seed").write_text(seed)
        (home / "bus.seed").chmod(0o600)
        all_of_them = {"bus": self.bus.url, "nkey": str(home / "bus.seed"), **settings}
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in all_of_them.items())
        (home / "fleet.toml").write_text(text)
        (home / "fleet.toml").chmod(0o600)
        return public

    def impersonate(self, name: str, own: str, other: str) -> None:
        """A home of somebody who has the credentials of `own` and says that it is `other`."""
        text = (self.folder / "homes" / own / "fleet.toml").read_text()
        self._home(name)
        (self.folder / "homes" / name / "fleet.toml").write_text(
            text.replace(f'host = "{own}"', f'host = "{other}"')
        )

    def environment(self, name: str) -> dict[str, str]:
        """That of somebody with a folder of his own."""
        home = str(self.folder / "homes" / name)
        own = dict.fromkeys(("PORTBOOK_FLEET_HOME", "PORTBOOK_DATA_HOME", "HOME"), home)
        return {**environment(), **own, "PGPASSFILE": "/nonexistent"}

    def portbook(self, name: str, *words: str, codes: Sequence[int] = (0,)) -> Ran:
        """Run a command as somebody, to its end."""
        done = subprocess.run(
            [*_PORTBOOK, *words],
            capture_output=True,
            env=self.environment(name),
            timeout=60,
            cwd="/",
        )
        ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert ran.code in codes, (words, ran)
        return ran

    def ask(self, *words: str, codes: Sequence[int] = (0, 1, 3)) -> Any:
        """What a reader gets as the answer to `fleet …`: its document."""
        return self.portbook("reader", "fleet", *words, "--json", codes=codes).document

    # Agents and the hub

    def start_hub(self) -> None:
        """Start it."""
        self.hub = self._start("hub", [], "hub")

    def start_agent(
        self, host: str, *before: str, name: str = "", options: Sequence[str] = ()
    ) -> None:
        """Start that of a host, or a second one as `name`; `before` is put before the program."""
        words = ["agent", "--every", self.every, "--jitter", "1s", *options]
        self.agents[name or host] = self._start(
            name or host, [*self.hosts.inside(host), *before], *words
        )

    def _start(self, name: str, inside: list[str], *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*inside, *_PORTBOOK, "fleet", *words],
                stdout=log,
                stderr=log,
                env=self.environment(name),
                start_new_session=True,
                cwd="/",
            )

    def log(self, name: str) -> str:
        """What an agent or the hub said."""
        return (self.folder / f"{name}.log").read_text()

    # What is true, and what the store says

    def listen(self, host: str, name: str, *places: str) -> Listeners:
        """A process with listeners on a host; it is ended with the fleet."""
        made = Listeners(self.hosts.inside(host), name, *places)
        self.listeners[f"{host} {name}"] = made
        return made

    def truth(self) -> dict[str, set[Place]]:
        """What listens on each host."""
        return {host: self.hosts.truth(host) for host in self.hosts.hosts}

    def stored(self, *, ever: bool = False) -> dict[str, set[Place]]:
        """What the store has of each host, now or `ever`, read past portbook."""
        found: dict[str, set[Place]] = {host: set() for host in self.hosts.hosts}
        for host, transport, address, port in self.store.query(
            f"{_STORED} UNION {_CLOSED}" if ever else _STORED
        ):
            found.setdefault(str(host), set()).add((str(transport), str(address), int(str(port))))
        return found

    def differences(self) -> dict[str, set[Place]]:
        """By host, what only one of store and host has."""
        stored = self.stored()
        return {
            host: places ^ stored.pop(host)
            for host, places in self.truth().items()
            if places != stored[host]
        } | {host: places for host, places in stored.items() if host not in self.hosts.hosts}

    def converge(self, seconds: float) -> float:
        """Wait until the store has what is true; how long that took."""
        return until(lambda: not self.differences(), seconds, self.differences)

    def close(self) -> None:
        """End everything."""
        for process in (*self.agents.values(), self.hub):
            end(process)
        for each in self.listeners.values():
            each.end()
        self.bus.kill()
        self.store.kill()


def end(process: "subprocess.Popen[bytes] | None", number: int = signal.SIGKILL) -> None:
    """Kill a process and its children, if it is there."""
    if process is not None and process.poll() is None:
        os.killpg(process.pid, number)
        process.wait(20)


_PORTBOOK = [sys.executable, "-m", "portbook"]
