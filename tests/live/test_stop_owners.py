"""`portbook stop` through a real systemd and a real Podman: the owner ends, not a process of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from live.stage import Ran, cgroup2, environment, rows, run_portbook
from live.test_engines import podman
from live.test_systemd import inside

pytestmark = [pytest.mark.live, pytest.mark.root]

__all__ = ["inside", "podman"]

Stop = Callable[..., Ran]


def first_process() -> str:
    """The PID 1 of the machine that `inside` has booted, as we see it."""
    top = f"{cgroup2()}/portbook-systemd-{os.getpid()}"
    for folder, _, _ in os.walk(top):
        with open(f"{folder}/cgroup.procs") as procs:
            for pid in procs.read().split():
                with open(f"/proc/{pid}/status") as status:
                    ids = next(text for text in status if text.startswith("NSpid:")).split()
                if len(ids) > 2 and ids[-1] == "1":
                    return pid
    raise AssertionError("nothing was booted")


@pytest.fixture
def stop(inside: Callable[..., Any]) -> Stop:
    """`portbook stop` run in there."""
    pid = first_process()

    def run(*arguments: str) -> Ran:
        done = subprocess.run(
            [
                *("nsenter", "-t", pid, "--mount", "--pid", "--net", "--cgroup"),
                *(sys.executable, "-m", "portbook", "stop", *arguments),
            ],
            capture_output=True,
            text=True,
            env=environment(),
            timeout=50,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


def test_a_service_that_systemd_would_start_again_is_stopped_as_a_unit(stop: Stop) -> None:
    """Its process has Restart=always: a signal alone would have it back at once."""
    dry = stop("8099", "--dry-run", "--json")
    assert (dry.code, dry.err) == (0, "")
    (step,) = dry.document["steps"]
    assert (step["kind"], step["names"], step["scope"]) == ("unit", ["web.service"], "system")
    wet = stop("8099", "--yes", "--json")
    assert wet.code == 0
    assert wet.document["steps"] == dry.document["steps"]
    assert wet.document["ended"] == [{"what": "unit web.service", "pid": None, "how": "done"}]
    assert stop("8099", "--yes").code == 1


def test_an_activated_socket_is_stopped_as_a_socket_unit(stop: Stop) -> None:
    """systemd's PID 1 holds it, and is not what is ended."""
    dry = stop("7007", "--dry-run", "--json").document
    assert dry["steps"][0]["names"][0] == "echo.socket"
    assert dry["refused"] == []
    assert stop("7007", "--yes").code == 0
    assert stop("7007", "--yes").code == 1


def test_a_users_own_service_is_stopped_by_the_users_manager(stop: Stop) -> None:
    """Its scope names whose; the manager itself lives on."""
    ran = stop("8098", "--yes", "--json")
    assert ran.code == 0
    (step,) = ran.document["steps"]
    assert (step["names"], step["scope"]) == (["own.service"], "user:65534")


def test_a_published_port_is_stopped_by_its_container(podman: tuple[str, int]) -> None:
    """Not the proxy that holds the port: the container behind it, by its engine."""
    env = {"DOCKER_HOST": podman[0]}
    for row in json.loads(run_portbook("ls", "--json", env=env).out)["listeners"]:
        boxes = [owner["engine_container"] or {} for owner in row["owners"]]
        if any(box.get("name") == "slirp" for box in boxes):
            break
    else:
        pytest.fail("the container's port is not listed")
    port = str(row["port"])
    dry = run_portbook("stop", port, "--dry-run", "--json", env=env)
    assert [step["kind"] for step in dry.document["steps"]] == ["container"]
    ran = run_portbook("stop", port, "--yes", env=env)
    assert (ran.code, ran.err) == (0, "")
    assert rows(row["port"]) == []
