"""Programs that run beside us: real ones, which end with us however that happens."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from live.stage import environment
from portbook.host.companion import Companion, Keeper
from portbook.model import EnvironmentFault

LISTENS = "import sys; sys.stdin.read(); sys.exit(7)"
STUBBORN = "import time, signal; signal.signal(15, signal.SIG_IGN); time.sleep(600)"


def python(code: str) -> tuple[str, ...]:
    """A program of one line."""
    return (sys.executable, "-c", code)


def soon(true: Callable[[], object]) -> bool:
    """Whether it becomes true in half a minute."""
    until = time.monotonic() + 30
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def is_running(pid: int) -> bool:
    """Whether the process has not ended; a zombie has."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return status != "Z"


def test_it_ends_when_its_input_ends() -> None:
    """And its exit code is told."""
    companion = Companion(python(LISTENS))
    assert is_running(companion.pid)
    companion.release()
    assert companion.wait() == 7


def test_a_signal_is_told_as_a_shell_does() -> None:
    """128 and its number."""
    companion = Companion(python(STUBBORN))
    companion.kill()
    assert companion.wait() == 128 + signal.SIGKILL
    companion.kill()
    companion.release()


def test_a_program_that_is_not_there_is_an_error() -> None:
    """One line, and no descriptor is left open."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(EnvironmentFault, match="cannot be started"):
        Companion(("/no/such/program",))
    assert len(os.listdir("/proc/self/fd")) == before


def test_it_is_begun_anew_and_that_is_said_once(tmp_path: Path) -> None:
    """After pauses that grow."""
    file, said = tmp_path / "runs", list[str]()
    code = f"import time; open({str(file)!r}, 'a').write(f'{{time.time()}}\\n')"
    keeper = Keeper(python(code), say=said.append, name="it", first=0.05, longest=60)
    try:
        assert soon(lambda: file.exists() and file.read_text().count("\n") >= 5)
    finally:
        keeper.close()
    times = [float(line) for line in file.read_text().split()]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses[3] >= 0.4
    assert said == ["it has ended (exit code 0): it is begun anew, after growing pauses"]


def test_what_would_happen_again_is_left_alone() -> None:
    """With such an exit code it is not begun anew."""
    said: list[str] = []
    keeper = Keeper(python("raise SystemExit(4)"), say=said.append, name="it", final=(2, 4))
    assert soon(lambda: said)
    keeper.close()
    assert said == ["it has ended (exit code 4), and is left alone"]


@pytest.mark.parametrize("code", [LISTENS, STUBBORN])
def test_closing_ends_it(code: str) -> None:
    """Also one that ignores the end of its input."""
    said: list[str] = []
    keeper = Keeper(python(code), say=said.append, name="it")
    assert soon(lambda: keeper.pid)
    pid = keeper.pid
    assert pid is not None
    keeper.close()
    assert soon(lambda: not is_running(pid))
    assert said == []


def test_it_ends_when_we_are_killed(tmp_path: Path) -> None:
    """SIGKILL leaves nobody behind who could tell it: the kernel closes the pipe."""
    file = tmp_path / "pid"
    code = (
        "import sys, time\n"
        "from portbook.host.companion import Keeper\n"
        f"keeper = Keeper((sys.executable, '-c', {LISTENS!r}), say=print, name='it')\n"
        "while not keeper.pid: time.sleep(0.01)\n"
        f"open({str(file)!r}, 'w').write(f'{{keeper.pid}}\\n')\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], env=environment()) as starter:
        assert soon(lambda: file.exists() and file.read_text().endswith("\n"))
        pid = int(file.read_text())
        assert is_running(pid)
        starter.kill()
    assert soon(lambda: not is_running(pid))


def test_it_ends_when_we_are_killed_while_it_is_stopped() -> None:
    """Also where the kernel would leave it stopped: whoever inherits it is of its session."""
    stopped = (
        "import os, signal, sys\n"
        "from portbook.host.companion import wake_with_starter\n"
        "wake_with_starter()\n"
        "os.kill(os.getpid(), signal.SIGSTOP)\n"
        "sys.stdin.read()\n"
        "sys.exit(7)\n"
    )
    starter = (
        "import sys, time\n"
        "from portbook.host.companion import Companion\n"
        f"print(Companion((sys.executable, '-c', {stopped!r})).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    # prctl(PR_SET_CHILD_SUBREAPER): it inherits what its children leave.
    heir = (
        "import ctypes, os, pathlib, subprocess, sys, time\n"
        "ctypes.CDLL(None).prctl(36, 1)\n"
        f"one = subprocess.Popen((sys.executable, '-c', {starter!r}), stdout=subprocess.PIPE)\n"
        "pid = int(one.stdout.readline())\n"
        "stat = pathlib.Path(f'/proc/{pid}/stat')\n"
        "while stat.read_text().rpartition(')')[2].split()[0] != 'T':\n"
        "    time.sleep(0.01)\n"
        "one.kill()\n"
        "one.wait()\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    with subprocess.Popen(
        (sys.executable, "-c", heir),
        stdout=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
    ) as running:
        try:
            told = running.communicate(timeout=30)[0]
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
    assert told == b"7\n"
