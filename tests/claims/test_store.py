"""What every store of claims has to do: the ledger in memory, SQLite and PostgreSQL.

A further store is one more entry of `MAKERS`.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from claims import postgres_book
from portbook.claims.ledger import Ledger, Tables, replay
from portbook.claims.sqlite import open_store
from portbook.claims.store import Store
from portbook.model.claim import (
    LOCK_DELAY,
    Caller,
    Claim,
    ClaimRefused,
    ClaimRequest,
    Permit,
    PermitRequest,
    ReservationRequest,
    Waiter,
)

ME = Caller(1000)
OTHER = Caller(1001)
ROOT = Caller(0)
WORKER = Caller(1000, 4242, 99, 1, None)
POOL = range(3000, 3010)


def memory(_folder: Path) -> Store:
    """The ledger alone."""
    tokens = iter(range(1, 10_000_000))
    return Ledger(draw=lambda: next(tokens), wall=lambda: 1000.0)


def sqlite(folder: Path) -> Store:
    """The store in a file."""
    return open_store(str(folder / "claims.sqlite"), now=0, boot_id="one")


def postgres(_folder: Path) -> Store:
    """The book of a fleet."""
    return postgres_book.book()


MAKERS: dict[str, Callable[[Path], Store]] = {
    "memory": memory,
    "sqlite": sqlite,
    "postgres": postgres,
}


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    made = MAKERS[request.param](tmp_path)
    yield made
    made.close()


def free(_transport: str, _address: str, _port: int) -> str | None:
    """A kernel that refuses nothing."""
    return None


def claim(store: Store, now: int = 0, by: Caller = ME, **wanted: object) -> Claim:
    """One claim, by default on 8080/tcp."""
    if not {"port", "key", "first"} & set(wanted):
        wanted["port"] = 8080
    (made,) = store.acquire(ClaimRequest(**wanted), by, by, now, lambda: POOL, free)  # type: ignore[arg-type] # tests know
    return made


def refusal(act: Callable[[], object]) -> str:
    """The code with which something is refused; `done` where it is not."""
    try:
        act()
    except ClaimRefused as refused:
        return refused.code
    return "done"


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ({}, {}, "held"),
        ({}, {"transports": ("udp",)}, "done"),
        ({}, {"transports": ("udp", "tcp")}, "held"),
        ({"size": 3, "port": 8078}, {}, "held"),
        ({}, {"size": 3, "port": 8078}, "held"),
        ({}, {"size": 2, "port": 8078}, "done"),
        ({"address": "127.0.0.1"}, {"address": "127.0.0.2"}, "done"),
        ({"address": "127.0.0.1"}, {"address": "0.0.0.0"}, "held"),
        ({"address": "127.0.0.1"}, {"address": "::1"}, "done"),
        ({"address": "127.0.0.1"}, {"address": "::"}, "held"),
        ({"address": "127.0.0.1"}, {}, "held"),
    ],
)
def test_s1_two_live_claims_never_overlap(
    store: Store, first: dict[str, object], second: dict[str, object], code: str
) -> None:
    """The same port, transport and address are had once; what only looks alike is no obstacle."""
    claim(store, **first)  # type: ignore[arg-type] # tests know
    wanted = ClaimRequest(**{"port": 8080, **second})  # type: ignore[arg-type] # tests know
    assert refusal(lambda: store.acquire(wanted, OTHER, OTHER, 0, lambda: POOL, free)) == code


def test_s1_another_network_namespace_has_ports_of_its_own(store: Store) -> None:
    """And the kernel of ours is not asked about them."""
    claim(store)
    inner = Caller(1000, 7, 7, 1, 555)
    wanted = ClaimRequest(port=8080)

    def busy(*_: object) -> str:
        return "busy"

    (made,) = store.acquire(wanted, ME, inner, 0, lambda: POOL, busy)
    assert made.port == 8080
    assert refusal(lambda: store.acquire(wanted, ME, inner, 0, lambda: POOL, free)) == "held"


def test_s1_all_or_nothing(store: Store) -> None:
    """Where one of several is not to be had, none is taken, and no event tells of any."""
    claim(store, transports=("udp",), port=9000)
    before = store.last_event()
    both = ClaimRequest(port=9000, transports=("tcp", "udp"))
    assert refusal(lambda: store.acquire(both, ME, ME, 0, lambda: POOL, free)) == "held"
    many = ClaimRequest(size=11)
    assert refusal(lambda: store.acquire(many, ME, ME, 0, lambda: POOL, free)) == "pool_empty"
    assert len(store.claims()) == 1
    assert store.last_event() == before


def test_a_refusal_names_who_is_in_the_way_and_when_to_ask_again(store: Store) -> None:
    """A claim, a lock-delay and a reservation are told apart."""
    claim(store, name="web", ttl_ms=5000)
    with pytest.raises(ClaimRefused) as seen:
        claim(store, 1000, OTHER)
    assert seen.value.holder is not None
    assert (seen.value.holder["kind"], seen.value.holder["name"]) == ("claim", "web")
    assert seen.value.retry_after_ms == 4001
    assert refusal(lambda: claim(store, 1000 + 4001 + LOCK_DELAY, OTHER)) == "done"
    store.reserve(ReservationRequest("k", port=9100), ME, 0, lambda: POOL, free)
    with pytest.raises(ClaimRefused) as seen:
        claim(store, 1000, OTHER, port=9100)
    assert seen.value.holder is not None
    assert (seen.value.holder["kind"], seen.value.holder["key"]) == ("reservation", "k")


def test_s2_tokens_strictly_grow(store: Store) -> None:
    """Claims, transfers and permits take them from one sequence; a token is never given again."""
    seen = []
    for _ in range(20):
        made = claim(store)
        seen.append(made.token)
        given = store.transfer(made.id, made.token, WORKER, ME, 0)
        seen.append(given.token)
        assert store.release(made.id, given.token, ME, 0)
        permit = store.acquire_permit(PermitRequest("s", 100), ME, ME, 0, wait=False)
        assert isinstance(permit, Permit)
        seen.append(permit.token)
    assert seen == sorted(set(seen))


def test_s3_a_token_that_is_not_current_changes_nothing(store: Store) -> None:
    """Neither an old one, nor one that was never given, nor another user's asking."""
    made = claim(store)
    given = store.transfer(made.id, made.token, WORKER, ME, 0)
    before, events = store.claims(), store.last_event()
    for token in (made.token, given.token + 1, 0):
        assert refusal(partial(store.renew, made.id, token, None, ME, 5)) == "bad_token"
        assert refusal(partial(store.heartbeat, made.id, token, 1, 5)) == "bad_token"
        assert refusal(partial(store.release, made.id, token, ME, 5)) == "bad_token"
        assert refusal(partial(store.transfer, made.id, token, ME, ME, 5)) == "bad_token"
        assert not store.fence(made.id, token, ME, 5).current
    for act in (
        lambda: store.renew(made.id, given.token, None, OTHER, 5),
        lambda: store.release(made.id, given.token, OTHER, 5),
        lambda: store.transfer(made.id, given.token, OTHER, OTHER, 5),
        lambda: store.transfer(made.id, given.token, OTHER, ME, 5),
        lambda: store.fence(made.id, given.token, OTHER, 5),
        lambda: store.fence("8080/tcp", given.token, OTHER, 5),
    ):
        assert refusal(act) == "not_yours"
    assert (store.claims(), store.last_event()) == (before, events)
    assert store.fence(made.id, given.token, ME, 5).current
    assert store.fence("8080/tcp", given.token, ROOT, 5) == (True, given.token)


