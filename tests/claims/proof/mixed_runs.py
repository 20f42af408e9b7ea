"""Many clients at once, asking in every way, while the service is killed and started again.

The service is a real `portbook serve` on a port that the kernel chose, with a data folder of the
run's own; the clients are processes of their own (mixed_clients). Afterwards the whole history is
checked, and the store against what was promised.
"""

import contextlib
import http.client
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import portbook
from claims.proof.histories import checked, counted, grants, now, read, replayed
from claims.proof.linearizability import Operation, Violation

TOP = Path(__file__).resolve().parents[3]
SOURCE = Path(portbook.__file__).resolve().parents[1]
"""Where the sources are that are judged: a copy of them, perhaps, with a fault in it."""
WAYS = ("tcp", "unix", "access", "tcp", "unix", "access", "access", "command")
LIMIT = 2
SEMAPHORES = ("gpu", "build")
PORTS = 4
_START_SECONDS = 20.0
LAUNCH = (sys.executable, "-m", "portbook")


class Service:
    """`portbook serve`, as often as it is started; `place.json` tells the clients where it is."""

    def __init__(
        self,
        home: Path,
        *options: str,
        source: Path | None = None,
        env: dict[str, str] | None = None,
        launch: Sequence[str] = LAUNCH,
    ) -> None:
        self.launch = launch
        self.home = home
        self.options = options
        self.port = 0
        self.token_file = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = self.kills = self.refused = 0
        self.environment = {
            **os.environ,
            "PORTBOOK_DATA_HOME": str(home),
            "PORTBOOK_CACHE_HOME": str(home / "cache"),
            "PYTHONPATH": str(source or SOURCE),
            **(env or {}),
        }

    @property
    def socket(self) -> str:
        """Its Unix socket."""
        return f"{self.home}/portbook.sock"

    def start(self) -> None:
        """Start it and wait until it answers; tries again where a command has the store."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._started():
            self.refused += 1
            log = (self.home / "serve.log").read_text(encoding="utf-8", errors="replace")
            assert time.monotonic() < deadline, f"the service did not start: {log[-2000:]}"
        self.starts += 1

    def _started(self) -> bool:
        argv = [*self.launch, "serve", "--port", str(self.port)]
        with (self.home / "serve.log").open("ab") as errors:
            self.process = subprocess.Popen(
                [*argv, "--json", *self.options],
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self.environment,
            )
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], _START_SECONDS)
        line = self.process.stdout.readline() if ready else b""
        told = json.loads(line or b"{}")
        if not told.get("socket"):  # it serves the pages alone where a command has the store
            self.kill()
            return False
        self.port = int(told["url"].rstrip("/").rpartition(":")[2])
        self.token_file = told["token_file"]
        place = {"port": self.port, "socket": self.socket, "token_file": self.token_file}
        new = self.home / "place.new"
        new.write_text(json.dumps(place), encoding="utf-8")
        new.rename(self.home / "place.json")
        return True

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        process = self.process
        if process is None:
            return 0
        if process.poll() is None:
            process.send_signal(number)
            self.kills += number == signal.SIGKILL
        try:
            code = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self.process = None
        return code

    def ask(
        self, method: str, path: str, fields: dict[str, Any] | None = None, seconds: float = 10.0
    ) -> tuple[int, Any]:
        """One request over the Unix socket on a connection of its own: status and document."""
        link = http.client.HTTPConnection("localhost", timeout=seconds)
        link.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            link.sock.settimeout(seconds)
            link.sock.connect(self.socket)
            head = {"Content-Type": "application/json"}
            link.request(method, path, None if fields is None else json.dumps(fields), head)
            answer = link.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            link.close()


@contextlib.contextmanager
def running(home: Path, *options: str, launch: Sequence[str] = LAUNCH) -> Iterator[Service]:
    """A service that has started, and is gone afterwards."""
    service = Service(home, *options, launch=launch)
    try:
        service.start()
        yield service
    finally:
        service.stop()


class Clients:
    """Processes that do orders, kept from run to run: to start one costs more than a run."""

    def __init__(self, count: int, source: Path | None = None) -> None:
        path = os.pathsep.join((str(source or SOURCE), str(TOP / "tests")))
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "claims.proof.mixed_clients"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
            )
            for _ in range(count)
        ]

    def give(self, orders: Sequence[dict[str, Any]]) -> None:
        """One order to each."""
        for process, order in zip(self.processes, orders, strict=True):
            assert process.stdin is not None
            process.stdin.write(f"{json.dumps(order)}\n".encode())
            process.stdin.flush()

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """What each says when it is done."""
        deadline = time.monotonic() + seconds
        said = []
        for process in self.processes:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], deadline - time.monotonic())
            line = process.stdout.readline() if ready else b""
            assert line, "a client does not come back"
            said.append(json.loads(line))
        return said

    def close(self) -> None:
        """End them all."""
        for process in self.processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


def free_ports(count: int) -> list[int]:
    """Numbers that nothing listens on, below those that the kernel gives to anybody."""
    found: list[int] = []
    number = random.randrange(12_000, 30_000)
    while len(found) < count:
        number += 1
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("0.0.0.0", number))
            found.append(number)
    return found


class Outcome(NamedTuple):
    """One run: what was counted, and what was wrong."""

    counts: dict[str, int]
    wrong: list[Violation]
    history: list[Operation]


def run(
    home: Path,
    clients: Clients,
    seed: int,
    seconds: float = 0.4,
    *,
    kills: int | None = None,
    ways: Sequence[str] = WAYS,
    source: Path | None = None,
    pause: float = 0.02,
    served: bool = True,
) -> Outcome:
    """One history, checked. The service is killed `kills` times (one to three) at random moments.

    It runs for about `seconds` between two kills. Where it is not `served` the clients have the
    store alone, and the service comes at the end.
    """
    rng = random.Random(seed)
    kills = rng.randint(1, 3) if kills is None else kills
    ports = free_ports(PORTS)
    service = Service(home, source=source)
    try:
        if served:
            service.start()
        clients.give(
            [
                {
                    "home": str(home),
                    "client": number,
                    "way": ways[number % len(ways)],
                    "seed": seed * 1_000 + number,
                    "ports": ports,
                    "semaphores": SEMAPHORES,
                    "limit": LIMIT,
                    "pause": pause,
                }
                for number in range(len(clients.processes))
            ]
        )
        for _ in range(kills if served else 0):
            time.sleep(seconds * (0.1 + 1.8 * rng.random()))
            service.kill()
            time.sleep(rng.choice((0.0, 0.0, 0.1, 0.3)))
            service.start()
        time.sleep(seconds)
        (home / "over").touch()
        said = clients.wait(60)
        if not served:
            service.start()
        wrong = [Violation("client", each["fault"]) for each in said if "fault" in each]
        last = last_looks(service, ports)
        history = sorted(read(home) + last, key=lambda each: each.call)
        wrong += checked(history, LIMIT)
        wrong += store_agrees(service, history)
        service.stop()
        wrong += reopened_agrees(service, last)
    finally:
        service.kill()
    counts = counted(history)
    counts["kills"] = kills
    counts["refused starts"] = service.refused
    counts["retries"] = sum(each["retries"] for each in said)
    return Outcome(counts, wrong, history)


def last_looks(service: Service, ports: Sequence[int]) -> list[Operation]:
    """What the service says at the end, as a look at each object (S7)."""
    made = []
    for port in ports:
        call = now()
        _, found = service.ask("GET", f"/v1/claims?port={port}")
        tokens = [each["token"] for each in found["claims"]]
        seen: Any = tokens[0] if len(tokens) == 1 else "several" if tokens else 0
        made.append(Operation(f"port:{port}", "look", call, now(), 0, seen, client=-1))
    call = now()
    _, found = service.ask("GET", "/v1/sems")
    held = {
        each["name"]: [permit["token"] for permit in each["held"]] for each in found["semaphores"]
    }
    made += [
        Operation(f"sem:{name}", "look", call, now(), 0, held.get(name, []), client=-1)
        for name in SEMAPHORES
    ]
    return made


def all_events(service: Service) -> list[dict[str, Any]]:
    """Every event from the first."""
    found: list[dict[str, Any]] = []
    while True:
        since = found[-1]["id"] if found else 0
        _, told = service.ask("GET", f"/v1/events?since={since}")
        if not told["events"]:
            return found
        found += told["events"]


def store_agrees(service: Service, history: Sequence[Operation]) -> list[Violation]:
    """S7 and S8: what was granted and told is in the events, which rebuild the table of claims."""
    wrong = []
    for _ in range(20):
        _, before = service.ask("GET", "/v1/claims")
        try:
            events = all_events(service)
            rebuilt = replayed(events)
        except AssertionError as fault:
            return [Violation("events", str(fault))]
        _, after = service.ask("GET", "/v1/claims")
        table = {each["id"]: each["token"] for each in after["claims"]}
        if table == {each["id"]: each["token"] for each in before["claims"]}:
            break
    if {name: each["token"] for name, each in rebuilt.items()} != table:
        wrong.append(Violation("events", f"rebuilt {rebuilt}, the table has {table}"))
    told = {each["body"].get("token") for each in events if each["kind"] in ("claimed", "acquired")}
    wrong += [
        Violation(each.key, f"no event tells of token {each.answer}")
        for each in grants(history)
        if each.answer not in told
    ]
    return wrong


def reopened_agrees(service: Service, last: Sequence[Operation]) -> list[Violation]:
    """The store that the service left behind has the claims that it told of last."""
    env = {**service.environment, "PORTBOOK_SOCKET": f"{service.home}/none"}
    done = subprocess.run(
        [sys.executable, "-m", "portbook", "claims", "--json"],
        capture_output=True,
        env=env,
        timeout=30,
        check=False,
    )
    if done.returncode:
        return [Violation("store", done.stderr.decode())]
    left = {each["token"] for each in json.loads(done.stdout)["claims"]}
    seen = {each.answer for each in last if each.key.startswith("port:") and each.answer}
    # One that ran out since may be gone; none may have come.
    strange = left - seen
    return [Violation("store", f"tokens {strange} that nobody has")] if strange else []
