"""Processes held by a descriptor, so that a signal meets the one that was meant; and our own end.

A PID may be another process a moment later. A pidfd (pidfd_open(2), Linux 5.3) stays that one.
"""

import errno
import os
import select
import signal
from collections.abc import Iterable
from types import FrameType

from portbook.host import clock
from portbook.model import EnvironmentFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

MOST_WATCHED = 512
"""Processes whose end is watched at once; a service may open 1,024 files by default."""


class Process:
    """One process, pinned.

    Raises:
        ProcessLookupError: there is none with that PID.
        EnvironmentFault: this system cannot pin one.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._fd = _pin(pid)

    def send(self, number: int) -> None:
        """Send it a signal.

        Raises:
            ProcessLookupError: it has ended.
            PermissionError: it is another user's.
        """
        signal.pidfd_send_signal(self._fd, number)

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether it has ended, waiting for it up to `seconds`."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def close(self) -> None:
        """Let go of it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()


def _pin(pid: int) -> int:
    if not hasattr(os, "pidfd_open"):
        raise EnvironmentFault("this system has no pidfd, so that a signal could meet another one")
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):
            raise EnvironmentFault(
                "the kernel refuses pidfd_open()", hint="Linux 5.3 or newer, without seccomp"
            ) from None
        raise


class Watch:
    """Tells which of many processes have ended, by one poll(2): 0.02 ms for 200 (measured)."""

    def __init__(self) -> None:
        self._fds: dict[int, int] = {}
        self._poll: select.poll | None = None

    def keep(self, pids: Iterable[int]) -> None:
        """Watch these processes, up to MOST_WATCHED, and no others."""
        wanted = set(pids)
        if wanted == self._fds.keys():
            return
        for pid in self._fds.keys() - wanted:
            os.close(self._fds.pop(pid))
        for pid in sorted(wanted - self._fds.keys()):
            if len(self._fds) >= MOST_WATCHED:
                break
            try:
                self._fds[pid] = _pin(pid)
            except (OSError, EnvironmentFault):
                # Gone already, or this system cannot: who asks looks again from time to time.
                continue
        self._poll = select.poll()
        for fd in self._fds.values():
            self._poll.register(fd, select.POLLIN)

    def ended(self) -> set[int]:
        """The PIDs of those that have ended."""
        if self._poll is None or not (events := self._poll.poll(0)):
            return set()
        ready = {fd for fd, _ in events}
        return {pid for pid, fd in self._fds.items() if fd in ready}

    def close(self) -> None:
        """Watch nobody."""
        self.keep(())


_TWICE = 0.5
"""Seconds after which a signal that comes again is meant: timeout(1) sends each one twice, to us
and to our group, and a service manager sends SIGHUP behind SIGTERM."""


def _above_standard(fd: int) -> int:
    """A descriptor that is not 0, 1 or 2: where one of these was closed it must stay so."""
    if fd > 2:
        return fd
    import fcntl

    moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(fd)
    return moved


class Ending:
    """Inside of it SIGTERM, SIGINT and SIGHUP do not end us at once: `wait` tells that they came.

    `asked` is the signal that came first, None before. A second SIGINT or SIGTERM ends us at once,
    as it would have without us: who waits in a read does not look at `asked`.
    """

    _SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")

    def __init__(self) -> None:
        self.asked: int | None = None
        self._asked_at = 0.0
        self._before: dict[int, object] = {}
        self._read, self._write = (_above_standard(each) for each in os.pipe())
        os.set_blocking(self._write, False)

    def __enter__(self) -> "Self":
        for name in self._SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_raised: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what signal() returned
        os.close(self._read)
        os.close(self._write)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.asked is None:
            self.asked = number
            self._asked_at = clock.monotonic()
            os.write(self._write, b".")
        elif (
            number != getattr(signal, "SIGHUP", None)
            and clock.monotonic() - self._asked_at >= _TWICE
        ):
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def fileno(self) -> int:
        """A descriptor that is readable as soon as we were asked to end, for who waits for more."""
        return self._read

    def wait(self, seconds: float) -> bool:
        """Wait; true as soon as we were asked to end."""
        if self.asked is None:
            select.select([self._read], [], [], max(0.0, seconds))
        return self.asked is not None
