"""Clocks that jump, sleep, run slowly or begin anew: leases and tokens have to bear all of it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from claims.proof.mixed_runs import LAUNCH, Service, free_ports, running

pytestmark = pytest.mark.live
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces")


def with_clock(change: str) -> tuple[str, ...]:
    """How to start portbook with a clock of Python's that is not the machine's."""
    program = f"import runpy, time\n{change}\nrunpy.run_module('portbook', run_name='__main__')"
    return (sys.executable, "-c", program)


def wall(seconds: int) -> tuple[str, ...]:
    """The wall clock is wrong by so much; the others are right."""
    return with_clock(f"right = time.time\ntime.time = lambda: right() + {seconds}")


def slow(factor: float) -> tuple[str, ...]:
    """The clock of leases and loops runs at a part of its speed."""
    return with_clock(
        "right, began = time.clock_gettime, time.clock_gettime(time.CLOCK_BOOTTIME)\n"
        f"def slowed(which):\n    now = right(which)\n"
        f"    return began + (now - began) * {factor} if which == time.CLOCK_BOOTTIME else now\n"
        "time.clock_gettime = slowed"
    )


def claim(service: Service, port: int, ttl: int) -> int:
    """The token of a new claim."""
    status, told = service.ask("POST", "/v1/claims", {"port": port, "ttl_ms": ttl})
    assert status == 201, told
    return int(told["claims"][0]["token"])


def is_live(service: Service, port: int) -> bool:
    """Whether a port is claimed."""
    return bool(service.ask("GET", f"/v1/claims?port={port}")[1]["claims"])


@pytest.mark.parametrize("hour", [3_600, -3_600])
def test_a_wall_clock_that_jumps_an_hour_ends_no_lease_and_no_growth(
    hour: int, tmp_path: Path
) -> None:
    """Restarted an hour ahead or behind: the claim lives on, its TTL runs on, tokens grow (S2)."""
    port, other, third = free_ports(3)
    with running(tmp_path) as service:
        first = claim(service, port, 60_000)
        service.kill()
        service.launch = wall(hour)
        service.start()
        assert is_live(service, port)
        left = service.ask("GET", f"/v1/claims?port={port}")[1]["claims"][0]["expires_in_ms"]
        assert 40_000 < left < 60_000
        second = claim(service, other, 1_000)
        assert second > first
        service.kill()
        service.launch = wall(-hour)
        service.start()
        assert claim(service, third, 1_000) > second


def in_time_namespace(seconds: int) -> tuple[str, ...]:
    """A machine that slept so long since: CLOCK_BOOTTIME is ahead, CLOCK_MONOTONIC is not."""
    return ("unshare", "--time", "--boottime", str(seconds), "--monotonic", "0", "--fork", *LAUNCH)


def kill_inside(service: Service) -> None:
    """End what runs in a namespace: the child of unshare, too."""
    assert service.process is not None
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    for pid in children.read_text(encoding="ascii").split():
        os.kill(int(pid), 9)
    service.process.wait(10)
    service.kill()


@needs_root
@pytest.mark.root
def test_a_lease_runs_out_while_the_machine_sleeps(tmp_path: Path) -> None:
    """An hour of sleep ends a lease of half an hour, and not one of two hours."""
    short, long = free_ports(2)
    with running(tmp_path) as service:
        claim(service, short, 1_800_000)
        claim(service, long, 7_200_000)
        service.kill()
        service.launch = in_time_namespace(3_600)
        service.start()
        try:
            deadline = time.monotonic() + 3
            while is_live(service, short) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert not is_live(service, short)
            assert is_live(service, long)
        finally:
            kill_inside(service)


@needs_root
@pytest.mark.root
def test_a_new_boot_voids_leases_and_keeps_reservations(tmp_path: Path) -> None:
    """Another boot_id: claims and permits are over, numbers are kept, tokens grow."""
    port, kept = free_ports(2)
    boot = tmp_path / "boot_id"
    boot.write_text("00000000-0000-4000-8000-000000003255\n", encoding="ascii")
    with running(tmp_path) as service:
        token = claim(service, port, 600_000)
        status, _ = service.ask("POST", "/v1/sems/gpu/acquire", {"limit": 1, "ttl_ms": 600_000})
        assert status == 200
        assert service.ask("PUT", "/v1/reservations/a%2Fb:web", {"port": kept})[0] == 200
        service.kill()
        mount = f'mount --bind {boot} /proc/sys/kernel/random/boot_id && exec "$@"'
        service.launch = ("unshare", "--mount", "sh", "-c", mount, "sh", *LAUNCH)
        service.start()
        assert not is_live(service, port)
        assert service.ask("GET", "/v1/sems")[1]["semaphores"] == []
        (found,) = service.ask("GET", "/v1/reservations")[1]["reservations"]
        assert found["port"] == kept
        assert claim(service, port, 1_000) > token
        kinds = [each["kind"] for each in service.ask("GET", "/v1/events?since=0")[1]["events"]]
        assert kinds.count("voided") == 2


def test_a_slow_clock_ends_leases_late_and_never_early(tmp_path: Path) -> None:
    """At half its speed a lease of one second is there after 1.5, and gone after 4 (S5)."""
    (port,) = free_ports(1)
    with running(tmp_path, launch=slow(0.5)) as service:
        began = time.monotonic()
        claim(service, port, 1_000)
        while time.monotonic() < began + 1.5:
            assert is_live(service, port)
            time.sleep(0.1)
        while is_live(service, port):
            assert time.monotonic() < began + 6
            time.sleep(0.05)
        assert time.monotonic() - began >= 1.9


def test_a_lease_is_never_shorter_than_its_ttl_and_the_port_is_kept_a_little_longer(
    tmp_path: Path,
) -> None:
    """S5 on the machine's own clock: there for a second, kept for two more, then free (L1)."""
    (port,) = free_ports(1)
    with running(tmp_path) as service:
        began = time.monotonic()
        claim(service, port, 1_000)
        while is_live(service, port):
            time.sleep(0.02)
        assert 0.999 <= time.monotonic() - began < 2.0
        while True:
            status, told = service.ask("POST", "/v1/claims", {"port": port})
            if status == 201:
                break
            assert told["error"]["code"] == "held"
            time.sleep(0.02)
        assert 2.999 <= time.monotonic() - began < 4.0


def test_the_clocks_of_these_tests_are_what_they_say() -> None:
    """The programs above really change the time that portbook reads."""
    for launch, line in ((wall(3_600), "clock.now()"), (slow(0.5), "clock.boottime()")):
        program = launch[2].rpartition("\n")[0]
        shown = f"{program}\nfrom portbook.host import clock\na = {line}\ntime.sleep(0.2)\n"
        done = subprocess.run(
            [sys.executable, "-c", f"{shown}print(a, {line} - a)"],
            capture_output=True,
            check=True,
            text=True,
        )
        first, passed = map(float, done.stdout.split())
        if "now" in line:
            assert abs(first - time.time() - 3_600) < 10
        else:
            assert 0.09 < passed < 0.19
