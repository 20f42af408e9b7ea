"""Thousands of agents in one process, each with a connection of its own to a real nats-server.

    python -m fleet.simulated_agents --bus nats://127.0.0.1:4222 --hosts 10000 [--report]

They speak NATS's protocol themselves (INFO, CONNECT, SUB, MSG, HMSG, PUB, PING) and portbook's
messages by portbook's own code. Host ids are sim-00000 and so on. Each has its own table; port
3255 is on one host in a hundred, 22 on all of them.
"""

import argparse
import asyncio
import json
import random
import resource
import sys
from collections.abc import Coroutine
from urllib.parse import urlsplit

from portbook.fleet import wire
from portbook.fleet.answering import answers_of
from portbook.fleet.table import table_hash
from portbook.model.fleet import FleetReport, FleetRow, Question

_CONNECT = {"verbose": False, "pedantic": False, "lang": "simulated", "version": "1", "protocol": 1}
_PROCESSES = ("sshd", "redis-server", "nginx", "postgres", "java", "python3", "node", "dockerd")


def host_of(number: int) -> str:
    """The id of a simulated host."""
    return f"sim-{number:05}"


def table_of(number: int, rows: int) -> tuple[FleetRow, ...]:
    """The table of a host: always the same one."""
    chance = random.Random(number)
    ports = [22, *([3255] if number % 100 == 0 else [])]
    ports += chance.sample(range(1024, 3000), max(0, rows - len(ports)))
    return tuple(
        FleetRow(
            "tcp", "0.0.0.0", port, "", 10_000 + place, "listen", "any",
            "sshd" if port == 22 else _PROCESSES[chance.randrange(8)], 100 + place,
            "/usr/sbin/sshd" if port == 22 else "/usr/bin/something", "root", "ssh.service", None,
            "openssh-server", None, "expected" if port == 22 else "unregistered",
            None if port == 22 else "info", "" if port == 22 else "unregistered", 1_700_000_000, "",
        )
        for place, port in enumerate(ports[:rows] if rows else ())
    )  # fmt: skip


class Agent(asyncio.Protocol):
    """One host on one connection; after a loss it connects again, after a random time."""

    def __init__(self, crowd: "Crowd", number: int) -> None:
        self.crowd = crowd
        self.host = host_of(number)
        self.rows = table_of(number, crowd.rows)
        self.muted = False
        self.seq = 0
        self.results: list[str] = []
        self._inbox = f"_INBOX_{self.host}.r"
        self._buffer = b""
        self._link: asyncio.Transport | None = None
        self._up = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Nothing is said before the server's INFO."""
        assert isinstance(transport, asyncio.Transport)
        self._link = transport
        self._buffer = b""

    def connection_lost(self, _error: Exception | None) -> None:
        """Come back later."""
        self._link = None
        if self._up:
            self._up = False
            self.crowd.connected -= 1
        self.crowd.lost(self)

    def data_received(self, data: bytes) -> None:
        """Whole lines and payloads; the rest waits."""
        buffer = self._buffer + data if self._buffer else data
        at = 0
        while (end := buffer.find(b"\r\n", at)) >= 0:
            line = buffer[at:end]
            verb = line[:4]
            if verb in (b"MSG ", b"HMSG"):
                parts = line.split()
                size = int(parts[-1])
                if len(buffer) < end + 4 + size:
                    break
                begin = end + 2 + (int(parts[-2]) if verb == b"HMSG" else 0)
                payload = buffer[begin : end + 2 + size]
                at = end + 4 + size
                fixed = 5 if verb == b"MSG " else 6
                self._message(parts[1].decode(), parts[3] if len(parts) == fixed else b"", payload)
                continue
            at = end + 2
            if verb == b"PING":
                self._write(b"PONG\r\n")
            elif verb == b"INFO":
                self._hello()
            elif verb == b"PONG":
                self._ready()
            elif verb == b"-ERR":
                self.crowd.errors.append(line.decode(errors="replace"))
        self._buffer = buffer[at:]

    def _hello(self) -> None:
        if self._up:
            return
        told = json.dumps({**_CONNECT, "name": self.host, **self.crowd.credentials})
        subjects = ("portbook.ask", f"portbook.ask.{self.host}", f"{self._inbox}.*")
        subs = "".join(f"SUB {each} {place}\r\n" for place, each in enumerate(subjects, 1))
        self._write(f"CONNECT {told}\r\n{subs}PING\r\n".encode())

    def _ready(self) -> None:
        if not self._up:
            self._up = True
            self.crowd.connected += 1
            self.crowd.changed.set()

    def _message(self, subject: str, reply: bytes, payload: bytes) -> None:
        if subject.startswith(self._inbox):
            self._receipt(payload)
            return
        if self.muted:
            return
        question = self.crowd.question(payload)
        if question is None:
            return
        self.crowd.questions += 1
        parts = answers_of(question, host=self.host, name=self.host, rows=self.rows, age_ms=0)
        made = []
        for part in parts:
            data = wire.encode_answer(part)
            made.append(b"PUB %b %d\r\n%b\r\n" % (reply, len(data), data))
        self._write(b"".join(made))

    def report(self) -> None:
        """Send the whole table as the next report."""
        self.seq += 1
        after = table_hash(self.rows)
        made = FleetReport(
            self.host, self.host, f"simulated:{self.crowd.boot}", self.seq, True, 0, after,
            len(self.rows), 0, 30_000, "simulated", (), self.rows,
        )  # fmt: skip
        data = wire.encode_report(made)
        head = f"PUB portbook.report.{self.host} {self._inbox}.{self.seq} {len(data)}\r\n"
        self._write(head.encode() + data + b"\r\n")

    def _receipt(self, payload: bytes) -> None:
        if not payload:
            self.crowd.unheard += 1
            return
        found = wire.decode_acknowledged(payload)
        assert found.host == self.host
        self.results.append(found.result)
        self.crowd.receipts[found.result] = self.crowd.receipts.get(found.result, 0) + 1
        self.crowd.changed.set()

    def _write(self, data: bytes) -> None:
        if self._link is not None:
            self._link.write(data)

    def drop(self) -> None:
        """Lose the connection, as a network does."""
        if self._link is not None:
            self._link.abort()


