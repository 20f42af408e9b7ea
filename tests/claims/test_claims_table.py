"""`portbook claims` beside the kernel's listeners: bound by their owner, squatted by another."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from claims.served import line, python, service, until
from command import portbook
from portbook.cli import lease_rows
from portbook.host import Host, clock
from portbook.model.claim import Caller, Claim, ClaimRequest
from portbook.survey.claiming import open_claims, seen

pytestmark = pytest.mark.live

LISTENER = """
import socket, sys, os
if len(sys.argv) > 2:
    if os.fork(): os.wait(); sys.exit()
kind = socket.SOCK_STREAM if sys.argv[1][0] == "t" else socket.SOCK_DGRAM
server = socket.socket(socket.AF_INET, kind)
server.bind(("127.0.0.1", int(sys.argv[1][1:])))
if kind == socket.SOCK_STREAM: server.listen()
print("listens", flush=True)
sys.stdin.read()
"""


def state(claim: Claim) -> str:
    """What the kernel shows of one claim."""
    return seen([claim])[0].state


def test_nothing_listens_then_its_owner_then_nobody() -> None:
    """reserved, bound, reserved again: by this process, which owns the claim."""
    access = open_claims()
    [mine] = access.claim(ClaimRequest(watch_pid=os.getpid()))
    assert state(mine) == "reserved"
    with socket.create_server(("127.0.0.1", mine.port)) as server:
        [found] = seen([mine], Host())
        assert found.state == "bound"
        assert found.bound is not None
        assert found.bound.pid == os.getpid()
        assert found.bound.inode == os.fstat(server.fileno()).st_ino
    assert state(mine) == "reserved"


def test_a_hold_is_no_listener() -> None:
    """A socket that is bound and does not listen keeps the number: the claim stays reserved."""
    access = open_claims()
    [mine] = access.claim(ClaimRequest(watch_pid=1))
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", mine.port))
        assert state(mine) == "reserved"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_child_of_the_owner_binds_for_it(transport: str) -> None:
    """A descendant of the claim's process is its owner's, over both transports."""
    access = open_claims()
    [mine] = access.claim(ClaimRequest(watch_pid=os.getpid(), transports=(transport,)))
    with python(LISTENER, f"{transport[0]}{mine.port}", "forked") as server:
        assert line(server) == "listens"
        assert state(mine) == "bound"


@pytest.mark.parametrize("served", [False, True], ids=["store", "service"])
def test_a_squatter_is_named(own_home: Path, *, served: bool) -> None:
    """Somebody who did not ask listens on a claimed port: exit code 1, and who it is."""
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with service(own_home) if served else open(os.devnull, "rb"):
        port = portbook("claim", "--pid", str(owner.pid)).out.strip()
        with python(LISTENER, f"t{port}") as squatter:
            assert line(squatter) == "listens"
            found = portbook("claims", "--json")
            assert found.code == 1
            [row] = found.document["claims"]
            assert row["state"] == "squatted"
            assert row["bound"]["pid"] == squatter.pid
            assert row["owner"]["pid"] == owner.pid
            shown = portbook("claims").out
            assert f"({squatter.pid}) listens on it and has not claimed it" in shown
            if served:
                # The service looks by itself every two seconds.
                until(lambda: open_claims().claims()[0].state == "squatted", 20)
        assert portbook("claims").code == 0
    owner.kill()
    owner.communicate()


@pytest.mark.root
def test_without_a_process_the_user_is_what_counts() -> None:
    """A claim of a user without a PID is bound by whatever of that user listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ours = Claim(
            *("a" * 16, 1, 1, "tcp", "*", port, 1, Caller(os.getuid()), None, None),
            *("reserved", 30_000, 0, 0.0, 0.0),
        )
        assert state(ours) == "bound"
        assert state(ours._replace(owner=Caller(65534))) == "squatted"
        elsewhere = Caller(65534, netns=7)
        assert state(ours._replace(owner=elsewhere)) == "reserved"
        assert state(ours._replace(address="127.0.0.2")) == "reserved"


def test_the_table_has_claims_semaphores_and_reserved_numbers() -> None:
    """One document and one table; --port narrows, --all adds what is reserved for good."""
    port = portbook("claim", "--name", "web").out.strip()
    portbook("sem", "acquire", "gpu", "--limit", "2")
    shown = portbook("claims", "--all").out
    assert f"{port}/tcp  reserved  web" in shown
    assert "gpu 1/2" in shown
    assert "RESERVED" in shown
    document = portbook("claims", "--all", "--json").document
    assert [each["name"] for each in document["semaphores"]] == ["gpu"]
    assert [each["port"] for each in document["reservations"]] == [int(port)]
    narrowed = portbook("claims", "--port", port, "--json").document
    assert (len(narrowed["claims"]), narrowed["semaphores"]) == (1, [])
    assert portbook("claims", "--port", "1").code == 1
    assert "reservations" not in json.loads(portbook("claims", "--json").out)


def test_many_claims_are_looked_at_in_one_reading() -> None:
    """300 claims, none bound: no process is searched for."""
    caller = Caller(os.getuid(), os.getpid())
    claims = [
        Claim(
            *(f"{n:016x}", n, 1, "tcp", "*", 20_000 + n, 1, caller, None, None),
            *("reserved", 30_000, 0, 0.0, 0.0),
        )
        for n in range(300)
    ]
    began = time.monotonic()
    assert {each.state for each in seen(claims)} == {"reserved"}
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("wide", [80, 60])
def test_the_id_is_seen_in_80_columns(wide: int) -> None:
    """Eight digits of it that commands take; what fits nowhere gives way."""
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        made = portbook(
            *("claim", "--name", "a-longer-name"),
            *("--pid", str(sleeper.pid), "--json"),
        ).document["claims"][0]
        portbook("claim", "--name", "web")
        permit = portbook(
            *("sem", "acquire", "gpu", "--limit", "1", "--pid", str(sleeper.pid))
        ).out.strip()
        shown = portbook("claims", env={"COLUMNS": str(wide)}).out.splitlines()
        sems = portbook("sem", "list", env={"COLUMNS": str(wide)}).out.splitlines()
        sleeper.kill()
    assert max(map(len, [*shown, *sems])) <= wide
    [row] = [each for each in shown if made["id"][:8] in each]
    assert "its process" in row
    assert "…" not in sems[1]
    assert sems[1].endswith(f"  {permit[:8]}")
    if wide == 80:
        assert f"sleep ({sleeper.pid})" in row
        assert "s ago" in row


def test_the_user_is_said_once() -> None:
    """Where WHO is `user X` already there is no USER; a pipe has the whole id and moment."""
    made = portbook("claim", "--json").document["claims"][0]
    shown = portbook("claims").out
    assert "USER" not in shown
    assert f"user {made['user']}" in shown
    assert made["created"] in shown
    assert made["id"] in shown


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "0s"), (59, "59s"), (60, "1m"), (7200, "2h"), (90_000, "1d")]
)
def test_how_long_ago(seconds: int, said: str) -> None:
    """In its largest unit."""
    moment = clock.iso(clock.now() - seconds)
    assert lease_rows.since(moment, short=True) == f"{said} ago"
    assert lease_rows.since(moment, short=False) == moment
