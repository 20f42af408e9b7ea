"""Processes that end at the worst moment: the service, a writer, an owner; and one that lives."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from claims.proof.doors import FAULTS, Refused, Wire
from claims.proof.killed_writer import opened
from claims.proof.mixed_runs import SOURCE, TOP, free_ports, running

pytestmark = pytest.mark.live
SOURCES = {"PYTHONPATH": f"{SOURCE}{os.pathsep}{TOP / 'tests'}"}
WRITERS = 8


def until(asked: Callable[[], bool], seconds: float) -> bool:
    """Whether it becomes so in that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if asked():
            return True
        time.sleep(0.02)
    return False


def live_claims(service: Any) -> dict[int, int]:
    """Tokens by port."""
    _, found = service.ask("GET", "/v1/claims")
    return {each["port"]: each["token"] for each in found["claims"]}


def test_no_acknowledged_claim_is_lost_when_the_service_is_killed_under_load(
    tmp_path: Path,
) -> None:
    """Six SIGKILLs at random moments in the middle of group commits of eight writers (S2, S7)."""
    rng = random.Random(3255)
    ports = iter(free_ports(5_000))
    guard = threading.Lock()
    told: dict[int, int] = {}
    repeated: set[int] = set()
    over = threading.Event()

    def write() -> None:
        door = Wire(tmp_path, over_tcp=False)
        while not over.wait(0.01):
            with guard:
                port = next(ports)
            while not over.is_set():
                try:
                    _, token = door.claim(port, 600_000, f"load-{port}", None)
                    assert told.setdefault(port, token) == token
                except Refused as refused:
                    assert refused.code == "in_use"  # noqa: PT017 - anything else is a fault
                except FAULTS:
                    repeated.add(port)
                    time.sleep(0.02)
                    continue
                break
        door.close()

    with running(tmp_path) as service:
        writers = [threading.Thread(target=write) for _ in range(WRITERS)]
        for each in writers:
            each.start()
        for _ in range(6):
            time.sleep(0.05 + rng.random() * 0.25)
            service.kill()
            promised = dict(told)
            service.start()
            kept = live_claims(service)
            assert {port: kept.get(port) for port in promised} == promised
            with guard:
                port = next(ports)
            _, made = service.ask("POST", "/v1/claims", {"port": port})
            assert made["claims"][0]["token"] > max(promised.values())
        over.set()
        for each in writers:
            each.join()
        kept = live_claims(service)
        assert len(told) > 100
        assert repeated
        assert len(set(told.values())) == len(told)
        assert {port: kept.get(port) for port in told} == told


def write_until_killed(store: Path, seed: int, line: int) -> tuple[int, list[dict[str, Any]]]:
    """What a writer said, and how it ended."""
    done = subprocess.run(
        [sys.executable, "-m", "claims.proof.killed_writer", str(store), str(seed), str(line)],
        capture_output=True,
        env={**os.environ, **SOURCES},
        timeout=30,
        check=False,
    )
    if done.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(done.stderr.decode())
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_writer_may_be_killed_at_any_line(tmp_path: Path) -> None:
    """At 16 lines of opening, acting and committing: what was said is there, nothing is half."""
    _, said = write_until_killed(tmp_path / "whole" / "claims.sqlite", 1, 0)
    lines = said[-1]["lines"]
    assert lines > 500
    rng = random.Random(3255)
    for line in sorted(rng.sample(range(1, lines), 16)):
        path = tmp_path / str(line) / "claims.sqlite"
        code, said = write_until_killed(path, 1, line)
        assert code == -signal.SIGKILL
        promised: dict[str, Any] = next(
            (each for each in reversed(said) if "live" in each), {"live": {}}
        )
        tried = said[-1].get("trying", promised["live"]) if said else {}
        with opened(str(path)) as store:
            found = {str(each.port): [each.id, each.token] for each in store.claims()}
        assert found in (promised["live"], tried), f"killed at line {line}"
        tokens = [token for each in said for token in each.get("tokens", ())]
        assert len(set(tokens)) == len(tokens)
        # The next writer's tokens are above those of the one that was killed.
        _, more = write_until_killed(path, 2, 0)
        later = [token for each in more for token in each.get("tokens", ())]
        assert min(later) > max(tokens, default=0)


