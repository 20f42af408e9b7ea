"""`portbook.claim` and `portbook.permit` in real programs."""

import os
import signal
import socket
from pathlib import Path

import pytest

import portbook
from claims.served import line, python, service, until
from command import portbook as run
from portbook.claims import places
from portbook.model import UsageError
from portbook.survey.claiming import open_claims

pytestmark = pytest.mark.live

HOLDER = """
import portbook, sys
with portbook.claim(name="web") as c, portbook.permit("gpu", limit=1):
    print(c.port, flush=True)
    sys.stdin.read()
"""


def test_a_claim_for_a_block_has_a_socket() -> None:
    """The number is ours in the block, bound on first use, and free behind it."""
    with portbook.claim(name="web") as mine:
        assert [each.id for each in open_claims().claims()] == [mine.id]
        assert mine.ports == (mine.port,)
        assert mine.token > 0
        mine.renew()
        with pytest.raises(portbook.ClaimRefused) as met, portbook.claim(port=mine.port):
            pass
        assert met.value.code == "held"
        mine.socket.listen()
        with socket.create_connection(("127.0.0.1", mine.port)):
            pass
        number = mine.port
    assert open_claims().claims() == ()
    with portbook.claim(name="web") as again:
        assert again.port == number


def test_the_service_holds_it_until_the_socket_is_fetched(own_home: Path) -> None:
    """`hold=True`: there is no moment at which somebody else could bind the number."""
    with service(own_home), portbook.claim(hold=True) as mine:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", mine.port))
        mine.socket.listen()
        with socket.create_connection(("127.0.0.1", mine.port)):
            pass


def test_a_squatted_number_is_told() -> None:
    """bind() has the last word: somebody who did not ask has taken it."""
    with portbook.claim() as mine, socket.create_server(("127.0.0.1", mine.port)):
        with pytest.raises(portbook.ClaimRefused) as met:
            mine.socket.listen()
        assert met.value.code == "in_use"


def test_a_killed_program_leaves_nothing() -> None:
    """SIGKILL in the middle of the block."""
    with python(HOLDER) as holder:
        assert int(line(holder)) > 1023
        assert len(open_claims().claims()) == 1
        with pytest.raises(portbook.ClaimRefused) as met:
            portbook.permit("gpu", limit=1, wait=0)
        assert met.value.code == "timeout"
        assert str(holder.pid) in str(met.value)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with portbook.permit("gpu", limit=1, wait=0) as mine:
        assert mine.token > 0
    assert open_claims().claims() == ()


def test_a_forked_child_gives_nothing_back() -> None:
    """What is claimed belongs to the process that claimed it, whatever its children do."""
    with portbook.claim() as mine, portbook.permit("gpu", limit=1) as permit:
        pid = os.fork()
        if pid == 0:
            mine.release()
            permit.release()
            os._exit(0)
        os.waitpid(pid, 0)
        assert len(open_claims().claims()) == 1
        assert len(open_claims().semaphores()) == 1


@pytest.mark.parametrize("served", [False, True], ids=["store", "service"])
def test_who_is_interrupted_leaves_the_queue(own_home: Path, *, served: bool) -> None:
    """Ctrl-C while waiting, in a program that goes on: it no longer stands in the queue."""

    def interrupt(*_signal: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with (
            service(own_home) if served else open(os.devnull, "rb"),
            portbook.permit("gpu", limit=1),
        ):
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            with pytest.raises(KeyboardInterrupt):
                portbook.permit("gpu", limit=1)
            [state] = open_claims().semaphores()
            assert (len(state.held), state.waiting) == (1, ())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_two_limits_are_a_mistake() -> None:
    """Everybody who uses a semaphore names the same limit."""
    with portbook.permit("gpu", limit=2, units=2):
        with pytest.raises(portbook.ClaimRefused) as met:
            portbook.permit("gpu", limit=3)
        assert met.value.code == "limit_mismatch"
        assert "2" in str(met.value)
        assert "3" in str(met.value)


def test_the_block_survives_the_service(own_home: Path) -> None:
    """Claimed with the service, renewed without it, given back to the next one."""
    with service(own_home), portbook.claim() as mine:
        assert open_claims().via == "service"
        os.kill(int(run_pid(own_home)), signal.SIGKILL)
        until(lambda: open_claims().via == "store")
        mine.renew()
        with service(own_home):
            mine.renew()
            assert [each.id for each in open_claims().claims()] == [mine.id]
        mine.renew()
    assert open_claims().claims() == ()
    assert run("claims").out == "nothing is claimed\n"


def run_pid(home: Path) -> str:
    """The process that has the store's lock."""
    with open("/proc/locks", encoding="ascii") as file:
        inode = os.stat(f"{places.store_path()}.lock").st_ino
        return next(each.split()[4] for each in file if each.split()[5].endswith(f":{inode}"))


def test_what_was_released_has_no_socket() -> None:
    """`lost`, and not a socket on a number that is somebody else's by now."""
    mine = portbook.claim()
    mine.socket.listen()
    mine.release()
    with pytest.raises(portbook.ClaimRefused, match="was released") as met:
        _ = mine.socket
    assert met.value.code == "lost"


def test_our_own_reserved_number_is_to_be_had_by_its_name(tmp_path: Path) -> None:
    """The hint of the refusal; and a number is no name."""
    with portbook.claim(name="web", project=str(tmp_path)) as mine:
        number = mine.port
    with pytest.raises(portbook.ClaimRefused) as met:
        portbook.claim(port=number, project=str(tmp_path))
    assert met.value.code == "held"
    assert met.value.hint == f"portbook claim --name web, or portbook unreserve {number}"
    with pytest.raises(UsageError):
        portbook.claim(name="8080")