class Crowd:
    """All of them. `jitter` is the time over which a herd comes back, as an agent's bus does."""

    def __init__(self, url: str, hosts: int, *, rows: int = 30, jitter: float = 2.0) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 4222
        self.credentials: dict[str, object] = {"headers": True, "no_responders": True}
        self.rows = rows
        self.jitter = jitter
        self.connected = self.questions = self.unheard = 0
        self.boot = random.randrange(1 << 40)
        self.receipts: dict[str, int] = {}
        self.errors: list[str] = []
        self.changed = asyncio.Event()
        self.agents = [Agent(self, number) for number in range(hosts)]
        self._asked: tuple[bytes, Question | None] = (b"", None)
        self._over = False
        self._tasks: set[asyncio.Task[None]] = set()
        # What a listening queue of a server takes at a time; others wait for their turn.
        self._at_a_time = asyncio.Semaphore(200)

    async def open(self, seconds: float = 60) -> "Crowd":
        """Connect all of them."""
        for agent in self.agents:
            self._begin(self._connect(agent, 0.0))
        async with asyncio.timeout(seconds):
            await self.all_connected()
        return self

    async def all_connected(self) -> None:
        """Wait until everybody is there."""
        while self.connected < len(self.agents):
            self.changed.clear()
            await self.changed.wait()

    async def all_reported(self, seconds: float) -> None:
        """Report from all of them, and wait for as many answers."""
        wanted = sum(self.receipts.values()) + len(self.agents)
        for agent in self.agents:
            agent.report()
            await asyncio.sleep(0)
        async with asyncio.timeout(seconds):
            while sum(self.receipts.values()) < wanted:
                self.changed.clear()
                await self.changed.wait()

    def question(self, payload: bytes) -> Question | None:
        """A question as everybody decodes it, once; None: it is none."""
        if payload != self._asked[0]:
            try:
                self._asked = (payload, wire.decode_question(payload))
            except wire.Malformed:
                self._asked = (payload, None)
        return self._asked[1]

    def lost(self, agent: Agent) -> None:
        """Connect this one again, later."""
        if not self._over:
            self._begin(self._connect(agent, random.random() * self.jitter))

    def _begin(self, work: "Coroutine[None, None, None]") -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, agent: Agent, wait: float) -> None:
        reach = self.jitter
        loop = asyncio.get_running_loop()
        while not self._over:
            await asyncio.sleep(wait)
            try:
                async with self._at_a_time, asyncio.timeout(10):
                    await loop.create_connection(lambda: agent, self.host, self.port)
            except (OSError, TimeoutError):
                reach = min(30.0, reach * 2)
                wait = random.random() * reach
            else:
                return

    async def close(self) -> None:
        """Hang up."""
        self._over = True
        for agent in self.agents:
            agent.drop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)


def allow_files(wanted: int) -> None:
    """Raise our limit of open files.

    Raises:
        SystemExit: the hard limit is too low.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        sys.exit(f"{wanted} files cannot be opened here: the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _run(options: argparse.Namespace) -> None:
    crowd = await Crowd(options.bus, options.hosts, rows=options.rows).open(120)
    print(f"connected {crowd.connected}", flush=True)
    if options.report:
        await crowd.all_reported(300)
        print(f"reported {json.dumps(crowd.receipts)}", flush=True)
    before = crowd.connected
    while True:
        await asyncio.sleep(0.05)
        if crowd.connected != before and crowd.connected in (0, options.hosts):
            print(f"connected {crowd.connected}", flush=True)
            before = crowd.connected
        elif crowd.connected < options.hosts:
            before = min(before, crowd.connected)


def main() -> None:
    """Hold them until we are ended."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bus", required=True)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=30, help="listeners of each (30)")
    parser.add_argument("--report", action="store_true", help="report once, and count receipts")
    options = parser.parse_args()
    allow_files(options.hosts + 200)
    import gc

    gc.collect()
    gc.freeze()
    try:
        asyncio.run(_run(options))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
