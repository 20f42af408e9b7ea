"""Several processes that make parts at the same time; one is enough, too.

A worker gets one part after the other over a pipe of its own and says what it came to. It ends
when the pipe does, so none outlives the run by more than the part that it is at.
"""

import gc
import multiprocessing
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, cast

from portbook.model import EnvironmentFault, PortbookError
from portbook.pages.export.contents import Maker
from portbook.pages.export.folder import Folder
from portbook.pages.export.manifest import Done, Part
from portbook.pages.export.plan import Plan

START = "fork" if sys.platform == "linux" else "spawn"
"""How processes are made: a forked one has all tables already, a spawned one reads them."""

Told = Done | OSError | PortbookError | None
"""What a worker says of a part; None for a fault that another process should see for itself."""


def made(
    plan: Plan, folder: Folder, parts: Sequence[Part], *, jobs: int, start: str = START
) -> Generator[tuple[Part, Done]]:
    """Make the parts, and tell each when it is done, in whatever order.

    Raises:
        OSError: a file cannot be written.
        EnvironmentFault: a worker was ended from outside.
    """
    maker = Maker(plan, folder)
    # What is there now stays, so nothing looks through it again; workers share its memory.
    maker.prepare()
    gc.collect()
    gc.freeze()
    try:
        if min(jobs, len(parts)) < 2:
            for part in parts:
                yield part, maker.make(part)
                gc.collect()
            return
        crew = _Crew(maker, plan, folder, start)
        try:
            for _ in range(min(jobs, len(parts))):
                crew.hire()
            yield from crew.work(parts)
        finally:
            crew.dismiss()
    finally:
        gc.unfreeze()


class _Crew:
    """The workers of one run, each behind its pipe."""

    def __init__(self, maker: Maker, plan: Plan, folder: Folder, start: str) -> None:
        self._maker = maker
        self._plan = plan
        self._folder = folder
        self._context: Any = multiprocessing.get_context(start)
        self._workers: dict[Connection, BaseProcess] = {}

    def hire(self) -> None:
        """Start one more."""
        ours, its = self._context.Pipe()
        if self._context.get_start_method() == "fork":
            worker = self._context.Process(
                target=_forked, args=(its, [*self._workers, ours], self._maker), daemon=True
            )
        else:
            worker = self._context.Process(
                target=_spawned, args=(its, self._plan, self._folder.path), daemon=True
            )
        # Ctrl-C goes to all processes of a terminal: the first one decides what it means.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            worker.start()
        finally:
            signal.signal(signal.SIGINT, before)
        its.close()
        self._workers[ours] = worker

    def work(self, parts: Sequence[Part]) -> Iterator[tuple[Part, Done]]:
        """Give each worker a part whenever it is done with one."""
        waiting = iter(parts)
        at: dict[Connection, Part] = {}
        for pipe, part in zip(self._workers, waiting, strict=False):
            at[pipe] = part
            pipe.send(part)
        while at:
            for pipe in cast("list[Connection]", wait(list(at))):
                part, told = at.pop(pipe), self._heard(pipe)
                if isinstance(told, Exception):
                    raise told
                following = next(waiting, None)
                if following is not None:
                    at[pipe] = following
                    pipe.send(following)
                yield part, told or self._maker.make(part)

    def dismiss(self) -> None:
        """End all of them, whatever they are at."""
        for pipe, worker in self._workers.items():
            pipe.close()
            worker.terminate()
        for worker in self._workers.values():
            worker.join()

    def _heard(self, pipe: Connection) -> Told:
        try:
            told: Told = pipe.recv()
        except (EOFError, OSError):
            worker = self._workers[pipe]
            worker.join()
            raise EnvironmentFault(
                f"a worker process was ended by {_cause(worker.exitcode)}",
                hint="the same command goes on from here; --jobs 1 needs least memory",
            ) from None
        return told


def _forked(pipe: Connection, others: Sequence[Connection], maker: Maker) -> None:
    """A worker that has everything already."""
    for each in others:
        each.close()  # a copy of the other end would keep the pipe open when the first one ends
    _work(pipe, maker)


def _spawned(pipe: Connection, plan: Plan, path: str) -> None:
    """A worker that starts with nothing."""
    _work(pipe, Maker(plan, Folder(path)))


def _work(pipe: Connection, maker: Maker) -> None:
    """Make parts until there are no more."""
    gc.disable()  # once after each part takes a tenth of what Python's own rhythm does
    while True:
        try:
            part: Part = pipe.recv()
        except (EOFError, OSError):
            return
        told: Told
        try:
            told = maker.make(part)
        except (OSError, PortbookError) as error:
            told = error
        except Exception:  # noqa: BLE001 - the first process makes the part again, and shows it
            told = None
        try:
            pipe.send(told)
        except OSError:
            return
        gc.collect()


def _cause(code: int | None) -> str:
    try:
        return signal.Signals(-(code or 0)).name
    except ValueError:
        return f"exit code {code}"
