"""Many at once, and long waits: the desk stays quick, and each gets what it was promised, once."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from claims.serving_claims import Claims, serving_claims, until
from free_ports import free_port
from portbook.claims.changes import MOST_REMEMBERED
from portbook.claims.desk import Desk
from portbook.claims.ledger import Ledger
from portbook.claims.queues import MOST_WAITING
from portbook.claims.remote import Remote
from portbook.claims.routes import Asked, Reply
from portbook.host import clock
from portbook.model.claim import Caller, ClaimRefused, ClaimRequest, Permit, PermitRequest, Waiter

pytestmark = pytest.mark.live

ME = Caller(0)
MOST_KEPT = MOST_REMEMBERED + 1_024


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Claims]:
    """One service for these tests."""
    with serving_claims(tmp_path_factory.mktemp("pressed")) as made:
        yield made


def new_ledger() -> Ledger:
    """A store in memory."""
    drawn = iter(range(1, 1 << 40))
    return Ledger(draw=lambda: next(drawn), wall=time.time)


def test_many_ended_claims_are_forgotten_in_little_time() -> None:
    """60,000 between two sweeps: neither the sweep nor the last end is slow, and few are kept."""
    ledger = new_ledger()
    most = 0
    slowest = 0.0
    for turn in range(60_000):
        request = ClaimRequest(port=20_000 + turn % 1000)
        (claim,) = ledger.acquire(request, ME, ME, 1000, lambda: (), lambda *_: None)
        began = time.perf_counter()
        assert ledger.release(claim.id, claim.token, ME, 1000)
        slowest = max(slowest, time.perf_counter() - began)
        if turn % 64 == 0:
            most = max(most, len(ledger.ended))
            ledger.commit()
    began = time.perf_counter()
    ledger.sweep(2000, lambda _: True)
    assert time.perf_counter() - began < 0.5
    assert slowest < 0.5
    assert max(most, len(ledger.ended)) <= MOST_KEPT
    assert ledger.claim(claim.id) is not None
    ledger.sweep(2000 + 3_600_000, lambda _: True)
    assert not ledger.ended


def test_many_claims_that_run_out_in_one_sweep_are_forgotten_in_little_time() -> None:
    """They are kept for the lock-delay; to forget them takes far less than to make them did."""
    ledger = new_ledger()
    began = time.process_time()
    for port in range(1024, 61_024):
        request = ClaimRequest(port=port, ttl_ms=1000)
        ledger.acquire(request, ME, ME, 1000, lambda: (), lambda *_: None)
    making = time.process_time() - began
    ledger.commit()
    ledger.sweep(2_500, lambda _: True)
    ledger.commit()
    assert ledger.claims() == ()
    began = time.process_time()
    ledger.sweep(10_000, lambda _: True)
    assert len(ledger.ended) <= MOST_KEPT
    ledger.sweep(3_600_000, lambda _: True)
    assert time.process_time() - began < making / 2
    assert not ledger.ended


def test_many_ended_permits_are_forgotten_in_little_time() -> None:
    """As claims are."""
    ledger = new_ledger()
    made: Permit | Waiter | None = None
    began = time.process_time()
    for turn in range(60_000):
        made = ledger.acquire_permit(PermitRequest("s", 1), ME, ME, 1000, wait=False)
        assert isinstance(made, Permit)
        ledger.release_permit(made.id, made.token, ME, 1000)
        if turn % 64 == 0:
            ledger.commit()
    making = time.process_time() - began
    assert isinstance(made, Permit)
    began = time.process_time()
    ledger.sweep(2000, lambda _: True)
    with pytest.raises(ClaimRefused) as refused:
        ledger.renew_permit(made.id, made.token, None, ME, 2000)
    assert refused.value.code == "lost"
    ledger.sweep(3_600_000, lambda _: True)
    assert time.process_time() - began < making / 2
    with pytest.raises(ClaimRefused) as refused:
        ledger.renew_permit(made.id, made.token, None, ME, 3_600_000)
    assert refused.value.code == "not_found"


def test_many_waiters_that_hang_up_at_once_stop_nobody(service: Claims) -> None:
    """600 in one queue: an unrelated call is answered soon after, and none is left in the queue."""
    holder = {"limit": 1, "ttl_ms": 600_000}
    held = service.ask("POST", "/v1/sems/crowd/acquire", holder).document
    body = json.dumps({**holder, "wait_ms": 600_000}).encode()
    message = service.raw("POST", "/v1/sems/crowd/acquire", body)
    links: list[socket.socket] = []
    try:
        for _ in range(600):
            links.append(socket.socket(socket.AF_UNIX))
            links[-1].settimeout(10)
            links[-1].connect(service.told["socket"])
            links[-1].sendall(message)
        until(lambda: service.ask("GET", "/v1/status").document["waiting"] == 600, 20)
    finally:
        for link in links:
            link.close()
    began = time.monotonic()
    assert service.claim(name="unrelated").status == 201
    assert time.monotonic() - began < 3
    until(lambda: service.ask("GET", "/v1/status").document["waiting"] == 0, 3)
    (state,) = service.ask("GET", "/v1/sems").document["semaphores"]
    assert (state["name"], state["waiting"]) == ("crowd", 0)
    path = f"/v1/sems/crowd/permits/{held['permit']['id']}?token={held['token']}"
    assert service.ask("DELETE", path).document == {"released": True}
    assert service.ask("GET", "/v1/sems").document == {"semaphores": []}


def test_a_crowd_that_leaves_a_queue_costs_no_more_than_each_for_itself() -> None:
    """1,200 hang up in one turn of the loop: what they cost does not grow with their cube."""

    async def act(desk: Ticking, ledger: Ledger) -> None:
        first: list[Reply] = []
        waited: list[Reply] = []
        leave = []
        for turn in range(1_201):
            body = {"limit": 1, "ttl_ms": 600_000, "wait_ms": 600_000 if turn else 0}
            path, data = "/v1/sems/crowd/acquire", json.dumps(body).encode()
            asked = Asked("POST", path, "", data, ME, admitted=True)
            leave.append(desk.handle(asked, (waited if turn else first).append))
        await asyncio.sleep(0.005)
        assert (len(desk.queues), len(first)) == (1_200, 1)
        began = time.monotonic()
        for each in leave[1:]:
            assert each is not None
            each()
        told: list[Reply] = []
        claim_of(desk, told, port=7000)
        await asyncio.sleep(0.005)
        assert time.monotonic() - began < 3
        assert [each.status for each in told] == [201]
        assert (len(desk.queues), waited) == (0, [])
        (state,) = ledger.semaphores()
        assert (len(state.held), state.waiting) == (1, ())

    at_ticking(act)


def test_who_is_behind_one_that_leaves_is_given_what_fits() -> None:
    """Of three units two are free: the first wants three and hangs up, the next wants two."""

    async def act(desk: Ticking, ledger: Ledger) -> None:
        told: list[list[Reply]] = [[], [], []]
        leave = []
        for place, units in enumerate((1, 3, 2)):
            body = {"limit": 3, "n": units, "ttl_ms": 600_000, "wait_ms": 600_000}
            path, data = "/v1/sems/s/acquire", json.dumps(body).encode()
            asked = Asked("POST", path, "", data, ME, admitted=True)
            leave.append(desk.handle(asked, told[place].append))
        await asyncio.sleep(0.005)
        assert [len(each) for each in told] == [1, 0, 0]
        assert leave[1] is not None
        leave[1]()
        await asyncio.sleep(0.005)
        assert [len(each) for each in told] == [1, 0, 1]
        assert json.loads(told[2][0].body)["permit"]["units"] == 2
        assert len(desk.queues) == 0
        assert sum(each.units for each in ledger.semaphores()[0].held) == 3

    at_ticking(act)


def test_who_is_refused_for_want_of_room_has_no_place() -> None:
    """Too many wait: whoever is told so is in no queue, where units would be given to nobody."""

    async def act(desk: Ticking, ledger: Ledger) -> None:
        told: list[Reply] = []
        claim_of(desk, told, port=7000, ttl_ms=600_000)
        for _ in range(MOST_WAITING):
            claim_of(desk, told, port=7000, wait_ms=600_000)
        for wait_ms in (0, 600_000):
            body = {"limit": 1, "ttl_ms": 600_000, "wait_ms": wait_ms}
            path, data = "/v1/sems/s/acquire", json.dumps(body).encode()
            desk.handle(Asked("POST", path, "", data, ME, admitted=True), told.append)
        await asyncio.sleep(0.02)
        assert [each.status for each in told] == [201, 200, 503]
        assert ledger.semaphores()[0].waiting == ()

    at_ticking(act)


class Ticking(Desk):
    """A desk whose clock the test sets, and which moves on by `step` at every look at it."""

    at = 0
    step = 0

    def now(self) -> int:
        """Milliseconds, a little later each time."""
        self.at += self.step
        return self.at


def at_ticking(act: Callable[[Ticking, Ledger], Awaitable[None]]) -> None:
    """Run one coroutine with such a desk."""

    async def run() -> None:
        ledger = new_ledger()
        desk = Ticking(
            ledger,
            lambda each: range(each.first or 30_000, (each.last or 31_000) + 1),
            lambda *_: None,
            asyncio.get_running_loop(),
        )
        desk.at = int(clock.boottime() * 1000)
        await act(desk, ledger)
        desk.close()

    asyncio.run(run())


def claim_of(desk: Desk, told: list[Reply], **body: Any) -> None:
    """POST /v1/claims."""
    asked = Asked("POST", "/v1/claims", "", json.dumps(body).encode(), ME, admitted=True)
    desk.handle(asked, told.append)


def test_a_waiter_is_given_one_claim_while_others_run_out() -> None:
    """Two ports come free and leases end in the midst of giving: each moment of it is tried."""

    async def one(desk: Ticking, ledger: Ledger, ahead: int) -> None:
        first: list[Reply] = []
        got: list[Reply] = []
        pool = {"range": [24_000, 24_001], "ttl_ms": 600_000}
        claim_of(desk, first, **pool, count=2, contiguous=True)
        for turn in range(10):
            claim_of(desk, [], port=30_000 + turn, ttl_ms=1000 + turn)
        await asyncio.sleep(0.005)
        claim_of(desk, got, **pool, wait_ms=60_000, name="waiter")
        await asyncio.sleep(0.005)
        assert got == []
        desk.at += ahead
        desk.step = 1
        for each in json.loads(first[0].body)["claims"]:
            path, token = f"/v1/claims/{each['id']}", f"token={each['token']}"
            desk.handle(Asked("DELETE", path, token, b"", ME, admitted=True), first.append)
        await asyncio.sleep(0.005)
        desk.step = 0
        assert [each.status for each in got] == [201]
        assert [each.status for each in first] == [201, 200]
        (given,) = json.loads(got[0].body)["claims"]
        assert [each.id for each in ledger.claims() if each.name == "waiter"] == [given["id"]]

    for ahead in range(985, 1015):

        async def act(desk: Ticking, ledger: Ledger, ahead: int = ahead) -> None:
            await one(desk, ledger, ahead)

        at_ticking(act)


def test_ports_given_in_one_go_reach_the_waiters_in_their_order() -> None:
    """Whoever came first is given first, also when granting goes round once more."""

    async def act(desk: Ticking, ledger: Ledger) -> None:
        first: list[Reply] = []
        got: list[list[Reply]] = [[], [], []]
        pool = {"range": [24_000, 24_001], "ttl_ms": 600_000}
        claim_of(desk, first, **pool, count=2, contiguous=True)
        await asyncio.sleep(0.005)
        for turn, told in enumerate(got):
            claim_of(desk, told, **pool, wait_ms=60_000, name=f"waiter {turn}")
        for each in json.loads(first[0].body)["claims"]:
            path, token = f"/v1/claims/{each['id']}", f"token={each['token']}"
            desk.handle(Asked("DELETE", path, token, b"", ME, admitted=True), first.append)
        await asyncio.sleep(0.005)
        assert [[each.status for each in told] for told in got] == [[201], [201], []]
        assert {each.name for each in ledger.claims()} == {"waiter 0", "waiter 1"}

    at_ticking(act)


def test_a_wait_for_a_port_that_a_program_has_lasts_as_long_as_asked(service: Claims) -> None:
    """Several turns of half a TTL: it is had when it comes free, and refused only at the end."""
    remote = Remote(service.told["socket"])
    try:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            began = time.monotonic()
            with pytest.raises(ClaimRefused) as refused:
                remote.claim(ClaimRequest(port=port, wait_ms=2_200, ttl_ms=2_000))
            assert refused.value.code == "in_use"
            assert time.monotonic() - began >= 2.1
            leaving = threading.Timer(1.6, taken.close)
            leaving.start()
            began = time.monotonic()
            (claim,) = remote.claim(ClaimRequest(port=port, wait_ms=15_000, ttl_ms=2_000))
            leaving.join()
            assert claim.port == port
            assert 1.5 <= time.monotonic() - began < 10
            remote.release(claim.id, claim.token)
    finally:
        remote.close()


def test_a_place_in_a_queue_outlives_the_service(tmp_path: Path) -> None:
    """It is on the disk before anything else is: SIGKILL, and it is there, before later ones."""
    with serving_claims(tmp_path) as service:
        limit = {"limit": 1, "ttl_ms": 600_000}
        held = service.ask("POST", "/v1/sems/q/acquire", limit).document
        body = json.dumps({**limit, "wait_ms": 60_000, "request_id": "first"}).encode()
        with service.connect() as link:
            link.sendall(service.raw("POST", "/v1/sems/q/acquire", body))
            until(lambda: service.ask("GET", "/v1/status").document["waiting"] == 1)
            service.kill()
        service.start()
        (state,) = service.ask("GET", "/v1/sems").document["semaphores"]
        assert (state["name"], state["waiting"]) == ("q", 1)
        late = service.ask("POST", "/v1/sems/q/acquire", {**limit, "wait_ms": 1})
        assert late.document["waiter"]["position"] == 2
        path = f"/v1/sems/q/permits/{held['permit']['id']}?token={held['token']}"
        assert service.ask("DELETE", path).document == {"released": True}
        mine = service.ask("POST", "/v1/sems/q/acquire", {**limit, "request_id": "first"})
        assert (mine.status, mine.document["permit"]["semaphore"]) == (200, "q")


def test_one_connection_is_answered_as_a_fresh_one_is(service: Claims) -> None:
    """Calls of the desk and of the book by turns, with the same header each time."""
    port = free_port()
    service.claim(port=port, name="by turns")
    paths = [
        "/v1/status",
        "/v1/ports/80",
        "/v1/status",
        "/v1/listeners",
        "/v1/claims?name=by%20turns",
        "/v1/ports/80",
        "/v1/ports/443",
        "/v1/claims?name=by%20turns",
    ]
    with service.connect() as link:
        reader = link.makefile("rb")
        for path in paths:
            link.sendall(service.raw("GET", path))
            status = int(reader.readline().split()[1])
            length = None
            while (line := reader.readline()) not in (b"\r\n", b""):
                name, _, value = line.decode().partition(":")
                if name.lower() == "content-length":
                    length = int(value)
            assert length is not None, path
            found = json.loads(reader.read(length))
            fresh = service.ask("GET", path)
            assert (status, found.keys()) == (fresh.status, fresh.document.keys()), path
            assert status == 200, path
            if path.startswith("/v1/ports"):
                assert found == fresh.document
            if path.startswith("/v1/claims"):
                assert [each["port"] for each in found["claims"]] == [port]
        reader.close()
