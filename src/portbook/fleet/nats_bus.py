"""The bus on NATS core: questions to everyone or to one host, and reports to a hub.

Nothing is kept on it, and nothing of it is trusted: what is too long, malformed or unknown is left
out and counted. A connection that is lost is made again for ever, each host waiting a random time
of its own, so that 10,000 agents do not come back in one moment.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from secrets import token_hex

from portbook.fleet import wire
from portbook.fleet.bus import ASK, HUBS, LARGEST, REPORT, Bus, Handler, Taker
from portbook.fleet.nats_link import (
    INBOX,
    Place,
    connect,
    denial,
    denied_subject,
    fault_of,
    place_of,
    subject_of,
)
from portbook.fleet.nats_mail import WAITING_ANSWERS, Heard, Mail, Room, answered
from portbook.fleet.pacing import Backoff
from portbook.fleet.settings import HOST_ID, FleetSettings
from portbook.model import EnvironmentFault, PortbookError
from portbook.model.fleet import HostAnswer, Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription


FIRST, MOST = 2.0, 30.0
"""Seconds within which the first try to reconnect is made, and the longest time between two."""
WAITING_QUESTIONS = 100
WAITING_REPORTS = 32_000_000
"""Bytes of reports that are not yet handed on, and as many that are under way: more are dropped,
and their agents send them again."""
_AT_A_TIME = 200
"""Answers that are read before others get a turn."""


async def connect_bus(settings: FleetSettings, *, name: str, inbox: str | None = None) -> Bus:
    """Connect to the bus that the settings name; it stays until it is closed.

    Args:
        settings: its URL, credentials and certificates.
        name: shown in the server's list of connections.
        inbox: answers come on `_INBOX_<inbox>.>`, so that permissions can name it; without one
            those to questions on `_INBOX.>`, those to reports on that of the settings' host.

    Raises:
        UsageError: no bus is named, or its URL is none.
        NotPermitted: the credentials are refused, a file may not be read.
        EnvironmentFault: it cannot be reached.
    """
    bus = NatsBus(place_of(settings, inbox), name)
    await bus.open()
    return bus


class NatsBus:
    """A Bus. `malformed` are messages left out; `dropped` those that came faster than we read."""

    def __init__(self, place: Place, name: str) -> None:
        self._place = place
        self._name = name
        self._client: Client | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._up = asyncio.Event()
        self._over = asyncio.Event()
        self._heard: dict[int, Heard] = {}
        self._numbers = 0
        self._asking: set[Mail] = set()
        self._denied: dict[str, set[asyncio.Future[None]]] = {}
        self.malformed = 0
        self.dropped = 0
        self.reconnected = 0

    async def open(self) -> None:
        """Connect for the first time; raises as `connect_bus`."""
        self._client = await self._connected()
        self._up.set()
        self._keeper = asyncio.create_task(self._keep())

    async def ask(
        self, question: Question, *, hosts: tuple[str, ...] = ()
    ) -> AsyncGenerator[HostAnswer]:
        """Ask everyone, or these hosts; what comes until the question's time is over.

        It ends at once where the server says that nobody listens.

        Raises:
            NotPermitted: we may not ask.
            EnvironmentFault: the bus is not there, or went away meanwhile.
        """
        client = self._there()
        data = wire.encode_question(question)
        subjects = [subject_of(ASK, host) for host in hosts] if hosts else [ASK]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + question.within_ms / 1_000
        inbox, mail = f"{self._place.inbox}.{token_hex(12)}", Mail(len(subjects))
        self._asking.add(mail)
        sub: Subscription | None = None
        try:
            with self._denials(inbox, *subjects) as denied:
                denied.add_done_callback(lambda _: mail.end())
                with self._faults():
                    sub = await client.subscribe(
                        inbox, cb=mail.take, pending_bytes_limit=WAITING_ANSWERS
                    )
                    for subject in subjects:
                        await client.publish(subject, data, reply=inbox)
                async for answer in self._read(question, mail, deadline):
                    yield answer
                if denied.done():
                    denied.result()
        finally:
            self._asking.discard(mail)
            self.dropped += mail.dropped
            if sub is not None and client.is_connected:
                with contextlib.suppress(Exception):
                    await sub.unsubscribe()

    async def _read(
        self, question: Question, mail: Mail, deadline: float
    ) -> AsyncGenerator[HostAnswer]:
        loop = asyncio.get_running_loop()
        while True:
            # What came until the deadline is still read.
            over = loop.time() >= deadline
            for at, data in enumerate(mail.empty(), 1):
                try:
                    answer = wire.decode_answer(data)
                except wire.Malformed:
                    self.malformed += 1
                    continue
                if answer.question != question.id:
                    self.malformed += 1
                    continue
                yield answer
                if at % _AT_A_TIME == 0:
                    # The socket has to be read meanwhile, and others have their turn.
                    await asyncio.sleep(0)
            if mail.data and not over:
                continue
            if mail.lost:
                raise EnvironmentFault(f"the bus {self._place.shown} went away during the question")
            if over or mail.ended:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(mail.wake.wait(), max(0.0, deadline - loop.time()))

    async def serve(self, host: str, handler: Handler) -> None:
        """Answer questions for this host until the bus is closed; reconnects by itself.

        Questions are answered one after the other. What is no question is left out, and so is one
        whose answer would not go to an inbox: answers that are sent to other subjects could be
        used to flood them.

        Raises:
            NotPermitted: we may not hear them.
        """

        async def take(message: "Msg") -> None:
            if not message.reply.startswith(INBOX):
                self.malformed += 1
                return
            try:
                question = wire.decode_question(message.data)
            except wire.Malformed:
                self.malformed += 1
                return
            for data in await answered(question, host, handler):
                if not await self._send(message.reply, data):
                    return

        subjects = (ASK, subject_of(ASK, host))
        await self._hear(Heard(subjects, "", take, messages=WAITING_QUESTIONS))

    async def report(self, host: str, report: bytes, *, seconds: float) -> bytes:
        """Hand a report to a hub and wait for its answer.

        Raises:
            NotPermitted: we may not report for this host.
            EnvironmentFault: the bus is away, no hub is there, or none answered in time.
        """
        subject = subject_of(REPORT, host)
        if len(report) > LARGEST:
            raise EnvironmentFault(f"a report of {len(report)} bytes is too long for a bus")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._up.wait(), seconds)
        client = self._there()
        from nats.errors import Error, NoRespondersError

        left = max(0.05, deadline - loop.time())
        with self._denials(subject) as denied:
            asked = asyncio.create_task(client.request(subject, report, timeout=left))
            try:
                await asyncio.wait((asked, denied), return_when=asyncio.FIRST_COMPLETED)
                if denied.done():
                    denied.result()
                return bytes((await asked).data)
            except NoRespondersError:
                raise EnvironmentFault(
                    f"no hub takes reports on the bus {self._place.shown}",
                    hint="portbook fleet hub",
                ) from None
            except TimeoutError:
                raise EnvironmentFault(
                    f"no hub answered on the bus {self._place.shown} within {seconds:g} s"
                ) from None
            except (Error, OSError) as error:
                raise fault_of(error, self._place) from None
            finally:
                asked.cancel()

    async def take_reports(self, taker: Taker) -> None:
        """Be a hub until the bus is closed, or this call is cancelled.

        A taker that raises answers nothing: the agent keeps its report and sends it again.

        Raises:
            NotPermitted: we may not hear reports.
        """
        room = Room(WAITING_REPORTS)

        async def take(message: "Msg") -> None:
            host = message.subject[len(REPORT) + 1 :]
            fits = len(message.data) <= LARGEST and HOST_ID.fullmatch(host)
            if not message.reply.startswith(INBOX) or not fits:
                self.malformed += 1
                return
            await room.enter(len(message.data))
            room.start(hand_on(host, message))

        async def hand_on(host: str, message: "Msg") -> None:
            try:
                with contextlib.suppress(PortbookError):
                    await self._send(message.reply, await taker(host, message.data))
            finally:
                room.leave(len(message.data))

        try:
            await self._hear(Heard((f"{REPORT}.>",), HUBS, take, size=WAITING_REPORTS))
        finally:
            await room.close()

    async def close(self) -> None:
        """Let go of it."""
        self._over.set()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._up.clear()
        for mail in self._asking:
            mail.lose()
        client, self._client = self._client, None
        if client is not None and not client.is_closed:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(client.flush(), 1.0)
            with contextlib.suppress(Exception):
                await asyncio.wait_for(client.close(), 2.0)

    # The connection

    async def _connected(self) -> "Client":
        self._lost = lost = asyncio.Event()
        return await connect(self._place, name=self._name, told=self._told, closed=lost.set)

    async def _keep(self) -> None:
        """Connect again whenever the connection is lost."""
        while True:
            # The event is prompt; a look each second also sees what nats-py did not tell.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), 1.0)
            client = self._client
            if not self._lost.is_set() and client is not None and not client.is_closed:
                continue
            self._up.clear()
            self._client = None
            for mail in self._asking:
                mail.lose()
            backoff = Backoff(FIRST, MOST)
            while self._client is None:
                await asyncio.sleep(backoff.wait())
                with contextlib.suppress(PortbookError):
                    self._client = await self._connected()
            self.reconnected += 1
            for heard in list(self._heard.values()):
                with contextlib.suppress(Exception):
                    await heard.subscribe(self._client)
            self._up.set()

    def _there(self) -> "Client":
        client = self._client
        if client is None or not client.is_connected:
            raise EnvironmentFault(f"the bus {self._place.shown} is away")
        return client

    async def _send(self, subject: str, data: bytes) -> bool:
        """Publish an answer; false where the bus cannot carry it: whoever asked sees it miss."""
        try:
            client = self._there()
            if client.pending_data_size > LARGEST:
                await client.flush()
            await client.publish(subject, data)
        except Exception:  # noqa: BLE001 - the connection broke, or the server takes less at a time
            self.dropped += 1
            return False
        return True

    async def _hear(self, heard: Heard) -> None:
        """Subscribe, also after each reconnect, until the bus is closed."""
        self._numbers += 1
        number = self._numbers
        self._heard[number] = heard
        over = asyncio.create_task(self._over.wait())
        try:
            with self._denials(*heard.subjects) as denied:
                if self._client is not None:
                    with self._faults():
                        await heard.subscribe(self._client)
                await asyncio.wait((over, denied), return_when=asyncio.FIRST_COMPLETED)
                if denied.done():
                    denied.result()
        finally:
            over.cancel()
            del self._heard[number]
            await heard.end()

    # What goes wrong

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        from nats.errors import Error

        try:
            yield
        except (Error, OSError) as error:
            raise fault_of(error, self._place) from None

    @contextlib.contextmanager
    def _denials(self, *subjects: str) -> "Iterator[asyncio.Future[None]]":
        """A future that fails where the server forbids one of these subjects."""
        found: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # nats-py tells the server's words in lower case.
        keys = {subject.lower() for subject in subjects}
        for key in keys:
            self._denied.setdefault(key, set()).add(found)
        try:
            yield found
        finally:
            for key in keys:
                self._denied[key].discard(found)
                if not self._denied[key]:
                    del self._denied[key]
            if found.done() and not found.cancelled():
                found.exception()
            found.cancel()

    def _told(self, error: Exception) -> None:
        denied = denied_subject(error)
        if denied is not None:
            deed, subject = denied
            for found in self._denied.get(subject.lower(), ()):
                if not found.done():
                    found.set_exception(denial(self._place, deed, subject))
        elif type(error).__name__ == "SlowConsumerError":
            self.dropped += 1
