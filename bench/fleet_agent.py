"""What `portbook fleet agent` costs with a store and a bus: its share of one core, its memory.

    python bench/fleet_agent.py [--seconds 60] [--processes 3000 --listeners 200 ...] [--short]

PostgreSQL and nats-server run beside it, as tests/fleet/engines.py starts them. The share is the
agent's own time on a processor, user and system with all of its threads, after its start and first
report. Measured on a still herd with the usual 30 seconds between two looks; with a look every
second, while a server comes and goes every two; and with a question every 50 ms.
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import herd
from measure import ROOT, Row, portbook, report
from recorder import _coming_and_going

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from fleet.engines import Nats, Postgres  # noqa: E402 - the paths come first
from portbook.fleet import migrating  # noqa: E402
from portbook.fleet.nats_bus import connect_bus  # noqa: E402
from portbook.fleet.settings import FleetSettings  # noqa: E402
from portbook.model.fleet import Question  # noqa: E402

GOAL, GOAL_MB = 1.0, 60.0
"""Percent of one core, and MB in memory."""
_TICKS = os.sysconf("SC_CLK_TCK")


class Agent:
    """An agent that has made its first report."""

    def __init__(self, folder: str, store: Postgres, bus: Nats, every: str) -> None:
        password = secrets.token_hex(8)
        store.query("DROP ROLE IF EXISTS portbook_host_herd")
        store.query(
            f"CREATE ROLE portbook_host_herd LOGIN PASSWORD '{password}' IN ROLE portbook_agent"
        )
        store.query("DELETE FROM portbook.history")
        store.query("DELETE FROM portbook.listener")
        store.query("DELETE FROM portbook.host")
        store.query("INSERT INTO portbook.host (id, login) VALUES ('herd', 'portbook_host_herd')")
        self._log = Path(folder, "stderr")
        argv = portbook("fleet", "agent", "--host-id", "herd", "--every", every, "--jitter", "1s")
        url = store.url_for("portbook_host_herd", password)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *argv[1:], "--store", url, "--bus", bus.url],
                stdout=log,
                stderr=log,
                env={**os.environ, "PORTBOOK_DATA_HOME": folder, "MALLOC_ARENA_MAX": "2"},
            )
        deadline = time.monotonic() + 30
        while not (self._has("reports are kept") and self._has("questions are answered")):
            if time.monotonic() > deadline or self._process.poll() is not None:
                sys.exit(f"the agent did not begin: {self._log.read_text()}")
            time.sleep(0.05)
        time.sleep(1)

    def _has(self, text: str) -> bool:
        return text in self._log.read_text()

    def cpu(self) -> float:
        """Seconds on a processor so far, threads that ended included (proc(5), stat)."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss(self) -> float:
        """MB in memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def end(self) -> None:
        """SIGTERM; it has to end well."""
        self._process.send_signal(signal.SIGTERM)
        if self._process.wait(10) != 0:
            sys.exit(f"the agent ended badly: {self._log.read_text()}")


@contextlib.contextmanager
def engines(folder: Path) -> Iterator[tuple[Postgres, Nats]]:
    """Both, with the schema in the store."""
    folder.chmod(0o755)
    store = Postgres(folder / "store", settings={"fsync": "off"})
    bus = Nats(folder / "bus")
    try:
        store.make().start().create()
        migrating.migrate(store.url)
        yield store, bus.start()
    finally:
        bus.kill()
        store.stop()


async def ask_for(seconds: float, url: str) -> int:
    """A question every 50 ms; how many answers came."""
    bus = await connect_bus(FleetSettings(bus=url), name="bench")
    answers = 0
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            question = Question(secrets.token_hex(8), "who", port=herd.FIRST_PORT, within_ms=50)
            async for _ in bus.ask(question):
                answers += 1
    finally:
        await bus.close()
    return answers


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    herd.add_options(parser, herd.Size())
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--short", action="store_true", help="a small herd and little time, for CI")
    options = parser.parse_args()
    if options.short:
        options.processes, options.listeners, options.groups, options.seconds = 200, 40, 20, 3.0
    herd.apart()
    herd.stop_on_signals()
    size, rows = herd.size_of(options), []
    with (
        tempfile.TemporaryDirectory() as folder,
        engines(Path(folder)) as (store, bus),
        herd.Herd(size),
    ):
        for what, every, churn, asking in (
            ("a look every 30 s, still", "30s", False, False),
            ("a look a second, one comes and goes", "1s", True, False),
            ("20 questions a second, still", "30s", False, True),
        ):
            state = tempfile.mkdtemp(dir=folder)
            agent = Agent(state, store, bus, every)
            before = agent.cpu()
            with _coming_and_going() if churn else contextlib.nullcontext():
                if asking and not asyncio.run(ask_for(options.seconds, bus.url)):
                    sys.exit("no question was answered")
                if not asking:
                    time.sleep(options.seconds)
            share = (agent.cpu() - before) / options.seconds * 100
            name = f"fleet agent, {size.listeners} listeners"
            reach = 1.0 if what.startswith("a look every 30") else None
            rows.append(Row(f"{name}", share, what, GOAL, reach, "%"))
            rows.append(Row("  in memory", agent.rss(), "MB", GOAL_MB, 1.0, "MB"))
            agent.end()
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
