"""Claims: pairs of claim and release over HTTP, beside portpicker's portserver, Redis and SQLite.

    python bench/claims.py [--seconds 5] [--connections 32] [--short]

A pair is two durable writes. wrk asks our service from one thread over 32 connections, with the
store as it is by default and with `--durable` (fdatasync before each answer). Service and client
share the cores, as all peers do with theirs. portserver only gives ports; so do we beside it, over
the same protocol.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from measure import Row, have, report, with_pages

PAIRS, DURABLE_PAIRS = 10_000, 8_000
P99, LONGEST = 10.0, 100.0
_PAIRS_SCRIPT = """
local held, first, kinds = {}, 1, {}
local first_port = %(first)d
local port = first_port
request = function()
  local claim = held[first]
  if claim then
    held[first] = nil
    first = first + 1
    return wrk.format("DELETE", claim)
  end
  port = port + 1
  if port > first_port + 1500 then port = first_port + 1 end
  local body = '{"port":' .. port .. ',"name":"bench"}'
  return wrk.format("POST", "/v1/claims", nil, body)
end
local last = 0
response = function(status, headers, body)
  local id, token = string.match(body, '"id": ?"(%%x+)", ?"token": ?(%%d+)')
  if id then
    if last < first then last = first - 1 end
    last = last + 1
    held[last] = "/v1/claims/" .. id .. "?token=" .. token
  end
end
"""


class Load(NamedTuple):
    """Pairs per second, and in milliseconds the 99th percentile and the longest wait of one call.

    `refused` counts the answers that were none of 200 and 201.
    """

    pairs: float
    p99: float
    longest: float
    refused: int


@contextlib.contextmanager
def served(*options: str) -> Iterator[dict[str, Any]]:
    """`portbook serve` on a free port with a store of its own: what it tells, and its token."""
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "PORTBOOK_DATA_HOME": home}
        argv = with_pages("serve", "--port", "0", "--json", *options)
        running = subprocess.Popen(argv, stdout=subprocess.PIPE, env=environ)
        try:
            assert running.stdout is not None
            told = json.loads(running.stdout.readline())
            told["token"] = Path(told["token_file"]).read_text(encoding="ascii").strip()
            told["home"] = home
            yield told
        finally:
            running.terminate()
            running.wait()


def pairs(told: dict[str, Any], seconds: int, connections: int, turn: int = 0) -> Load:
    """Claim and release for as long as that; each `turn` has ports of its own.

    wrk ends in the middle of pairs, so that a few claims are left until their TTL.

    Raises:
        SystemExit: wrk could not be understood.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(_PAIRS_SCRIPT % {"first": 15_000 + 1_500 * turn})
        file.flush()
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", file.name]
        argv += ["-H", f"Authorization: Bearer {told['token']}"]
        argv += ["-H", "Content-Type: application/json", told["url"]]
        said = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    p99 = re.search(r"99%\s+([0-9.]+)(us|ms|s)", said)
    most = re.search(r"Latency\s+\S+\s+\S+\s+([0-9.]+)(us|ms|s)", said)
    if rate is None or p99 is None or most is None:
        sys.exit(f"wrk said: {said}")
    refused = re.search(r"Non-2xx or 3xx responses: ([0-9]+)", said)
    return Load(
        float(rate[1]) / 2, _ms(p99), _ms(most), int(refused[1]) if refused is not None else 0
    )


def _ms(found: "re.Match[str]") -> float:
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def redis_pairs(count: int, connections: int) -> float | None:
    """Pairs per second of SET NX PX and a script that deletes what is ours; None without Redis."""
    if not (have("redis-server") and have("redis-benchmark")):
        return None
    script = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end"
    with tempfile.TemporaryDirectory() as home:
        path = f"{home}/redis.sock"
        argv = ["redis-server", "--port", "0", "--unixsocket", path, "--dir", home]
        argv += ["--appendonly", "yes", "--save", ""]
        running = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        try:
            _wait(lambda: os.path.exists(path))
            asking = ["redis-benchmark", "-s", path, "-c", str(connections), "-n", str(count)]
            asking += ["-r", "100000", "-q"]
            took = 0.0
            for words in (
                ["SET", "port:__rand_int__", "me", "NX", "PX", "30000"],
                ["EVAL", script, "1", "port:__rand_int__", "me"],
            ):
                begin = time.perf_counter()
                subprocess.run([*asking, *words], stdout=subprocess.DEVNULL, check=True)
                took += time.perf_counter() - begin
        finally:
            running.terminate()
            running.wait()
    return count / took


def sqlite_pairs(processes: int, seconds: float) -> tuple[float, float]:
    """Pairs per second of processes that open one file, and the longest wait in milliseconds."""
    with tempfile.TemporaryDirectory() as home:
        path = f"{home}/claims"
        link = sqlite3.connect(path)
        link.execute("PRAGMA journal_mode = WAL")
        link.execute("CREATE TABLE claim (port INTEGER PRIMARY KEY, token INTEGER)")
        link.close()
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            found = pool.starmap(_claim_directly, [(path, n, seconds) for n in range(processes)])
    return sum(each[0] for each in found) / seconds, max(each[1] for each in found) * 1000


