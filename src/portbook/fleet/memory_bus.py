"""A bus within one process, for tests and for a fleet of one: what NATS does, without a server.

Messages are encoded and decoded as on the real one, so that what does not fit there fails here.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import TypeVar

from portbook.fleet import wire
from portbook.fleet.bus import ASK, LARGEST, REPORT, Handler, Taker
from portbook.fleet.nats_link import subject_of
from portbook.fleet.nats_mail import answered
from portbook.model import EnvironmentFault, PortbookError
from portbook.model.fleet import HostAnswer, Question

T = TypeVar("T")


class MemoryBus:
    """A Bus. Everybody who is on it shares this object; `malformed` are messages left out."""

    def __init__(self) -> None:
        self._handlers: list[tuple[str, Handler]] = []
        self._takers: list[Taker] = []
        self._turn = 0
        self._over = asyncio.Event()
        self.malformed = 0
        self.dropped = 0

    async def ask(
        self, question: Question, *, hosts: tuple[str, ...] = ()
    ) -> AsyncGenerator[HostAnswer]:
        """Ask everyone, or these hosts; what comes until the question's time is over.

        Raises:
            EnvironmentFault: the bus is closed.
        """
        self._there()
        asked = wire.decode_question(wire.encode_question(question))
        for host in hosts:
            subject_of(ASK, host)
        came: asyncio.Queue[bytes | None] = asyncio.Queue()

        async def tell(host: str, handler: Handler) -> None:
            with contextlib.suppress(PortbookError):
                for data in await answered(asked, host, handler):
                    came.put_nowait(data)
            came.put_nowait(None)

        loop = asyncio.get_running_loop()
        deadline = loop.time() + question.within_ms / 1_000
        tasks = [
            asyncio.create_task(tell(host, handler))
            for host, handler in self._handlers
            if not hosts or host in hosts
        ]
        try:
            # As on NATS, silence ends at the deadline, unless nobody listens at all.
            while tasks and (left := deadline - loop.time()) > 0:
                try:
                    data = await asyncio.wait_for(came.get(), left)
                except TimeoutError:
                    return
                if data is None:
                    continue
                try:
                    answer = wire.decode_answer(data)
                except wire.Malformed:
                    self.malformed += 1
                    continue
                if answer.question == question.id:
                    yield answer
                else:
                    self.malformed += 1
        finally:
            for task in tasks:
                task.cancel()

    async def serve(self, host: str, handler: Handler) -> None:
        """Answer questions for this host until the bus is closed."""
        subject_of(ASK, host)
        entry = (host, handler)
        with self._among(self._handlers, entry):
            await self._over.wait()

    async def report(self, host: str, report: bytes, *, seconds: float) -> bytes:
        """Hand a report to a hub and wait for its answer.

        Raises:
            EnvironmentFault: no hub is there, or none answered in time.
        """
        self._there()
        subject_of(REPORT, host)
        if len(report) > LARGEST:
            raise EnvironmentFault(f"a report of {len(report)} bytes is too long for a bus")
        if not self._takers:
            raise EnvironmentFault("no hub takes reports on the bus", hint="portbook fleet hub")
        self._turn += 1
        taker = self._takers[self._turn % len(self._takers)]
        try:
            return await asyncio.wait_for(taker(host, report), seconds)
        except (TimeoutError, PortbookError):
            # A hub that cannot keep it says nothing, here as there.
            raise EnvironmentFault(f"no hub answered on the bus within {seconds:g} s") from None

    async def take_reports(self, taker: Taker) -> None:
        """Be a hub until the bus is closed, or this call is cancelled."""
        with self._among(self._takers, taker):
            await self._over.wait()

    async def close(self) -> None:
        """Let go of it: for all that are on it."""
        self._over.set()

    def _there(self) -> None:
        if self._over.is_set():
            raise EnvironmentFault("the bus is away")

    @contextlib.contextmanager
    def _among(self, them: "list[T]", one: "T") -> Iterator[None]:
        them.append(one)
        try:
            yield
        finally:
            them.remove(one)
