"""The store, and the ledger in it, against the simple model of store_model.py.

Time, the life of processes, restarts, crashes and reboots are steps like any other.
"""

import copy
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from claims.store_model import Model, ModelClaim, ModelPermit
from portbook.claims.ledger import Tables, replay
from portbook.claims.sqlite import open_store
from portbook.model.claim import (
    Bound,
    Caller,
    ClaimRefused,
    ClaimRequest,
    PermitRequest,
    ReservationRequest,
)

PIDS = (11, 12)
PORTS = st.integers(1000, 1006)
UIDS = st.sampled_from([0, 1, 2])
REQUESTS = st.sampled_from([None, None, "r1", "r2"])
KEYS = st.sampled_from([None, None, None, "web", "db"])
TTLS = st.sampled_from([1_000, 2_500, 30_000])
TRANSPORTS = st.sampled_from([("tcp",), ("udp",), ("tcp", "udp")])
POOL = (1005, 1004, 1001, 1002, 1003)


def nobody(_transport: str, _address: str, _port: int) -> None:
    """The kernel refuses nothing."""


class StoreMachine(RuleBasedStateMachine):
    """One store and one model, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = str(Path(self.folder.name) / "claims.sqlite")
        self.now = 5_000
        self.boots = 0
        self.wall = 1_000.0
        self.alive: dict[int, bool | None] = dict.fromkeys(PIDS, True)
        self.model = Model()
        self.newest = self.told = 0
        self.number = 0
        self.open()
        self.saved = copy.deepcopy(self.model)
        self.tables, self.seen = self.snapshot(), self.store.last_event()

    def open(self) -> None:
        """Open the store as after a start."""
        self.store = open_store(
            self.path, now=self.now, boot_id=f"boot {self.boots}", wall=lambda: self.wall, netns=1
        )

    def teardown(self) -> None:
        """Put all away."""
        self.store.close()
        self.folder.cleanup()

    def snapshot(self) -> Tables:
        """The tables as the store has them."""
        permits = [held for each in self.store.semaphores() for held in each.held]
        permits.sort(key=lambda each: each.id)
        return Tables(self.store.claims(), tuple(permits), self.store.reservations())

    def caller(self, uid: int, pid: int | None = None, netns: int | None = None) -> Caller:
        """A caller of the model's world."""
        return Caller(uid, pid, None if pid is None else pid * 7, 4, netns)

    def drawn(self, token: int) -> int:
        """A new token: larger than every one before."""
        assert token > self.newest
        self.newest = token
        return token

    @staticmethod
    def same(code: str, expected: object) -> None:
        """The store refused, and for the reason that the model has."""
        assert code == expected

    # Steps.

    @rule(step=st.sampled_from([1, 2, 999, 1_000, 1_001, 2_000, 2_001, 30_000, 600_001]))
    def wait(self, step: int) -> None:
        """Time goes by."""
        self.now += step

    @precondition(lambda self: self.model.live())
    @rule(data=st.data(), after=st.sampled_from([0, 1, 2_000, 2_001]))
    def wait_for_an_end(self, data: st.DataObject, after: int) -> None:
        """Time goes by to the very moment at which a lease runs out, or just past it."""
        claim = data.draw(st.sampled_from(self.model.live()))
        self.now = max(self.now, claim.expires + after)

    @rule(pid=st.sampled_from(PIDS), lives=st.sampled_from([True, False, None]))
    def process(self, pid: int, lives: bool | None) -> None:  # noqa: FBT001 - drawn
        """A process ends, comes back, or is hidden."""
        self.alive[pid] = lives

    @rule(seconds=st.sampled_from([-3600.0, 0.001, 3600.0]))
    def set_the_clock(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.wall = max(0.0, self.wall + seconds)

    @rule()
    def sweep(self) -> None:
        """The store looks around."""
        due = self.store.sweep(self.now, lambda who: self.alive[who.pid or 0])
        self.model.sweep(self.now, self.alive)
        assert due is None or due > self.now

    @rule(
        uid=UIDS,
        pid=st.sampled_from([None, None, *PIDS]),
        netns=st.sampled_from([None, None, 1, 9]),
        port=st.none() | PORTS,
        size=st.integers(1, 3),
        contiguous=st.booleans(),
        transports=TRANSPORTS,
        request=REQUESTS,
        key=KEYS,
        ttl=TTLS,
    )
    def acquire(
        self,
        *,
        uid: int,
        pid: int | None,
        netns: int | None,
        port: int | None,
        size: int,
        contiguous: bool,
        transports: tuple[str, ...],
        request: str | None,
        key: str | None,
        ttl: int,
    ) -> None:
        """Somebody claims."""
        model, now = self.model, self.now
        model.tick(now)
        place = netns if netns == 9 else None
        wanted = ClaimRequest(
            port=port,
            size=size,
            contiguous=contiguous,
            transports=transports,
            request_id=request,
            key=key,
            ttl_ms=ttl,
        )
        expected = self.expected(uid, place, wanted)
        try:
            found = self.store.acquire(
                wanted,
                self.caller(uid),
                self.caller(uid, pid, netns),
                now,
                lambda: POOL,
                nobody,
            )
        except ClaimRefused as refused:
            self.same(refused.code, expected)
            return
        same = [each for each in expected if isinstance(each, ModelClaim)]
        if same:
            assert [(each.id, each.token) for each in found] == [
                (each.id, each.token) for each in same
            ]
            return
        assert [(each.port, each.size, each.transport) for each in found] == expected
        for claim in found:
            self.number += 1
            model.claims.append(
                ModelClaim(
                    self.number,
                    uid,
                    pid,
                    place,
                    claim.transport,
                    claim.port,
                    claim.size,
                    ttl,
                    now + ttl,
                    request,
                    key,
                    self.drawn(claim.token),
                    claim.token,
                    claim.id,
                )
            )
        if key is not None:
            self.keep(uid, key, found[0].port, size, grow=True)

    def keep(self, uid: int, key: str, port: int, size: int, *, grow: bool) -> None:
        """Note a reservation in the model."""
        for each in self.model.reserved:
            if each[:2] == (uid, key):
                self.model.reserved.remove(each)
                if grow and each[2] == port:
                    size = max(size, each[3])
                break
        self.model.reserved.append((uid, key, port, size))

    def expected(
        self, uid: int, netns: int | None, wanted: ClaimRequest
    ) -> "str | list[ModelClaim] | list[tuple[int, int, str]]":
        """What the model says of a claim: a code, the same claims again, or the places."""
        model = self.model
        again = [
            each
            for each in model.claims
            if wanted.request_id is not None
            and (each.uid, each.request) == (uid, wanted.request_id)
        ]
        if again:
            same = all(each.end is None and each.token == each.first for each in again)
            if same and wanted.port not in (None, again[0].port):
                return "invalid"
            return again if same else "lost"
        port, size, key = wanted.port, wanted.size, wanted.key
        own = [each for each in model.reserved if key and each[:2] == (uid, key)]
        if own and port is None:
            port = own[0][2]

        def fits(first: int, many: int) -> bool:
            return not model.reserved_by_others(first, many, uid, key) and model.free(
                netns, wanted.transports, (first, many), self.now
            )

        if port is not None:
            if not fits(port, size):
                return "held"
            blocks = [(port, size)]
        else:
            together = wanted.contiguous or key is not None
            each_size, count = (size, 1) if together else (1, size)
            blocks = [(first, each_size) for first in POOL if fits(first, each_size)][:count]
            if len(blocks) < count:
                return "pool_empty"
        return [(first, many, way) for first, many in blocks for way in wanted.transports]

    def one_claim(self, data: st.DataObject) -> ModelClaim:
        """A claim that is known, or was."""
        return data.draw(st.sampled_from(self.model.claims))

    def verdict(self, claim: ModelClaim, uid: int, token: int) -> str | None:
        """Why a change is refused, by the model."""
        if claim not in self.model.claims:
            return "not_found"
        if uid not in (0, claim.uid):
            return "not_yours"
        if claim.end is not None:
            return "lost"
        return None if token == claim.token else "bad_token"

    @precondition(lambda self: self.model.claims)
    @rule(
        data=st.data(),
        uid=UIDS,
        stale=st.sampled_from([0, 0, 0, 1]),
        what=st.sampled_from(["renew", "release", "transfer", "heartbeat", "mark"]),
        ttl=st.none() | TTLS,
    )
    def change(self, data: st.DataObject, uid: int, stale: int, what: str, ttl: int | None) -> None:
        """Somebody renews, releases, hands on or marks a claim, perhaps with a wrong token."""
        claim = self.one_claim(data)
        token = claim.token - stale
        self.model.tick(self.now)
        asker = self.caller(uid)
        expected = self.verdict(claim, 0 if what in ("heartbeat", "mark") else uid, token)
        if what == "mark":
            state = data.draw(st.sampled_from(["reserved", "bound", "squatted"]))
            found = self.store.mark(claim.id, state, Bound(3, 77), self.now)
            assert (found is None) == (claim.end is not None)
            if claim.end is None:
                claim.state = state
            return
        try:
            if what == "renew":
                renewed = self.store.renew(claim.id, token, ttl, asker, self.now)
                claim.ttl = claim.ttl if ttl is None else ttl
                claim.expires = self.now + claim.ttl
                assert renewed.expires_ms == claim.expires
            elif what == "heartbeat":
                seq = claim.seq + data.draw(st.integers(0, 2))
                if expected is None and seq == claim.seq:
                    expected = "invalid"
                self.store.heartbeat(claim.id, token, seq, self.now)
                claim.seq, claim.expires = seq, self.now + claim.ttl
            elif what == "release":
                assert self.store.release(claim.id, token, asker, self.now) == (expected is None)
                if expected == "lost":
                    return
                self.model.end(claim, self.now, delay=False)
            else:
                pid = data.draw(st.sampled_from([None, *PIDS]))
                to = self.caller(claim.uid, pid, claim.netns)
                given = self.store.transfer(claim.id, token, to, asker, self.now)
                claim.token, claim.pid = self.drawn(given.token), pid
                claim.expires = self.now + claim.ttl
        except ClaimRefused as refused:
            self.same(refused.code, expected)
        else:
            assert expected is None

    @rule(uid=UIDS, key=st.sampled_from(["web", "db"]), port=st.none() | PORTS)
    def reserve(self, uid: int, key: str, port: int | None) -> None:
        """Somebody reserves a number."""
        model = self.model
        model.tick(self.now)
        own = [each for each in model.reserved if each[:2] == (uid, key)]
        expected: str | int
        if own and port in (None, own[0][2]):
            expected = own[0][2]
        else:

            def fits(at: int, *, mine: bool) -> bool:
                way = [
                    each
                    for transport in ("tcp", "udp")
                    for each in model.in_way(None, transport, at, 1, self.now)
                    if not (mine and each.end is None and each.uid == uid)
                ]
                return not way and not model.reserved_by_others(at, 1, uid, key)

            if port is not None:
                expected = port if fits(port, mine=True) else "held"
            else:
                expected = next((at for at in POOL if fits(at, mine=False)), "pool_empty")
        try:
            found = self.store.reserve(
                ReservationRequest(key, port=port), self.caller(uid), self.now, lambda: POOL, nobody
            )
        except ClaimRefused as refused:
            self.same(refused.code, expected)
        else:
            assert found.port == expected
            self.keep(uid, key, found.port, 1, grow=True)

    @rule(uid=st.sampled_from([1, 2]), key=st.sampled_from(["web", "db"]))
    def unreserve(self, uid: int, key: str) -> None:
        """Somebody gives a number back."""
        own = [each for each in self.model.reserved if each[:2] == (uid, key)]
        assert self.store.unreserve(key, self.caller(uid), self.now) == bool(own)
        for each in own:
            self.model.reserved.remove(each)

    @rule(
        uid=UIDS,
        pid=st.sampled_from([None, *PIDS]),
        name=st.sampled_from(["gpu", "db"]),
        limit=st.sampled_from([2, 2, 2, 3]),
        units=st.integers(1, 2),
        ttl=TTLS,
        request=st.sampled_from(["p1", "p2", "p3", "p4"]),
        wait=st.booleans(),
    )
    def permit(
        self,
        *,
        uid: int,
        pid: int | None,
        name: str,
        limit: int,
        units: int,
        ttl: int,
        request: str,
        wait: bool,
    ) -> None:
        """Somebody wants units of a semaphore."""
        model, now = self.model, self.now
        model.tick(now)
        asked = ModelPermit(uid, pid, name, limit, units, ttl, now + ttl, request)
        expected = self.permit_expected(asked, wait=wait)
        try:
            found = self.store.acquire_permit(
                PermitRequest(name, limit, units, ttl, request_id=request),
                self.caller(uid),
                self.caller(uid, pid),
                now,
                wait=wait,
            )
        except ClaimRefused as refused:
            self.same(refused.code, expected)
            return
        if isinstance(expected, ModelPermit):
            assert found.request_id == request
            if expected in model.queue:
                assert not hasattr(found, "token")
                expected.expires = now + expected.ttl
        elif expected == "wait":
            assert found.position == len(model.waiting(name)) + 1  # type: ignore[union-attr]
            model.queue.append(asked)
        else:
            assert expected == "grant"
            model.permits.append(asked)

    def permit_expected(self, asked: ModelPermit, *, wait: bool) -> "str | ModelPermit":
        """What the model says: a code, `grant`, `wait`, or the permit that was given before."""
        model = self.model
        who = (asked.uid, asked.request)
        for waiter in model.queue:
            if (waiter.uid, waiter.request) == who:
                if waiter.name != asked.name:
                    return "invalid"
                return waiter if waiter.limit == asked.limit else "limit_mismatch"
        for permit in reversed(model.permits):
            if (permit.uid, permit.request) == who:
                if permit.end is None and permit.name != asked.name:
                    return "invalid"
                return permit if permit.end is None else "lost"
        limit = model.limit(asked.name)
        if limit not in (None, asked.limit):
            return "limit_mismatch"
        free = model.used(asked.name) + asked.units <= asked.limit
        if free and not model.waiting(asked.name):
            return "grant"
        return "wait" if wait else "timeout"

    @precondition(lambda self: self.model.permits)
    @rule(data=st.data(), uid=UIDS, stale=st.sampled_from([0, 0, 1]), renew=st.booleans())
    def change_permit(self, data: st.DataObject, uid: int, stale: int, *, renew: bool) -> None:
        """Somebody renews or gives back units."""
        self.model.tick(self.now)
        self.compare()
        permit = data.draw(st.sampled_from(self.model.permits))
        asker = self.caller(uid)
        expected: str | None = None
        if uid not in (0, permit.uid):
            expected = "not_yours"
        elif permit.end is not None:
            expected = "lost"
        elif stale:
            expected = "bad_token"
        try:
            if renew:
                self.store.renew_permit(permit.id, permit.token - stale, None, asker, self.now)
                permit.expires = self.now + permit.ttl
            else:
                done = self.store.release_permit(permit.id, permit.token - stale, asker, self.now)
                assert done == (expected is None)
                if expected == "lost":
                    return
                permit.end = self.now
                self.model.serve(permit.name, self.now)
        except ClaimRefused as refused:
            self.same(refused.code, expected)
        else:
            assert expected is None

    @rule(uid=UIDS, request=st.sampled_from(["p1", "p2", "p3", "p4"]))
    def cancel(self, uid: int, request: str) -> None:
        """Somebody leaves a queue."""
        own = [each for each in self.model.queue if (each.uid, each.request) == (uid, request)]
        assert self.store.cancel_wait(request, self.caller(uid), self.now) == bool(own)
        for each in own:
            self.model.queue.remove(each)
            self.model.serve(each.name, self.now)

    # What makes it durable, and what does not.

    @rule()
    def commit(self) -> None:
        """All of it is written; the events since then tell the same."""
        self.compare()
        self.store.commit()
        self.saved, self.told = copy.deepcopy(self.model), self.newest

    @rule()
    def crash(self) -> None:
        """The process ends without a commit, and another begins."""
        self.store.close()
        self.model, self.newest = copy.deepcopy(self.saved), self.told
        self.open()
        self.tables, self.seen = self.snapshot(), self.store.last_event()

    @rule()
    def restart(self) -> None:
        """A commit, then another process."""
        self.commit()
        self.crash()

    @rule(now=st.sampled_from([0, 700, 100_000]))
    def reboot(self, now: int) -> None:
        """The machine is started anew: leases end, reservations stay."""
        self.store.close()
        self.model, self.newest = copy.deepcopy(self.saved), self.told
        self.boots += 1
        self.now = now
        self.model.boot(now)
        self.open()
        self.saved = copy.deepcopy(self.model)
        self.tables, self.seen = self.snapshot(), self.store.last_event()

    # What holds at all times.

    @initialize()
    def begin(self) -> None:
        """Nothing is there."""
        assert self.store.claims() == ()

    @invariant()
    def compare(self) -> None:
        """Store and model have the same; S8: events since the last look tell how it came."""
        self.model.tick(self.now)
        self.store.fence("sem:none", 0, self.caller(0), self.now)
        assert [
            (each.id, each.token, each.port, each.size, each.state, each.expires_ms, each.seq)
            for each in self.store.claims()
        ] == [
            (each.id, each.token, each.port, each.size, each.state, each.expires, each.seq)
            for each in self.model.live()
        ]
        assert {
            (each.uid, each.key, each.port, each.size) for each in self.store.reservations()
        } == set(self.model.reserved)
        states = {each.name: each for each in self.store.semaphores()}
        for name in ("gpu", "db"):
            held, waiting = self.model.held(name), self.model.waiting(name)
            state = states.pop(name, None)
            assert (state is None) == (not held and not waiting)
            if state is None:
                continue
            for real, model in zip(state.held, held, strict=True):
                assert (real.request_id, real.expires_ms) == (model.request, model.expires)
                if not model.id:
                    self.drawn(real.token)
                model.id, model.token = real.id, real.token
            assert [each.request_id for each in state.waiting] == [each.request for each in waiting]
            assert sum(each.units for each in state.held) <= state.limit
        assert states == {}
        self.compare_events()

    def compare_events(self) -> None:
        """Events are numbered without a gap, and tell what became of the tables."""
        events = self.store.events(self.seen, 10_000)
        last = self.store.last_event()
        assert [each.id for each in events] == list(range(self.seen + 1, last + 1))
        made, now = replay(events, self.tables), self.snapshot()
        made = made._replace(permits=tuple(sorted(made.permits, key=lambda each: each.id)))
        assert made == now
        self.tables, self.seen = now, last


def test_s1_to_s8_of_a_store_hold_in_any_order_of_steps() -> None:
    """Whatever is done in whatever order, the store is what the model says, also after a crash."""
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=60,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
