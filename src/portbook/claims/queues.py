"""Who waits at the desk: for a port that is held, for units of a semaphore, for the next event.

The store keeps the queues of semaphores; here is who has to be told. Those who wait for ports get
them first come, first served, before anybody who asks later. Whoever hangs up waits no more.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from portbook.claims.replies import (
    FAULTS,
    fault,
    refusal,
    told_claims,
    told_events,
    told_permit,
    told_place,
)
from portbook.claims.routes import Reply
from portbook.host.database import NotWritten
from portbook.model.claim import (
    Caller,
    ClaimRefused,
    ClaimRequest,
    Permit,
    PermitRequest,
    Waiter,
)

if TYPE_CHECKING:
    from portbook.claims.desk import Desk

Answer = Callable[[Any], None]
Cancel = Callable[[], None]
MOST_WAITING = 4_096
"""Requests that may wait at one time."""
_AGAIN = 0.5
"""Seconds after which a port is tried again that no claim of ours keeps."""
_SOONEST = 0.02


class Wait:
    """One request that waits, of one kind: `what` is the request, or the event it knows."""

    def __init__(self, asker: Caller, owner: Caller, what: Any, answer: Answer) -> None:
        self.asker = asker
        self.owner = owner
        self.what = what
        self.answer = answer
        self.refused: ClaimRefused | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.renewal: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """No timer of it runs on."""
        for each in (self.timer, self.renewal):
            if each is not None:
                each.cancel()


class Queues:
    """Everyone who waits at one desk, in the order in which they came."""

    def __init__(self, desk: "Desk", loop: asyncio.AbstractEventLoop) -> None:
        self._desk = desk
        self._loop = loop
        self._ports: dict[Wait, None] = {}
        self._units: dict[Wait, None] = {}
        self._events: dict[Wait, None] = {}
        self._again: asyncio.TimerHandle | None = None
        self._names = itertools.count(1)
        self._granting = self._more = self._looking = False

    def __len__(self) -> int:
        return len(self._ports) + len(self._units) + len(self._events)

    def _begin(
        self,
        among: dict[Wait, None],
        wait: Wait,
        wait_ms: int,
        over: Callable[[Wait], None],
        gone: Callable[[Wait], None] | None = None,
    ) -> Cancel:
        if len(self) >= MOST_WAITING:
            raise ClaimRefused("pool_empty", "too many are waiting", retry_after_ms=1000)
        among[wait] = None

        def time_is_up() -> None:
            if among.pop(wait, wait) is None:
                wait.stop()
                over(wait)

        def cancel() -> None:
            if among.pop(wait, wait) is None:
                wait.stop()
                if gone is not None:
                    gone(wait)

        wait.timer = self._loop.call_later(wait_ms / 1000, time_is_up)
        return cancel

    # Ports

    def wait_for_port(
        self,
        asker: Caller,
        owner: Caller,
        request: ClaimRequest,
        refused: ClaimRefused,
        answer: Answer,
    ) -> Cancel:
        """Claim as soon as it can be had; refused as the last time when the time is over."""
        wait = Wait(asker, owner, request, answer)
        wait.refused = refused
        cancel = self._begin(self._ports, wait, request.wait_ms, self._no_port)
        self._try_again(refused)
        return cancel

    def _no_port(self, wait: Wait) -> None:
        self._desk.tell(wait.answer, refusal(wait.refused or _TIMEOUT, wait.asker))

    def _try_again(self, refused: ClaimRefused) -> None:
        """Try when the lock-delay is over; nothing tells us of a port that no claim keeps."""
        seconds = _AGAIN
        if refused.retry_after_ms is not None:
            seconds = max(_SOONEST, min(seconds, refused.retry_after_ms / 1000))
        elif refused.code == "held":
            return
        if self._again is not None:
            if self._again.when() <= self._loop.time() + seconds:
                return
            self._again.cancel()
        self._again = self._loop.call_later(seconds, self._retry)

    def _retry(self) -> None:
        self._again = None
        self._desk.ready()
        self.grant()

    def grant(self) -> None:
        """Give what is free to those who wait for it."""
        self._more = True
        if self._granting:
            # What is given may end something else: whoever is at work looks once more.
            return
        self._granting = True
        try:
            while self._more:
                self._more = False
                self._grant()
        finally:
            self._granting = False

    def _grant(self) -> None:
        for wait in tuple(self._ports):
            if wait not in self._ports:
                continue
            try:
                claims = self._desk.claim_now(wait.what, wait.asker, wait.owner)
            except ClaimRefused as refused:
                wait.refused = refused
                if refused.code in WORTH_WAITING:
                    self._try_again(refused)
                    continue
                made = refusal(refused, wait.asker)
            else:
                made = told_claims(claims, self._desk.now(), self._desk.secret)
            if self._ports.pop(wait, wait) is None:
                wait.stop()
                self._desk.tell(wait.answer, made)
        for wait in tuple(self._units):
            self._look_for_units(wait)

    # Units of semaphores

    def acquire(
        self, asker: Caller, owner: Caller, request: PermitRequest, answer: Answer
    ) -> Reply | Cancel:
        """Units, or wait for them.

        Raises:
            ClaimRefused: as Store.acquire_permit.
        """
        nameless = request.request_id is None
        if nameless and request.wait_ms:
            request = request._replace(request_id=f"wait-{next(self._names)}-{self._desk.now()}")
        found = self._desk.permit_now(request, asker, owner)
        if isinstance(found, Permit):
            return told_permit(found, self._desk)
        wait = Wait(asker, owner, request, answer)

        def over(wait: Wait) -> None:
            place = self._desk.store.permit_of(str(request.request_id), asker.uid)
            if nameless:
                self._leave(wait)
            if isinstance(place, Permit):
                self._desk.tell(answer, told_permit(place, self._desk))
            else:
                self._desk.tell(answer, told_place(place, self._desk))

        # The place has to last, too.
        self._desk.tell(_nobody, None)
        try:
            cancel = self._begin(self._units, wait, request.wait_ms, over, self._leave)
        except ClaimRefused:
            self._leave(wait)
            raise
        self._keep_place(wait, found)
        return cancel

    def _keep_place(self, wait: Wait, place: Waiter) -> None:
        """Ask again before the place in the queue is lost, for as long as somebody waits."""
        seconds = max(place.ttl_ms / 2000, _SOONEST)
        wait.renewal = self._loop.call_later(seconds, self._renew_place, wait)

    def _renew_place(self, wait: Wait) -> None:
        if wait not in self._units:
            return
        try:
            found = self._desk.permit_now(wait.what, wait.asker, wait.owner)
        except ClaimRefused as refused:
            self._units.pop(wait, None)
            wait.stop()
            self._desk.tell(wait.answer, refusal(refused, wait.asker))
            return
        self._desk.tell(_nobody, None)
        if isinstance(found, Permit):
            self._look_for_units(wait)
        else:
            self._keep_place(wait, found)

    def _look_for_units(self, wait: Wait) -> None:
        if self._desk.store.is_waiting(wait.what.request_id, wait.asker.uid):
            return
        found = self._desk.store.permit_of(wait.what.request_id, wait.asker.uid)
        if isinstance(found, Waiter) or self._units.pop(wait, wait) is not None:
            return
        wait.stop()
        if found is None:
            ended = ClaimRefused("lost", "the place in the queue has ended")
            self._desk.tell(wait.answer, refusal(ended, wait.asker))
        else:
            self._desk.tell(wait.answer, told_permit(found, self._desk))

    def _leave(self, wait: Wait) -> None:
        """Who hung up has no place; others with the same request may still wait."""
        asked = (wait.what.request_id, wait.asker.uid)
        if any((each.what.request_id, each.asker.uid) == asked for each in self._units):
            return
        self._desk.store.cancel_wait(wait.what.request_id, wait.asker, self._desk.now())
        self._desk.tell(_nobody, None)
        if not self._looking:
            # Of many that hang up at once the last one looks for all.
            self._looking = True
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        self._looking = False
        self.grant()

    # Events

    def wait_for_event(self, asker: Caller, since: int, wait_ms: int, answer: Answer) -> Cancel:
        """Tell of what comes after `since`, or of nothing when the time is over."""
        wait = Wait(asker, asker, since, answer)
        return self._begin(self._events, wait, wait_ms, self._tell_events)

    def _tell_events(self, wait: Wait) -> None:
        try:
            made = told_events(self._desk, wait.asker, wait.what)
        except ClaimRefused as refused:
            made = refusal(refused, wait.asker)
        except FAULTS as failed:
            made = fault(failed)
        wait.answer(made)

    def events_came(self) -> None:
        """Tell those who wait for them."""
        waiting = tuple(self._events)
        self._events.clear()
        for each in waiting:
            each.stop()
            self._tell_events(each)

    # Endings

    def drain(self) -> None:
        """The service ends: everyone is answered as if the time were over; places are kept."""
        for among in (self._ports, self._units, self._events):
            for each in tuple(among):
                among.pop(each, None)
                each.stop()
                if among is self._ports:
                    self._no_port(each)
                elif among is self._units:
                    place = self._desk.store.permit_of(each.what.request_id, each.asker.uid)
                    waiter = place if isinstance(place, Waiter) else None
                    self._desk.tell(each.answer, told_place(waiter, self._desk))
                else:
                    self._tell_events(each)
        if self._again is not None:
            self._again.cancel()

    def undone(self) -> None:
        """A commit failed: who came in that turn has no place in the store's queue."""
        for each in tuple(self._units):
            if self._desk.store.permit_of(each.what.request_id, each.asker.uid) is None:
                self._units.pop(each, None)
                each.stop()
                each.answer(fault(NotWritten("the place in the queue could not be written")))


WORTH_WAITING = ("held", "in_use", "pool_empty")
_TIMEOUT = ClaimRefused("timeout", "the port was not to be had in time")


def _nobody(made: Any) -> None:
    """Whoever is to be told of what happened by itself."""
