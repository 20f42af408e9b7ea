"""The claim book of a fleet in real clusters: many writers, kill -9, failovers, a raw writer."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from claims.proof import book_history, book_writers
from claims.proof.histories import checked
from fleet.engines import Postgres
from portbook.claims.postgres import open_postgres
from portbook.claims.postgres_rows import _addresses
from portbook.fleet.migrating import migrate
from portbook.host.postgres import NotPrimary, NotReached
from portbook.model.claim import Caller, ClaimRefused, ClaimRequest

ME = Caller(1_000)
RAW = (
    "INSERT INTO claim (number, asker, id, token, space, transport, port, size, state, until_ms,"
    " body, addresses) VALUES (9, 0, 'x', 9, 0, 'tcp', %s, 1, 'reserved', 0, '{}', %s)"
)


def claim(store: object, port: int, **more: object) -> object:
    """One claim of a port, committed."""
    wanted = ClaimRequest(port=port, ttl_ms=600_000, **more)  # type: ignore[arg-type] # tests know
    (made,) = store.acquire(wanted, ME, ME, 0, lambda: (), lambda *_: None)  # type: ignore[attr-defined] # a store
    store.commit()  # type: ignore[attr-defined] # a store
    return made


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Postgres]:
    """A cluster of its own, as durable as it comes, with a claim book."""
    made = Postgres(tmp_path / "primary").make().start().create()
    migrate(made.url)
    yield made
    made.stop()


@pytest.mark.live
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_random_calls_with_failovers_and_two_writers_are_explained(
    seed: int, tmp_path: Path
) -> None:
    """The driver of the store in a file, on the book: exact to the millisecond."""
    book_history.BookDriver(tmp_path, seed).run()


@pytest.mark.live
def test_what_four_writers_saw_is_linearizable_while_the_server_is_killed(book: Postgres) -> None:
    """Two kills: S1, S2, S4 hold, and every order of answers is explained."""
    writers = book_writers.run(book.url, 1, seconds=6)
    for _ in range(2):
        time.sleep(1.2)
        book.kill()
        time.sleep(0.2)
        book.start()
    history = book_writers.ended(writers)
    assert not checked(history, book_writers.LIMIT)
    done = Counter((each.what, isinstance(each.answer, int)) for each in history)
    assert done["claim", True] > 20
    assert done["acquire", True] > 20
    assert sum(each.away for each in writers) > 0
    assert not any(each.said for each in writers), "a restart is no failover"


@pytest.mark.live
def test_a_synchronous_standby_takes_over_without_losing_a_claim(
    book: Postgres, tmp_path: Path
) -> None:
    """Primary killed, standby promoted: every acknowledged claim is there, tokens go on."""
    standby = book.standby(tmp_path / "standby", synchronous=True)
    try:
        url = (
            f"postgresql://bed:bed@{book.address}:{book.port},{standby.address}:{standby.port}"
            "/portbook"
        )
        said: list[str] = []
        with contextlib.closing(open_postgres(url, say=said.append)) as store:
            acknowledged = [claim(store, port) for port in range(22_000, 22_050)]
            book.kill()
            with pytest.raises(NotReached):
                claim(store, 22_999)
            standby.promote()
            time.sleep(0.6)
            after = claim(store, 22_100)
            live = {each.id: each.token for each in store.claims()}
            assert {each.id: each.token for each in acknowledged}.items() <= live.items()  # type: ignore[attr-defined] # claims
            assert after.token > max(each.token for each in acknowledged)  # type: ignore[attr-defined] # claims
            assert store.epoch == 2
            assert store.lost == 0
            assert len(said) == 1
            assert "epoch 2" in said[0]
            with pytest.raises(ClaimRefused):
                claim(store, 22_000)
    finally:
        standby.stop()


@pytest.mark.live
def test_an_asynchronous_standby_that_lost_the_tail_is_detected_by_its_epoch(
    book: Postgres, tmp_path: Path
) -> None:
    """What was acknowledged and is gone is counted and said; no token and no event comes twice."""
    standby = book.standby(tmp_path / "standby", synchronous=False)
    try:
        url = (
            f"postgresql://bed:bed@{book.address}:{book.port},{standby.address}:{standby.port}"
            "/portbook"
        )
        said: list[str] = []
        store = open_postgres(url, say=said.append)
        kept = claim(store, 22_000)
        deadline = time.monotonic() + 10
        while standby.query("SELECT count(*) FROM portbook.claim") != [(1,)]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # What comes now never reaches the standby: its receiver is cut off first.
        standby.query("ALTER SYSTEM SET primary_conninfo = ''")
        standby.query("SELECT pg_reload_conf()")
        while standby.query("SELECT count(*) FROM pg_stat_wal_receiver") != [(0,)]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        tail = [claim(store, port) for port in range(22_001, 22_011)]
        last = store.last_event()
        book.kill()
        standby.promote()
        time.sleep(0.6)
        after = claim(store, 22_001)
        assert store.epoch == 2
        assert store.lost == 10
        assert "10 changes that were acknowledged are lost" in said[0]
        assert after.token > max(each.token for each in tail)  # type: ignore[attr-defined] # claims
        assert store.last_event() > last
        with pytest.raises(ClaimRefused) as refused:
            store.events(last)
        assert refused.value.code == "compacted"
        assert {each.port for each in store.claims()} == {22_000, 22_001}
        assert store.claim(kept.id) is not None  # type: ignore[attr-defined] # a claim
        # The old primary comes back: a writer that knows better does not believe it.
        old = open_postgres(standby.url)
        book.start()
        old.url = book.url
        old._drop()
        with pytest.raises(NotPrimary, match="older"):
            claim(old, 22_500)
        old.close()
        store.close()
    finally:
        standby.stop()


@pytest.mark.live
def test_a_lease_that_was_renewed_in_the_lost_tail_is_not_ended_early(
    book: Postgres, tmp_path: Path
) -> None:
    """After a failover every lease begins anew, by the server's clock."""
    store = open_postgres(book.url)
    wanted = ClaimRequest(port=22_000, ttl_ms=3_000)
    (made,) = store.acquire(wanted, ME, ME, 0, lambda: (), lambda *_: None)
    store.commit()
    store.close()
    book.query("UPDATE portbook.book SET timeline = 0")
    time.sleep(2.5)
    with contextlib.closing(open_postgres(book.url)) as after:
        (found,) = after.claims()
    assert found.expires_ms >= made.expires_ms + 2_400


