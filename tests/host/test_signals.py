import os
import signal
import subprocess
import sys

import pytest

from portbook.host.signals import Ending, Process, Watch

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open")

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_pinned_process_is_signalled_and_seen_to_end() -> None:
    """TERM reaches it, and its end is seen without reaping it."""
    with subprocess.Popen(SLEEPER) as child, Process(child.pid) as pinned:
        assert not pinned.ended()
        pinned.send(signal.SIGTERM)
        assert pinned.ended(10)
        assert child.wait() == -signal.SIGTERM
        with pytest.raises(ProcessLookupError):
            pinned.send(signal.SIGTERM)


def test_a_pid_of_nobody_cannot_be_pinned() -> None:
    """It ended, and was reaped."""
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
        with pytest.raises(ProcessLookupError):
            Process(child.pid)


def test_watching_tells_who_has_ended() -> None:
    """Of several, only the one that did; what is no longer watched is let go of."""
    watch = Watch()
    with subprocess.Popen(SLEEPER) as one, subprocess.Popen(SLEEPER) as two:
        before = len(os.listdir("/proc/self/fd"))
        watch.keep([one.pid, two.pid, 1 << 22])
        assert watch.ended() == set()
        one.kill()
        one.wait()
        assert watch.ended() == {one.pid}
        watch.keep([two.pid])
        assert watch.ended() == set()
        watch.close()
        assert len(os.listdir("/proc/self/fd")) == before
        two.kill()


def test_being_asked_to_end_is_told_and_ends_the_wait() -> None:
    """SIGTERM is noted instead of ending us; outside of the block all is as before."""
    before = signal.getsignal(signal.SIGTERM)
    with Ending() as ending:
        assert not ending.wait(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
        assert ending.wait(30)
        assert ending.asked == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before


_STUBBORN = """
import os, signal, sys
from portbook.host.signals import Ending
with Ending() as ending:
    print(ending.fileno(), flush=True)
    read, write = os.pipe()
    os.read(read, 1)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_who_does_not_look(number: int) -> None:
    """A read that never returns: the first signal is noted, a later one ends the process by it."""
    argv = [sys.executable, "-c", _STUBBORN]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        for _ in range(3):  # as timeout(1) does: at once, twice
            child.send_signal(number)
        child.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.7)
        child.send_signal(number)
        assert child.wait(30) == -number


def test_the_wake_pipe_does_not_take_the_place_of_a_closed_stream() -> None:
    """Where standard input is closed it stays so."""
    code = "from portbook.host.signals import Ending; print(Ending().fileno())"
    argv = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", code]
    done = subprocess.run(argv, capture_output=True, timeout=50, check=True)
    assert int(done.stdout) > 2
