"""Histories of sixteen clients in three ways, with the service killed and started again, checked.

The long form, 200 of them, is `python -m tools.prove_claims`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from claims.proof import mixed_runs
from claims.proof.histories import never_too_many, replayed, tokens_grow
from claims.proof.linearizability import Operation

CLIENTS = 16


@pytest.fixture(scope="module")
def clients() -> Iterator[mixed_runs.Clients]:
    """Sixteen processes."""
    started = mixed_runs.Clients(CLIENTS)
    yield started
    started.close()


@pytest.mark.live
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_order_of_what_sixteen_clients_saw_is_explained(
    seed: int, clients: mixed_runs.Clients, tmp_path: Path
) -> None:
    """Linearizable by port and semaphore; S1, S2, S3, S4, S6, S7 and S8 hold, with two kills."""
    outcome = mixed_runs.run(tmp_path, clients, seed, kills=2)
    assert not outcome.wrong
    assert outcome.counts["operations"] > 200
    assert outcome.counts["claim done"] > 10
    assert outcome.counts["acquire done"] > 5
    assert outcome.counts["retries"] > 0


@pytest.mark.live
def test_commands_and_programs_alone_with_the_store_are_explained_too(
    clients: mixed_runs.Clients, tmp_path: Path
) -> None:
    """Without a service: half of the clients run commands, which are killed now and then."""
    ways = ("access", "command")
    outcome = mixed_runs.run(tmp_path, clients, 4, 1.5, ways=ways, served=False)
    assert not outcome.wrong
    assert outcome.counts["operations"] > 50


def claim(call: int, ret: int, token: int, key: str = "port:1") -> Operation:
    """A claim that was granted."""
    return Operation(key, "claim", call, ret, 0, token)


def test_a_token_that_does_not_grow_is_found() -> None:
    """Across objects, and one that comes twice (S2)."""
    assert not tokens_grow([claim(0, 5, 2), claim(1, 4, 1, "port:2")])
    assert tokens_grow([claim(0, 1, 2), claim(2, 3, 1, "port:2")])
    assert tokens_grow([claim(0, 5, 2), claim(1, 4, 2, "port:2")])


def test_two_holders_at_once_are_found() -> None:
    """Of a port two, of a semaphore three of two; a release ends the certain time (S1, S4)."""
    first, second = claim(0, 1, 1), claim(5, 6, 2)
    assert never_too_many([first, second], 2)
    released = Operation("port:1", "release", 2, 3, 1, True)
    assert not never_too_many([first, released, second], 2)
    assert not never_too_many([first._replace(ends=4), second], 2)
    permits = [claim(at, at + 1, at, "sem:a")._replace(what="acquire") for at in (1, 3, 5)]
    assert not never_too_many(permits[:2], 2)
    assert never_too_many(permits, 2)


def test_events_rebuild_the_table_and_a_gap_is_found() -> None:
    """Claimed, renewed, released; and a number that is missing (S8)."""
    events = [
        {"id": 1, "kind": "claimed", "body": {"id": "a", "token": 1}},
        {"id": 2, "kind": "claimed", "body": {"id": "b", "token": 2}},
        {"id": 3, "kind": "transferred", "body": {"id": "b", "token": 3}},
        {"id": 4, "kind": "released", "body": {"id": "a"}},
    ]
    assert replayed(events) == {"b": {"id": "b", "token": 3}}
    with pytest.raises(AssertionError):
        replayed([events[0], events[2]])
