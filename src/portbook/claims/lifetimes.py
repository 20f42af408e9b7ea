"""How leases begin and end in memory: TTL, lock-delay, the end of a process, a new boot."""

from collections.abc import Callable

from portbook.claims.changes import MOST_REMEMBERED, Changes, ended_body, lease_body
from portbook.claims.deadlines import Deadlines
from portbook.claims.leases import Ended, Requests, outdated
from portbook.claims.port_table import PortTable
from portbook.claims.semaphores import Semaphores
from portbook.host import clock
from portbook.model.claim import Caller, Claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.claims.store import Alive


class Lifetimes:
    """What a ledger has in memory, and what ends of it by itself.

    Args:
        draw: gives the next fencing token.
        wall: seconds since 1970.
        epoch: of the store.
        secret: of the store, 32 bytes.
        home: the inode of this host's network namespace.
    """

    def __init__(
        self,
        *,
        draw: Callable[[], int],
        wall: Callable[[], float],
        epoch: int = 1,
        secret: bytes = bytes(32),
        home: int | None = None,
    ) -> None:
        self.epoch = epoch
        self.secret = secret
        self.changes = Changes(wall, draw, epoch)
        self.ports = PortTable(home)
        self.sems = Semaphores(self.changes)
        self.requests = Requests()
        self.ended: dict[str, Ended[Claim]] = {}
        self._deadlines = Deadlines()

    def now(self) -> int:
        """See claims.store.Store."""
        return clock.boot_ms()

    def _enter(self, claim: Claim) -> None:
        self.ports.add(claim)
        if claim.owner.pid is None:
            self._deadlines.put(claim.expires_ms, claim.id)

    def load_claim(
        self, claim: Claim, asker: int, first: int, ended: tuple[int, int] | None
    ) -> None:
        """Take a claim from the disk: `asker` got it with the token `first`.

        Of one that has ended, `ended` is when, and until when its ports are kept.
        """
        self.requests.add(asker, claim.request_id, claim.id, first)
        if ended is None:
            self._enter(claim)
            return
        self.ended[claim.id] = Ended(claim, *ended)
        if ended[1]:
            self.ports.keep(claim, ended[1])

    def forget_claim(self, claim_id: str) -> None:
        """Forget all of a claim that is about to be loaded again."""
        found = self.ports.live.get(claim_id)
        if found is None and claim_id in self.ended:
            found = self.ended.pop(claim_id).record
        self.ports.remove(claim_id)
        if found is not None:
            self.requests.forget(claim_id, found.request_id)

    def sort_ended(self) -> None:
        """Put what was loaded in the order in which it ended, so that the oldest goes first."""
        self.ended = dict(sorted(self.ended.items(), key=lambda each: each[1].at))
        self.sems.sort_ended()

    def _end(self, claim: Claim, kind: str, now: int, *, keep: bool = False) -> None:
        until = self.ports.end(claim, keep=keep)
        state = "released" if kind == "released" else "expired"
        self.ended[claim.id] = Ended(claim._replace(state=state), now, until)
        if claim.id not in self.changes.claims:
            self.changes.claims.add(claim.id)
            self.changes.over.add(claim.id)
        self.changes.tell(kind, ended_body(claim))
        if len(self.ended) > MOST_REMEMBERED + 1_024:
            self._forget(now)

    def _expire(self, now: int) -> None:
        """End what ran out by its TTL alone, and free what was kept long enough."""
        if self._deadlines.is_due(now):
            for claim_id in self._deadlines.passed(now):
                claim = self.ports.live.get(claim_id)
                if claim is None or claim.owner.pid is not None:
                    continue
                if claim.expires_ms < now:
                    self._end(claim, "expired", now, keep=True)
                else:
                    self._deadlines.put(claim.expires_ms, claim_id)
        if self.ports.kept:
            self.ports.let_go(now)

    def sweep(self, now: int, alive: "Alive") -> int | None:
        """See claims.store.Store."""
        known: dict[Caller, bool | None] = {}

        def lives(who: Caller) -> bool | None:
            if who not in known:
                known[who] = alive(who)
            return known[who]

        self._expire(now)
        due: list[int] = []
        for claim in [each for each in self.ports.live.values() if each.owner.pid is not None]:
            found = lives(claim.owner)
            if found is False:
                self._end(claim, "died", now)
            elif found is None and claim.expires_ms < now:
                self._end(claim, "expired", now, keep=True)
            else:
                expires = claim.expires_ms
                due.append((expires if expires >= now else now + claim.ttl_ms) + 1)
        self.ports.let_go(now)
        self._forget(now)
        due.extend(self.sems.sweep(now, lives))
        due.extend(kept.until + 1 for kept in self.ports.kept.values())
        first = self._deadlines.first()
        if first is not None:
            due.append(first + 1)
        return min(due, default=None)

    def forget(self, claim_id: str) -> None:
        """See claims.store.Store."""
        found = self.ended.pop(claim_id, None)
        if found is not None:
            self.requests.forget(claim_id, found.record.request_id)
            self.changes.claims.add(claim_id)

    def _forget(self, now: int) -> None:
        """Forget claims that ended long ago, and the moments of those that ended early."""
        if self._deadlines.is_overgrown(len(self.ports.live)):
            self._deadlines.rebuild(
                (each.expires_ms, each.id)
                for each in self.ports.live.values()
                if each.owner.pid is None
            )
        for record in outdated(self.ended, now):
            del self.ended[record.id]
            self.requests.forget(record.id, record.request_id)
            self.changes.claims.add(record.id)

    def begin_anew(self, now: int) -> None:
        """Let every lease begin anew that only its TTL keeps: a renewal of it may be lost."""
        for claim in [each for each in self.ports.live.values() if each.owner.pid is None]:
            until = max(claim.expires_ms, now + claim.ttl_ms)
            self.ports.live[claim.id] = longer = claim._replace(expires_ms=until)
            self.changes.claims.add(claim.id)
            self.changes.tell("renewed", lease_body(longer))
        self.sems.begin_anew(now)

    def void(self, now: int) -> None:
        """End every lease: the machine was started anew, and its clock too. Reservations stay."""
        for claim in list(self.ports.live.values()):
            self._end(claim, "voided", now)
        self.ports.let_go(None)
        for name, each in self.ended.items():
            each.at, each.until = now, 0
            self.changes.claims.add(name)
        self.sems.void(now)
