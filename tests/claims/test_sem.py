"""`portbook sem`: counted, first come first served, and a dead holder's permit is free at once."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from claims.served import command, on_terminal, service, until
from command import portbook

pytestmark = pytest.mark.live

SLEEP = ("--", "sleep", "60")


def held(name: str) -> list[int]:
    """The processes that have permits of a semaphore."""
    found = portbook("sem", "list", name, "--json").document["semaphores"]
    return [each["owner"]["pid"] for row in found for each in row["held"]]


def waiting(name: str) -> list[int]:
    """The processes that wait for units of it, in order."""
    found = portbook("sem", "list", name, "--json").document["semaphores"]
    return [each["owner"]["pid"] for row in found for each in row["queue"]]


def ended(*processes: "subprocess.Popen[bytes]") -> None:
    """End what a test began."""
    for each in processes:
        each.kill()
        each.communicate()


def test_a_program_runs_with_a_permit_and_its_exit_code_is_ours() -> None:
    """The program is told its permit; nothing is held afterwards."""
    shown = portbook(
        *("sem", "run", "gpu", "--limit", "2", "--"),
        *("sh", "-c", "echo $PORTBOOK_PERMIT $PORTBOOK_TOKEN; exit 7"),
    )
    assert shown.code == 7
    permit, token = shown.out.split()
    assert len(permit) == 16
    assert int(token) > 0
    assert portbook("sem", "list").out == "no semaphore is in use\n"


def test_what_cannot_be_started_holds_nothing() -> None:
    """127, as a shell says it; and a program has to be named."""
    assert portbook("sem", "run", "gpu", "--limit", "1", "--", "no-such-program").code == 127
    assert portbook("sem", "run", "gpu", "--limit", "1").code == 2
    assert portbook("sem", "list", "gpu").code == 1


def test_a_signal_to_us_reaches_the_program() -> None:
    """SIGTERM ends the program, and we end as it did; the permit is free."""
    runner = command("sem", "run", "gpu", "--limit", "1", *SLEEP)
    until(lambda: held("gpu"))
    runner.send_signal(signal.SIGTERM)
    runner.communicate(timeout=10)
    assert runner.returncode == -signal.SIGTERM
    assert held("gpu") == []


@pytest.mark.parametrize("served", [False, True], ids=["store", "service"])
def test_a_killed_holder_s_permit_is_free_within_a_second(own_home: Path, *, served: bool) -> None:
    """SIGKILL, with and without the service: who waits has it at once, the first one first."""
    with service(own_home) if served else open(os.devnull, "rb"):
        first = command("sem", "run", "gpu", "--limit", "1", *SLEEP)
        until(lambda: held("gpu") == [first.pid])
        second = command("sem", "run", "gpu", "--limit", "1", *SLEEP)
        until(lambda: waiting("gpu") == [second.pid])
        third = command("sem", "run", "gpu", "--limit", "1", *SLEEP)
        until(lambda: waiting("gpu") == [second.pid, third.pid])
        first.kill()
        assert until(lambda: held("gpu") == [second.pid]) < 1.0
        assert waiting("gpu") == [third.pid]
        ended(second, third)
        first.communicate()


@pytest.mark.parametrize("served", [False, True], ids=["store", "service"])
def test_another_limit_is_refused_with_both(own_home: Path, *, served: bool) -> None:
    """Nobody can widen a semaphore by asking for more."""
    with service(own_home) if served else open(os.devnull, "rb"):
        permit = portbook("sem", "acquire", "gpu", "--limit", "2", "--json").document["permit"]
        refused = portbook("sem", "acquire", "gpu", "--limit", "3")
        assert refused.code == 1
        assert "2" in refused.err
        assert "3" in refused.err
        assert portbook("sem", "renew", "gpu", permit["id"], "--ttl", "5s").code == 0
        assert portbook("sem", "release", "gpu").code == 0
        assert portbook("sem", "release", "gpu").code == 1


@pytest.mark.parametrize("served", [False, True], ids=["store", "service"])
def test_in_time_or_not_at_all(own_home: Path, *, served: bool) -> None:
    """`--wait` names the holders and our place when the time is over, and leaves the queue."""
    with service(own_home) if served else open(os.devnull, "rb"):
        holder = command("sem", "run", "gpu", "--limit", "1", *SLEEP)
        until(lambda: held("gpu"))
        for wait in ("0", "0.3"):
            began = time.monotonic()
            refused = portbook("sem", "run", "gpu", "--limit", "1", "--wait", wait, "--", "true")
            assert time.monotonic() - began < 3
            assert refused.code == 1
            assert f"sleep (process {holder.pid})" in refused.err
            assert ("place in the queue was 1" in refused.err) == (wait != "0")
        assert waiting("gpu") == []
        ended(holder)


@pytest.mark.parametrize("served", [False, True], ids=["store", "service"])
def test_ctrl_c_leaves_the_queue(own_home: Path, *, served: bool) -> None:
    """SIGINT while waiting: exit code 130, and nobody stands in the way of the next."""
    with service(own_home) if served else open(os.devnull, "rb"):
        holder = command("sem", "run", "gpu", "--limit", "1", *SLEEP)
        until(lambda: held("gpu"))
        waiter = command("sem", "run", "gpu", "--limit", "1", *SLEEP)
        until(lambda: waiting("gpu"))
        waiter.send_signal(signal.SIGINT)
        _, said = waiter.communicate(timeout=10)
        assert (waiter.returncode, said) == (130, b"")
        assert waiting("gpu") == []
        ended(holder)


def test_four_shells_and_a_limit_of_two(tmp_path: Path) -> None:
    """Never more than two at a time, and every one gets its turn."""
    script = (
        'echo + >> "$0"; sleep 0.2; echo - >> "$0"',
        str(tmp_path / "log"),
    )
    runs = [
        command("sem", "run", "two", "--limit", "2", "--", "sh", "-c", *script) for _ in range(4)
    ]
    for each in runs:
        each.communicate(timeout=30)
        assert each.returncode == 0
    now = most = 0
    for sign in (tmp_path / "log").read_text().split():
        now += 1 if sign == "+" else -1
        most = max(most, now)
    assert (now, most) == (0, 2)


def test_who_waits_goes_with_the_claims_to_the_service_and_back(own_home: Path) -> None:
    """Four wait without the service; it starts, is killed, and the order is kept all along."""
    first = command("sem", "run", "gpu", "--limit", "1", *SLEEP)
    until(lambda: held("gpu") == [first.pid])
    queue: list[subprocess.Popen[bytes]] = []
    for _ in range(4):
        queue.append(command("sem", "run", "gpu", "--limit", "1", *SLEEP))
        until(lambda: len(waiting("gpu")) == len(queue))
    order = [each.pid for each in queue]
    assert waiting("gpu") == order
    with service(own_home) as serving:
        time.sleep(0.5)
        assert waiting("gpu") == order
        first.kill()
        assert until(lambda: held("gpu") == order[:1]) < 1.5
        queue[0].kill()
        assert until(lambda: held("gpu") == order[1:2]) < 1.5
        serving.send_signal(signal.SIGKILL)
        serving.wait()
    assert held("gpu") == order[1:2]
    assert waiting("gpu") == order[2:]
    queue[1].kill()
    assert until(lambda: held("gpu") == order[2:3]) < 1.5
    with service(own_home):
        queue[2].kill()
        assert until(lambda: held("gpu") == order[3:]) < 1.5
    ended(first, *queue)


@pytest.mark.parametrize("action", ["run", "acquire"])
def test_a_person_is_told_what_we_wait_for_and_who_has_it(action: str) -> None:
    """After a second of waiting, on a terminal: our place, and the holders."""
    permit = portbook("sem", "acquire", "gpu", "--limit", "1").out.strip()
    program = ("--", "true") if action == "run" else ()
    said = on_terminal("sem", action, "gpu", "--limit", "1", "--wait", "1.3", *program)
    assert said.count("waiting for gpu: place 1, held by user ") == 1
    assert portbook("sem", "release", "gpu", permit[:8]).code == 0
