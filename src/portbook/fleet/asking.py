"""Asking a fleet live: who was asked, who answered, who was silent, and what is missing.

With a roster of hosts it is over as soon as all of them have answered. Without one nobody can know
who is missing: it is over when it has been quiet for a moment, and `asked` is unknown.
"""

import asyncio
import contextlib

from portbook.fleet.bus import Bus
from portbook.host import clock
from portbook.model import PortbookError
from portbook.model.fleet import Asked, HostAnswer, Question
from portbook.model.record import Record
from portbook.model.unknown import Gap, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

QUIET = 0.15
"""Seconds without an answer after which nobody else is expected, where nothing lists the hosts."""
MOST_ROWS = 2_000_000
"""Rows of one answer; further ones are counted, not kept."""
_NAMED = 20
"""Gaps of one kind that are named; the others are a number."""


class Collected(Record):
    """Answers as they came, whom they are from, and what is missing in them.

    `moments` has, for each answer, the seconds since 1970 by our clock at which its host looked.
    """

    asked: Asked
    answers: tuple[HostAnswer, ...]
    moments: tuple[float, ...]
    incomplete: tuple[Gap, ...]


async def ask_fleet(
    bus: Bus,
    question: Question,
    *,
    roster: "Mapping[str, str] | None" = None,
    hosts: tuple[str, ...] = (),
) -> Collected:
    """Ask, and collect what comes in the question's time.

    Args:
        bus: the bus.
        question: what is asked.
        roster: the hosts that should answer, each with its name; None where nothing lists them.
        hosts: ask these alone, instead of everyone.

    Raises:
        NotPermitted: we may not ask.
        EnvironmentFault: the bus is away, and no answer has come.
    """
    if roster is None and hosts:
        roster = dict.fromkeys(hosts, "")
    collector = _Collector(roster)
    malformed, dropped = _counters(bus)
    stream = bus.ask(question, hosts=hosts)
    fault: PortbookError | None = None
    try:
        await collector.collect(stream, question.within_ms / 1_000)
    except PortbookError as error:
        if not collector.answers:
            raise
        fault = error
    finally:
        with contextlib.suppress(PortbookError):
            await stream.aclose()
    now_malformed, now_dropped = _counters(bus)
    return collector.done(fault, now_malformed - malformed, now_dropped - dropped)


class _Collector:
    """What has come so far."""

    def __init__(self, roster: "Mapping[str, str] | None") -> None:
        self.answers: list[HostAnswer] = []
        self._moments: list[float] = []
        self._roster = roster
        self._missing = None if roster is None else set(roster)
        self._complete: dict[str, int] = {}
        self._partial: dict[str, None] = {}
        self._rows = self._left_out = 0

    async def collect(self, stream: "AsyncIterator[HostAnswer]", seconds: float) -> None:
        """Take answers until all have answered, or until it is quiet or late."""
        if self._missing is not None:
            async for answer in stream:
                self._take(answer)
                if not self._missing:
                    return
            return
        deadline = asyncio.get_running_loop().time() + seconds + QUIET
        # One task for each answer would cost as much as the answer: they go through a list.
        came: list[HostAnswer] = []
        wake = asyncio.Event()

        async def pump() -> None:
            async for answer in stream:
                came.append(answer)
                wake.set()

        pumping = asyncio.create_task(pump())
        pumping.add_done_callback(lambda _: wake.set())
        try:
            while True:
                left = deadline - asyncio.get_running_loop().time()
                patience = min(QUIET, left) if self.answers else left
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), patience)
                wake.clear()
                some, came[:] = came[:], []
                for answer in some:
                    self._take(answer)
                if pumping.done() and not came:
                    # What it raised is ours to tell.
                    pumping.result()
                    return
                if not some and not self._partial:
                    return
                if left <= 0:
                    return
        finally:
            pumping.cancel()
            await asyncio.gather(pumping, return_exceptions=True)

    def _take(self, answer: HostAnswer) -> None:
        host = answer.host
        self._rows += len(answer.rows)
        if self._rows > MOST_ROWS:
            self._left_out += len(answer.rows)
            answer = answer._replace(rows=())
        self.answers.append(answer)
        self._moments.append(clock.now() - answer.age_ms / 1_000)
        if not answer.last:
            self._partial[host] = None
            return
        self._partial.pop(host, None)
        self._complete[host] = self._complete.get(host, 0) + 1
        if self._missing is not None:
            self._missing.discard(host)

    def done(self, fault: PortbookError | None, malformed: int, dropped: int) -> Collected:
        """The result."""
        unlisted = Unknown("not-asked", "a store lists the hosts: --store")
        asked: int | Unknown = unlisted
        silent: tuple[str, ...] | Unknown = unlisted
        if self._roster is not None:
            asked = len(self._roster.keys() | self._complete.keys())
            silent = tuple(sorted(self._roster.keys() - self._complete.keys()))
        gaps = [] if fault is None else [Gap("the bus", str(fault), fault.hint)]
        gaps += _named(
            "two machines answer as this host; run portbook fleet join on one of them again",
            [host for host, times in self._complete.items() if times > 1],
        )
        gaps += _named("only a part of its answer came in time", list(self._partial))
        for answer in self.answers:
            if answer.why:
                gaps.append(Gap(answer.host, answer.why))
            gaps += [Gap(answer.host, each) for each in answer.gaps]
        for number, what, why in (
            (malformed, "answers", "were malformed, and are left out"),
            (dropped, "answers", "came faster than they could be read, and are left out"),
            (self._left_out, "listeners", "are more than one answer holds, and are left out"),
        ):
            if number:
                gaps.append(Gap(what, f"{number} {why}"))
        return Collected(
            Asked(asked, len(self._complete), silent, "live", clock.iso(clock.now())),
            tuple(self.answers),
            tuple(self._moments),
            tuple(gaps),
        )


def _named(why: str, hosts: list[str]) -> list[Gap]:
    made = [Gap(host, why) for host in sorted(hosts)[:_NAMED]]
    if len(hosts) > _NAMED:
        made.append(Gap(f"{len(hosts) - _NAMED} hosts more", why))
    return made


def _counters(bus: Bus) -> tuple[int, int]:
    """What the bus left out so far. Where others ask over it at the same time it is theirs, too."""
    return getattr(bus, "malformed", 0), getattr(bus, "dropped", 0)
