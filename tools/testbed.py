"""The test bed: many real servers in a network namespace, identified in one call.

See scripts/testbed. Prints a line for each service with the truth, what portbook said and the time,
then the confusion matrix; exits 1 where anything is wrong.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP / "tests"), str(TOP / "src")]

from tools.testbed_report import Result, page, text_lines  # noqa: E402

from bed.running import (  # noqa: E402 - after the path is set
    ODD,
    TLS,
    Running,
    all_servers,
    behind_tls,
    folder,
    is_installed,
    is_open,
    missing_packages,
    start,
    stop,
    wait_until_open,
)
from bed.server import Server  # noqa: E402

PAGE = TOP / "docs" / "identification.md"
KINDS = ("default", "odd", "tls", "famous")
_INSIDE = "PORTBOOK_BED_NAMESPACE"


class Bed(NamedTuple):
    """One run: every result, the seconds of the one call, what did not start, what is missing."""

    results: list[Result]
    seconds: float
    failed: list[str]
    missing: list[str]


def main() -> int:
    """Run the bed."""
    options = _options()
    servers = [
        server
        for server in all_servers()
        if (not options.only or server.name in options.only) and (server.quick or not options.quick)
    ]
    if options.packages:
        print("\n".join(missing_packages(servers)))
        return 0
    if not os.environ.get(_INSIDE):
        return _report([_in_namespace() for _ in range(options.times)], options)
    missing = [server.name for server in servers if not is_installed(server)]
    servers = [server for server in servers if server.name not in missing]
    found = _run(servers, options)._replace(missing=missing)
    plain = {**found._asdict(), "results": [each._asdict() for each in found.results]}
    Path(os.environ[_INSIDE]).write_text(json.dumps(plain), encoding="utf-8")
    return 0


def _report(runs: Sequence[Bed], options: argparse.Namespace) -> int:
    """Print what was found; 1 where anything is wrong."""
    if options.json:
        found = [
            {**run._asdict(), "results": [each._asdict() for each in run.results]} for run in runs
        ]
        print(json.dumps(found[0] if len(found) == 1 else found))
    else:
        for run in runs:
            if run.missing:
                print("not installed, left out:", " ".join(run.missing), file=sys.stderr)
            print("\n".join(text_lines(run.results, run.seconds, run.failed)))
    if options.write:
        PAGE.write_text(page([(run.results, run.seconds) for run in runs]), encoding="utf-8")
    wrong = [r for run in runs for r in run.results if not (r.right_protocol and r.alive)]
    return 1 if wrong or any(run.failed for run in runs) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Real servers, identified in one call.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these servers")
    parser.add_argument("--quick", action="store_true", help="those of every CI run")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--times", type=int, default=1, help="that many runs, one after the other")
    parser.add_argument("--blind", action="store_true", help="withhold the process from portbook")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(TOP)}")
    parser.add_argument("--packages", action="store_true", help="print the packages that lack")
    parser.add_argument("--then", metavar="COMMAND", help="run it while the servers run")
    parser.add_argument("--keep", action="store_true", help="leave them running until Enter")
    return parser.parse_args()


def _in_namespace() -> Bed:
    """One run of this program where all ports are free, and every server ends with it."""
    spaces = ["--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc"]
    command = (
        "ip link set lo up; mount -t tmpfs tmpfs /run;"
        " echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start;"
        # No client may take a port that a server is to get.
        ' echo 50000 60999 >/proc/sys/net/ipv4/ip_local_port_range; exec "$@"'
    )
    again = [sys.executable, "-m", "tools.testbed", *sys.argv[1:]]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "bed.json")
        done = subprocess.call(
            ["unshare", *spaces, "sh", "-c", command, "sh", *again],
            env={**os.environ, _INSIDE: str(file)},
            cwd=TOP,
        )
        if done or not file.exists():
            sys.exit(f"a run of the bed ended with {done}")
        found = Bed(**json.loads(file.read_text(encoding="utf-8")))
    return found._replace(results=[Result(**each) for each in found.results])  # type: ignore[arg-type]


def _run(servers: Sequence[Server], options: argparse.Namespace) -> Bed:
    """Start everything, ask once, end everything."""
    with folder("run") as top:
        started, failed = _start(servers, options.kinds, top)
        targets = [(each, each.kind, each.place.port) for each in started]
        tunnels = []
        if "tls" in options.kinds:
            inner = [each for each in started if each.kind == "odd" and each.server.behind_tls]
            for index, each in enumerate(inner):
                tunnels.append(behind_tls(each, TLS + index, top))
                targets.append((each, "tls", TLS + index))
        _wait_for([(port, each.server.transport) for each, _, port in targets])
        began = time.monotonic()
        said = _identify([port for _, _, port in targets], blind=options.blind)
        seconds = time.monotonic() - began
        # Asked once more: who was harmed by the first call does not answer as before.
        again = _identify([port for _, _, port in targets], blind=options.blind)
        results = []
        for each, kind, port in targets:
            place = (each.server.transport, port)
            told = said.get(place, {})
            serves = told.get("protocol") == again.get(place, {}).get("protocol")
            results.append(_result(each, kind, port, told, serves=serves))
        if options.then:
            subprocess.call(["sh", "-c", options.then], cwd=TOP)
        if options.keep:
            input("the servers are running; Enter ends them: ")
        stop([*(each.process for each in started), *tunnels])
    return Bed(results, seconds, failed, [])


def _start(
    servers: Sequence[Server], kinds: Sequence[str], top: str
) -> tuple[list[Running], list[str]]:
    started: list[Running] = []
    failed: list[str] = []
    taken: set[tuple[str, int]] = set()
    for server, kind, port in _placements(servers):
        key = (server.transport, port)
        if kind not in kinds or key in taken or is_open(port, server.transport):
            continue
        taken.add(key)
        try:
            started.append(start(server, port, kind, top))
        except (OSError, subprocess.SubprocessError) as error:
            output = (getattr(error, "output", b"") or b"").decode(errors="replace")
            failed.append(f"{server.name}-{kind}: {error} {output[-300:]}")
    return started, failed + wait_until_open(started)


def _placements(servers: Sequence[Server]) -> Iterator[tuple[Server, str, int]]:
    """Every server on its default port, on an odd one, and perhaps on a famous one."""
    for server in servers:
        yield server, "default", server.default_port
    for index, server in enumerate(servers):
        if not server.only_default:
            yield server, "odd", ODD + 11 * index
    for server in servers:
        if server.famous:
            yield server, "famous", server.famous


def _wait_for(places: Sequence[tuple[int, str]]) -> None:
    deadline = time.monotonic() + 10
    while not all(is_open(*place) for place in places) and time.monotonic() < deadline:
        time.sleep(0.05)


def _identify(ports: Sequence[int], *, blind: bool) -> dict[tuple[str, int], dict[str, Any]]:
    """What one call of `portbook identify` says, by transport and port."""
    argv = [sys.executable, "-m", "portbook", "identify", "--json", *map(str, sorted(set(ports)))]
    if blind:
        argv.append("--wire-only")
    environ = {**os.environ, "PYTHONPATH": "src"}
    done = subprocess.run(argv, capture_output=True, env=environ, cwd=TOP)
    if done.returncode not in (0, 1, 3):
        sys.exit(f"portbook identify failed: {done.stderr.decode()}")
    targets = json.loads(done.stdout)["targets"]
    return {(each["transport"], each["port"]): each["speaks"] for each in targets}


def _result(each: Running, kind: str, port: int, said: dict[str, Any], *, serves: bool) -> Result:
    server = each.server
    lowered = each.output.casefold()
    complaint = next((word for word in server.worse if word in lowered), None)
    return Result(
        server.name,
        kind,
        port,
        server.transport,
        server.protocol,
        server.product,
        server.version() if server.version else None,
        server.silent,
        said,
        each.alive and serves,
        complaint,
    )


if __name__ == "__main__":
    sys.exit(main())
