"""The agent of a host: looks, reports what changed, answers questions, and never gives up.

Three loops share one queue. One looks and adds what changed. One reports: what fails stays where it
is and is tried again, later and later. One holds the bus for questions. None of them ends another:
while an engine is away the rest goes on.
"""

import asyncio
import contextlib

from portbook.fleet.pacing import Backoff, Bucket, spread
from portbook.fleet.queue import Queue
from portbook.fleet.queue_file import QueueFile
from portbook.fleet.reporters import BusLine, BusReporter, StoreReporter
from portbook.host import Host, clock
from portbook.model import EnvironmentFault, NotPermitted, PortbookError
from portbook.model.fleet import FORMS, FleetReport, HostAnswer
from portbook.model.moments import spoken
from portbook.model.printable import safe
from portbook.model.record import Record
from portbook.model.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from portbook.fleet.looking import Looker
    from portbook.fleet.queue import Outgoing
    from portbook.fleet.reporters import Reporter
    from portbook.fleet.settings import FleetSettings
    from portbook.model.fleet import Acknowledged, Question

USUAL_JITTER = 10.0
"""Seconds over which agents spread what all of them would do in one moment."""
_FIRST, _MOST, _LONG = 0.1, 6.0, 60.0
"""In jitters: the first waiting time after a failure, the longest, and that of a duplicate."""
_FRESH_MS = 1_000
_OLDEST_MS = 365 * 86_400_000
_QUESTIONS, _AT_ONCE = 20.0, 40
_ENDING = 0.7


class Condition(Record):
    """How the reporting stands. `word`: waiting, kept, away, duplicate, refused; and why."""

    word: str
    why: str = ""
    since: float = 0.0


