"""A hub takes reports from the bus into the store, many hosts in one transaction.

It has no state of its own, so that any number of them can run: they take turns. A report is
answered after it is committed, never before. While the store is away the hub does not listen, so
that another one, or nobody, has the report: its agent keeps it and sends it again.
"""

import asyncio
import contextlib
from collections import deque

from portbook.fleet import wire
from portbook.fleet.bus import Bus
from portbook.fleet.pacing import Backoff, spread
from portbook.fleet.reporters import apart
from portbook.model import EnvironmentFault, PortbookError
from portbook.model.fleet import Acknowledged, FleetReport
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from portbook.host.postgres import Link

GATHER = 0.02
"""Seconds that the first report of a batch waits for others."""
MOST_REPORTS = 500
"""Of one batch; what comes while it is written is the next one."""
ROWS_AT_ONCE = 50_000
"""Rows of one transaction, after which the next one begins."""
MOST_WAITING = 10_000
"""Reports that wait; further ones are not answered."""
_DAY = 86_400.0
_SOON = 600.0


class HubState(Record):
    """What a hub has done since it began. `store` is `up` or `away`; `why` says why it is away.

    Each report had one result: `kept`, `again`, `full`, `duplicate`, `refused`; or it was
    `malformed` or `unanswered`, as the store was away or too many waited. `dropped` are messages
    that the bus had to leave out before.
    """

    store: str
    why: str
    reports: int = 0
    rows: int = 0
    batches: int = 0
    kept: int = 0
    again: int = 0
    full: int = 0
    duplicate: int = 0
    refused: int = 0
    malformed: int = 0
    unanswered: int = 0
    dropped: int = 0


