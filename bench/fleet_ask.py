"""A live question to 10,000 agents: until all have answered, and after the bus was restarted.

    python bench/fleet_ask.py [--hosts 10000] [--runs 10] [--short]

The agents are one process with 10,000 connections to a real nats-server; the server, they and the
asker share the cores. The peer is a bare loop of nats-py that asks the same and counts messages:
it decodes nothing and knows no host. All answers within a second is the goal.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import ROOT, Row, have, report

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
_GOAL_MS = 1_000


@contextmanager
def agents(url: str, hosts: int, folder: Path) -> Iterator[Path]:
    """The simulated agents, connected; the file that they tell into."""
    log = folder / "agents.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "fleet.simulated_agents", "--bus", url, "--hosts", str(hosts)],
            stdout=file,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2])},
        )
    try:
        wait_for(log, f"connected {hosts}", 1, process)
        yield log
    finally:
        process.kill()
        process.wait()


def wait_for(log: Path, text: str, times: int, process: "subprocess.Popen[bytes] | None") -> None:
    """Until the agents have told something so often."""
    deadline = time.monotonic() + 120
    while log.read_text().count(f"{text}\n") < times:
        if time.monotonic() > deadline or (process and process.poll() is not None):
            sys.exit("the simulated agents did not connect")
        time.sleep(0.02)


async def ours(url: str, hosts: int, runs: int) -> list[float]:
    """Milliseconds of each question, all hosts on the roster and all of them answering."""
    from fleet.simulated_agents import host_of
    from portbook.fleet.asking import ask_fleet
    from portbook.fleet.nats_bus import connect_bus
    from portbook.fleet.settings import FleetSettings
    from portbook.model.fleet import Question

    roster = {host_of(number): "" for number in range(hosts)}
    bus = await connect_bus(FleetSettings(bus=url), name="bench")
    took = []
    for turn in range(runs):
        question = Question(f"ours-{turn}", "who", port=3255, within_ms=20_000)
        begin = time.perf_counter()
        found = await ask_fleet(bus, question, roster=roster)
        took.append((time.perf_counter() - begin) * 1000)
        having = sum(bool(each.rows) for each in found.answers)
        if found.asked.silent or found.incomplete or having != -(-hosts // 100):
            sys.exit(f"{found.asked.answered} of {hosts} answered, {having} with the port")
    await bus.close()
    return took


async def bare(url: str, hosts: int, runs: int) -> list[float]:
    """The same question, its answers counted."""
    import nats

    from portbook.fleet.wire import encode_question
    from portbook.model.fleet import Question

    client = await nats.connect(url)
    took = []
    for turn in range(runs):
        inbox = client.new_inbox()
        data = encode_question(Question(f"bare-{turn}", "who", port=3255, within_ms=20_000))
        begin = time.perf_counter()
        waiting = await client.subscribe(inbox)
        await client.publish("portbook.ask", data, reply=inbox)
        for _ in range(hosts):
            await waiting.next_msg(timeout=20)
        took.append((time.perf_counter() - begin) * 1000)
        await waiting.unsubscribe()
    await client.close()
    return took


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--short", action="store_true", help="300 agents, 2 runs, for CI")
    options = parser.parse_args()
    hosts, runs = (300, 2) if options.short else (options.hosts, options.runs)
    rows: list[Row] = []
    if not have("nats-server"):
        report(rows)
        return rows
    from fleet.engines import Nats
    from fleet.simulated_agents import allow_files

    allow_files(hosts + 500)  # nats-server inherits it
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Nats(folder / "nats").start()
        try:
            with agents(server.url, hosts, folder) as log:
                asyncio.run(ours(server.url, hosts, 1))
                mine, its = [], []
                for _ in range(runs):
                    mine += asyncio.run(ours(server.url, hosts, 1))
                    its += asyncio.run(bare(server.url, hosts, 1))
                server.kill()
                wait_for(log, "connected 0", 1, None)
                begin = time.perf_counter()
                server.start()
                wait_for(log, f"connected {hosts}", 2, None)
                asyncio.run(ours(server.url, hosts, 1))
                herd = (time.perf_counter() - begin) * 1000
        finally:
            server.kill()
    middle, worst, peer = statistics.median(mine), max(mine), statistics.median(its)
    what = f"{hosts:,} agents"
    rows += [
        Row(f"who 3255 live, {what}, p50", middle, "the goal, 1 s", _GOAL_MS, 1.0),
        Row(f"the same, slowest of {runs}", worst, "the goal, 1 s", _GOAL_MS, 1.0),
        Row("the same, p50", middle, "nats-py, counting only", peer, None),
        Row(f"bus restarted, {what} back and asked", herd, "none", None, None),
    ]
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