def test_s3_lost_is_final(store: Store) -> None:
    """What has ended does not come back, and the second release says that it had ended."""
    made = claim(store)
    assert store.release(made.id, made.token, ME, 1)
    assert store.release(made.id, made.token, ME, 2) is False
    assert refusal(lambda: store.renew(made.id, made.token, None, ME, 3)) == "lost"
    assert refusal(lambda: store.heartbeat(made.id, made.token, 9, 3)) == "lost"
    assert refusal(lambda: store.transfer(made.id, made.token, ME, ME, 3)) == "lost"
    assert store.fence(made.id, made.token, ME, 3) == (False, made.token)
    assert store.mark(made.id, "bound", None, 3) is None
    known = store.claim(made.id)
    assert known is not None
    assert known.state == "released"
    store.sweep(600_001, lambda _: True)
    assert store.claim(made.id) is not None
    store.sweep(600_002, lambda _: True)
    assert refusal(lambda: store.renew(made.id, made.token, None, ME, 600_002)) == "not_found"


def test_s4_permits_never_exceed_the_limit_which_is_part_of_the_name(store: Store) -> None:
    """Another limit is refused with both values while the semaphore is in use."""
    first = store.acquire_permit(PermitRequest("gpu", 3, 2), ME, ME, 0, wait=False)
    assert isinstance(first, Permit)
    again = PermitRequest("gpu", 3, 2)
    assert refusal(lambda: store.acquire_permit(again, ME, ME, 0, wait=False)) == "timeout"
    with pytest.raises(ClaimRefused, match=r"limit 3, not 4") as seen:
        store.acquire_permit(PermitRequest("gpu", 4), OTHER, OTHER, 0, wait=False)
    assert seen.value.code == "limit_mismatch"
    assert sum(each.units for each in store.semaphores()[0].held) == 2
    store.release_permit(first.id, first.token, ME, 0)
    assert store.semaphores() == ()
    assert store.acquire_permit(PermitRequest("gpu", 4), OTHER, OTHER, 0, wait=False)