class Hub:
    """Takes reports from `bus` into the store at `url`; `tell` gets a line when that changes."""

    def __init__(
        self, bus: Bus, url: str, *, tell: "Callable[[str], None]", keep: float | None = None
    ) -> None:
        """`keep`: seconds of history; months that are older are dropped once a day."""
        self._bus = bus
        self._url = url
        self._tell = tell
        self._keep_s = keep
        self._link: Link | None = None
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._counts = dict.fromkeys(HubState._fields[2:], 0)
        self._away = ""

    @property
    def state(self) -> HubState:
        """What it has done so far."""
        counts = {
            **self._counts,
            "malformed": self._counts["malformed"] + getattr(self._bus, "malformed", 0),
            "dropped": getattr(self._bus, "dropped", 0),
        }
        return HubState("away" if self._away else "up", self._away, **counts)

    async def open(self) -> None:
        """Connect to the store for the first time.

        Raises:
            NotReached, NotPermitted, EnvironmentFault: as `open_store`.
        """
        await apart(self._connect)

    async def run(self, ending: asyncio.Event) -> None:
        """Take reports until `ending`; what is being written then is written to its end.

        Raises:
            NotPermitted: the bus lets us hear no reports.
        """
        over = asyncio.create_task(ending.wait())
        dropping = asyncio.create_task(self._dropping())
        try:
            while not over.done():
                await self._while_up(over)
                if not over.done():
                    await self._until_up(over)
        finally:
            for task in (over, dropping):
                task.cancel()
            await asyncio.gather(over, dropping, return_exceptions=True)
            self._give_up("the hub ends")
            self._close()

    async def _while_up(self, over: "asyncio.Task[bool]") -> None:
        """Until the store fails, or it is over."""
        taking = asyncio.create_task(self._bus.take_reports(self.take))
        writing = asyncio.create_task(self._writing())
        try:
            await asyncio.wait((over, taking, writing), return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                taking.result()
                raise EnvironmentFault("the bus was closed")
        finally:
            if not writing.done():
                # What is at work is answered before we leave.
                await self._settled()
            for task in (taking, writing):
                task.cancel()
            await asyncio.gather(taking, writing, return_exceptions=True)
        if not over.done():
            fault = writing.exception()
            if not isinstance(fault, PortbookError):
                writing.result()
            self._away = str(fault)
            self._tell(f"reports are not taken: {fault}")
            self._give_up(self._away)

    async def _settled(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), 5)

    async def _until_up(self, over: "asyncio.Task[bool]") -> None:
        self._close()
        backoff = Backoff(1.0, 15.0)
        while not over.done():
            await asyncio.wait((over,), timeout=backoff.wait())
            if over.done():
                return
            try:
                await apart(self._connect)
            except PortbookError as fault:
                if str(fault) != self._away:
                    self._tell(f"reports are not taken: {fault}")
                self._away = str(fault)
                continue
            self._away = ""
            self._tell("reports are taken again")
            return

    # Reports

    async def take(self, host: str, data: bytes) -> bytes:
        """One report of a host; its answer comes when it is written.

        Raises:
            EnvironmentFault: it was not, and may be sent again.
        """
        self._counts["reports"] += 1
        if len(self._waiting) >= MOST_WAITING:
            self._counts["unanswered"] += 1
            raise EnvironmentFault("too many reports wait")
        waiting = _Waiting(host, data, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._idle.clear()
        self._wake.set()
        return wire.encode_acknowledged(await waiting.answer)

    async def _writing(self) -> None:
        while True:
            await self._wake.wait()
            if len(self._waiting) < MOST_REPORTS:
                await asyncio.sleep(GATHER)
            self._wake.clear()
            while self._waiting:
                some = min(len(self._waiting), MOST_REPORTS)
                fault = await self._write([self._waiting.popleft() for _ in range(some)])
                if fault is not None:
                    raise fault
            self._idle.set()

    async def _write(self, batch: "list[_Waiting]") -> PortbookError | None:
        """Write a batch and answer it; the fault because of which some are not answered."""
        try:
            found, fault = await apart(lambda: self._kept(batch))
        except BaseException:
            self._waiting.extendleft(reversed(batch))
            raise
        self._counts["batches"] += 1
        for waiting, receipt in zip(batch, found, strict=True):
            if isinstance(receipt, Acknowledged):
                self._counts[receipt.result] += 1
                if not waiting.answer.done():
                    waiting.answer.set_result(receipt)
            else:
                self._counts["malformed" if receipt else "unanswered"] += 1
                _fail(waiting, receipt or str(fault))
        return fault

    def _kept(
        self, batch: "Sequence[_Waiting]"
    ) -> "tuple[list[Acknowledged | str], PortbookError | None]":
        """For each report its receipt, what is wrong with it, or "" where the store failed."""
        found: list[Acknowledged | str] = [""] * len(batch)
        some: dict[int, FleetReport] = {}
        rows = 0
        try:
            for at, waiting in enumerate(batch):
                try:
                    report = wire.decode_report(waiting.data)
                except wire.Malformed as fault:
                    found[at] = str(fault)
                    continue
                if report.host != waiting.host:
                    # Who may publish on a host's subject may report for that host alone.
                    why = f"it came on the subject of {waiting.host}"
                    found[at] = Acknowledged(report.host, report.seq, "refused", why)
                    continue
                some[at] = report
                rows += len(report.rows) + len(report.gone)
                if rows >= ROWS_AT_ONCE:
                    self._commit(some, found)
                    some, rows = {}, 0
            self._commit(some, found)
        except PortbookError as fault:
            return found, fault
        return found, None

    def _commit(self, some: "dict[int, FleetReport]", found: "list[Acknowledged | str]") -> None:
        from portbook.fleet.ingest import keep_reports

        if not some:
            return
        if self._link is None:
            raise EnvironmentFault("the store is away")
        receipts = keep_reports(self._link, tuple(some.values()))
        for at, receipt in zip(some, receipts, strict=True):
            found[at] = receipt
            if receipt.result == "kept":
                self._counts["rows"] += len(some[at].rows) + len(some[at].gone)

    def _give_up(self, why: str) -> None:
        """Those that wait get no answer: they are sent again."""
        while self._waiting:
            self._counts["unanswered"] += 1
            _fail(self._waiting.popleft(), why)

    # The store

    def _connect(self) -> None:
        from portbook.fleet.migrating import open_store

        self._link = open_store(self._url, name="portbook hub", write=True)

    def _close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            with contextlib.suppress(Exception):
                link.close()

    async def _dropping(self) -> None:
        """Make and drop months of the history, once a day; of several hubs one is enough."""
        keep = self._keep_s
        if keep is None:
            return
        from portbook.fleet.retaining import retain

        said, wait = "", spread(_SOON)
        while True:
            await asyncio.sleep(wait)
            wait = _DAY + spread(_SOON)
            try:
                await apart(lambda: retain(self._url, keep=keep))
            except PortbookError as fault:
                if str(fault) != said:
                    self._tell(f"the months of the history stay as they are: {fault}")
                said = str(fault)


class _Waiting(Record):
    """A report under way: the host of its subject, the message, and who waits for the answer."""

    host: str
    data: bytes
    answer: "asyncio.Future[Acknowledged]"


def _fail(waiting: _Waiting, why: str) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(EnvironmentFault(why or "the report was not written"))
        # Who waited may be gone.
        waiting.answer.exception()
