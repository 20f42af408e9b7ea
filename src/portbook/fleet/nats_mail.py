"""What waits between the socket of the bus and whoever takes it, each with a bound."""

import asyncio
import contextlib

from portbook.fleet import wire
from portbook.fleet.bus import LARGEST, Handler
from portbook.model import PortbookError
from portbook.model.fleet import HostAnswer, Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

    Take = Callable[[Msg], Awaitable[None]]

WAITING_ANSWERS = 128_000_000
"""Bytes of answers that came and were not yet taken; more are left out and counted."""
_NOBODY = "503"


async def answered(question: Question, host: str, handler: Handler) -> tuple[bytes, ...]:
    """The handler's answers as messages; what went wrong is an answer, too."""
    try:
        return tuple(wire.encode_answer(part) for part in await handler(question))
    except PortbookError as fault:
        why = str(fault)[:500]
        return (wire.encode_answer(HostAnswer(question.id, host, "", 0, why=why)),)


class Mail:
    """Answers as they come, not yet read: who reads from the socket does nothing else."""

    def __init__(self, subjects: int) -> None:
        self.subjects = subjects
        self.data: list[bytes] = []
        self.wake = asyncio.Event()
        self.nobody = self.dropped = self._bytes = 0
        self.lost = self.ended = False

    async def take(self, message: "Msg") -> None:
        """One message of the server's; 503 is its own: nobody listens there."""
        if message.headers and message.headers.get("Status") == _NOBODY and not message.data:
            self.nobody += 1
            if self.nobody >= self.subjects:
                self.end()
            return
        if self._bytes > WAITING_ANSWERS:
            self.dropped += 1
            return
        self._bytes += len(message.data)
        self.data.append(message.data)
        self.wake.set()

    def empty(self) -> list[bytes]:
        """What has come since the last time."""
        found, self.data, self._bytes = self.data, [], 0
        self.wake.clear()
        return found

    def lose(self) -> None:
        """The connection is gone."""
        self.lost = True
        self.wake.set()

    def end(self) -> None:
        """Nothing more will come."""
        self.ended = True
        self.wake.set()


class Heard:
    """What is subscribed to, for each connection anew."""

    def __init__(
        self,
        subjects: tuple[str, ...],
        queue: str,
        take: "Take",
        *,
        size: int = LARGEST,
        messages: int = 65_536,
    ) -> None:
        """At most `size` bytes and `messages` wait; more are dropped."""
        self.subjects = subjects
        self._queue = queue
        self._take = take
        self._size = size
        self._messages = messages
        self._subs: list[Subscription] = []

    async def subscribe(self, client: "Client") -> None:
        """Subscribe over this connection, and wait until that counts."""
        self._subs = [
            await client.subscribe(
                subject,
                queue=self._queue,
                cb=self._take,
                pending_bytes_limit=self._size,
                pending_msgs_limit=self._messages,
            )
            for subject in self.subjects
        ]
        await client.flush()

    async def end(self) -> None:
        """Hear no more."""
        for sub in self._subs:
            with contextlib.suppress(Exception):
                await sub.unsubscribe()


class Room:
    """Bytes that are under way at a time, and the tasks that have them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        self._freed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def enter(self, size: int) -> None:
        """Wait until there is room."""
        while self._bytes and self._bytes + size > self._most:
            self._freed.clear()
            await self._freed.wait()
        self._bytes += size

    def leave(self, size: int) -> None:
        """Give it back."""
        self._bytes -= size
        self._freed.set()

    def start(self, work: "Awaitable[None]") -> None:
        """Do it beside."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all that is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
