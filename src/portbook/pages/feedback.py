"""The feedback of one server: lets visitors in at a measured rate and keeps their votes.

Votes are written by one thread of its own, which also forgets the visitors of yesterday soon
after midnight (UTC), whether anybody votes or not.
"""

import asyncio
import contextlib
import hashlib
import os
import sys
from concurrent.futures import Future
from queue import Empty, Full, Queue
from threading import Lock, Thread

from portbook.host import clock
from portbook.host.feedback_reader import feedback_of
from portbook.host.feedback_store import FeedbackStore, Outcome
from portbook.model import EnvironmentFault, PortbookError
from portbook.model.feedback import Feedback, Vote
from portbook.model.record import Record
from portbook.pages.rate import Rate

_TIDY_EVERY = 300.0
_WAITING = 256
_PATIENCE = 10.0


class Limits(Record):
    """Attempts within seconds: of one visitor, of one address, and of everybody.

    A visitor is an address and a browser's name, which anybody can change; an address is harder to
    come by. Behind a proxy all visitors have the proxy's.
    """

    visitor: tuple[int, float] = (20, 600.0)
    address: tuple[int, float] = (200, 600.0)
    everybody: tuple[int, float] = (600, 60.0)


class Visitor(Record):
    """Who votes: the peer's address and the User-Agent header, neither of which is stored."""

    address: bytes
    agent: bytes

    @property
    def whom(self) -> bytes:
        """Both as one key."""
        return self.address + b"\0" + self.agent


_USUAL = Limits()


class FeedbackDesk:
    """Takes votes for the file at `path`; nothing is opened before the first one."""

    def __init__(self, path: str, limits: Limits = _USUAL) -> None:
        self.path = path
        self._limits = limits
        self._visitors = Rate(*limits.visitor)
        self._addresses = Rate(*limits.address)
        self._everybody = Rate(*limits.everybody)
        # Keys are hashed, so that a long User-Agent takes no more memory than a short one.
        self._key = os.urandom(16)
        self._jobs: Queue[tuple[Future[Outcome], Vote, Visitor] | None] = Queue(_WAITING)
        self._guard = Lock()
        self._thread: Thread | None = None
        self._failing = False

    def admit(self, visitor: Visitor) -> float:
        """Count an attempt; seconds to wait where there were too many (then it is not counted)."""
        now = clock.monotonic()
        whom, address = self._short(visitor.whom), self._short(visitor.address)
        kept = ((self._everybody, b""), (self._addresses, address), (self._visitors, whom))
        wait = max(rate.wait(key, now) for rate, key in kept)
        if not wait:
            for rate, key in kept:
                rate.count(key, now)
        return wait

    def _short(self, key: bytes) -> bytes:
        return hashlib.blake2b(key, digest_size=16, key=self._key).digest()

    async def add(self, vote: Vote, visitor: Visitor) -> Outcome:
        """Keep a vote; KEPT means that it is in the file.

        Raises:
            PortbookError: as `FeedbackStore.add`; also where too many votes wait for the disk.
        """
        self.start()
        done: Future[Outcome] = Future()
        try:
            self._jobs.put_nowait((done, vote, visitor))
        except Full:
            raise EnvironmentFault(f"{self.path}: too many votes wait to be written") from None
        return await asyncio.wrap_future(done)

    async def report(self, limit: int = 1000) -> Feedback:
        """All votes with the newest `limit` comments, as `portbook feedback` tells them.

        Raises:
            EnvironmentFault, NotPermitted: the file cannot be read.
        """
        return await asyncio.to_thread(feedback_of, self.path, limit=limit)

    def start(self) -> None:
        """Begin to forget yesterday's visitors; the first vote does it as well."""
        with self._guard:
            if self._thread is None:
                self._thread = Thread(target=self._work, name="feedback", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        with self._guard:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join(_PATIENCE)

    def _work(self) -> None:
        with FeedbackStore(self.path) as store:
            due = 0.0
            while True:
                if (now := clock.monotonic()) >= due:
                    self._tidy(store)
                    due = now + _TIDY_EVERY
                if not self._next(store, due - now):
                    return

    def _next(self, store: FeedbackStore, patience: float) -> bool:
        """Write one vote, if one comes in time; false at the end of all work."""
        try:
            job = self._jobs.get(timeout=patience)
        except Empty:
            return True
        if job is None:
            return False
        done, vote, visitor = job
        if not done.set_running_or_notify_cancel():
            return True
        try:
            outcome = store.add(vote, visitor.whom, clock.now())
        except BaseException as error:  # noqa: BLE001 - it belongs to who asked
            done.set_exception(error)
            self._tell(error)
        else:
            self._failing = False
            done.set_result(outcome)
        finally:
            # The error's traceback leads here, and from here to the error: an open file in it
            # would stay open until the collector comes by.
            del job, done
        return True

    def _tell(self, error: BaseException) -> None:
        """The first of several failures, on stderr."""
        if not self._failing:
            said = " ".join(str(error).split())[:300]
            # The log may be on the disk that is full; this thread must outlive that.
            with contextlib.suppress(OSError, ValueError):
                print(f"portbook: error: feedback is not kept: {said!r}", file=sys.stderr)
        self._failing = True

    @staticmethod
    def _tidy(store: FeedbackStore) -> None:
        # Where nothing can be written now it is tried again; a vote would say why.
        with contextlib.suppress(PortbookError, OSError):
            store.tidy(clock.now())
