"""What this machine holds now: one survey for all visitors, at most two seconds old.

A survey of 200 listeners takes some 90 ms and is made in a thread of its own. Python runs one
thread at a time: while that one computes, the server waits for its turn after every system call,
5 ms by default. With `take_short_turns` the slowest hundredth of requests under load took 17 ms
instead of 57, and the survey three quarters of the time (measured, 2 cores, 32 connections).
"""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from portbook.host import Host, clock
from portbook.model import Gap, Listener, PortbookError, Said, Verbatim, reason_of
from portbook.model.record import Record
from portbook.survey import hidden_owners, survey

FRESH = 0.8
"""Seconds for which a snapshot is served without making another."""
OLDEST = 2.0
"""Seconds after which nobody is shown it any more: who asks waits for the next."""
TURN = 0.0001

_Made = TypeVar("_Made")


class Snapshot(Record):
    """The listeners of one moment.

    `host` is its name, `at` that moment (ISO 8601, UTC), `since` the same on
    `host.clock.monotonic()`. `fault` is one sentence where the survey failed, and then there are no
    listeners and no name. `kept` is for what is made from this snapshot alone, such as a page: see
    `once`.
    """

    host: str
    at: str
    since: float
    listeners: tuple[Listener, ...]
    by_port: dict[int, tuple[Listener, ...]]
    gaps: tuple[Gap, ...]
    fault: str | None
    hint: str | None
    kept: dict[object, object]

    def once(self, key: object, make: Callable[[], _Made]) -> _Made:
        """What `make` returned when it was first asked under this key."""
        if key not in self.kept:
            self.kept[key] = make()
        found: _Made = self.kept[key]  # type: ignore[assignment] # one key, one kind of value
        return found


def take_short_turns() -> None:
    """Let threads change places more often than every 5 ms."""
    sys.setswitchinterval(TURN)


class Live:
    """The newest snapshot; `host` makes the host that is surveyed, `source` is survey's."""

    def __init__(self, host: Callable[[], Host] = Host, *, source: str | None = None) -> None:
        self._host = host
        self._source = source
        self._snapshot: Snapshot | None = None
        self._making: asyncio.Task[Snapshot] | None = None
        # One thread, always the same: the survey keeps files open that belong to their thread.
        self._thread = ThreadPoolExecutor(1, "survey")

    async def listeners(self) -> Snapshot:
        """A snapshot that is at most OLDEST seconds old, or was begun after this call.

        Never raises: what fails is told by `fault`.
        """
        found = self._snapshot
        age = clock.monotonic() - found.since if found else OLDEST
        if found is not None and age < FRESH:
            return found
        if self._making is None:
            self._making = asyncio.create_task(self._make())
        if found is not None and age < OLDEST:
            return found
        # Who leaves while waiting must not stop the survey for the others.
        return await asyncio.shield(self._making)

    def forget(self) -> None:
        """Who asks from now on waits for the next survey: what the last one told is outdated."""
        self._snapshot = None

    def age(self) -> float | None:
        """Seconds since the newest snapshot; None before the first."""
        return clock.monotonic() - self._snapshot.since if self._snapshot else None

    async def _make(self) -> Snapshot:
        try:
            loop = asyncio.get_running_loop()
            self._snapshot = await loop.run_in_executor(self._thread, self._survey)
            return self._snapshot
        finally:
            self._making = None

    def _survey(self) -> Snapshot:
        since = clock.monotonic()
        try:
            host = self._host()
            at = clock.iso(host.now())
            found = survey(host, source=self._source)
        except Exception as error:  # noqa: BLE001 - whatever failed, the pages can say it
            return _failed(since, error)
        by_port: dict[int, tuple[Listener, ...]] = {}
        for row in found.listeners:
            by_port[row.socket.port] = (*by_port.get(row.socket.port, ()), row)
        gaps = (*found.gaps, *hidden_owners(found.listeners))
        return Snapshot(host.name, at, since, found.listeners, by_port, gaps, None, None, {})

    def close(self) -> None:
        """End the thread; a survey under way is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _failed(since: float, error: Exception) -> Snapshot:
    said = reason_of(error) if isinstance(error, PortbookError) else Verbatim(error)
    if not isinstance(said, Said):
        said = Verbatim(" ".join(said.split())[:300])
    if not isinstance(error, (PortbookError, OSError)):
        kind = type(error).__name__
        said = Said("a fault in portbook itself: %(kind)s: %(what)s", kind=kind, what=said)
    at = clock.iso(clock.now())
    return Snapshot("", at, since, (), {}, (), said, getattr(error, "hint", None), {})