def test_s5_a_lease_never_ends_early(store: Store) -> None:
    """At the last millisecond it lives; past it its port is kept for the lock-delay, then free."""
    made = claim(store, ttl_ms=1000)
    assert refusal(lambda: claim(store, 1000, OTHER)) == "held"
    assert store.renew(made.id, made.token, None, ME, 1000).expires_ms == 2000
    assert refusal(lambda: claim(store, 2000, OTHER)) == "held"
    assert refusal(lambda: store.renew(made.id, made.token, None, ME, 2001)) == "lost"
    with pytest.raises(ClaimRefused) as seen:
        claim(store, 2001, OTHER)
    assert seen.value.holder is not None
    assert seen.value.holder["kind"] == "lock-delay"
    assert seen.value.retry_after_ms == LOCK_DELAY
    assert refusal(lambda: claim(store, 2000 + LOCK_DELAY, OTHER)) == "held"
    assert claim(store, 2001 + LOCK_DELAY, OTHER).owner == OTHER


def test_s5_a_shorter_ttl_counts_at_once(store: Store) -> None:
    """A renewal may make the lease end sooner than it would have."""
    made = claim(store, ttl_ms=60_000)
    store.renew(made.id, made.token, 1000, ME, 0)
    assert refusal(lambda: store.renew(made.id, made.token, None, ME, 1001)) == "lost"


@pytest.mark.parametrize("owner", [ME, WORKER])
def test_s5_a_permit_never_ends_early(store: Store, owner: Caller) -> None:
    """At the last millisecond its units are held, past it the next gets them, without delay."""
    first = store.acquire_permit(PermitRequest("s", 1, ttl_ms=1000), ME, owner, 0, wait=False)
    assert isinstance(first, Permit)
    store.acquire_permit(PermitRequest("s", 1, request_id="a"), ME, ME, 0, wait=True)
    store.sweep(1000, lambda _: None)
    assert store.permit(first.id) == first
    store.sweep(1001, lambda _: None)
    assert store.permit(first.id) is None
    assert isinstance(store.permit_of("a", 1000), Permit)


def test_s5_a_waiter_keeps_its_place_for_as_long_as_it_said(store: Store) -> None:
    """At the last millisecond it still waits; asking again begins its time anew."""
    store.acquire_permit(PermitRequest("s", 1), ME, ME, 0, wait=False)
    asks = PermitRequest("s", 1, ttl_ms=1000, wait_ms=500, request_id="a")
    store.acquire_permit(asks, ME, ME, 0, wait=True)
    store.sweep(1500, lambda _: True)
    assert isinstance(store.acquire_permit(asks, ME, ME, 1500, wait=True), Waiter)
    store.sweep(3000, lambda _: True)
    assert isinstance(store.permit_of("a", 1000), Waiter)
    store.sweep(3001, lambda _: True)
    assert store.permit_of("a", 1000) is None


