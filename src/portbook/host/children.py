"""A program started as our child in our own process group, and the signals meant for it.

The child has our terminal, streams and process group, so that a shell sees one job: what the
terminal sends (Ctrl-C, Ctrl-Z, a new size) reaches it by itself. What another program sends to us
is passed on. `subprocess` and `signal` are not imported: 18 ms of every start (measured).
"""

import errno
import os
from collections.abc import Sequence

from portbook.host.death_signal import death_signal
from portbook.model.errors import PortbookError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import Any, NoReturn, Self
else:
    import _signal as signal

FIRST_PASSED = 3
"""The descriptor of the first passed socket (sd_listen_fds(3))."""
_PASSED_ON = ("INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH", "CONT", "TSTP")
_BY_KERNEL = 0x80
"""SI_KERNEL of sigaction(2): the terminal sent it, to the whole process group."""


class NotStarted(PortbookError):
    """The program cannot be started; the exit code is what shells give, 127 or 126."""

    def __init__(self, program: str, number: int) -> None:
        super().__init__(f"{program}: {os.strerror(number)}")
        self.exit_code = 127 if number == errno.ENOENT else 126


class Child:
    """A running program. `status` is None until it has ended, then what waitpid(2) told."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.status: int | None = None

    def send(self, number: int) -> None:
        """Send it a signal; nothing happens if it has ended."""
        # Not reaped yet, so the PID cannot be another process's.
        if self.status is None:
            os.kill(self.pid, number)

    def look(self) -> bool:
        """Whether it has ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status is not None

    @property
    def exit_code(self) -> int:
        """As a shell tells it: 128 and the signal's number for one that a signal ended."""
        code = os.waitstatus_to_exitcode(self.status or 0)
        return code if code >= 0 else 128 - code


class Attention:
    """Inside of it no signal interrupts us: `wait` hands them out one by one."""

    def __init__(self) -> None:
        self._wanted = {signal.SIGCHLD, *(getattr(signal, f"SIG{name}") for name in _PASSED_ON)}
        self.before: set[int] = set()
        """The signals that were blocked when we began: a child begins with the same."""

    def __enter__(self) -> "Self":
        self.before = set(signal.pthread_sigmask(signal.SIG_BLOCK, self._wanted))
        if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
            # Inherited; the kernel would throw the exit code away (wait(2)).
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        return self

    def __exit__(self, *_raised: object) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self.before)

    def wait(self, child: Child, seconds: float) -> bool:
        """Wait for a signal, and do what it asks; whether the child has ended."""
        while True:
            found = signal.sigtimedwait(self._wanted, max(0.0, seconds))
            # CPython returns uninitialized memory where a stop and SIGCONT interrupted the wait and
            # the time is over (signal_sigtimedwait_impl() of 3.11).
            if found is None or found.si_signo not in self._wanted:
                return child.look()
            if found.si_signo == signal.SIGCHLD:
                if child.look():
                    return True
            else:
                self._pass_on(child, found)
            seconds = 0.0

    def _pass_on(self, child: Child, found: "Any") -> None:
        number = found.si_signo
        if found.si_code != _BY_KERNEL:
            child.send(number)
        if number == signal.SIGTSTP:
            # Our shell waits for us, so we stop as well. The default action does it, and not
            # SIGSTOP: nobody could wake a process group that no shell looks after.
            os.kill(os.getpid(), signal.SIGTSTP)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})


def start(
    arguments: Sequence[str],
    environment: dict[str, str],
    attention: Attention,
    *,
    passed: Sequence[int] = (),
) -> Child:
    """Start a program; it has been found and runs when this returns.

    `passed` are descriptors of listening sockets for it, from descriptor 3 on, announced by
    LISTEN_FDS and LISTEN_PID. If we are killed, the kernel sends it SIGTERM.

    Raises:
        NotStarted: there is no such program, or it may not be run.
    """
    # Loaded before the fork.
    die_with_us = death_signal()
    ours = os.getpid()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if die_with_us is not None:
                die_with_us(signal.SIGTERM)
                if os.getppid() != ours:
                    os._exit(143)
            _become(arguments, environment, attention.before, passed, write)
        finally:
            os._exit(127)
    os.close(write)
    with open(read, "rb") as failed:
        told = failed.read()
    if told:
        os.waitpid(pid, 0)
        raise NotStarted(arguments[0], int(told))
    return Child(pid)


class Watcher:
    """A process of ours that acts if we end without `dismiss`, as by SIGKILL.

    It has a session of its own, none of our files, and as a fork within Attention its signals are
    blocked; `ps` shows it as portbook-watch. Where none can be started we do without.
    """

    def __init__(self, act: "Callable[[], None]") -> None:
        self._pid, self._ours = 0, -1
        try:
            # Whoever was started before has no copy of our end: it closes when we end.
            read, self._ours = os.pipe()
        except OSError:
            return
        try:
            self._pid = os.fork()
        except OSError:
            os.close(read)
            return
        if self._pid == 0:
            try:
                _watch(read, act)
            finally:
                os._exit(0)
        os.close(read)

    def dismiss(self) -> None:
        """End it: what we leave behind is left on purpose."""
        if self._pid:
            # Not reaped yet, so the PID cannot be another process's.
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_raised: object) -> None:
        self.dismiss()


def _watch(read: int, act: "Callable[[], None]") -> None:
    os.setsid()
    os.chdir("/")
    for name in os.listdir("/proc/self/fd"):
        # The folder itself was open as well, and is closed by now.
        if int(name) != read:
            try:
                os.close(int(name))
            except OSError:
                continue
    with open("/proc/self/comm", "wb") as file:
        file.write(b"portbook-watch")
    os.read(read, 1)
    act()


def _become(
    arguments: Sequence[str],
    environment: dict[str, str],
    blocked: set[int],
    passed: Sequence[int],
    tell: int,
) -> None:
    """In the child: take the place of this program."""
    if passed:
        from fcntl import F_DUPFD_CLOEXEC, fcntl

        # Out of the way of the numbers that the sockets get.
        above = FIRST_PASSED + len(passed)
        tell = fcntl(tell, F_DUPFD_CLOEXEC, above)
        for index, each in enumerate([fcntl(each, F_DUPFD_CLOEXEC, above) for each in passed]):
            os.dup2(each, FIRST_PASSED + index, inheritable=True)
        environment = {
            **environment,
            "LISTEN_FDS": str(len(passed)),
            "LISTEN_PID": str(os.getpid()),
        }
    # Python ignores these two, and what is ignored stays so over exec (as subprocess does it).
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    try:
        os.execvpe(arguments[0], list(arguments), environment)  # noqa: S606 - as asked for
    except OSError as error:
        os.write(tell, str(error.errno).encode())


def end_as(child: Child) -> "NoReturn":
    """End as the child did: with its exit code, or by the signal that ended it.

    A shell tells Ctrl-C from an exit code, and goes on with its script or not.
    """
    code = os.waitstatus_to_exitcode(child.status or 0)
    if code < 0:
        import resource

        # One core dump is enough.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
        os.kill(os.getpid(), -code)
    os._exit(child.exit_code)
