"""The bus of a fleet: who may say what on which subject, and what every bus can do.

A bus carries live questions and, where an agent has no store, its reports. Nothing is kept on it.
Subjects, H a host id: `portbook.ask` (questions for everyone), `portbook.ask.H` (for one host),
`portbook.report.H` (reports; hubs take turns in the queue group `hub`). Answers go to the reply
subject of the question. A message is JSON (fleet.wire), compressed where it is long.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

from portbook.model.fleet import HostAnswer, Question

ASK = "portbook.ask"
REPORT = "portbook.report"
HUBS = "hub"
LARGEST = 1_000_000
"""Bytes of one message; NATS refuses more than 1 MB (max_payload) as it comes."""

Handler = Callable[[Question], Awaitable[tuple[HostAnswer, ...]]]
"""Answers a question, in one part or several; no answer: it was not for this host."""

Taker = Callable[[str, bytes], Awaitable[bytes]]
"""Takes a report of the host whose subject it came on; the answer is an Acknowledged."""


class Bus(Protocol):
    """What a bus can do; every method raises EnvironmentFault where it cannot be reached."""

    def ask(self, question: Question, *, hosts: tuple[str, ...] = ()) -> AsyncGenerator[HostAnswer]:
        """Ask everyone, or these hosts; what comes until `question.within_ms` is over.

        It ends earlier only when the caller stops to take answers. Answers that are malformed are
        left out and counted in `malformed`.
        """

    async def serve(self, host: str, handler: Handler) -> None:
        """Answer questions for this host until the bus is closed; reconnects by itself."""

    async def report(self, host: str, report: bytes, *, seconds: float) -> bytes:
        """Hand a report to a hub and wait for its answer.

        Raises:
            EnvironmentFault: no hub took it in time.
        """

    async def take_reports(self, taker: Taker) -> None:
        """Be a hub: take reports until the bus is closed."""

    async def close(self) -> None:
        """Let go of it."""
