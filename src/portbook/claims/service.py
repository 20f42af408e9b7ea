"""The service of claims in one process: its store, its lock, its socket and its desk."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from portbook.claims.desk import Desk
from portbook.claims.direct import SCHEMES
from portbook.claims.unix import UnixListener
from portbook.claims.watches import MOST
from portbook.host import clock
from portbook.model.claim import Claim
from portbook.model.record import Record

if TYPE_CHECKING:
    from portbook.claims.desk import NumbersFor
    from portbook.claims.store import InUse, Store
    from portbook.host.database import Lock

_LOOK = 2.0
"""Seconds between two looks at who listens on claimed ports."""
_TURN = 0.1
"""Seconds between two looks at a book that others write too, while somebody waits."""
_SHARE = 40
"""A look that takes long is made less often: at most this part of the time."""


class Kernel(Record):
    """What the kernel is asked: for numbers, whether one is in use, who listens on what is claimed.

    `seen` gives claims back with their `state` and `bound`; it is called in a thread.
    """

    numbers: "NumbersFor"
    in_use: "InUse"
    seen: "Callable[[tuple[Claim, ...]], Iterable[Claim]] | None" = None


class Service:
    """The claims of one store. It is ours from here on, until `close`.

    `listener` is the Unix socket, if there is one. `desk` is there once it was started.

    Raises:
        EnvironmentFault, NotPermitted, NotWritten: the store cannot be had; another has it.
    """

    def __init__(
        self, path: str, kernel: Kernel, *, socket_path: str | None = None, durable: bool = False
    ) -> None:
        self.path = path
        self._lock = _no_lock()
        self._shared = path.startswith(SCHEMES)
        self.watched = MOST
        self.desk: Desk | None = None
        self.listener: UnixListener | None = None
        self._kernel = kernel
        self._durable = durable
        self._looking: asyncio.Task[None] | None = None
        try:
            self.store = self._opened(path)
            try:
                if socket_path is not None:
                    self.listener = UnixListener(socket_path)
            except BaseException:
                self.store.close()
                raise
        except BaseException:
            if self._lock is not None:
                self._lock.close()
            raise

    def _opened(self, path: str) -> "Store":
        """The store: a file with its lock, or the claim book of a fleet, which others have too."""
        if self._shared:
            from portbook.claims.postgres import open_postgres
            from portbook.host.postgres import place

            self.path = place(path)
            return open_postgres(path, name="portbook serve", say=_say)
        from portbook.claims.sqlite import lock, open_store

        self._lock = _patient(lambda: lock(path))
        return open_store(path, now=clock.boot_ms(), boot_id=clock.boot_id(), durable=self._durable)

    def start(self, loop: asyncio.AbstractEventLoop) -> Desk:
        """Take requests from now on: end what ended meanwhile, watch and hold what has not."""
        desk = self.desk = Desk(self.store, self._kernel.numbers, self._kernel.in_use, loop)
        desk.durable = self._durable
        desk.look()
        desk.keep_up()
        if self._shared:
            self._looking = loop.create_task(self._keep_up())
        elif self._kernel.seen is not None:
            self._looking = loop.create_task(self._keep_looking())
        return desk

    def drain(self) -> None:
        """Answer who waits: the service ends."""
        if self.desk is not None:
            self.desk.queues.drain()

    def close(self) -> None:
        """Commit, and let go of everything; the claims stay."""
        if self._looking is not None:
            self._looking.cancel()
        if self.desk is not None:
            self.desk.close()
        if self.listener is not None:
            self.listener.close()
        self.store.close()
        if self._lock is not None:
            self._lock.close()

    async def _keep_up(self) -> None:
        """Learn of what other services of the book did: those who wait here may have their turn."""
        while self.desk is not None:
            await asyncio.sleep(_TURN if len(self.desk.queues) else _LOOK)
            self.desk.look()

    async def _keep_looking(self) -> None:
        """Note who listens on claimed ports, for as long as there are any."""
        desk, seen = self.desk, self._kernel.seen
        if desk is None or seen is None:
            return
        pause = _LOOK
        while True:
            await asyncio.sleep(pause)
            claims = desk.store.claims()
            if not claims:
                pause = _LOOK
                continue
            began = clock.monotonic()
            with contextlib.suppress(Exception):
                # A table that cannot be read changes nothing of what is promised.
                found = await asyncio.to_thread(seen, claims)
                desk.mark(found)
            pause = max(_LOOK, _SHARE * (clock.monotonic() - began))


def _no_lock() -> "Lock | None":
    """Before the store is opened, and for a book that has none."""
    return None


def _say(line: str) -> None:
    """Tell the operator."""
    sys.stderr.write(f"portbook: {line}\n")


def _patient(take: "Callable[[], Lock]") -> "Lock":
    """The lock; a command holds it for a moment, and another service for as long as it runs."""
    from portbook.model import EnvironmentFault

    deadline = clock.monotonic() + 2.0
    while True:
        try:
            return take()
        except EnvironmentFault:
            if clock.monotonic() > deadline:
                raise
