"""`portbook serve`: pages under load, live pages, its start, and the bytes of a first load.

    python bench/serve_pages.py [--seconds 10] [--starts 7] [--listeners 200] [--short]

wrk asks from one thread over 32 connections (issue 5): random ports of all 65,536 in both
languages, plainly and as browsers do (gzip); then, with the cookie of a session, the page of this
machine and those of its listeners. Server and wrk share the cores. As root all of it happens in
namespaces of its own, so that the listeners are those of the herd.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

import herd
from measure import Row, have, report, with_pages

CONNECTIONS = 32
PAGES_PER_SECOND, PAGES_P99 = 1500, 20.0
LIVE_P99 = 60.0
START_MS = 700.0
FIRST_LOAD_KB = 60.0
FIRST_LOADS = ("/", "/3255", "/443", "/map", "/orphans", "/search?q=redis")

_RANDOM = """
math.randomseed(3255)
local languages = {"/en/", "/nl/"}
request = function()
  return wrk.format("GET", languages[math.random(2)] .. math.random(0, 65535))
end
"""
_LISTENERS = """
math.randomseed(3255)
request = function()
  return wrk.format("GET", "/en/" .. math.random(%(first)d, %(last)d))
end
"""
_PARTS = re.compile(r'<(?:link rel="(?:stylesheet|icon)"|script|img)[^>]*? (?:href|src)="([^"]+)"')
_IMPORTS = re.compile(r'(?:from|import) ?"(\./[^"]+)"')


class Load(NamedTuple):
    """What wrk measured: requests per second, the 99th percentile in milliseconds."""

    rate: float
    p99: float


class Server(NamedTuple):
    """A server that runs."""

    url: str
    token: str
    ms: float


@contextlib.contextmanager
def served(home: str) -> Iterator[Server]:
    """`portbook serve` on a free port, and the milliseconds until its first page was there."""
    environ = {**os.environ, "PORTBOOK_DATA_HOME": home}
    argv = with_pages("serve", "--port", "0", "--json")
    begin = time.perf_counter()
    running = subprocess.Popen(argv, stdout=subprocess.PIPE, env=environ)
    try:
        assert running.stdout is not None
        told = json.loads(running.stdout.readline())
        fetch(told["url"], "/en/3255")
        ms = (time.perf_counter() - begin) * 1000
        token = Path(told["token_file"]).read_text(encoding="ascii").strip()
        yield Server(told["url"], token, ms)
    finally:
        running.terminate()
        running.wait()


def fetch(url: str, path: str, **headers: str) -> tuple[bytes, int]:
    """The body of a page as it travels, and the bytes of the whole answer.

    Raises:
        SystemExit: there is no such page.
    """
    link = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    link.request(
        "GET", path, headers={name.replace("_", "-"): each for name, each in headers.items()}
    )
    answer = link.getresponse()
    body = answer.read()
    if answer.status != 200:
        sys.exit(f"{path} answered {answer.status}")
    link.close()
    return body, len(body) + len(str(answer.headers)) + 17  # the status line


def first_load(url: str, path: str) -> float:
    """Kilobytes of a page with all that it needs, compressed as for a browser."""
    plain = fetch(url, path)[0].decode()
    total = fetch(url, path, Accept_Encoding="gzip")[1]
    waiting = [urljoin(path, each.replace("&amp;", "&")) for each in _PARTS.findall(plain)]
    seen = set()
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        total += fetch(url, each, Accept_Encoding="gzip")[1]
        if ".js" in each:
            script = fetch(url, each)[0].decode()
            waiting += [urljoin(each, name) for name in _IMPORTS.findall(script)]
    return total / 1000


def session(server: Server) -> str:
    """The cookie that a browser gets for the token."""
    link = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    link.request("POST", "/enter", urlencode({"secret": server.token}), kind)
    cookie = link.getresponse().headers["Set-Cookie"]
    link.close()
    return str(cookie).partition(";")[0]


def wrk(url: str, seconds: int, script: str = "", **headers: str) -> Load:
    """Ask for as long as that, and measure.

    Raises:
        SystemExit: an answer was none, or refused.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        argv = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
        argv += ["-s", file.name] if script else []
        for name, each in headers.items():
            argv += ["-H", f"{name.replace('_', '-')}: {each}"]
        text = subprocess.run([*argv, url], stdout=subprocess.PIPE, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(f"wrk was refused: {text}")
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", text)
    p99 = re.search(r"99%\s+([0-9.]+)(us|ms|s)", text)
    if rate is None or p99 is None:
        sys.exit(f"wrk said: {text}")
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return Load(float(rate[1]), float(p99[1]) * scale)


def load_rows(what: str, found: Load, p99: float, rate: float | None = None) -> list[Row]:
    """The 99th percentile, and the time between two answers where a rate is wanted."""
    rows = [Row(f"{what}, p99", found.p99, "the goal", p99, 1.0)]
    if rate is not None:
        told = f"the goal, {rate:,.0f} pages/s"
        rows.insert(
            0, Row(f"{what}, {found.rate:,.0f}/s", 1000 / found.rate, told, 1000 / rate, 1.0)
        )
    return rows


def main() -> list[Row]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--starts", type=int, default=7)
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--short", action="store_true", help="one second each, for CI")
    options = parser.parse_args()
    if options.short:
        options.seconds, options.starts, options.listeners = 1, 2, 20
    if not have("wrk"):
        return []
    herd.apart()
    herd.stop_on_signals()
    rows = []
    with tempfile.TemporaryDirectory() as home:
        starts = []
        for _ in range(options.starts):
            with served(home) as server:
                starts.append(server.ms)
        rows.append(
            Row("start to first page", statistics.median(starts), "the goal", START_MS, 1.0)
        )
        with served(home) as server:
            for name, headers in (("", {}), (", gzip", {"Accept_Encoding": "gzip"})):
                wrk(server.url, 1, _RANDOM, **headers)  # first every table is read whole
                found = wrk(server.url, options.seconds, _RANDOM, **headers)
                what = f"random port pages{name}"
                rows += load_rows(what, found, PAGES_P99, PAGES_PER_SECOND)
            for path in FIRST_LOADS:
                kb = first_load(server.url, path)
                rows.append(Row(f"first load of {path}", kb, "the goal", FIRST_LOAD_KB, 1.0, "kB"))
            size = herd.Size(processes=options.listeners * 2, listeners=options.listeners)
            with herd.Herd(size._replace(groups=min(size.groups, options.listeners))):
                rows += live_rows(server, options.seconds, options.listeners)
    report(rows, judge=not options.short)
    return rows


def live_rows(server: Server, seconds: int, listeners: int) -> list[Row]:
    """The live pages, with the cookie of a session."""
    cookie = session(server)
    shown = json.loads(fetch(server.url, "/here.json", Cookie=cookie)[0])["listeners"]
    if len(shown) < listeners:
        sys.exit(f"the page of this machine has {len(shown)} of {listeners} listeners")
    ports = sorted(each["port"] for each in shown)
    near = _LISTENERS % {"first": ports[0], "last": ports[-1]}
    here = wrk(f"{server.url}en/here", seconds, Cookie=cookie)
    port = wrk(server.url, seconds, near, Cookie=cookie)
    what = f"{listeners} listeners"
    return [
        *load_rows(f"live port pages, {what}, {port.rate:,.0f}/s", port, LIVE_P99),
        *load_rows(f"the whole machine, {what}, {here.rate:,.0f}/s", here, LIVE_P99),
    ]


if __name__ == "__main__":
    main()
