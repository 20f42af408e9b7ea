"""`portbook watch --keep-hour`: the watch that a service starts; it writes the last hour down."""

import argparse
import os
import stat

from portbook.cli.telling import say
from portbook.host import Host, clock
from portbook.host.companion import wake_with_starter
from portbook.host.privileges import CAP_NET_RAW
from portbook.host.signals import Ending
from portbook.model.errors import NotPermitted
from portbook.survey.watched import EVERY, MOST_TOP, HourFiles, hours_of
from portbook.survey.watching import Watching
from portbook.survey.watching_live import Calls, watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.model.traffic import Traffic

MOST_SOURCES = 200_000
"""Sources of an hour that are told apart: a flood from forged addresses must not take all memory of
the service's unit (contrib/portbook.service)."""


def watch_hour(watching: Watching, options: argparse.Namespace) -> int:
    """Watch and write until we are asked to end, or whoever started us has ended.

    Raises:
        NotPermitted: packets may not be read, and without them there is nothing to write.
        EnvironmentFault: numpy is missing, or the files cannot be made.
    """
    if not Host().privileges.has(CAP_NET_RAW):
        raise NotPermitted("packets may not be read", hint="run as root, or with CAP_NET_RAW")
    # numpy starts a thread with a buffer for each core, and nothing here multiplies matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # A long run makes garbage; what is loaded now is none and need not be looked at again.
    import gc

    gc.collect()
    gc.freeze()
    gc.enable()
    watching = watching._replace(most_sources=MOST_SOURCES, each_port=MOST_TOP)
    keeping = _Keeping({port for port, _ in watching.ports})
    with Ending() as ending:
        starter = _Starter()
        watched = watch(
            watching,
            interface=options.interface,
            span=options.span,
            ended=lambda seconds: ending.wait(seconds) or starter.gone(),
            calls=Calls(lambda _: None, lambda _: None, keeping.looked),
        )
        keeping.write(watched.traffic, watching=False)
    return 0


class _Keeping:
    """Writes what was seen every few seconds; that it cannot is said once."""

    def __init__(self, ports: set[int]) -> None:
        self._ports = ports
        self._files = HourFiles()
        self._began = clock.now()
        self._due = 0.0
        self._failing = False

    def looked(self, traffic: "Traffic") -> None:
        """Write, where it is time."""
        now = clock.monotonic()
        if now >= self._due:
            self._due = now + EVERY
            self.write(traffic)

    def write(self, traffic: "Traffic", *, watching: bool = True) -> None:
        """Write the hour of every port."""
        hours = hours_of(traffic, self._ports, self._began, clock.now(), watching=watching)
        try:
            self._files.write(hours.values())
        except OSError as error:
            if not self._failing:
                say(f"portbook: the last hour cannot be written: {error.strerror}")
            self._failing = True
        else:
            self._failing = False


class _Starter:
    """Whoever started us, who has the other end of our standard input where that is a pipe."""

    def __init__(self) -> None:
        self._pipe = stat.S_ISFIFO(os.fstat(0).st_mode)
        if self._pipe:
            os.set_blocking(0, False)
            wake_with_starter()

    def gone(self) -> bool:
        """Whether it has closed its end, or ended."""
        if not self._pipe:
            return False
        try:
            return os.read(0, 1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