def test_commands_that_are_killed_leave_the_store_whole(tmp_path: Path) -> None:
    """Twelve commands without a service, each killed after another time; the lock is free again."""
    claimed = {}
    env = {**os.environ, **SOURCES, "PORTBOOK_DATA_HOME": str(tmp_path)}
    for number, port in enumerate(free_ports(12)):
        argv = [
            sys.executable,
            "-m",
            "portbook",
            "claim",
            "--port",
            str(port),
            "--ttl",
            "600s",
            "--json",
        ]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
        try:
            out, _ = process.communicate(timeout=0.08 + 0.025 * number)
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
        if out.endswith(b"\n"):
            claimed[port] = json.loads(out)["claims"][0]["token"]
    with opened(str(tmp_path / "claims.sqlite")) as store:
        found = {each.port: each.token for each in store.claims()}
    assert {port: found.get(port) for port in claimed} == claimed


def owner(program: str) -> "subprocess.Popen[bytes]":
    """A process that runs a line of Python; it says `ready` when it has come so far."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def end(process: "subprocess.Popen[bytes]") -> None:
    """Make sure that it is gone."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def test_a_child_that_inherited_everything_does_not_keep_the_claim(tmp_path: Path) -> None:
    """The owner forks and is killed: its child has every descriptor, and the port is free at once.

    L1: within a second, without a lock-delay, because the end of the process is proven.
    """
    (port,) = free_ports(1)
    program = (
        "import os, socket, sys, time\n"
        f"link = socket.socket(socket.AF_UNIX); link.connect({str(tmp_path / 'portbook.sock')!r})\n"
        "child = os.fork()\n"
        "if child == 0: time.sleep(30); os._exit(0)\n"
        "print('ready', flush=True); print(child, flush=True); time.sleep(30)\n"
    )
    with running(tmp_path) as service:
        process = owner(program)
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            fields = {"port": port, "watch_pid": process.pid, "ttl_ms": 1_000}
            status, _ = service.ask("POST", "/v1/claims", fields)
            assert status == 201
            time.sleep(1.3)
            assert port in live_claims(service), "a process that lives needs no heartbeat"
            process.kill()
            process.wait()
            assert until(lambda: port not in live_claims(service), 1.0)
            status, _ = service.ask("POST", "/v1/claims", {"port": port})
            assert status == 201
        finally:
            os.kill(child, signal.SIGKILL)
            end(process)


def test_an_owner_that_becomes_another_program_keeps_its_claim(tmp_path: Path) -> None:
    """exec() changes the program, not the process: PID and start time stay."""
    (port,) = free_ports(1)
    program = (
        "import os, sys\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "os.execvp('sleep', ['sleep', '30'])\n"
    )
    with running(tmp_path) as service:
        process = owner(program)
        try:
            fields = {"port": port, "watch_pid": process.pid, "ttl_ms": 1_000}
            assert service.ask("POST", "/v1/claims", fields)[0] == 201
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
            comm = Path(f"/proc/{process.pid}/comm")
            assert until(lambda: comm.read_text(encoding="ascii") == "sleep\n", 5.0)
            time.sleep(1.3)
            assert port in live_claims(service)
            process.kill()
            process.wait()
            assert until(lambda: port not in live_claims(service), 1.0)
        finally:
            end(process)


def test_an_owner_that_ended_while_the_service_was_down_is_noticed_at_its_start(
    tmp_path: Path,
) -> None:
    """Service killed, then the owner: after the next start the port is free within a second."""
    (port,) = free_ports(1)
    with running(tmp_path) as service:
        process = owner("import time; print('ready', flush=True); time.sleep(30)")
        try:
            fields = {"port": port, "watch_pid": process.pid, "ttl_ms": 600_000}
            assert service.ask("POST", "/v1/claims", fields)[0] == 201
            service.kill()
        finally:
            end(process)
        service.start()
        assert until(lambda: port not in live_claims(service), 1.0)