def test_s5_a_life_that_is_seen_keeps_a_lease_past_its_ttl(store: Store) -> None:
    """A stopped process lives; one that cannot be seen has its TTL; the dead are gone at once."""
    lives: bool | None = True
    (made,) = store.acquire(ClaimRequest(port=8080, ttl_ms=1000), ME, WORKER, 0, lambda: POOL, free)
    due = store.sweep(50_000, lambda _: lives)
    assert due is not None
    assert due > 50_000
    assert store.claims() == (made,)
    assert store.renew(made.id, made.token, None, ME, 50_000).expires_ms == 51_000
    store.sweep(51_000, lambda _: None)
    assert len(store.claims()) == 1
    store.sweep(51_001, lambda _: None)
    assert store.claims() == ()
    assert refusal(lambda: claim(store, 51_001)) == "held"


def test_l1_a_dead_owners_port_is_free_at_once(store: Store) -> None:
    """Proof of the end needs no lock-delay; the event says `died`."""
    store.acquire(ClaimRequest(port=8080), ME, WORKER, 0, lambda: POOL, free)
    assert store.sweep(10, lambda who: who.pid != WORKER.pid) is None
    assert claim(store, 10, OTHER).owner == OTHER
    assert [each.kind for each in store.events(0)] == ["claimed", "died", "claimed"]


def test_l1_a_port_is_free_after_ttl_and_lock_delay(store: Store) -> None:
    """`sweep` says when to look, and at that moment it is so, with no step in vain for ever."""
    claim(store, ttl_ms=1000)
    now, looks = 0, 0
    while (due := store.sweep(now, lambda _: None)) is not None:
        now, looks = due, looks + 1
    assert (now, looks) == (1001 + LOCK_DELAY, 2)
    assert claim(store, now, OTHER)


def test_l2_who_waits_is_served_in_order_and_not_overtaken(store: Store) -> None:
    """A small request does not slip past a large one that came first."""
    held = store.acquire_permit(PermitRequest("s", 2, 1), ME, ME, 0, wait=False)
    assert isinstance(held, Permit)
    for name, units in (("a", 2), ("b", 1), ("c", 1)):
        waiter = store.acquire_permit(
            PermitRequest("s", 2, units, request_id=name), ME, ME, 0, wait=True
        )
        assert isinstance(waiter, Waiter)
    again = PermitRequest("s", 2, 1, request_id="c")
    assert store.acquire_permit(again, ME, ME, 9, wait=True).position == 3  # type: ignore[union-attr]
    over = PermitRequest("s", 2, 1)
    assert refusal(lambda: store.acquire_permit(over, ME, ME, 0, wait=False)) == "timeout"
    store.release_permit(held.id, held.token, ME, 1)
    first = store.permit_of("a", 1000)
    assert isinstance(first, Permit)
    assert [each.request_id for each in store.semaphores()[0].waiting] == ["b", "c"]
    store.release_permit(first.id, first.token, ME, 2)
    assert all(isinstance(store.permit_of(each, 1000), Permit) for each in "bc")


def test_l2_the_head_that_gives_up_or_dies_does_not_block_the_rest(store: Store) -> None:
    """Cancelled, dead and silent waiters leave the queue."""
    held = store.acquire_permit(PermitRequest("s", 1), ME, ME, 0, wait=False)
    assert isinstance(held, Permit)
    for name, owner, ttl in (("a", ME, 30_000), ("b", WORKER, 30_000), ("c", ME, 1000)):
        request = PermitRequest("s", 1, request_id=name, ttl_ms=ttl)
        store.acquire_permit(request, ME, owner, 0, wait=True)
    last = PermitRequest("s", 1, request_id="d", wait_ms=60_000)
    store.acquire_permit(last, ME, ME, 0, wait=True)
    assert store.cancel_wait("a", ME, 0)
    assert store.cancel_wait("a", ME, 0) is False
    store.sweep(2000, lambda who: False if who.pid else None)
    assert [each.request_id for each in store.semaphores()[0].waiting] == ["d"]
    store.release_permit(held.id, held.token, ME, 2001)
    assert isinstance(store.permit_of("d", 1000), Permit)


