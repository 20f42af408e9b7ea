"""A fleet of three made-up hosts on this machine, to try `portbook fleet` on: scripts/fleet-demo.

Every step is one that an operator takes, with the same commands. What is asked can be asked again
from another terminal, as long as it runs.
"""

import argparse
import contextlib
import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from tools.fleet_engines import Engines
from tools.fleet_nets import Nets, missing, remove_name

TOP = Path(__file__).resolve().parents[1]
PORTBOOK = str(TOP / "scripts" / "portbook")
RUNNING = TOP / ".venv" / "fleet-demo.json"
NAMES = "portbook-"
HOSTS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "web1": ("web", {"nginx": ("tcp/0.0.0.0/80",), "connector": ("tcp/0.0.0.0/3255",)}),
    "web2": ("web", {"nginx": ("tcp/0.0.0.0/80",), "connector": ("tcp/127.0.0.1/3255",)}),
    "db1": ("db", {"redis-server": ("tcp/0.0.0.0/6379",), "named": ("udp/127.0.0.1/53",)}),
}
"""By host: its role, and what listens there, by the name of the process."""
LATER = ("db1", "miner", "tcp/0.0.0.0/3333")
"""What begins to listen after the first reports, so that there is a drift to see."""
EVERY = "2s"
QUESTIONS = (
    "fleet hosts",
    "fleet who 3255",
    "fleet who 3255 --live",
    "fleet ls --where 'process=redis-server and reach=any'",
    "fleet drift --since {since}",
    "fleet history 3333",
    "fleet free --count 3 --label role=web",
    "fleet audit",
)


