"""Signals under `portbook run`: each arrives once, and a terminal works as without us."""

import os
import pty
import re
import select
import shlex
import signal
import termios
import time

import pytest

from claims.run_processes import command, environment, python, running, until
from command import portbook

COUNTING = (
    "import os, signal, sys, time\n"
    "def tell(number, frame):\n"
    "    os.write(1, b'got %d\\n' % number)\n"
    "for number in map(int, sys.argv[1:]):\n"
    "    signal.signal(number, tell)\n"
    "os.write(1, b'counting\\n')\n"
    "deadline = time.monotonic() + 30\n"
    "while time.monotonic() < deadline: time.sleep(0.05)\n"
)
"""Writes a line for each signal, with no buffer between."""
PASSED_ON = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT"]


def test_each_signal_is_passed_on_once() -> None:
    """Sent to us alone, it reaches the program, one time."""
    numbers = [signal.Signals[name] for name in PASSED_ON]
    with running("--", *python(COUNTING, *(str(int(each)) for each in numbers))) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "counting\n"
        for number in numbers:
            process.send_signal(number)
            assert process.stdout.readline() == f"got {int(number)}\n"
        assert not select.select([process.stdout], [], [], 0.2)[0]


def test_a_program_that_ignores_term_stays() -> None:
    """We do not end before it, and do not give its port away."""
    script = (
        "import signal, time; signal.signal(15, signal.SIG_IGN)\n"
        "print(1, flush=True); time.sleep(30)\n"
    )
    with running("--", *python(script)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        time.sleep(0.3)
        assert process.poll() is None


def test_what_was_ignored_stays_ignored() -> None:
    """As under nohup: SIGHUP does not end the program."""
    prefix = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"]
    script = "import time; print(1, flush=True); time.sleep(30)"
    with running("--", *python(script), prefix=prefix) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert process.poll() is None


def test_the_program_has_the_usual_signals() -> None:
    """No signal is blocked or ignored that was not: Python's own SIGPIPE is undone."""
    with running("--", "grep", "Sig[BI]", "/proc/self/status") as process:
        told, _ = process.communicate(timeout=20)
    assert re.findall(r"Sig(?:Blk|Ign):\s0+$", told, re.MULTILINE) == told.splitlines()


class Terminal:
    """A program in a terminal of its own, as the leader of its session."""

    def __init__(self, *arguments: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(arguments[0], list(arguments), environment())  # noqa: S606 - a test
        self.seen = b""

    def wait_for(self, words: bytes, seconds: float = 20.0) -> None:
        """Read until the words are on the screen.

        Raises:
            AssertionError: they do not come.
        """
        deadline = time.monotonic() + seconds
        while words not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0, (words, self.seen)
            if select.select([self.fd], [], [], left)[0]:
                try:
                    self.seen += os.read(self.fd, 4096)
                except OSError:
                    raise AssertionError((words, self.seen)) from None

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.fd, keys)

    def close(self) -> int:
        """End it; the exit code of the first program."""
        os.close(self.fd)
        for _ in range(200):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def terminal() -> Terminal:
    """The counting program under `portbook run`, in a terminal."""
    numbers = [str(int(signal.SIGINT)), str(int(signal.SIGWINCH))]
    return Terminal(*command("--", *python(COUNTING, *numbers)))


def test_ctrl_c_arrives_once(terminal: Terminal) -> None:
    """The terminal sends it to the program; we do not send it again."""
    try:
        terminal.wait_for(b"counting")
        terminal.type(b"\x03")
        terminal.wait_for(b"got 2")
        termios.tcsetwinsize(terminal.fd, (40, 100))
        terminal.wait_for(b"got 28")
        time.sleep(0.3)
        terminal.type(b"\x03")
        until(lambda: _read(terminal).count(b"got 2\r") == 2)
        assert terminal.seen.count(b"got 28") == 1
    finally:
        terminal.close()


def _read(terminal: Terminal) -> bytes:
    while select.select([terminal.fd], [], [], 0)[0]:
        terminal.seen += os.read(terminal.fd, 4096)
    return terminal.seen


def test_ctrl_z_and_fg_work_in_a_shell() -> None:
    """The shell gets its prompt back, and `fg` goes on with the program."""
    script = "import time; print('beg' + 'un', flush=True); time.sleep(30)"
    terminal = Terminal("bash", "--norc", "--noprofile", "-i")
    try:
        terminal.type(b"PS1='ready> '\n")
        terminal.wait_for(b"ready> ")
        words = shlex.join(command("--quiet", "--", *python(script)))
        terminal.type(words.encode() + b"\n")
        terminal.wait_for(b"begun\r\n")
        terminal.type(b"\x1a")
        terminal.wait_for(b"Stopped")
        terminal.seen = b""
        terminal.type(b"fg\n")
        terminal.wait_for(b"portbook run")
        time.sleep(0.3)
        terminal.type(b"\x03")
        terminal.wait_for(b"ready> ")
        terminal.type(b"echo code $?\n")
        terminal.wait_for(b"code 130")
    finally:
        terminal.close()


def test_a_stopped_program_keeps_its_port() -> None:
    """SIGSTOP to both ends nothing, and nothing is given away."""
    with running("--", *python(COUNTING, "12")) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "counting\n"
        os.killpg(process.pid, signal.SIGSTOP)
        assert len(portbook("claims", "--json").document["claims"]) == 1
        os.killpg(process.pid, signal.SIGCONT)
        process.send_signal(signal.SIGUSR2)
        assert process.stdout.readline() == "got 12\n"
