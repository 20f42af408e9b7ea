"""Claims without the service: each call opens the store, and lives are really looked at."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from claims.served import line, python
from portbook.claims import places
from portbook.claims.direct import Direct
from portbook.host.lives import start_of
from portbook.model import EnvironmentFault, PortbookError
from portbook.model.claim import ClaimRefused, ClaimRequest, Permit, PermitRequest, Waiter
from portbook.survey.choosing import in_use, numbers_for

pytestmark = pytest.mark.live

CLAIMER = """
import os, sys
from portbook.survey.claiming import open_claims
from portbook.model.claim import ClaimRequest
ttl, mine = int(sys.argv[1]), sys.argv[2] == "pid"
access = open_claims()
[c] = access.claim(ClaimRequest(ttl_ms=ttl, watch_pid=os.getpid() if mine else None))
print(c.id, c.token, c.port, flush=True)
for each in sys.stdin:
    try:
        print("renewed", access.renew(c.id, c.token).id, flush=True)
    except Exception as error:
        print(getattr(error, "code", error), flush=True)
"""


def direct() -> Direct:
    """Access to the store of this test."""
    return Direct(places.store_path(), numbers_for, in_use)


def refused(code: str) -> "pytest.RaisesExc[ClaimRefused]":
    """Expects a refusal with this code."""
    return pytest.RaisesExc(ClaimRefused, check=lambda error: error.code == code)


def test_reading_makes_no_store() -> None:
    """Who only looks leaves nothing behind."""
    access = direct()
    assert (access.claims(), access.reservations(), access.semaphores()) == ((), (), ())
    assert not os.path.exists(places.store_path())


def test_a_claim_is_exclusive_until_it_is_released() -> None:
    """Another request for the number is refused with the holder, and the second release says no."""
    access = direct()
    [mine] = access.claim(ClaimRequest(name="web"))
    with pytest.raises(ClaimRefused) as met:
        access.claim(ClaimRequest(port=mine.port))
    assert met.value.code == "held"
    assert met.value.holder is not None
    assert access.fence(f"{mine.port}/tcp", mine.token).current
    assert access.renew(mine.id, mine.token).id == mine.id
    with refused("bad_token"):
        access.renew(mine.id, mine.token + 1)
    assert access.release(mine.id, mine.token)
    assert not access.release(mine.id, mine.token)
    [next_one] = access.claim(ClaimRequest(port=mine.port))
    assert next_one.token > mine.token


def test_the_same_request_again_is_the_same_claim() -> None:
    """Whatever happened to the first answer."""
    access = direct()
    request = ClaimRequest(request_id="once")
    assert access.claim(request)[0].id == access.claim(request)[0].id
    assert len(access.claims()) == 1


def test_a_killed_holder_has_nothing_at_once() -> None:
    """SIGKILL: no TTL has to run out, and no lock-delay is kept."""
    with python(CLAIMER, "600000", "pid") as holder:
        _, _, port = line(holder).split()
        with refused("held"):
            direct().claim(ClaimRequest(port=int(port)))
        holder.kill()
        holder.wait()
    assert direct().claim(ClaimRequest(port=int(port)))[0].port == int(port)


def test_a_zombie_is_no_life() -> None:
    """A holder that ended and that nobody waited for holds nothing."""
    with python(CLAIMER, "600000", "pid") as holder:
        _, _, port = line(holder).split()
        os.kill(holder.pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while start_of(holder.pid) is not None:
            assert time.monotonic() < deadline
        assert direct().claim(ClaimRequest(port=int(port)))


def test_a_reused_pid_is_another_life() -> None:
    """The process of that PID started at another time: what the claim's owner had is free."""
    access = direct()
    with python(CLAIMER, "600000", "pid") as holder:
        _, _, port = line(holder).split()
        with sqlite3.connect(places.store_path()) as store:
            store.execute("UPDATE claim SET start = start - 1")
        store.close()
        assert access.claims() == ()
        assert access.claim(ClaimRequest(port=int(port)))
        assert holder.poll() is None


def test_who_sleeps_past_the_ttl_has_lost_and_who_names_a_process_has_not() -> None:
    """SIGSTOP past the TTL and back: with the TTL alone renew says lost, with a PID it is ours."""
    with python(CLAIMER, "1000", "ttl") as by_ttl, python(CLAIMER, "1000", "pid") as by_pid:
        _, _, lost = line(by_ttl).split()
        _, _, kept = line(by_pid).split()
        for each in (by_ttl, by_pid):
            each.send_signal(signal.SIGSTOP)
        time.sleep(1.1)
        with refused("held") as met:
            direct().claim(ClaimRequest(port=int(lost)))
        assert 0 < (met.value.retry_after_ms or 0) <= 2_000  # the lock-delay
        began = time.monotonic()
        assert direct().claim(ClaimRequest(port=int(lost), wait_ms=5_000))
        assert time.monotonic() - began < 2.5
        with refused("held"):
            direct().claim(ClaimRequest(port=int(kept)))
        answers = []
        for each in (by_ttl, by_pid):
            each.send_signal(signal.SIGCONT)
            assert each.stdin is not None
            each.stdin.write(b"renew\n")
            each.stdin.flush()
            answers.append(line(each).split()[0])
        assert answers == ["lost", "renewed"]