class Demo:
    """Everything that was started, in the order in which it is ended again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.lacking = missing()
        self.nets = None if self.lacking else Nets(tuple(HOSTS), names=NAMES)
        self.engines: Engines | None = None
        self.since = ""

    def begin(self) -> None:
        """Start it all."""
        if self.nets is None:
            _say(
                f"no network namespaces without {', '.join(self.lacking)}: three agents report"
                " this machine's own listeners, as three hosts"
            )
        else:
            _say(f"network namespaces: {', '.join(NAMES + host for host in HOSTS)}")
            self.nets.__enter__()
        self._engines()
        for host, (_, listeners) in HOSTS.items():
            self._join(host)
            for name, places in listeners.items():
                self._listen(host, name, *places)
        self._open_bus()
        for host, (role, _) in HOSTS.items():
            words = ("--every", EVERY, "--jitter", "1s", "--label", f"role={role}")
            self._start(host, f"{host}.log", "fleet", "agent", *words)
        self._wait()
        time.sleep(1)
        self.since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        time.sleep(1)
        host, name, place = LATER
        _say(f"on {host}, {name} begins to listen on {place.rpartition('/')[2]}")
        self._listen(host, name, place)
        time.sleep(3)

    def _engines(self) -> None:
        inside = self.nets.inside("centre") if self.nets else []
        self.engines = engines = Engines(
            self.folder, self.nets.centre if self.nets else "127.0.0.1", inside
        )
        _say(f"PostgreSQL at {engines.place}, in {self.folder}")
        engines.start_store()
        self._home("owner", store=engines.url("owner", engines.password))
        _say(self._run("owner", "fleet", "init"))
        password = secrets.token_hex(16)
        engines.login("reader", password, "portbook_reader")
        self._home("you", store=engines.url("reader", password), bus=engines.bus)
        with (self.folder / "owner" / "fleet.toml").open("a") as settings:
            settings.write(f"bus = {json.dumps(engines.bus)}\n")

    def _join(self, host: str) -> None:
        _say(f"{host}: fleet enrol, and with its token fleet join")
        token = self._run("owner", "fleet", "enrol", host)
        self._home(host)
        self._run(host, "fleet", "join", "-", said=token)

    def _open_bus(self) -> None:
        assert self.engines is not None
        seed = self.folder / "you" / "bus.seed"
        key = self._run("owner", "fleet", "nats-config", "--new-nkey", str(seed))
        with (self.folder / "you" / "fleet.toml").open("a") as settings:
            settings.write(f"nkey = {json.dumps(str(seed))}\n")
        words = ("--asker", key, "--listen", self.engines.bus.rpartition("/")[2])
        text = self._run("owner", "fleet", "nats-config", *words)
        _say(f"nats-server at {self.engines.bus}, with the permissions of fleet nats-config")
        self.engines.start_bus(text)

    def _home(self, name: str, **settings: str) -> None:
        """A folder with a fleet.toml, as each of these would have on a machine of its own."""
        home = self.folder / name
        home.mkdir(mode=0o700)
        if settings:
            text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
            (home / "fleet.toml").write_text(text)

    def environment(self, name: str) -> dict[str, str]:
        """That of one of them."""
        home = str(self.folder / name)
        own = dict.fromkeys(("PORTBOOK_FLEET_HOME", "PORTBOOK_DATA_HOME"), home)
        return {key: value for key, value in os.environ.items() if key not in _NOT_OURS} | own

    def _run(self, name: str, *words: str, said: str = "", codes: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            [PORTBOOK, *words],
            input=said,
            capture_output=True,
            text=True,
            env=self.environment(name),
            check=False,
        )
        if done.returncode not in codes:
            raise SystemExit(f"fleet-demo: portbook {' '.join(words[:2])}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _inside(self, host: str) -> list[str]:
        # What is started here ends with us, whatever happens to us.
        return [*(self.nets.inside(host) if self.nets else ()), "setpriv", "--pdeathsig", "KILL"]

    def _start(self, host: str, log: str, *words: str) -> None:
        with (self.folder / log).open("ab") as said:
            self.processes.append(
                subprocess.Popen(
                    [*self._inside(host), PORTBOOK, *words],
                    env=self.environment(host),
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
            )

    def _listen(self, host: str, name: str, *places: str) -> None:
        script = str(TOP / "tools" / "fleet_listeners.py")
        if self.nets is None:
            # On a machine that is in use small numbers are not ours, and others may be taken.
            places = tuple(_modest(place) for place in places)
        process = subprocess.Popen(
            [*self._inside(host), sys.executable, script, name, *places],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )
        self.processes.append(process)
        assert process.stdout is not None
        if not process.stdout.readline():
            _say(f"{' '.join(places)} is taken here: {name} does not listen")

    def _wait(self) -> None:
        """Until every host has reported."""
        until = time.monotonic() + 30
        while True:
            hosts = json.loads(self._run("you", "fleet", "hosts", "--json", codes=(0, 3)))["hosts"]
            if sum(each["state"] == "fresh" for each in hosts) == len(HOSTS):
                return
            if time.monotonic() > until:
                raise SystemExit(f"fleet-demo: not every host reports: see {self._kept_logs()}")
            time.sleep(0.3)

    def _kept_logs(self) -> str:
        kept = tempfile.mkdtemp(prefix="portbook-fleet-demo-logs-")
        for log in self.folder.glob("*.log"):
            shutil.copy(log, kept)
        return kept

    def questions(self) -> list[str]:
        """What to try."""
        return [each.format(since=self.since) for each in QUESTIONS]

    def show(self) -> None:
        """Ask each question once."""
        for each in self.questions():
            print(f"$ portbook {each}", flush=True)
            subprocess.run([PORTBOOK, *shlex.split(each)], env=self.environment("you"), check=False)
            print(flush=True)

    def close(self) -> None:
        """End it all, and remove the folder."""
        for process in reversed(self.processes):
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if self.engines is not None:
            self.engines.close()
        if self.nets is not None:
            self.nets.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def main() -> int:
    """0 when it ended as it should; 1 with --stop where nothing runs."""
    parser = argparse.ArgumentParser(
        prog="scripts/fleet-demo", description="A fleet of three hosts on this machine, to try."
    )
    parser.add_argument("--show", action="store_true", help="ask each question once, and end")
    parser.add_argument("--stop", action="store_true", help="end the one that runs")
    options = parser.parse_args()
    running = _running()
    if options.stop:
        return _stop(running)
    if running is not None:
        raise SystemExit("fleet-demo: it runs already: ./scripts/fleet-demo --stop")
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _interrupted)
    folder = Path(tempfile.mkdtemp(prefix="portbook-fleet-demo-"))
    # The server runs as another user; what is secret is in folders of their own.
    folder.chmod(0o755)
    demo = Demo(folder)
    try:
        RUNNING.write_text(json.dumps({"pid": os.getpid(), "folder": str(folder)}))
        demo.begin()
        if options.show:
            demo.show()
        else:
            _tell(demo)
            while True:
                signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _say("ending everything")
        demo.close()
        RUNNING.unlink(missing_ok=True)
    return 0


def _tell(demo: Demo) -> None:
    print(f"\nexport PORTBOOK_FLEET_HOME={demo.folder}/you    # in another terminal; then:\n")
    for each in demo.questions():
        print(f"./scripts/portbook {each}")
    print("./scripts/portbook serve --open    # and its pages /fleet")
    if demo.nets is not None:
        print(f"ip netns exec {NAMES}web1 python3 -m http.server 8080    # one more listener")
    print("\nCtrl-C, or ./scripts/fleet-demo --stop, ends and removes everything.", flush=True)


def _running() -> "dict[str, object] | None":
    """The demo that runs; what one left that was killed is removed."""
    try:
        found: dict[str, object] = json.loads(RUNNING.read_text())
        words = Path(f"/proc/{found['pid']}/cmdline").read_bytes()
    except FileNotFoundError:
        words = b""
    except (ValueError, KeyError, OSError):
        return None
    if b"fleet_demo" in words:
        return found
    if RUNNING.exists():
        folder = str(found.get("folder"))
        if Path(folder).name.startswith("portbook-fleet-demo-"):
            shutil.rmtree(folder, ignore_errors=True)
        for host in HOSTS:
            remove_name(f"{NAMES}{host}")
        RUNNING.unlink()
    return None


def _stop(running: "dict[str, object] | None") -> int:
    if running is None:
        _say("none runs")
        return 1
    pid = int(str(running["pid"]))
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 30
    while RUNNING.exists() and time.monotonic() < until:
        time.sleep(0.1)
    return 0 if not RUNNING.exists() else 1


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _modest(place: str) -> str:
    transport, _, port = place.split("/")
    return f"{transport}/127.0.0.1/{port if int(port) >= 1024 else 0}"


def _say(text: str) -> None:
    for line in text.splitlines():
        print(f"fleet-demo: {line}", file=sys.stderr, flush=True)


_NOT_OURS = ("PORTBOOK_FLEET_STORE", "PORTBOOK_FLEET_BUS", "PORTBOOK_STATE")

if __name__ == "__main__":
    sys.exit(main())
