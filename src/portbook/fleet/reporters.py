"""Where an agent's reports go: into the store, or over the bus to a hub.

A connection to the store lives as long as there is something to report: 10,000 agents that report
every 30 seconds are some dozens of connections at a time, not 10,000.
"""

import asyncio
import contextlib
import threading
from functools import partial

from portbook.host import postgres
from portbook.model import EnvironmentFault, PortbookError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeVar

    from portbook.fleet.bus import Bus
    from portbook.fleet.settings import FleetSettings
    from portbook.host.postgres import Link
    from portbook.model.fleet import Acknowledged, FleetReport

    T = TypeVar("T")

    class Reporter(Protocol):
        """What takes reports."""

        async def report(self, report: FleetReport) -> Acknowledged:
            """Hand one over and wait for its answer; raises PortbookError where nobody took it."""

        async def rest(self) -> None:
            """Nothing more for now."""

        def close(self) -> None:
            """Nothing more at all."""


KEPT_OPEN = 5.0
"""Agents that look at least this often keep their connection to the store."""
_LEAST, _MOST = 2.0, 10.0
"""Seconds that a hub has to answer: an interval of the agent, within these bounds."""


class StoreReporter:
    """Reports go into the store, with the agent's own role."""

    def __init__(self, url: str, host: str, every: float) -> None:
        self._url = url
        self._name = f"portbook agent {host}"
        self._stays = every <= KEPT_OPEN
        self._link: Link | None = None
        self._at_work = False

    async def report(self, report: "FleetReport") -> "Acknowledged":
        """Write one report.

        Raises:
            PortbookError: the store is away, refuses, or has another schema.
        """
        return await apart(lambda: self._report(report))

    def _report(self, report: "FleetReport") -> "Acknowledged":
        from portbook.fleet.ingest import keep_reports
        from portbook.fleet.migrating import open_store

        self._at_work = True
        try:
            if self._link is None:
                self._link = open_store(self._url, name=self._name, write=True)
            with postgres.faults(self._url):
                return keep_reports(self._link, (report,))[0]
        except BaseException:
            self._drop()
            raise
        finally:
            self._at_work = False

    async def rest(self) -> None:
        """Close the connection, unless it is used again at once."""
        if not self._stays:
            self._drop()

    def close(self) -> None:
        """Let go of the store; a report that is under way ends with the process."""
        if not self._at_work:
            self._drop()

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()


class BusLine:
    """The one connection to the bus that reports and questions share."""

    def __init__(self, settings: "FleetSettings", host: str) -> None:
        self._settings = settings
        self._name = f"portbook agent {host}"
        self._bus: Bus | None = None
        self._making = asyncio.Lock()

    async def bus(self) -> "Bus":
        """The connection; made where there is none.

        Raises:
            EnvironmentFault, NotPermitted: it cannot be made.
        """
        async with self._making:
            if self._bus is None:
                from portbook.fleet.nats_bus import connect_bus

                self._bus = await connect_bus(self._settings, name=self._name)
            return self._bus

    async def close(self) -> None:
        """Let go of it."""
        bus, self._bus = self._bus, None
        if bus is not None:
            with contextlib.suppress(PortbookError, OSError):
                await bus.close()


class BusReporter:
    """Reports go over the bus to a hub."""

    def __init__(self, line: BusLine, host: str, every: float = _MOST) -> None:
        self._line = line
        self._patience = min(_MOST, max(_LEAST, every))
        self._host = host

    async def report(self, report: "FleetReport") -> "Acknowledged":
        """Hand one report to a hub.

        Raises:
            PortbookError: the bus is away, no hub took it, or its answer is none.
        """
        from portbook.fleet.wire import decode_acknowledged, encode_report

        bus = await self._line.bus()
        said = await bus.report(self._host, encode_report(report), seconds=self._patience)
        found = decode_acknowledged(said)
        if found.host != report.host or found.seq != report.seq:
            raise EnvironmentFault("a hub answered about another report")
        return found

    async def rest(self) -> None:
        """The bus stays connected: questions come over it."""

    def close(self) -> None:
        """The line is closed by whom it belongs to."""


async def apart(work: "Callable[[], T]") -> "T":
    """What `work` returns, done in a thread that nobody has to wait for.

    asyncio's own threads are waited for at the end, and a connection attempt may take 5 seconds.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(tell: "Callable[[], None]") -> None:
        if not done.done():
            tell()

    def run() -> None:
        try:
            tell = partial(done.set_result, work())
        except BaseException as error:  # noqa: BLE001 - it is raised again by who waits
            tell = partial(done.set_exception, error)
        # The loop may have ended meanwhile.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, tell)

    threading.Thread(target=run, daemon=True, name="portbook-report").start()
    return await done