def test_waiting_is_first_come_first_served_and_the_dead_are_passed_over() -> None:
    """Two wait; the place is kept by asking again; a killed holder's units go to the first."""
    access = direct()
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    held = access.acquire(PermitRequest("gpu", 1, watch_pid=sleeper.pid))
    assert isinstance(held, Permit)
    first = access.acquire(PermitRequest("gpu", 1, request_id="a", wait_ms=50))
    second = access.acquire(PermitRequest("gpu", 1, request_id="b", wait_ms=50))
    assert isinstance(first, Waiter)
    assert isinstance(second, Waiter)
    assert (first.position, second.position) == (1, 2)
    with refused("timeout"):
        access.acquire(PermitRequest("gpu", 1))
    with refused("limit_mismatch"):
        access.acquire(PermitRequest("gpu", 2))
    sleeper.kill()
    sleeper.communicate()
    assert isinstance(access.acquire(PermitRequest("gpu", 1, request_id="b", wait_ms=50)), Waiter)
    mine = access.acquire(PermitRequest("gpu", 1, request_id="a", wait_ms=50))
    assert isinstance(mine, Permit)
    assert access.cancel_wait("b")
    assert not access.cancel_wait("b")
    assert access.release_permit(mine.id, mine.token)
    assert access.semaphores() == ()


def test_nobody_holds_a_port_without_the_service() -> None:
    """A hold needs a process that stays: it is refused, and nothing is claimed."""
    access = direct()
    with refused("not_held"):
        access.claim(ClaimRequest(hold=True))
    assert access.claims() == ()


def test_a_life_has_to_be_there_to_keep_a_lease() -> None:
    """A PID that no process has is refused."""
    with refused("invalid"):
        direct().claim(ClaimRequest(watch_pid=2**22 - 7))


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder that other users can reach."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("PORTBOOK_DATA_HOME", folder)
        yield Path(folder)


def as_nobody(*acts: Callable[[], object]) -> list[str]:
    """What comes of calling these as another user: a refusal's code, a fault's type, or `done`."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            for act in acts:
                try:
                    act()
                    told = "done"
                except ClaimRefused as error:
                    told = f"{error.code}/{error.exit_code}"
                except PortbookError as error:
                    told = f"{type(error).__name__}/{error.exit_code}"
                os.write(write, f"{told} ".encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with open(read, encoding="utf-8") as file:
        return file.read().split()


@pytest.mark.root
def test_another_user_can_neither_name_our_process_nor_touch_our_claim(shared: Path) -> None:
    """Under another uid: invalid, not_yours (exit 4); root may do everything."""
    access = direct()
    [mine] = access.claim(ClaimRequest())
    for each in (shared, *shared.iterdir()):
        os.chown(each, 65534, 65534)
    told = as_nobody(
        lambda: access.claim(ClaimRequest(watch_pid=1)),
        lambda: access.renew(mine.id, mine.token),
        lambda: access.release(mine.id, mine.token),
        lambda: access.fence(mine.id, mine.token),
        lambda: access.transfer(mine.id, mine.token, os.getpid()),
    )
    assert told == ["invalid/2", *["not_yours/4"] * 4]
    assert access.release(mine.id, mine.token)


@pytest.mark.root
def test_a_folder_that_cannot_be_written_is_one_line(shared: Path) -> None:
    """Root's folder, and a store in it that another user may read."""
    direct().claim(ClaimRequest())
    for each in shared.iterdir():
        each.chmod(0o644)
    shared.chmod(0o755)
    access = direct()
    told = as_nobody(lambda: access.claim(ClaimRequest()), access.claims)
    assert told == ["NotPermitted/4", "done"]


@pytest.mark.root
def test_a_full_disk_refuses_and_takes_nothing(own_home: Path) -> None:
    """On a tmpfs of 256 KiB that is full: one line, and once there is space it works again."""
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(own_home)], capture_output=True
    ).returncode:
        pytest.skip("no tmpfs can be mounted")
    try:
        access = direct()
        [mine] = access.claim(ClaimRequest())
        filler = own_home / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        with pytest.raises(EnvironmentFault):  # noqa: PT012 - the log has some space left
            for _ in range(200):
                access.claim(ClaimRequest())
        filler.unlink()
        assert mine.id in [each.id for each in access.claims()]
        assert access.release(mine.id, mine.token)
    finally:
        subprocess.run(["umount", str(own_home)], check=True)


def test_a_lock_that_nobody_gives_back_is_waited_for_and_told(own_home: Path) -> None:
    """Somebody else at work: who asks waits, and gets its turn."""
    code = (
        "import sys, time; from portbook.claims.sqlite import lock\n"
        "held = lock(sys.argv[1]); print('has it', flush=True); time.sleep(1.0); held.close()"
    )
    with python(code, places.store_path()) as other:
        assert line(other) == "has it"
        began = time.monotonic()
        assert direct().claim(ClaimRequest())
        assert 0.3 < time.monotonic() - began < 4