class Agent:
    """One host's agent; `tell` gets a line at each change of condition."""

    def __init__(
        self,
        host: Host,
        settings: "FleetSettings",
        looker: "Looker",
        *,
        jitter: float,
        tell: "Callable[[str], None]",
    ) -> None:
        self.id = settings.host or ""
        self.instance = instance_of(host)
        self.condition = Condition("waiting")
        self.unknown_forms = self.busy = 0
        self._name = safe(host.name, 250)
        self._settings = settings
        self._looker = looker
        self._jitter = jitter
        self._tell = tell
        self.queue = Queue()
        self._file = QueueFile(self.id, self.instance, tell)
        # An engine that is back is found within an interval, however long it was away.
        self._longest = min(jitter * _MOST, settings.every)
        self._backoff = Backoff(jitter * _FIRST, self._longest)
        self._bucket = Bucket(_QUESTIONS, _AT_ONCE)
        self._line = BusLine(settings, self.id) if settings.bus else None
        self._reporter: Reporter = (
            StoreReporter(settings.store, self.id, settings.every)
            if settings.store
            else BusReporter(self._line or BusLine(settings, self.id), self.id, settings.every)
        )
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._said: dict[str, str] = {}

    def begin(self) -> None:
        """Take up what was left, and look for the first time.

        Raises:
            EnvironmentFault: another agent runs with this state, or nothing can be seen here.
        """
        self.queue = self._file.open()
        self._look()

    async def run(self, ending: asyncio.Event) -> None:
        """Until `ending`; what waits goes out before, where somebody takes it."""
        loops = [asyncio.create_task(self._looking()), asyncio.create_task(self._reporting())]
        if self._line is not None:
            loops.append(asyncio.create_task(self._answering(self._line)))
        over = asyncio.create_task(ending.wait())
        try:
            done, _ = await asyncio.wait((over, *loops), return_when=asyncio.FIRST_COMPLETED)
            for task in done - {over}:
                task.result()
            if self.condition.word in ("kept", "waiting"):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._idle.wait(), _ENDING)
        finally:
            for task in (over, *loops):
                task.cancel()
            await asyncio.gather(over, *loops, return_exceptions=True)
            await self._let_go()

    async def once(self) -> None:
        """Report what there is, and return when it is kept.

        Raises:
            PortbookError: nobody took it, or it was refused.
        """
        self.condition = Condition("kept")  # which is not worth a line
        try:
            fulls = 0
            while (out := self.queue.next(clock.boot_ms())) is not None:
                answer = await self._send(out)
                if self._settle(out, answer):
                    continue
                fulls += 1
                if answer.result in ("duplicate", "refused") or fulls > 3:
                    raise EnvironmentFault(f"the report was not kept: {self.condition.why}")
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        self._file.close()
        self._looker.close()
        self._reporter.close()
        if self._line is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._line.close(), 0.2)

    # Looking

    async def _looking(self) -> None:
        every = self._settings.every
        # Agents that were started in one moment look at different ones from then on.
        due = spread(every)
        while True:
            await asyncio.sleep(due)
            try:
                self._look()
            except EnvironmentFault as fault:
                self._say("look", f"nothing can be seen: {fault}")
            else:
                self._say("look", "")
            due = 0.9 * every + spread(0.2 * every)

    def _look(self) -> None:
        seen = self._looker.look()
        is_first = self.queue.base is None
        added = self.queue.look(seen)
        if is_first:
            self._file.rewrite(self.queue)
        elif self.queue.crowded:
            self.queue.merge()
            self._file.rewrite(self.queue)
            self._say("merged", "too much waits: the oldest changes became one")
        elif added:
            self._file.added(self.queue, added)
        self._idle.clear()
        self._wake.set()

    # Reporting

    async def _reporting(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (out := self.queue.next(clock.boot_ms())) is not None:
                try:
                    answer = await self._send(out)
                except PortbookError as fault:
                    self._enter("away", str(fault))
                    await asyncio.sleep(self._backoff.wait())
                    continue
                if not self._settle(out, answer):
                    await asyncio.sleep(self._pause(answer))
            await self._reporter.rest()
            self._idle.set()

    def _pause(self, answer: "Acknowledged") -> float:
        """Seconds until the next report, where this one was not kept."""
        if answer.result == "duplicate":
            return self._jitter * _LONG
        wait = self._backoff.wait()
        # The first of them is the usual case: a store that was set back, or made anew.
        return spread(self._jitter) if answer.result == "full" else wait

    async def _send(self, out: "Outgoing") -> "Acknowledged":
        repeated = self.queue.is_repeat(out)
        self.queue.sent(out)
        answer = await self._reporter.report(self._dressed(out))
        if answer.result == "again" and repeated:
            # We sent this very report before, and its answer was lost.
            return answer._replace(result="kept")
        return answer

    def _dressed(self, out: "Outgoing") -> FleetReport:
        delta = out.delta
        return FleetReport(
            host=self.id,
            name=self._name,
            instance=self.instance,
            seq=out.seq,
            full=out.full,
            base=out.base,
            after=delta.after,
            total=delta.total,
            age_ms=min(max(0, clock.boot_ms() - delta.at_ms), _OLDEST_MS),
            every_ms=int(self._settings.every * 1000),
            version=__version__,
            labels=self._settings.labels,
            rows=delta.rows,
            gone=delta.gone,
            gaps=self._looker.last.gaps,
        )

    def _settle(self, out: "Outgoing", answer: "Acknowledged") -> bool:
        """Note what became of a report; whether it is kept."""
        queue = self.queue
        if answer.result == "kept":
            was_synced = queue.base is not None and queue.base.synced
            change = queue.kept(out)
            if was_synced:
                self._file.kept(queue, out, change=change)
            elif queue.base is not None and queue.base.synced:
                self._file.rewrite(queue)
            if queue.base is not None and queue.base.synced:
                self._backoff.reset()
                self._enter("kept", "")
                self._said.pop("full", None)
                if not queue.deltas:
                    self._said.pop("merged", None)
            return True
        # `again` here is a number that somebody else gave out: another process with our state, or
        # a machine that was set back to what it was.
        queue.resync(beyond=answer.result == "again")
        self._file.rewrite(queue)
        if answer.result in ("duplicate", "refused"):
            self._enter(answer.result, answer.why or "no reason was given")
        else:
            self._condition_full(answer)
        return False

    def _condition_full(self, answer: "Acknowledged") -> None:
        self.condition = Condition("waiting", answer.why or "everything is asked for")
        why = f" ({answer.why})" if answer.why else ""
        self._say("full", f"everything is reported again: the store has another table{why}")

    def _enter(self, word: str, why: str) -> None:
        """Change the condition, and say so once."""
        before = self.condition
        if before.word == word:
            return
        self.condition = Condition(word, why, clock.monotonic())
        if word == "kept":
            away = before.word not in ("waiting", "kept")
            after = f" again, after {spoken(round(clock.monotonic() - before.since))}"
            waited = len(self.queue.deltas)
            changes = "a change waited and follows" if waited == 1 else f"{waited} changes follow"
            rest = f"; {changes}" if away and waited else ""
            self._said.pop("full", "")
            if away or not before.since:
                self._tell(f"reports are kept{after if away else ''}{rest}")
        elif word == "away":
            self._tell(f"reports wait: {why}")
        elif word == "duplicate":
            self._tell(
                f"two machines report as {self.id}: {why}; nothing is answered until that ends"
            )
        else:
            self._tell(f"the report was refused: {why}")

    def _say(self, topic: str, text: str) -> None:
        """One line where a topic has another one than the last time."""
        if text and self._said.get(topic) != text:
            self._tell(text)
        self._said[topic] = text

    # Questions

    async def _answering(self, line: BusLine) -> None:
        backoff = Backoff(self._jitter * _FIRST, self._longest)
        while True:
            try:
                bus = await line.bus()
                self._say("bus", "questions are answered")
                backoff.reset()
                await bus.serve(self.id, self.answer)
                # It ended: somebody closed it, or the server did for good.
                await line.close()
            except PortbookError as fault:
                self._say("bus", f"no questions come: {fault}")
            await asyncio.sleep(backoff.wait())

    async def answer(self, question: "Question") -> tuple[HostAnswer, ...]:
        """What this host says to a question; nothing where it is not meant.

        Forms that are unknown are of a newer portbook. A host whose id is used twice says nothing:
        nobody could tell which of the two it is.
        """
        if question.form not in FORMS:
            self.unknown_forms += 1
            return ()
        if self.condition.word == "duplicate":
            return ()
        if not set(question.labels) <= set(self._settings.labels):
            return ()
        if not self._bucket.take():
            self.busy += 1
            return (HostAnswer(question.id, self.id, self._name, 0, why="busy"),)
        from portbook.fleet.answering import answers_of

        if clock.boot_ms() - self._looker.last.at_ms > _FRESH_MS:
            try:
                self._looker.look()
            except (EnvironmentFault, NotPermitted) as fault:
                why = f"nothing can be seen: {fault}"[:500]
                return (HostAnswer(question.id, self.id, self._name, 0, why=why),)
        seen = self._looker.last
        return answers_of(
            question,
            host=self.id,
            name=self._name,
            rows=seen.table.values(),
            age_ms=clock.boot_ms() - seen.at_ms,
            gaps=seen.gaps,
            labels=self._settings.labels,
        )


def instance_of(host: Host) -> str:
    """Which machine this is: its start, and the network namespace.

    The machine-wide id would not do: images of virtual machines are copied with it.
    """
    try:
        boot = host.text("/proc/sys/kernel/random/boot_id", 64).strip()
        return f"{boot}:{host.inode('/proc/self/ns/net')}"
    except OSError as error:
        raise EnvironmentFault(
            f"which start of the machine this is cannot be told: {error.strerror}"
        ) from None