def _claim_directly(path: str, number: int, seconds: float) -> tuple[int, float]:
    link = sqlite3.connect(path, timeout=30, isolation_level=None)
    link.execute("PRAGMA synchronous = NORMAL")
    done, longest, begin = 0, 0.0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        port = 20_000 + number * 500 + done % 500
        before = time.perf_counter()
        link.execute("BEGIN IMMEDIATE")
        link.execute("INSERT INTO claim VALUES (?, ?)", (port, done))
        link.execute("COMMIT")
        link.execute("BEGIN IMMEDIATE")
        link.execute("DELETE FROM claim WHERE port = ?", (port,))
        link.execute("COMMIT")
        longest = max(longest, time.perf_counter() - before)
        done += 1
    return done, longest


def given_per_second(name: str, count: int) -> float:
    """Ports per second that a server of portpicker's protocol gives to one client."""
    ports = set()
    begin = time.perf_counter()
    for _ in range(count):
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(f"\0{name}")
            link.sendall(f"{os.getpid()}\n".encode())
            said = link.recv(64)
        ports.add(int(said or 0))
    took = time.perf_counter() - begin
    if len(ports) != count or 0 in ports:
        sys.exit(f"{name} gave {len(ports)} different ports for {count} requests")
    return count / took


def portserver_rate(count: int) -> float | None:
    """The same of portpicker's own server; None where it is not installed."""
    program = shutil.which("portserver.py") or str(Path(sys.executable).with_name("portserver.py"))
    if not os.path.exists(program):
        print("the peer portserver.py is not installed here: left out", file=sys.stderr)
        return None
    name = f"bench-{os.getpid()}"
    argv = [sys.executable, program, f"--portserver_unix_socket_address=@{name}"]
    argv += ["--portserver_static_pool=15000-24999"]
    running = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(lambda: f"@{name}\n" in Path("/proc/net/unix").read_text(encoding="ascii"))
        return given_per_second(name, count)
    finally:
        running.terminate()
        running.wait()


def _wait(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not ready():
        if time.monotonic() > until:
            sys.exit("a peer did not start")
        time.sleep(0.02)


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="one second each, for CI")
    options = parser.parse_args()
    if options.short:
        options.seconds, options.rounds = 1, 1
    if not have("wrk"):
        return []
    rows: list[Row] = []
    usual: list[Load] = []
    for title, flags, goal in (
        ("claim + release", (), PAIRS),
        ("claim + release, --durable", ("--durable",), DURABLE_PAIRS),
    ):
        with served(*flags) as told:
            pairs(told, 1, options.connections)
            found = [
                pairs(told, options.seconds, options.connections, turn + 1)
                for turn in range(options.rounds)
            ]
        if any(each.refused for each in found):
            sys.exit(f"{sum(each.refused for each in found)} calls were refused")
        rate = statistics.median(each.pairs for each in found)
        name = f"the goal, {goal:,} pairs/s"
        rows.append(Row(f"{title}, {rate:,.0f} pairs/s", 1000 / rate, name, 1000 / goal, 1.0))
        p99 = statistics.median(each.p99 for each in found)
        rows.append(Row(f"{title}, p99", p99, "the goal", P99, 1.0))
        longest = max(each.longest for each in found)
        rows.append(Row(f"{title}, longest wait", longest, "the goal", LONGEST, 1.0))
        usual = usual or found
    ours = statistics.median(each.pairs for each in usual)
    count = 20_000 if options.short else 100_000
    what = f"claim + release, {ours:,.0f} pairs/s"
    redis = redis_pairs(count, options.connections)
    told_redis = f"Redis, {redis:,.0f} pairs/s" if redis else "Redis"
    rows.append(Row(what, 1000 / ours, told_redis, 1000 / redis if redis else None, None))
    direct, waited = sqlite_pairs(8, options.seconds)
    rows.append(Row(what, 1000 / ours, f"8 x SQLite, {direct:,.0f} pairs/s", 1000 / direct, None))
    longest = max(each.longest for each in usual)
    rows.append(Row("claim + release, longest wait", longest, "8 x SQLite", waited, 1.0))
    count = 300 if options.short else 3_000
    name = f"bench-ours-{os.getpid()}"
    with served("--portserver", f"@{name}"):
        _wait(lambda: f"@{name}\n" in Path("/proc/net/unix").read_text(encoding="ascii"))
        given = given_per_second(name, count)
    google = portserver_rate(count)
    rows.append(
        Row(
            f"portpicker's protocol, {given:,.0f} ports/s",
            1000 / given,
            f"portserver, {google:,.0f}/s" if google else "portserver",
            1000 / google if google else None,
            None,
        )
    )
    report(rows, judge=not options.short)
    return rows


if __name__ == "__main__":
    main()
