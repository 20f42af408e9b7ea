"""A program that runs beside us, and ends when we do, however that happens.

Its standard input is a pipe whose other end only we have: it is to end when that closes. It is
started by posix_spawn(3), which is safe beside threads; `subprocess` and a fork are not needed. One
that may have been stopped then (SIGSTOP) calls `wake_with_starter` when it begins.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Sequence

from portbook.host import clock
from portbook.host.death_signal import death_signal
from portbook.model.errors import EnvironmentFault

_GRACE = 3.0
"""Seconds that it has for ending by itself."""


def wake_with_starter() -> None:
    """From here on the kernel wakes us, should we be stopped when whoever started us ends.

    Who is stopped does not read that its input has ended. Who is not notices nothing.
    """
    ask = death_signal()
    if ask is not None:
        ask(signal.SIGCONT)


class Companion:
    """One run of a program. With `quiet` it has no standard error.

    Raises:
        EnvironmentFault: it cannot be started.
    """

    def __init__(self, arguments: Sequence[str], *, quiet: bool = False) -> None:
        read, self._ours = os.pipe()
        nowhere = os.O_WRONLY, 0
        actions: list[tuple[int | str, ...]] = [
            (os.POSIX_SPAWN_DUP2, read, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, *nowhere),
        ]
        if quiet:
            actions.append((os.POSIX_SPAWN_OPEN, 2, os.devnull, *nowhere))
        try:
            # A process group of its own: Ctrl-C is for us, and we tell it.
            self.pid = os.posix_spawn(
                arguments[0],
                list(arguments),
                os.environ,
                file_actions=actions,
                setpgroup=0,
                setsigmask=(),
                setsigdef=(signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM),
            )
        except OSError as error:
            os.close(self._ours)
            raise EnvironmentFault(f"{arguments[0]} cannot be started: {error.strerror}") from None
        finally:
            os.close(read)
        self._lock = threading.Lock()
        self._reaped = False

    def wait(self) -> int:
        """Wait for its end; its exit code as a shell tells it. For one thread, once."""
        code = 0
        try:
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            with self._lock:
                self._reaped = True
                code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        except ChildProcessError:
            # SIGCHLD is ignored, so that the kernel has reaped it.
            self._reaped = True
        return code if code >= 0 else 128 - code

    def release(self) -> None:
        """Ask it to end: it reads the end of its standard input."""
        with self._lock:
            ours, self._ours = self._ours, -1
        if ours >= 0:
            os.close(ours)

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        with self._lock:
            # Not reaped yet, so the PID cannot be another process's.
            if not self._reaped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)


class Keeper:
    """Keeps a program running beside us, in a thread of its own: begun anew when it ends.

    The pauses before that grow from `first` to `longest` seconds, and become short again after it
    has run for longer than that. `say` hears of the first end. With an exit code in `final` it is
    left alone.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        say: Callable[[str], None],
        name: str,
        final: Sequence[int] = (),
        first: float = 1.0,
        longest: float = 300.0,
    ) -> None:
        self._arguments = tuple(arguments)
        self._say = say
        self._name = name
        self._final = frozenset(final)
        self._first, self._longest = first, longest
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._companion: Companion | None = None
        self._thread = threading.Thread(target=self._keep, name=name, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Of the program, None while there is none."""
        companion = self._companion
        return companion.pid if companion else None

    def _keep(self) -> None:
        pause, told = self._first, False
        while True:
            began = clock.monotonic()
            try:
                with self._lock:
                    if self._closing.is_set():
                        return
                    self._companion = Companion(self._arguments, quiet=told)
            except EnvironmentFault as fault:
                how = str(fault)
            else:
                code = self._companion.wait()
                self._companion.release()
                self._companion, how = None, f"exit code {code}"
                if self._closing.is_set():
                    return
                if code in self._final:
                    self._say(f"{self._name} has ended ({how}), and is left alone")
                    return
            if clock.monotonic() - began > self._longest:
                pause = self._first
            if not told:
                self._say(f"{self._name} has ended ({how}): it is begun anew, after growing pauses")
            told = True
            if self._closing.wait(pause):
                return
            pause = min(2 * pause, self._longest)

    def close(self) -> None:
        """End it, and wait for that."""
        with self._lock:
            self._closing.set()
            companion = self._companion
        if companion is not None:
            companion.release()
            self._thread.join(_GRACE)
            companion.kill()
        self._thread.join(_GRACE)
