"""Counting semaphores: permits, and queues in which nobody is overtaken."""

from collections.abc import Iterator

from portbook.claims.allotment import all_held
from portbook.claims.changes import (
    Key,
    ended_permit_body,
    new_id,
    permit_body,
    permit_lease_body,
    waiter_body,
)
from portbook.claims.leases import (
    Ended,
    check_mine,
    check_texts,
    check_ttl,
    outdated,
)
from portbook.claims.semaphore_tables import SemaphoreTables
from portbook.model.claim import (
    Caller,
    ClaimRefused,
    Permit,
    PermitRequest,
    SemaphoreState,
    Waiter,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.claims.store import Alive


class Semaphores(SemaphoreTables):
    """The semaphores of a store: what can be asked of them, and what ends by itself."""

    def acquire(
        self, request: PermitRequest, asker: Caller, owner: Caller, now: int, *, wait: bool
    ) -> Permit | Waiter:
        """See claims.store.Store.acquire_permit."""
        if not request.name or request.limit < 1 or not 1 <= request.units <= request.limit:
            raise ClaimRefused("invalid", f"{request.units} of {request.limit} cannot be had")
        check_ttl(request.ttl_ms)
        check_mine(asker, owner.uid)
        check_texts(request.name, request.request_id, owner.label)
        if wait and request.request_id is None:
            raise ClaimRefused("invalid", "who waits has to say under which request_id")
        self.expire(now)
        if request.request_id is not None:
            again = self._again((asker.uid, request.request_id), request, now)
            if again is not None:
                return again
        semaphore = self._named.get(request.name)
        if semaphore is not None and semaphore.limit != request.limit:
            raise ClaimRefused(
                "limit_mismatch",
                f"the semaphore {request.name} has the limit {semaphore.limit}, "
                f"not {request.limit}",
            )
        if semaphore is None or (
            not semaphore.queue and semaphore.used + request.units <= semaphore.limit
        ):
            return self._grant(request, asker.uid, owner, now)
        if not wait or request.request_id is None:
            oldest = next(iter(semaphore.held), None)
            raise all_held(
                None if oldest is None else self.permits[oldest],
                f"{semaphore.used} of {semaphore.limit} units of {request.name} are held, "
                f"and {len(semaphore.queue)} wait",
                now,
            )
        return self._queue(request, (asker.uid, request.request_id), owner, now)

    def _again(self, key: Key, request: PermitRequest, now: int) -> Permit | Waiter | None:
        waiter = self.waiting.get(key)
        if waiter is not None:
            if waiter.semaphore != request.name:
                raise ClaimRefused("invalid", f"{key[1]} waits for {waiter.semaphore}")
            if waiter.limit != request.limit:
                raise ClaimRefused(
                    "limit_mismatch",
                    f"the semaphore {request.name} has the limit {waiter.limit}, "
                    f"not {request.limit}",
                )
            self.waiting[key] = waiter._replace(expires_ms=now + request.wait_ms + waiter.ttl_ms)
            self._changes.waiters.add(key)
            return self._placed(key)
        known = self.requests.find(key)
        if known is None:
            return None
        permit = self.permits.get(known[0][0])
        if permit is None:
            raise ClaimRefused("lost", f"the permit of request {key[1]} has ended")
        if permit.semaphore != request.name:
            raise ClaimRefused("invalid", f"{key[1]} was for {permit.semaphore}")
        return permit

    def _grant(self, request: PermitRequest, asker: int, owner: Caller, now: int) -> Permit:
        changes = self._changes
        at = changes.wall()
        permit = Permit(
            id=new_id(),
            token=changes.draw(),
            epoch=changes.epoch,
            semaphore=request.name,
            limit=request.limit,
            units=request.units,
            owner=owner,
            ttl_ms=request.ttl_ms,
            expires_ms=now + request.ttl_ms,
            created=at,
            renewed=at,
            request_id=request.request_id,
        )
        self.requests.add(asker, request.request_id, permit.id, permit.token)
        self._enter(permit)
        changes.permits.add(permit.id)
        changes.tell("acquired", permit_body(permit))
        return permit

    def _queue(self, request: PermitRequest, key: Key, owner: Caller, now: int) -> Waiter:
        asker, request_id = key
        waiter = Waiter(
            request_id=request_id,
            semaphore=request.name,
            limit=request.limit,
            units=request.units,
            position=0,
            owner=owner,
            ttl_ms=request.ttl_ms,
            expires_ms=now + request.wait_ms + request.ttl_ms,
            created=self._changes.wall(),
        )
        self.waiting[key] = waiter
        self._named[request.name].queue.append(key)
        self._changes.waiters.add(key)
        self._changes.tell("waiting", {"uid": asker, **waiter_body(waiter)})
        return self._placed(key)

    def _placed(self, key: Key) -> Waiter:
        waiter = self.waiting[key]
        return waiter._replace(position=self._named[waiter.semaphore].queue.index(key) + 1)

    def _leave(self, key: Key, reason: str) -> str:
        """Take a waiter out of its queue; gives the semaphore's name."""
        waiter = self.waiting.pop(key)
        self._named[waiter.semaphore].queue.remove(key)
        self._changes.waiters.add(key)
        body = {"uid": key[0], "request_id": key[1], "semaphore": waiter.semaphore}
        self._changes.tell("wait-ended", {**body, "reason": reason})
        return waiter.semaphore

    def _end(self, permit: Permit, kind: str, now: int) -> str:
        """End a permit; gives the semaphore's name."""
        del self.permits[permit.id]
        semaphore = self._named[permit.semaphore]
        semaphore.used -= permit.units
        del semaphore.held[permit.id]
        self.ended[permit.id] = Ended(permit, now)
        self._changes.permits.add(permit.id)
        self._changes.tell(kind, ended_permit_body(permit))
        return permit.semaphore

    def _serve(self, name: str, now: int) -> None:
        """Give what is free to the first in the queue, and so on; nobody is overtaken."""
        semaphore = self._named.get(name)
        if semaphore is None:
            return
        while semaphore.queue:
            key = semaphore.queue[0]
            waiter = self.waiting[key]
            if waiter.expires_ms < now:
                self._leave(key, "expired")
                continue
            if semaphore.used + waiter.units > semaphore.limit:
                return
            self._leave(key, "granted")
            request = PermitRequest(
                name=name,
                limit=waiter.limit,
                units=waiter.units,
                ttl_ms=waiter.ttl_ms,
                request_id=waiter.request_id,
            )
            self._grant(request, key[0], waiter.owner, now)
        self._tidy(name)

    def _live(self, permit_id: str, asker: Caller) -> Permit:
        permit = self.permits.get(permit_id)
        if permit is None:
            ended = self.ended.get(permit_id)
            if ended is None:
                raise ClaimRefused("not_found", f"there is no permit {permit_id}")
            check_mine(asker, ended.record.owner.uid)
            raise ClaimRefused("lost", f"the permit {permit_id} has ended")
        check_mine(asker, permit.owner.uid)
        return permit

    def renew(
        self, permit_id: str, token: int, ttl_ms: int | None, asker: Caller, now: int
    ) -> Permit:
        """See claims.store.Store.renew_permit."""
        self.expire(now)
        permit = self._live(permit_id, asker)
        if permit.token != token:
            raise ClaimRefused("bad_token", f"{token} is not the token of permit {permit_id}")
        ttl = permit.ttl_ms if ttl_ms is None else ttl_ms
        check_ttl(ttl)
        renewed = permit._replace(ttl_ms=ttl, expires_ms=now + ttl, renewed=self._changes.wall())
        self.permits[permit_id] = renewed
        if renewed.owner.pid is None and renewed.expires_ms < permit.expires_ms:
            self._deadlines.put(renewed.expires_ms, permit_id)
        self._changes.permits.add(permit_id)
        self._changes.tell("permit-renewed", permit_lease_body(renewed))
        return renewed

    def release(self, permit_id: str, token: int, asker: Caller, now: int) -> bool:
        """See claims.store.Store.release_permit."""
        self.expire(now)
        try:
            permit = self._live(permit_id, asker)
        except ClaimRefused as refused:
            if refused.code == "lost":
                return False
            raise
        if permit.token != token:
            raise ClaimRefused("bad_token", f"{token} is not the token of permit {permit_id}")
        self._serve(self._end(permit, "permit-released", now), now)
        return True

    def cancel(self, request_id: str, asker: Caller, now: int) -> bool:
        """See claims.store.Store.cancel_wait."""
        key = (asker.uid, request_id)
        if key not in self.waiting:
            return False
        self._serve(self._leave(key, "cancelled"), now)
        return True

    def of_request(self, request_id: str, uid: int) -> Permit | Waiter | None:
        """See claims.store.Store.permit_of."""
        key = (uid, request_id)
        if key in self.waiting:
            return self._placed(key)
        known = self.requests.find(key)
        return None if known is None else self.permits.get(known[0][0])

    def expire(self, now: int) -> None:
        """End what ran out by its TTL alone."""
        if not self._deadlines.is_due(now):
            return
        names = []
        for permit_id in self._deadlines.passed(now):
            permit = self.permits.get(permit_id)
            if permit is None or permit.owner.pid is not None:
                continue
            if permit.expires_ms < now:
                names.append(self._end(permit, "permit-expired", now))
            else:
                self._deadlines.put(permit.expires_ms, permit_id)
        for name in dict.fromkeys(names):
            self._serve(name, now)

    def sweep(self, now: int, alive: "Alive") -> Iterator[int]:
        """See claims.store.Store.sweep; yields when to look again."""
        self.expire(now)
        names = []
        for key, waiter in list(self.waiting.items()):
            if waiter.expires_ms < now:
                names.append(self._leave(key, "expired"))
            elif waiter.owner.pid is not None and alive(waiter.owner) is False:
                names.append(self._leave(key, "died"))
        for permit in [each for each in self.permits.values() if each.owner.pid is not None]:
            lives = alive(permit.owner)
            if lives is False:
                names.append(self._end(permit, "permit-died", now))
            elif lives is None and permit.expires_ms < now:
                names.append(self._end(permit, "permit-expired", now))
        for name in dict.fromkeys(names):
            self._serve(name, now)
        self._forget(now)
        for waiter in self.waiting.values():
            yield waiter.expires_ms + 1
        for permit in self.permits.values():
            if permit.owner.pid is not None:
                due = permit.expires_ms
                yield (due if due >= now else now + permit.ttl_ms) + 1
        first = self._deadlines.first()
        if first is not None:
            yield first + 1

    def _forget(self, now: int) -> None:
        """Forget permits that ended long ago, and the moments of those that ended early."""
        if self._deadlines.is_overgrown(len(self.permits)):
            self._deadlines.rebuild(
                (each.expires_ms, each.id)
                for each in self.permits.values()
                if each.owner.pid is None
            )
        for record in outdated(self.ended, now):
            del self.ended[record.id]
            self.requests.forget(record.id, record.request_id)
            self._changes.permits.add(record.id)

    def void(self, now: int) -> None:
        """End all: the machine was started anew."""
        for key in list(self.waiting):
            self._leave(key, "voided")
        for permit in list(self.permits.values()):
            self._end(permit, "voided", now)
        self._named.clear()
        for name, each in self.ended.items():
            each.at = now
            self._changes.permits.add(name)

    def begin_anew(self, now: int) -> None:
        """Let every lease and every wait begin anew that only its time keeps."""
        for permit in [each for each in self.permits.values() if each.owner.pid is None]:
            until = max(permit.expires_ms, now + permit.ttl_ms)
            self.permits[permit.id] = renewed = permit._replace(expires_ms=until)
            self._changes.permits.add(permit.id)
            self._changes.tell("permit-renewed", permit_lease_body(renewed))
        for key, waiter in self.waiting.items():
            until = max(waiter.expires_ms, now + waiter.ttl_ms)
            self.waiting[key] = waiter._replace(expires_ms=until)
            self._changes.waiters.add(key)

    def states(self) -> tuple[SemaphoreState, ...]:
        """See claims.store.Store.semaphores."""
        return tuple(
            SemaphoreState(
                name,
                each.limit,
                tuple(self.permits[held] for held in each.held),
                tuple(
                    self.waiting[key]._replace(position=place)
                    for place, key in enumerate(each.queue, 1)
                ),
            )
            for name, each in sorted(self._named.items())
        )

    def newest(self, name: str) -> int:
        """The newest token of a semaphore that is remembered, 0 for none."""
        return max(
            (
                permit.token
                for permit in (
                    *self.permits.values(),
                    *(each.record for each in self.ended.values()),
                )
                if permit.semaphore == name
            ),
            default=0,
        )