@pytest.mark.live
def test_the_server_counts_the_time_whatever_a_writers_clock_says(
    book: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour ahead or behind: a lease lasts as long as it should, and no longer."""
    store = open_postgres(book.url)
    claim(store, 22_000)
    for skew in (3_600, -3_600):
        real = time.time
        monkeypatch.setattr("portbook.host.clock.now", lambda: real() + skew)  # noqa: B023 - used at once
        other = open_postgres(book.url)
        other.sweep(other.now(), lambda _: None)
        assert [each.port for each in other.claims()] == [22_000]
        assert abs(other.now() - real() * 1_000) < 5_000
        other.close()
        monkeypatch.undo()
    store.close()


@pytest.mark.live
def test_the_database_itself_refuses_two_live_claims_of_one_port(book: Postgres) -> None:
    """A writer without any of our code cannot give a port away twice where addresses overlap."""
    store = open_postgres(book.url)
    claim(store, 22_000, size=4, address="127.0.0.1")
    with psycopg.connect(book.url, options="-c search_path=portbook,public") as link:
        for port, address, fits in [
            (22_003, "127.0.0.1", False),
            (22_003, "0.0.0.0", False),
            (22_003, "::", False),
            (22_003, "*", False),
            (22_003, "127.0.0.2", True),
            (22_003, "::1", True),
            (22_004, "127.0.0.1", True),
        ]:
            values = (port, _addresses(address))
            if fits:
                link.execute(RAW, values)
            else:
                with pytest.raises(psycopg.errors.ExclusionViolation):
                    link.execute(RAW, values)
            link.rollback()
    store.close()


@pytest.mark.live
def test_a_writer_that_hangs_in_its_turn_loses_it(
    book: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends it, the next one goes on, and nothing of the first has happened."""
    monkeypatch.setattr("portbook.claims.postgres_turns.LONGEST_TURN", 300)
    first = open_postgres(book.url)
    second = open_postgres(book.url)
    first.acquire(ClaimRequest(port=22_000), ME, ME, 0, lambda: (), lambda *_: None)
    began = time.monotonic()
    claim(second, 22_000)
    assert time.monotonic() - began < 4
    with pytest.raises(NotReached):
        first.commit()
    assert [each.port for each in first.claims()] == [22_000]
    assert first.claims() == second.claims()
    first.close()
    second.close()