def test_s6_the_same_request_gives_the_same_claims(store: Store) -> None:
    """Any number of times, to its own user only, and `lost` once one of them has ended."""
    request = ClaimRequest(transports=("tcp", "udp"), size=2, request_id="r")

    def ask(who: Caller = ME) -> tuple[Claim, ...]:
        return store.acquire(request, who, who, 0, lambda: POOL, free)

    first = ask()
    assert len(first) == 4
    assert ask() == first == ask()
    assert {each.id for each in ask(OTHER)}.isdisjoint(each.id for each in first)
    store.release(first[0].id, first[0].token, ME, 0)
    assert refusal(ask) == "lost"


def test_s6_who_was_fenced_off_does_not_get_the_new_token(store: Store) -> None:
    """A request that comes again after a transfer is lost."""
    made = claim(store, request_id="r")
    store.transfer(made.id, made.token, WORKER, ME, 0)
    assert refusal(lambda: claim(store, request_id="r")) == "lost"


def test_s8_events_have_no_gap_and_tell_how_the_tables_came_to_be(store: Store) -> None:
    """From nothing, and from a snapshot in between."""
    made = claim(store, key="web", port=8080, labels=(("a", "b"),))
    store.mark(made.id, "squatted", None, 1)
    store.renew(made.id, made.token, 9000, ME, 2)
    store.commit()
    middle, snapshot = store.last_event(), Tables(store.claims(), (), store.reservations())
    store.heartbeat(made.id, made.token, 5, 3)
    store.transfer(made.id, made.token, WORKER, ME, 4)
    store.reserve(ReservationRequest("web", port=8085), ME, 4, lambda: POOL, free)
    gone = claim(store, port=9999)
    store.release(gone.id, gone.token, ME, 4)
    permit = store.acquire_permit(PermitRequest("s", 1), ME, ME, 0, wait=False)
    assert isinstance(permit, Permit)
    events = store.events(0)
    assert [each.id for each in events] == list(range(1, store.last_event() + 1))
    tables = Tables(store.claims(), (permit,), store.reservations())
    assert replay(events) == tables
    assert replay(store.events(middle), snapshot) == tables
    assert store.events(middle, 2) == events[middle : middle + 2]
    assert store.events(store.last_event()) == ()


def test_the_pool_skips_what_is_claimed_reserved_kept_in_use_or_to_be_avoided(
    store: Store,
) -> None:
    """The first that is left is taken, for a block all of its ports have to be free."""
    claim(store, port=3000, ttl_ms=1000)
    claim(store, 500, port=3001)
    store.reserve(ReservationRequest("k", port=3002), OTHER, 500, lambda: POOL, free)

    def busy(transport: str, _address: str, port: int) -> str | None:
        return "busy" if (transport, port) == ("udp", 3003) else None

    wanted = ClaimRequest(transports=("tcp", "udp"), avoid=(3004,), size=2, contiguous=True)
    made = store.acquire(wanted, ME, ME, 1500, lambda: POOL, busy)
    assert [(each.port, each.size, each.transport) for each in made] == [
        (3005, 2, "tcp"),
        (3005, 2, "udp"),
    ]
    outside = ClaimRequest(first=3009, last=3009)
    assert [e.port for e in store.acquire(outside, ME, ME, 1500, lambda: POOL, busy)] == [3009]


def test_the_kernel_is_asked_a_bounded_number_of_times(store: Store) -> None:
    """A machine on which nothing is free gets an answer in tens of milliseconds."""
    asked = []

    def busy(_transport: str, _address: str, port: int) -> str:
        asked.append(port)
        return "busy"

    wanted = ClaimRequest()
    everything = range(1, 65536)
    assert (
        refusal(lambda: store.acquire(wanted, ME, ME, 0, lambda: everything, busy)) == "pool_empty"
    )
    assert len(asked) == 4096
    exact = ClaimRequest(port=80)
    assert refusal(lambda: store.acquire(exact, ME, ME, 0, lambda: (), busy)) == "in_use"


