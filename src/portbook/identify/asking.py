"""Asking one listener: which conversations, in which order, how many at once, and when to stop."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence

from portbook.host import clock
from portbook.identify.connection import Budget
from portbook.identify.conversation import Line, Outcome, converse
from portbook.identify.limits import (
    ANSWER_SECONDS,
    CONNECTIONS_AT_A_TIME,
    DATAGRAM_SECONDS,
    GREETING_SECONDS,
    INSIDE_SECONDS,
    LATE_GREETING_SECONDS,
    PACE_SECONDS,
    PATIENCE_SECONDS,
)
from portbook.identify.order import Step, inside, plan
from portbook.identify.probe import Again, Probe
from portbook.identify.probes import all_probes, probe_named
from portbook.identify.tls import HTTP_1
from portbook.model.record import Record
from portbook.model.speaks import Target

_CLOSED = ("closed", "reset")


class Heard(Record):
    """Everything that one listener did: each step with its outcome, in the order of ending."""

    outcomes: tuple[tuple[Step, Outcome], ...]
    sent: int
    connections: int
    seconds: float

    @property
    def best(self) -> Outcome | None:
        """The outcome that tells most."""
        found = [(step, outcome) for step, outcome in self.outcomes if outcome.found]
        # Among equals a follow-up knows more: it was asked for.
        found.sort(key=lambda each: (worth(each[1])[:2], each[0].why == "follow", worth(each[1])))
        return found[-1][1] if found else None


def worth(outcome: Outcome) -> tuple[int, int, int, int]:
    """How much an outcome tells: its confidence, whether more than TLS, product and version."""
    found = outcome.found
    if found is None:
        return (0, 0, 0, 0)
    # TLS alone is certain, and still the least that can be said of what is inside.
    more = found.protocol != "tls"
    sure = {"certain": 2, "likely": 1}.get(found.confidence, 0)
    told = (found.product is not None) + (found.version is not None)
    return (sure if more else 0, int(more), told, int(outcome.tls is not None))


async def ask(
    target: Target,
    suggested: Sequence[Probe],
    *,
    patience: float | None = None,
    budget: Budget | None = None,
) -> Heard:
    """Ask one listener until something certain is known, or everything allowed was tried.

    Args:
        target: where.
        suggested: the protocols that local evidence points at, strongest first.
        patience: the most seconds that silence may take; by default a few, and more where the
            evidence points at a protocol whose servers greet.
        budget: what may still be sent, where it is shared with other tries.
    """
    return await _Asking(target, suggested, patience, budget or Budget()).run()


class _Asking:
    """The steps that run, those to come, and what was heard."""

    def __init__(
        self, target: Target, suggested: Sequence[Probe], patience: float | None, budget: Budget
    ) -> None:
        self._target = target
        self._suggested = suggested
        self._budget = budget
        self._before = (budget.sent, budget.connections)
        self._planned: Iterator[Step] = plan(target, suggested)
        self._inside: Iterator[Probe] = inside(suggested)
        self._urgent: deque[tuple[Step, Line]] = deque()
        self._running: dict[asyncio.Task[Outcome], Step] = {}
        self._dropped: list[asyncio.Task[Outcome]] = []
        self._outcomes: list[tuple[Step, Outcome]] = []
        self._once: set[object] = set()
        self._exhausted = False
        greets = any(probe.speaks_first for probe in suggested)
        self._all_greet = all(probe.speaks_first for probe in suggested)
        self._began = clock.monotonic()
        self._until = self._began + (
            patience or (LATE_GREETING_SECONDS if greets else PATIENCE_SECONDS)
        )
        self._next_start = self._began

    async def run(self) -> Heard:
        """Ask until the answer is known, the plan is at its end, or the time is over."""
        try:
            while clock.monotonic() < self._until and not self._decided():
                self._start()
                if self._exhausted and not self._running:
                    break
                await self._wait()
        finally:
            self._drop(list(self._running))
            await asyncio.gather(*self._dropped, return_exceptions=True)
        seconds = clock.monotonic() - self._began
        sent, connections = self._before
        return Heard(
            tuple(self._outcomes),
            self._budget.sent - sent,
            self._budget.connections - connections,
            seconds,
        )

    @property
    def _room(self) -> bool:
        return len(self._running) < CONNECTIONS_AT_A_TIME

    @property
    def _only_listens(self) -> bool:
        return all(step.listens for step in self._running.values())

    def _start(self) -> None:
        """Begin what may begin now: urgent steps at once, planned ones at their pace."""
        if self._urgent and not self._room:
            # What was only tried, and is silent so far, makes room.
            tried = [task for task, step in self._running.items() if step.why == "ladder"]
            self._drop(tried[:1])
        while self._room and (self._urgent or clock.monotonic() >= self._next_start):
            if self._urgent:
                step, line = self._urgent.popleft()
            else:
                planned = next((s for s in self._planned if not self._is_superfluous(s)), None)
                self._exhausted = planned is None
                if planned is None:
                    return
                step, line = planned, self._line(planned)
            task = asyncio.create_task(converse(self._target, line, self._budget, self._until))
            self._running[task] = step
            # One that is said to greet is listened to for longer before a stranger talks to it.
            greets = step.listens and step.why == "process" and self._all_greet
            self._next_start = clock.monotonic() + (GREETING_SECONDS if greets else PACE_SECONDS)

    def _is_superfluous(self, step: Step) -> bool:
        """A handshake for its own sake, where another one has told or will tell the same."""
        return step.why == "ladder" and step.probe == probe_named("tls") and "tls" in self._once

    async def _wait(self) -> None:
        """Until a conversation ends, or the next one may begin."""
        waits = self._until if self._exhausted or not self._room else self._next_start
        seconds = max(0.0, min(waits, self._until) - clock.monotonic())
        if not self._running:
            await asyncio.sleep(seconds)
            return
        done, _ = await asyncio.wait(
            self._running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done:
            # One that ended beside it may have made it pointless.
            step = self._running.pop(task, None)
            if step is not None:
                self._ended(step, task.result())
                self._next_start = min(self._next_start, clock.monotonic())

    def _drop(self, tasks: Sequence[asyncio.Task[Outcome]]) -> None:
        """End conversations whose outcome does not matter any more."""
        for task in tasks:
            task.cancel()
            del self._running[task]
        self._dropped += tasks

    def _line(self, step: Step) -> Line:
        probe = step.probe
        if step.tls:
            return self._tls_line(probe)
        rest = self._until - clock.monotonic()
        if probe is None:
            return Line(None, seconds=GREETING_SECONDS if step.why == "greeting" else rest)
        if step.listens and self._target.transport == "tcp":
            return Line(None, seconds=rest)
        udp = self._target.transport == "udp"
        data = probe.datagram if udp else probe.opener
        tried = DATAGRAM_SECONDS if udp else ANSWER_SECONDS
        return Line(probe, data or b"", seconds=rest if step.why == "process" else tried)

    def _tls_line(self, probe: Probe | None) -> Line:
        """A TLS connection: the probe's opener inside, or a greeting, then the likeliest opener."""
        self._once |= {"tls", ("tls", probe)}
        if probe is not None and not probe.tls and probe.opener:
            # The first handshake tells everything about TLS; further ones may be short.
            lean = "inside" in self._once
            alpn = probe.alpn or (() if lean else HTTP_1)
            return Line(probe, probe.opener, tls=True, lean=lean, alpn=alpn)
        then = next(self._inside, None)
        return Line(probe_named("tls"), tls=True, seconds=INSIDE_SECONDS, then=then)

    def _ended(self, step: Step, outcome: Outcome) -> None:
        self._outcomes.append((step, outcome))
        if outcome.further is not None and outcome.probe is not None:
            tls = outcome.tls is not None and not outcome.tls.upgraded
            self._follow(outcome.probe, outcome.further, tls=tls)
        elif outcome.end in _CLOSED and not outcome.found and not step.tls:
            # What a telling process closes without a word may be inside TLS.
            if step.why == "process" and step.probe and step.probe.opener:
                self._begin_tls("process", step.probe)
        elif outcome.end == "no-tls":
            self._retry_tls(step, outcome.detail or "")
        if outcome.tls is not None and not outcome.tls.upgraded and self._first_time("inside"):
            # It speaks TLS, so nothing more is said, or waited for, in the clear.
            self._planned = (Step("ladder", probe, tls=True) for probe in self._inside)
            self._exhausted = False
            self._drop([task for task, running in self._running.items() if not running.tls])
            if outcome.end in _CLOSED and outcome.tls.alpn is None:
                self._begin_h2(step)
        elif outcome.end == "spent":
            self._planned = iter(())
        if outcome.found and outcome.found.confidence != "certain" and not outcome.further:
            self._confirm(outcome.found.protocol, tls=step.tls and outcome.tls is not None)

    def _follow(self, probe: Probe, further: Again, *, tls: bool) -> None:
        """Another connection, as a judge asks for it; inside TLS where the first one was."""
        if not further.data:
            self._begin_tls("follow", None)
            return
        tls = tls or further.tls
        line = Line(probe, further.data, tls=tls, only=True, seconds=4 * ANSWER_SECONDS)
        self._urgent.append((Step("follow", probe, tls=tls), line))

    def _begin_tls(self, why: str, probe: Probe | None) -> None:
        if self._first_time(("tls", probe)) and self._budget.allows_tls(lean=False):
            self._urgent.append((Step(why, probe, tls=True), self._tls_line(probe)))

    def _retry_tls(self, step: Step, reason: str) -> None:
        """The handshake failed for want of a name or a protocol that we can offer as well."""
        if "NAME" in reason and self._first_time("name"):
            line = self._tls_line(step.probe)._replace(name="localhost")
            self._urgent.append((step, line))
        elif "APPLICATION_PROTOCOL" in reason and self._first_time("no alpn"):
            self._urgent.append((step, self._tls_line(step.probe)._replace(alpn=())))
        elif "APPLICATION_PROTOCOL" in reason:
            self._begin_h2(step)

    def _begin_h2(self, step: Step) -> None:
        """Some servers of HTTP/2 want it offered, and hang up without a word where it is not."""
        if self._first_time("h2") and self._budget.allows_tls(lean=False):
            line = Line(probe_named("tls"), tls=True, seconds=0.0, alpn=("h2",))
            self._urgent.append((step, line._replace(then=probe_named("http2"))))

    def _confirm(self, protocol: str, *, tls: bool) -> None:
        """A likely protocol is asked in its own words before anything else."""
        probe = next((each for each in all_probes() if each.name == protocol), None)
        if probe is None or probe.opt_in or probe.tls or not self._first_time(("ask", protocol)):
            return
        data = probe.datagram if self._target.transport == "udp" else probe.opener
        if data and not any(step.probe is probe for step, _ in self._outcomes):
            line = Line(probe, data, tls=tls, seconds=4 * ANSWER_SECONDS)
            self._urgent.append((Step("confirm", probe, tls=tls), line))

    def _first_time(self, key: object) -> bool:
        new = key not in self._once
        self._once.add(key)
        return new

    def _decided(self) -> bool:
        """Whether nothing that could still be asked would change the answer."""
        if any(worth(outcome)[0] == 2 for _, outcome in self._outcomes):
            # A follow-up may still bring the product; what listens for a greeting may not.
            return not self._urgent and not any(
                step.why in ("follow", "confirm") for step in self._running.values()
            )
        if not self._outcomes:
            return False
        if self._exhausted and not self._urgent and self._only_listens:
            # TLS, or an answer that is merely likely: nobody greets after that.
            return any(outcome.found or outcome.tls for _, outcome in self._outcomes)
        ends = [outcome.end for _, outcome in self._outcomes]
        if ends[0] in ("refused", "timeout", "unreachable"):
            return True
        listened = [outcome.end for step, outcome in self._outcomes if step.listens]
        # It hung up on who merely listened, and on another one: it hangs up on everybody.
        return any(end in _CLOSED for end in listened) and (
            len(ends) > 1 and all(end in _CLOSED for end in ends) and not self._urgent
        )
