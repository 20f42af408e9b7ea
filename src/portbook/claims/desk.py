"""The desk of the service: takes requests of every kind, and answers when what they did is kept.

Everything that is asked for in one turn of the event loop is committed together, and nobody is
told before the commit returned; if it fails, nobody of that turn has anything, and all are told so.
It knows no sockets: the pages' connections, the datagrams and the portserver hand requests in.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from portbook.claims import routes
from portbook.claims.calls import Calls
from portbook.claims.holds import Holds
from portbook.claims.queues import Queues
from portbook.claims.replies import fault, no_route, refusal
from portbook.claims.routes import Asked, NoRoute, Reply
from portbook.claims.watches import Watches
from portbook.host import clock
from portbook.host.database import NotWritten
from portbook.model import PortbookError
from portbook.model.claim import (
    Bound,
    Caller,
    Claim,
    ClaimEvent,
    ClaimRefused,
    ClaimRequest,
    Permit,
    PermitRequest,
    Reservation,
    ReservationRequest,
    Waiter,
)

if TYPE_CHECKING:
    from portbook.claims.store import InUse, Store

Answer = Callable[[Any], None]
Cancel = Callable[[], None]
NumbersFor = Callable[[ClaimRequest | ReservationRequest], Iterable[int]]
_ENTER = "Authorization: Bearer and the token in its file, or the Unix socket"
_LIVE = ("reserved", "bound", "squatted")
_LATEST_LOOK = 30.0
"""Seconds after which leases are looked at in any case: a machine that sleeps has no timers."""
_SOONEST_LOOK = 0.02
_ENOUGH = 64
"""Requests that are committed together at the latest."""
_BLIND_LOOK = 500
"""Milliseconds between two looks at processes that no descriptor tells of."""


def _nobody(told: Any) -> None:
    """Whoever is to be told of what happened by itself."""


def _denied() -> ClaimRefused:
    return ClaimRefused("denied", "that needs the token of the service", hint=_ENTER)


def _attempt(read: Callable[[Asked, list[str]], Reply], asked: Asked, parts: list[str]) -> Reply:
    try:
        return read(asked, parts)
    except ClaimRefused as refused:
        return refusal(refused, asked.asker)
    except PortbookError as failed:
        return fault(failed)


class Desk:
    """One desk for one store, in one event loop.

    `numbers` gives the numbers to choose from for a request, `in_use` what the kernel says of one.
    `changed` are called after each commit that made events.
    """

    def __init__(
        self,
        store: "Store",
        numbers: NumbersFor,
        in_use: "InUse",
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.store = store
        self.changed: set[Callable[[], None]] = set()
        self.holds = Holds()
        self.began = clock.monotonic()
        self.durable = False
        self.committed = store.last_event()
        self._numbers = numbers
        self._in_use = in_use
        self._loop = loop
        self._batch: list[tuple[Answer, Any]] = []
        self._due: float = 0.0
        self._look: asyncio.TimerHandle | None = None
        self.watches = Watches(loop, self.look)
        self.queues = Queues(self, loop)
        self._calls = Calls(self)

    # Requests

    def handle(self, asked: Asked, answer: Answer) -> Cancel | None:
        """Take a request; `answer` is called with the Reply, at once or later.

        What is returned, if anything, is to be called when the client hangs up before that.
        """
        made: Any
        try:
            name, parts = routes.find(asked.method, asked.path)
            if not asked.admitted and name != "status":
                raise _denied()
            read = self._calls.reads.get(name)
            if read is not None:
                self._read(partial(_attempt, read, asked, parts), answer)
                return None
            made = self._calls.writes[name](asked, parts, answer)
        except NoRoute as none:
            answer(no_route(none))
            return None
        except ClaimRefused as refused:
            made = refusal(refused, asked.asker)
        except PortbookError as failed:
            made = fault(failed)
        if isinstance(made, Reply):
            self.tell(answer, made)
            return None
        cancel: Cancel | None = made
        return cancel

    def _read(self, read: Callable[[], Reply], answer: Answer) -> None:
        """Tell what is committed: now, or after the commit that is to come."""
        if self._batch:
            self.tell(answer, read)
            return
        answer(read())

    # Commits

    def tell(self, answer: Answer, made: Any) -> None:
        """Answer with this after the next commit, or with a Reply of the fault if it fails."""
        if not self._batch:
            self._loop.call_soon(self._settle_soon, 0)
        self._batch.append((answer, made))

    def _settle_soon(self, known: int) -> None:
        """Commit at the end of the first turn of the loop that brings nothing more.

        Every commit writes the last pages of its tables again: a third of its cost (measured).
        """
        came = len(self._batch)
        if known < came < _ENOUGH:
            self._loop.call_soon(self._settle_soon, came)
        elif came:
            self.settle()

    def settle(self) -> None:
        """Commit what was done, and answer everyone."""
        batch, self._batch = self._batch, []
        try:
            self.store.commit()
        except Exception as failed:  # noqa: BLE001 - nobody of the turn may be left without answer
            self._undone(batch, fault(failed))
            return
        for answer, made in batch:
            self._answer(answer, made)
        last = self.store.last_event()
        if last != self.committed:
            self.committed = last
            self.queues.events_came()
            for each in tuple(self.changed):
                each()

    def _answer(self, answer: Answer, made: Any) -> None:
        """Tell; what fails is reported, and the others of the turn are still told."""
        if callable(made):
            if self._batch:
                self.tell(answer, made)
                return
            try:
                made = made()
            except Exception as error:  # noqa: BLE001 - whatever it is, its client gets an answer
                self._report("an answer of the desk could not be made", error)
                made = fault(error)
        try:
            answer(made)
        except Exception as error:  # noqa: BLE001 - one client must not cost the others theirs
            self._report("an answer of the desk was not taken", error)

    def _report(self, said: str, error: Exception) -> None:
        self._loop.call_exception_handler({"message": said, "exception": error})

    def _undone(self, batch: list[tuple[Answer, Any]], failed: Reply) -> None:
        """Nothing of the batch has happened; what we hold and watch is put back."""
        # First: who is told that nothing happened may bind the port at once.
        with contextlib.suppress(PortbookError):
            self.holds.keep(self.store.claims())
        for answer, made in batch:
            self._answer(answer, made if made is None or callable(made) else failed)
        with contextlib.suppress(PortbookError):
            self.queues.undone()
            self.keep_up()
        now = self.now()
        self.expect(now + _BLIND_LOOK, now)

    def now(self) -> int:
        """Milliseconds of the claims' clock."""
        return self.store.now()

    def ready(self) -> int:
        """The time, with everything ended that has ended by then."""
        now = self.now()
        if now >= self._due:
            self._sweep(now)
        return now

    # Ends

    def look(self) -> None:
        """End what has ended, and look again when the next may have."""
        try:
            self._sweep(self.now())
        except PortbookError:
            # A store that is away says so to whoever asks; it is looked at again.
            now = self.now()
            self._due = float("inf")
            self.expect(now + _BLIND_LOOK, now)

    def _sweep(self, now: int) -> None:
        before = self.store.last_event()
        due = self.store.sweep(now, self.watches.is_alive)
        if self.watches.blind:
            # Those that were released in the meantime need no descriptor.
            self.keep_up()
            due = min(due or now + _BLIND_LOOK, now + _BLIND_LOOK)
        self._due = float("inf")
        self.expect(max(due, now + 1) if due is not None else None, now)
        if self.store.last_event() != before:
            self.freed()
            self.keep_up()
            self.tell(_nobody, None)

    def expect(self, due: int | None, now: int) -> None:
        """Look at `due` at the latest."""
        if due is None or due >= self._due:
            return
        self._due = due
        if self._look is not None:
            self._look.cancel()
        seconds = min(max((due - now) / 1000, _SOONEST_LOOK), _LATEST_LOOK)
        self._look = self._loop.call_later(seconds, self.look)

    def freed(self) -> None:
        """Something was given back: those who wait have it first."""
        if self.holds:
            self.holds.keep(self.store.claims())
        self.queues.grant()

    def keep_up(self) -> None:
        """Watch whose lives count, and hold what is to be held."""
        claims = self.store.claims()
        owners = [each.owner for each in claims]
        for state in self.store.semaphores():
            owners += [each.owner for each in state.held]
            owners += [each.owner for each in state.waiting]
        self.watches.keep(owners)
        self.holds.keep(claims)

    def close(self) -> None:
        """Answer who waits, commit, and let go of everything but the claims."""
        self.queues.drain()
        if self._batch:
            self.settle()
        if self._look is not None:
            self._look.cancel()
        self.watches.close()
        self.holds.keep(())

    def watch(self, owner: Caller, now: int) -> None:
        """Let the life of a process count."""
        self.watches.watch(owner)
        if self.watches.blind:
            self.expect(now + _BLIND_LOOK, now)

    # Claims

    def claim_now(self, request: ClaimRequest, asker: Caller, owner: Caller) -> tuple[Claim, ...]:
        """Claim, hold and watch; nothing is told to anyone.

        Raises:
            ClaimRefused: as Store.acquire.
        """
        now = self.ready()
        claims = self.store.acquire(
            request, asker, owner, now, lambda: self._numbers(request), self._in_use
        )
        if request.hold:
            try:
                for each in claims:
                    self.holds.take(each)
            except ClaimRefused:
                for each in claims:
                    self.store.release(each.id, each.token, asker, now)
                    self.store.forget(each.id)
                    self.holds.drop(each.id)
                raise
        if owner.pid is not None:
            self.watch(owner, now)
        self.expect(claims[0].expires_ms, now)
        return claims

    async def take(self, request: ClaimRequest, asker: Caller, owner: Caller) -> tuple[Claim, ...]:
        """Claims for a program in this process, once they are committed.

        Raises:
            ClaimRefused: as Store.acquire.
            NotWritten: they could not be committed.
        """
        claims = self.claim_now(request, asker, owner)
        kept: asyncio.Future[Any] = self._loop.create_future()

        def told(made: Any) -> None:
            if not kept.done():
                kept.set_result(made)

        self.tell(told, claims)
        if isinstance(await kept, Reply):
            raise NotWritten("the claims could not be written")
        return claims

    def permit_now(self, request: PermitRequest, asker: Caller, owner: Caller) -> Permit | Waiter:
        """Units of a semaphore, or a place in its queue where the request waits.

        Raises:
            ClaimRefused: as Store.acquire_permit.
        """
        now = self.ready()
        found = self.store.acquire_permit(request, asker, owner, now, wait=request.wait_ms > 0)
        if owner.pid is not None:
            self.watch(owner, now)
        self.expect(found.expires_ms, now)
        return found

    def reserve_now(self, request: ReservationRequest, asker: Caller) -> Reservation:
        """As Store.reserve."""
        return self.store.reserve(
            request, asker, self.ready(), lambda: self._numbers(request), self._in_use
        )

    def heartbeat(self, claim_id: str, token: int, seq: int, done: Callable[[Any], None]) -> None:
        """Renew a claim by datagram.

        `done` gets the claim after the commit, a ClaimRefused, or None where it failed.
        """
        made: Claim | ClaimRefused | None
        try:
            now = self.ready()
            made = self.store.heartbeat(claim_id, token, seq, now)
            self.expect(made.expires_ms, now)
        except ClaimRefused as refused:
            made = refused
        except PortbookError:
            made = None
        self.tell(lambda told: done(None if isinstance(told, Reply) else told), made)

    # What others in this process ask

    @property
    def secret(self) -> bytes:
        """That of the store."""
        return self.store.secret

    def claim_on(self, transport: str, port: int) -> Claim | None:
        """The live claim that has a port in this machine's own network namespace."""
        return self.store.claim_on(transport, port)

    def events_after(self, since: int, limit: int = 500) -> tuple[ClaimEvent, ...]:
        """The committed events after `since`, oldest first.

        Raises:
            ClaimRefused: `compacted`.
        """
        found = self.store.events(since, limit)
        return tuple(each for each in found if each.id <= self.committed)

    def mark(self, found: Iterable[Claim]) -> None:
        """Note what the kernel shows of claims: their `state` and `bound`."""
        now = self.ready()
        for each in found:
            known = self.store.claim(each.id)
            if known is None or (known.state, known.bound) == (each.state, each.bound):
                continue
            if known.token == each.token and known.state in _LIVE:
                bound: Bound | None = each.bound
                self.store.mark(each.id, each.state, bound, now)
        if self.store.last_event() != self.committed:
            self.tell(_nobody, None)
