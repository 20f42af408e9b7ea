"""Who holds units of which semaphore, and who waits: the tables, filled from a store's rows."""

from collections import deque

from portbook.claims.changes import Changes, Key
from portbook.claims.deadlines import Deadlines
from portbook.claims.leases import Ended, Requests
from portbook.model.claim import Permit, Waiter


class Semaphore:
    """One name in use."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.held: dict[str, None] = {}
        self.queue: deque[Key] = deque()


class SemaphoreTables:
    """Every semaphore in use; one that nobody holds or waits for is forgotten, with its limit."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._named: dict[str, Semaphore] = {}
        self.requests = Requests()
        self._deadlines = Deadlines()
        self.permits: dict[str, Permit] = {}
        self.waiting: dict[Key, Waiter] = {}
        self.ended: dict[str, Ended[Permit]] = {}

    def load_permit(self, permit: Permit, asker: int, first: int, ended: int | None) -> None:
        """Take a permit from the disk; `asker` got it with the token `first`."""
        self.requests.add(asker, permit.request_id, permit.id, first)
        if ended is None:
            self._enter(permit)
        else:
            self.ended[permit.id] = Ended(permit, ended)

    def forget_permit(self, permit_id: str) -> None:
        """Forget all of a permit that is about to be loaded again."""
        found = self.permits.pop(permit_id, None)
        if found is not None:
            semaphore = self._named[found.semaphore]
            semaphore.used -= found.units
            del semaphore.held[permit_id]
            self._tidy(found.semaphore)
        elif permit_id in self.ended:
            found = self.ended.pop(permit_id).record
        if found is not None:
            self.requests.forget(permit_id, found.request_id)

    def forget_waiters(self) -> None:
        """Forget who waits: all are about to be loaded again."""
        self.waiting.clear()
        for name in list(self._named):
            self._named[name].queue.clear()
            self._tidy(name)

    def _tidy(self, name: str) -> None:
        semaphore = self._named[name]
        if not semaphore.held and not semaphore.queue:
            del self._named[name]

    def sort_ended(self) -> None:
        """Put what was loaded in the order in which it ended."""
        self.ended = dict(sorted(self.ended.items(), key=lambda each: each[1].at))

    def load_waiter(self, asker: int, waiter: Waiter) -> None:
        """Take a waiter from the disk, in order."""
        key = (asker, waiter.request_id)
        self._known(waiter.semaphore, waiter.limit).queue.append(key)
        self.waiting[key] = waiter

    def _known(self, name: str, limit: int) -> Semaphore:
        found = self._named.get(name)
        if found is None:
            found = self._named[name] = Semaphore(limit)
        return found

    def _enter(self, permit: Permit) -> None:
        semaphore = self._known(permit.semaphore, permit.limit)
        semaphore.used += permit.units
        semaphore.held[permit.id] = None
        self.permits[permit.id] = permit
        if permit.owner.pid is None:
            self._deadlines.put(permit.expires_ms, permit.id)
