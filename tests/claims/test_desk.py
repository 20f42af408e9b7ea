"""The desk without sockets: commits in turns, failed commits, order, and answers as documents."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.claims import answers
from portbook.claims.datagram import claim_secret
from portbook.claims.desk import Desk
from portbook.claims.replies import told_claims
from portbook.claims.routes import Asked, NoRoute, Reply, find, is_ours
from portbook.claims.sqlite import SqliteStore, open_store
from portbook.host import clock
from portbook.host.database import NotWritten
from portbook.model.claim import Bound, Caller, Claim, ClaimRefused, ClaimRequest

ME = Caller(1000)


class FullStore(SqliteStore):
    """A store whose disk is full while `full`: what is changed is then taken back."""

    full = False
    commits = 0

    def commit(self) -> None:
        """As the disk allows."""
        self.commits += 1
        if self.full:
            self._undo()
            raise NotWritten("the disk is full")
        super().commit()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FullStore]:
    """A real store."""
    now = int(clock.boottime() * 1000)
    made = FullStore(str(tmp_path / "c.sqlite"), now, "boot", clock.now, durable=False, home=None)
    yield made
    made.close()


def at_desk(store: SqliteStore, act: Callable[[Desk], Awaitable[None]]) -> None:
    """Run one coroutine with a desk."""

    async def run() -> None:
        desk = Desk(store, lambda _: range(5000, 5010), lambda *_: None, asyncio.get_running_loop())
        await act(desk)
        desk.close()

    asyncio.run(run())


def post(path: str, uid: int = 1000, **body: Any) -> Asked:
    """A POST of a user who is admitted."""
    return Asked("POST", path, "", json.dumps(body).encode(), Caller(uid), admitted=True)


def test_a_turn_is_one_commit_and_nobody_is_told_before(store: FullStore) -> None:
    """Ten claims of one turn: no answer until the turn is over, then all, after one commit."""

    async def act(desk: Desk) -> None:
        got: list[Reply] = []
        before = store.commits
        for port in range(10):
            desk.handle(post("/v1/claims", port=7000 + port), got.append)
        assert (got, store.commits) == ([], before)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [each.status for each in got] == [201] * 10
        assert store.commits == before + 1

    at_desk(store, act)


def test_a_failed_commit_is_told_to_everyone_of_its_turn(store: FullStore) -> None:
    """To who claimed, was refused, waits for units, or beats by datagram; a reader reads on."""

    async def act(desk: Desk) -> None:
        got: list[Reply] = []
        beats: list[Any] = []
        store.full = True
        desk.handle(post("/v1/claims", port=7000), got.append)
        desk.handle(post("/v1/claims", port=7000), got.append)
        desk.handle(post("/v1/sems/s/acquire", limit=1), got.append)
        desk.handle(post("/v1/sems/s/acquire", limit=1, wait_ms=5000), got.append)
        desk.heartbeat("00" * 8, 5, 1, beats.append)
        with pytest.raises(NotWritten):
            await desk.take(ClaimRequest(port=7001), ME, ME)
        assert [each.status for each in got] == [507] * 4
        assert beats == [None]
        assert len(desk.queues) == 0
        shown: list[Reply] = []
        desk.handle(post("/v1/claims", port=7000), got.append)
        desk.handle(Asked("GET", "/v1/claims", "", b"", ME, admitted=True), shown.append)
        await asyncio.sleep(0.01)
        assert json.loads(shown[0].body) == {"claims": []}
        store.full = False
        desk.handle(post("/v1/claims", port=7000), got.append)
        await asyncio.sleep(0.01)
        assert got[-1].status == 201

    at_desk(store, act)


def test_events_are_told_after_their_commit(store: FullStore) -> None:
    """Neither by a long poll, nor to others in this process."""

    async def act(desk: Desk) -> None:
        calls: list[int] = []
        desk.changed.add(lambda: calls.append(desk.committed))
        desk.handle(post("/v1/claims", port=7000), lambda _: None)
        assert store.last_event() > desk.committed
        assert desk.events_after(0) == ()
        await asyncio.sleep(0.01)
        assert calls == [store.last_event()]
        assert [each.kind for each in desk.events_after(0)] == ["claimed"]

    at_desk(store, act)


def test_an_answer_that_fails_takes_no_other_with_it(store: FullStore) -> None:
    """A connection that breaks while it is told must not cost its neighbours their answers."""

    async def act(desk: Desk) -> None:
        noted: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: noted.append(told))
        got: list[Reply] = []

        def fails(reply: Reply) -> None:
            raise ConnectionResetError

        desk.handle(post("/v1/claims", port=7000), fails)
        desk.handle(post("/v1/claims", port=7001), got.append)
        await asyncio.sleep(0.01)
        assert [each.status for each in got] == [201]
        assert isinstance(noted[0]["exception"], ConnectionResetError)

    at_desk(store, act)


def test_who_waits_comes_before_who_asks_later(store: FullStore) -> None:
    """Even when the later request is of the very turn in which the port is given back."""

    async def act(desk: Desk) -> None:
        first: list[Reply] = []
        desk.handle(post("/v1/claims", port=7000), first.append)
        await asyncio.sleep(0.01)
        claim = json.loads(first[0].body)["claims"][0]
        waited: list[Reply] = []
        late: list[Reply] = []
        desk.handle(post("/v1/claims", uid=1001, port=7000, wait_ms=5000), waited.append)
        ended = Asked(
            "DELETE", f"/v1/claims/{claim['id']}", f"token={claim['token']}", b"", ME, True
        )
        desk.handle(ended, lambda _: None)
        desk.handle(post("/v1/claims", port=7000), late.append)
        await asyncio.sleep(0.01)
        assert [waited[0].status, late[0].status] == [201, 409]
        assert b'"token"' not in late[0].body

    at_desk(store, act)


def test_marks_are_for_the_claim_that_was_looked_at(store: FullStore) -> None:
    """What the kernel showed of a claim that was given on meanwhile says nothing of the new one."""

    async def act(desk: Desk) -> None:
        (claim,) = await desk.take(ClaimRequest(port=7000), ME, ME)
        desk.mark([claim._replace(state="bound", bound=Bound(1, 2), token=claim.token - 1)])
        assert desk.claim_on("tcp", 7000) == claim
        desk.mark([claim._replace(state="bound", bound=Bound(1, 2))])
        await asyncio.sleep(0.01)
        found = desk.claim_on("tcp", 7000)
        assert found is not None and found.state == "bound"
        assert desk.claim_on("udp", 7000) is None

    at_desk(store, act)


def test_take_is_refused_as_the_store_refuses(store: FullStore) -> None:
    """For the portserver, which asks in this process."""

    async def act(desk: Desk) -> None:
        assert (await desk.take(ClaimRequest(), ME, ME))[0].port == 5000
        with pytest.raises(ClaimRefused, match="held"):
            await desk.take(ClaimRequest(port=5000), ME, ME)

    at_desk(store, act)


_TEXT = st.text(max_size=20)


@given(
    st.builds(
        Claim,
        id=st.just("ab" * 8),
        token=st.integers(1, 2**53),
        epoch=st.integers(1, 9),
        transport=st.sampled_from(["tcp", "udp"]),
        address=st.sampled_from(["*", "127.0.0.1", "::1"]),
        port=st.integers(1, 65535),
        size=st.integers(1, 9),
        owner=st.builds(
            Caller,
            uid=st.integers(0, 2**32),
            pid=st.none() | st.integers(1, 9),
            label=st.none() | _TEXT,
        ),
        name=st.none() | _TEXT,
        key=st.none() | _TEXT,
        state=st.sampled_from(["reserved", "bound", "squatted"]),
        ttl_ms=st.integers(1000, 9999),
        expires_ms=st.integers(0, 9999),
        created=st.floats(0, 2**33),
        renewed=st.floats(0, 2**33),
        hold=st.booleans(),
        bound=st.none() | st.builds(Bound, pid=st.none() | st.integers(1, 9), inode=st.integers(1)),
        labels=st.lists(st.tuples(_TEXT, _TEXT), max_size=2, unique_by=lambda each: each[0]).map(
            tuple
        ),
    )
)
def test_the_quick_way_to_write_a_claim_is_the_plain_one(claim: Claim) -> None:
    """Field for field, in the same order."""
    key = bytes(32)
    (got,) = json.loads(told_claims((claim,), 5000, key).body)["claims"]
    secret = claim_secret(key, claim.id, claim.token).hex()
    want = {**answers.claim_document(claim, 5000), "secret": secret}
    assert got == want
    assert list(got) == list(want)


@given(st.sampled_from(["GET", "POST", "PUT", "DELETE"]), st.text(max_size=40))
def test_any_path_is_a_call_or_none(method: str, rest: str) -> None:
    """Nothing else comes out of what a client may write."""
    path = f"/v1/{rest}"
    try:
        name, parts = find(method, path)
    except (NoRoute, ClaimRefused) as refused:
        assert getattr(refused, "code", "invalid") == "invalid"  # noqa: PT017 - both are right
        return
    assert is_ours(path)
    assert name and len(parts) == path.count("/") - 1


def test_a_store_opens_under_a_desk(tmp_path: Path) -> None:
    """As the service opens it, twice."""
    for _ in range(2):
        store = open_store(str(tmp_path / "c.sqlite"), now=5, boot_id="b")

        async def act(desk: Desk) -> None:
            desk.look()
            desk.keep_up()

        at_desk(store, act)
        store.close()