def test_a_key_keeps_its_number(store: Store) -> None:
    """The first claim reserves it; another user's same key is another; a number moves it."""
    made = claim(store, key="web")
    store.release(made.id, made.token, ME, 0)
    assert claim(store, 0, OTHER, key="web").port != made.port
    assert refusal(lambda: claim(store, 0, OTHER, port=made.port)) == "held"
    assert refusal(lambda: claim(store, 0, ME, port=made.port)) == "held"
    again = claim(store, key="web")
    assert again.port == made.port
    assert refusal(lambda: claim(store, key="web")) == "held"
    assert claim(store, key="web", port=3900).port == 3900
    assert store.reserve(ReservationRequest("web"), ME, 0, lambda: POOL, free).port == 3900
    assert store.unreserve("web", ME, 0)
    assert store.unreserve("web", ME, 0) is False


@pytest.mark.parametrize(
    "wanted",
    [
        {"port": 0},
        {"port": 65535, "size": 2},
        {"port": 65536},
        {"size": 0},
        {"size": 1025},
        {"ttl_ms": 999},
        {"ttl_ms": 8 * 24 * 3_600_000},
        {"transports": ()},
        {"transports": ("sctp",)},
        {"address": "here"},
        {"name": "\udcff"},
        {"key": "\udcff"},
        {"request_id": "\udcff"},
        {"labels": (("a", "\udcff"),)},
    ],
)
def test_what_makes_no_sense_is_invalid(store: Store, wanted: dict[str, object]) -> None:
    """Also for who does not come through the service, which checks it before."""
    request = ClaimRequest(**wanted)  # type: ignore[arg-type] # tests know
    act = lambda: store.acquire(request, ME, ME, 0, lambda: POOL, free)  # noqa: E731 - short
    assert refusal(act) == "invalid"
    assert store.last_event() == 0


def test_what_no_disk_can_keep_does_not_spoil_the_commit_of_others(store: Store) -> None:
    """Half a character in a name, a number beyond 63 bits: refused before they are noted."""
    made = claim(store)
    reservation = ReservationRequest("\udcff")
    label = Caller(1000, label="\udcff")
    for act in (
        partial(store.heartbeat, made.id, made.token, 2**63, 0),
        partial(store.reserve, reservation, ME, 0, lambda: POOL, free),
        partial(store.acquire_permit, PermitRequest("\udcff", 1), ME, ME, 0, wait=False),
        partial(store.acquire_permit, PermitRequest("s", 1), ME, label, 0, wait=False),
        partial(store.transfer, made.id, made.token, label, ME, 0),
    ):
        assert refusal(act) == "invalid"
    store.commit()
    assert store.claims() == (made,)


def test_s9_a_heartbeat_that_comes_again_renews_nothing(store: Store) -> None:
    """A replayed datagram cannot keep a lease alive: the number has to grow."""
    made = claim(store, ttl_ms=1000)
    beat = store.heartbeat(made.id, made.token, 5, 500)
    assert (beat.seq, beat.expires_ms) == (5, 1500)
    for seq in (5, 4, 0):
        assert refusal(partial(store.heartbeat, made.id, made.token, seq, 900)) == "invalid"
    assert store.claims() == (beat,)


def test_l1_a_claim_handed_to_no_process_runs_out(store: Store) -> None:
    """From a process to a user: from then on the TTL counts, by `sweep` and without it."""
    (made,) = store.acquire(ClaimRequest(port=8080, ttl_ms=1000), ME, WORKER, 0, lambda: POOL, free)
    given = store.transfer(made.id, made.token, ME, ME, 100)
    assert store.sweep(100, lambda _: True) == 1101
    assert refusal(lambda: store.renew(made.id, given.token, None, ME, 1101)) == "lost"
