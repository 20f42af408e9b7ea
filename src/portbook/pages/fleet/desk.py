"""Questions to the fleet's store, asked in threads: few connections, short waits, short memory.

Nothing here runs on the event loop but the waiting. Equal questions share one answer, which is
kept for seconds. A store that is away is left alone for a moment, so that visitors are told at
once. Every question has a time limit in the store itself and only reads.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from portbook.host import clock, postgres
from portbook.model import PortbookError
from portbook.model.record import Record

if TYPE_CHECKING:
    from portbook.fleet.overview import Counted
    from portbook.host.postgres import Link

LINKS = 4
"""Connections to the store, for all visitors; one more counts."""
FRESH = 3.0
"""Seconds for which an answer is given again."""
MOST_WAITING = 32
MOST_KEPT = 128
PATIENCE = 8.0
"""Seconds that a visitor waits."""
LIMIT_MS = 6_000
"""What one statement may take; the count of every listener has more."""
COUNT_LIMIT_MS = 120_000
COUNT_PAUSE = 20.0
"""A count is made again after so many times as long as it took, and so many seconds at least."""
FIRST_COUNT = 2.5
"""Seconds that a visitor waits for the first count."""
_AWAY = 2.0
_LASTING = ("away", "unfit")
_CANCELLED = "57014"  # SQLSTATE query_canceled: the time limit

_Told = TypeVar("_Told")


class NotTold(PortbookError):
    """No answer from the store: `busy`, `slow`, `away` (`said` is where it is), or `unfit`.

    `unfit`: there is no store of ours, or not for this user; `said` says why.
    """

    def __init__(self, kind: str, said: str = "") -> None:
        super().__init__(said or kind)
        self.kind = kind
        self.said = said


class Kept(Record):
    """An answer and when it was given."""

    told: Any
    at: float


class FleetDesk:
    """Asks one store. `url` names it and may hold a password: it is never shown."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._threads = ThreadPoolExecutor(LINKS, "fleet")
        self._counting = ThreadPoolExecutor(1, "fleet-count")
        self._local = threading.local()
        self._links: set[Link] = set()
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._asking: dict[Hashable, asyncio.Task[Any]] = {}
        self._away: tuple[float, NotTold] | None = None
        self._count: Kept | None = None
        self._count_task: asyncio.Task[None] | None = None

    async def ask(self, key: Hashable, question: "Callable[[Link], _Told]") -> _Told:
        """The answer of `question`, at most FRESH seconds old.

        Raises:
            NotTold: there is none.
        """
        kept = self._kept.get(key)
        if kept is not None and clock.monotonic() - kept.at < FRESH:
            found: _Told = kept.told
            return found
        task = self._asking.get(key)
        if task is None:
            self._refuse_early()
            task = self._asking[key] = asyncio.create_task(self._asked(key, question))
            task.add_done_callback(_looked_at)
        try:
            # Who leaves while waiting must not stop the question of the others.
            return await asyncio.wait_for(asyncio.shield(task), PATIENCE)
        except TimeoutError:
            raise NotTold("slow") from None

    def _refuse_early(self) -> None:
        if self._away is not None and clock.monotonic() < self._away[0]:
            raise self._away[1]
        if len(self._asking) >= MOST_WAITING:
            raise NotTold("busy")

    async def _asked(self, key: Hashable, question: "Callable[[Link], Any]") -> Any:
        loop = asyncio.get_running_loop()
        try:
            told = await loop.run_in_executor(self._threads, self._put, question, LIMIT_MS)
        except NotTold as fault:
            if fault.kind in _LASTING:
                self._away = clock.monotonic() + _AWAY, fault
            raise
        finally:
            del self._asking[key]
        self._kept[key] = Kept(told, clock.monotonic())
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return told

    async def counted(self) -> "Counted | None":
        """Every listener counted, perhaps a while ago; None while the first count goes on.

        Raises:
            NotTold: the store is away, and nothing was counted before.
        """
        kept = self._count
        if kept is not None:
            pause = max(FRESH, COUNT_PAUSE * kept.told.took)
            if clock.monotonic() - kept.at < pause or self._is_away():
                found: Counted = kept.told
                return found
        if self._count_task is None:
            self._refuse_early()
            self._count_task = asyncio.create_task(self._recount())
        if kept is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._count_task), FIRST_COUNT)
        if self._count is None and self._is_away():
            self._refuse_early()
        return self._count.told if self._count is not None else None

    def _is_away(self) -> bool:
        return self._away is not None and clock.monotonic() < self._away[0]

    async def _recount(self) -> None:
        from portbook.fleet.overview import counted

        loop = asyncio.get_running_loop()
        try:
            told = await loop.run_in_executor(self._counting, self._put, counted, COUNT_LIMIT_MS)
            self._count = Kept(told, clock.monotonic())
        except NotTold as fault:
            self._away = clock.monotonic() + _AWAY, fault
        finally:
            self._count_task = None

    def _put(self, question: "Callable[[Link], _Told]", limit: int) -> _Told:
        """Ask in this thread, over its own connection; a second time where that had ended.

        Raises:
            NotTold: no answer.
        """
        reused = getattr(self._local, "link", None) is not None
        try:
            try:
                return self._try(question, limit)
            except postgres.NotReached:
                if not reused:
                    raise
            return self._try(question, limit)
        except postgres.NotReached:
            raise NotTold("away", postgres.place(self._url)) from None
        except PortbookError as fault:
            raise fault if isinstance(fault, NotTold) else NotTold("unfit", str(fault)) from None

    def _try(self, question: "Callable[[Link], _Told]", limit: int) -> _Told:
        link = self._link()
        import psycopg

        try:
            with link.transaction():
                link.execute(b"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                link.execute(b"SELECT set_config('statement_timeout', %s, true)", (str(limit),))
                return question(link)
        except psycopg.Error as error:
            if error.sqlstate == _CANCELLED:
                raise NotTold("slow") from None
            self._drop(link)
            raise postgres.fault_of(error, self._url) from None

    def _link(self) -> "Link":
        link: Link | None = getattr(self._local, "link", None)
        if link is None or link.closed:
            from portbook.fleet.migrating import open_store

            link = open_store(self._url, name="portbook pages", write=False)
            self._local.link = link
            self._links.add(link)
        return link

    def _drop(self, link: "Link") -> None:
        self._links.discard(link)
        self._local.link = None
        link.close()

    def close(self) -> None:
        """End: what is asked just now is cancelled."""
        for threads in (self._threads, self._counting):
            threads.shutdown(wait=False, cancel_futures=True)
        for link in tuple(self._links):
            with suppress(Exception):  # whatever fails: the process ends
                link.cancel_safe(timeout=0.5)
                link.close()


def _looked_at(task: "asyncio.Task[Any]") -> None:
    """Take the fault of a question whose askers have all left: asyncio would complain of it."""
    if not task.cancelled():
        task.exception()
