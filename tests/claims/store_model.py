"""A store as simple as can be, in lists and loops, to hold the real ones against.

It knows nothing of indexes, heaps, files or events; the kernel refuses nothing in it.
"""

from dataclasses import dataclass, field

LOCK_DELAY = 2_000
REMEMBERED = 600_000


@dataclass
class ModelClaim:
    """One claim; `end` is None while it lives, `until` the end of its lock-delay."""

    number: int
    uid: int
    pid: int | None
    netns: int | None
    transport: str
    port: int
    size: int
    ttl: int
    expires: int
    request: str | None
    key: str | None
    token: int = 0
    first: int = 0
    id: str = ""
    state: str = "reserved"
    seq: int = 0
    end: int | None = None
    until: int = -1


@dataclass
class ModelPermit:
    """One permit, or one who waits for it."""

    uid: int
    pid: int | None
    name: str
    limit: int
    units: int
    ttl: int
    expires: int
    request: str | None
    token: int = 0
    id: str = ""
    end: int | None = None


@dataclass
class Model:
    """Claims, reservations, permits and queues, each in one list, oldest first."""

    claims: list[ModelClaim] = field(default_factory=list)
    reserved: list[tuple[int, str, int, int]] = field(default_factory=list)
    permits: list[ModelPermit] = field(default_factory=list)
    queue: list[ModelPermit] = field(default_factory=list)

    def live(self) -> list[ModelClaim]:
        """The claims that live."""
        return [each for each in self.claims if each.end is None]

    def tick(self, now: int) -> None:
        """End what ran out by its TTL alone."""
        for claim in self.live():
            if claim.pid is None and now > claim.expires:
                self.end(claim, now, delay=True)
        names = []
        for permit in self.permits:
            if permit.end is None and permit.pid is None and now > permit.expires:
                permit.end = now
                names.append(permit.name)
        for name in names:
            self.serve(name, now)

    def end(self, claim: ModelClaim, now: int, *, delay: bool) -> None:
        """End a claim."""
        claim.end = now
        claim.until = claim.expires + LOCK_DELAY if delay else -1

    def forget(self, now: int) -> None:
        """Forget what ended more than ten minutes ago."""
        self.claims = [
            each for each in self.claims if each.end is None or now <= each.end + REMEMBERED
        ]
        self.permits = [
            each for each in self.permits if each.end is None or now <= each.end + REMEMBERED
        ]

    def in_way(
        self, netns: int | None, transport: str, port: int, size: int, now: int
    ) -> list[ModelClaim]:
        """Who has one of these ports, or had it until a moment ago."""
        return [
            each
            for each in self.claims
            if each.netns == netns
            and each.transport == transport
            and each.port < port + size
            and port < each.port + each.size
            and (each.end is None or now <= each.until)
        ]

    def reserved_by_others(self, port: int, size: int, uid: int, key: str | None) -> bool:
        """Whether one of these ports is reserved under another key."""
        return any(
            at < port + size and port < at + many and (whose, name) != (uid, key)
            for whose, name, at, many in self.reserved
        )

    def free(
        self, netns: int | None, transports: tuple[str, ...], block: tuple[int, int], now: int
    ) -> bool:
        """Whether a block is nobody's."""
        return not any(self.in_way(netns, each, *block, now) for each in transports)

    def sweep(self, now: int, alive: dict[int, bool | None]) -> None:
        """End what has ended."""
        self.tick(now)
        for claim in self.live():
            if claim.pid is not None:
                lives = alive[claim.pid]
                if lives is False:
                    self.end(claim, now, delay=False)
                elif lives is None and now > claim.expires:
                    self.end(claim, now, delay=True)
        names = []
        for waiter in list(self.queue):
            dead = waiter.pid is not None and alive[waiter.pid] is False
            if now > waiter.expires or dead:
                self.queue.remove(waiter)
                names.append(waiter.name)
        for permit in self.permits:
            if permit.end is None and permit.pid is not None:
                lives = alive[permit.pid]
                if lives is False or (lives is None and now > permit.expires):
                    permit.end = now
                    names.append(permit.name)
        for name in names:
            self.serve(name, now)
        self.forget(now)

    def held(self, name: str) -> list[ModelPermit]:
        """The permits of a semaphore."""
        return [each for each in self.permits if each.name == name and each.end is None]

    def waiting(self, name: str) -> list[ModelPermit]:
        """Who waits for a semaphore."""
        return [each for each in self.queue if each.name == name]

    def used(self, name: str) -> int:
        """The units of a semaphore that are held."""
        return sum(each.units for each in self.held(name))

    def limit(self, name: str) -> int | None:
        """The limit of a semaphore in use."""
        known = [each.limit for each in (*self.held(name), *self.waiting(name))]
        return known[0] if known else None

    def serve(self, name: str, now: int) -> None:
        """Give what is free to the first in the queue, and so on."""
        while waiting := self.waiting(name):
            first = waiting[0]
            if now > first.expires:
                self.queue.remove(first)
            elif self.used(name) + first.units <= first.limit:
                self.queue.remove(first)
                first.expires = now + first.ttl
                self.permits.append(first)
            else:
                return

    def boot(self, now: int) -> None:
        """Start the machine anew: leases end, reservations stay."""
        for claim in self.live():
            self.end(claim, now, delay=False)
        for each in self.claims:
            each.end = now
            each.until = -1
        for permit in self.permits:
            permit.end = now
        self.queue.clear()
