"""What waits to be reported: a store that takes it in any order of faults ends with our table."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portbook.fleet import queue as queues
from portbook.fleet.looking import Look
from portbook.fleet.queue import Outgoing, Queue
from portbook.fleet.table import applied, keyed, table_hash
from portbook.model.fleet import FleetRow, RowKey

Table = dict[RowKey, FleetRow]


def a_row(port: int, process: str = "nginx") -> FleetRow:
    """A row of a web server."""
    return FleetRow(
        transport="tcp",
        address="127.0.0.1",
        port=port,
        netns="",
        inode=port,
        state="listen",
        reach="loopback",
        process=process,
        pid=1000 + port,
        exe=f"/usr/sbin/{process}",
        user="root",
        unit=None,
        container=None,
        package=None,
        speaks=None,
        verdict="expected",
        severity=None,
        rules="",
        started=1_700_000_000,
        unknown="",
    )


def a_look(ports: dict[int, str], at_ms: int) -> Look:
    """A look that saw these processes on these ports."""
    return Look(keyed(a_row(port, process) for port, process in ports.items()), (), at_ms)


class Store:
    """What the store does with reports, by the contract: judges, applies, verifies."""

    def __init__(self) -> None:
        self.table: Table = {}
        self.hash = self.seq = 0
        self.moments: list[int] = []
        self.fulls = 0

    def take(self, out: Outgoing) -> str:
        """Its answer to one report."""
        if out.seq <= self.seq:
            return "again"
        if not out.full and (out.base != self.hash or out.seq != self.seq + 1):
            return "full"
        table = applied({} if out.full else self.table, out.delta.rows, out.delta.gone)
        if len(table) != out.delta.total or table_hash(table.values()) != out.delta.after:
            return "full"
        self.table, self.hash, self.seq = table, out.delta.after, out.seq
        self.moments.append(out.delta.at_ms)
        self.fulls += out.full
        return "kept"


def drain(queue: Queue, store: Store, lose: Callable[[], bool] = lambda: False) -> int:
    """Report until nothing is left, as the agent does; how many reports it took."""
    for number in range(500):
        out = queue.next(10_000)
        if out is None:
            return number
        repeated = queue.is_repeat(out)
        queue.sent(out)
        answer = store.take(out)
        if lose():
            continue
        if answer == "kept" or (answer == "again" and repeated):
            queue.kept(out)
        else:
            queue.resync(beyond=answer == "again")
    raise AssertionError("it does not come to an end")


def test_a_change_is_one_report_with_the_moment_it_was_seen() -> None:
    """First everything, then a delta for each look, in order and with its own moment."""
    queue, store = Queue(), Store()
    queue.look(a_look({80: "nginx"}, 1))
    drain(queue, store)
    for moment, ports in ((5, {80: "nginx", 81: "redis"}), (9, {81: "redis"}), (12, {81: "x"})):
        queue.look(a_look(ports, moment))
    assert drain(queue, store) == 3
    assert store.moments == [1, 5, 9, 12]
    assert store.table == queue.newest == keyed([a_row(81, "x")])


def test_a_look_without_a_change_is_told_too() -> None:
    """The store hears that the host lives, once for each look."""
    queue, store = Queue(), Store()
    queue.look(a_look({80: "nginx"}, 1))
    drain(queue, store)
    assert queue.next(0) is None
    queue.look(a_look({80: "nginx"}, 7))
    assert drain(queue, store) == 1
    assert store.moments == [1, 7]


def test_an_answer_that_was_lost_costs_no_resync() -> None:
    """The same report is sent again, `again` is what it wants to hear, also before a change."""
    queue, store = Queue(), Store()
    queue.look(a_look({80: "nginx"}, 1))
    lost = iter((True, False, True, False, False))
    drain(queue, store, lambda: next(lost))
    queue.look(a_look({80: "nginx"}, 2))
    out = queue.next(0)
    assert out is not None
    queue.sent(out)
    assert store.take(out) == "kept"
    queue.look(a_look({80: "nginx", 81: "redis"}, 3))
    drain(queue, store)
    assert queue.base is not None
    assert queue.base.synced
    assert store.moments == [1, 2, 3]
    assert store.fulls == 1
    assert store.table == queue.newest


def test_a_number_that_another_process_gave_out_is_no_acknowledgement() -> None:
    """`again` for what we never sent means another table, so that everything is sent."""
    queue, store = Queue(), Store()
    queue.look(a_look({80: "nginx"}, 1))
    drain(queue, store)
    store.seq += 3_000_000
    queue.look(a_look({80: "nginx", 81: "redis"}, 3))
    drain(queue, store)
    assert store.table == queue.newest
    assert store.hash == queue.hash


def test_a_store_with_another_table_gets_everything_and_what_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After `full` the base comes in parts, and then the changes with their own moments."""
    monkeypatch.setattr(queues, "ROWS_A_REPORT", 10)
    queue, store = Queue(), Store()
    queue.look(a_look(dict.fromkeys(range(35), "nginx"), 1))
    assert drain(queue, store) == 4
    store.table, store.hash, store.seq = {}, 0, 0
    queue.look(a_look(dict.fromkeys(range(36), "nginx"), 6))
    assert drain(queue, store) == 6
    assert store.table == queue.newest
    assert store.moments[-5:] == [1, 1, 1, 1, 6]


def test_what_is_too_much_becomes_one_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are merged, the newest stay as they are, and one that was sent is not touched."""
    monkeypatch.setattr(queues, "MOST_CHANGES", 8)
    queue, store = Queue(), Store()
    queue.look(a_look({1: "a"}, 1))
    drain(queue, store)
    queue.look(a_look({1: "b"}, 2))
    out = queue.next(0)
    assert out is not None
    queue.sent(out)
    assert store.take(out) == "kept"
    for moment in range(3, 12):
        queue.look(a_look({1: "b", moment: "nginx"}, moment))
    crowded = [queue.crowded]
    queue.merge()
    assert [*crowded, queue.crowded] == [True, False]
    assert len(queue.deltas) <= 6
    drain(queue, store)
    assert store.table == queue.newest
    assert store.fulls == 1
    assert store.moments[:2] == [1, 2]
    assert store.moments[-3:] == [9, 10, 11]


def test_changes_that_cancel_out_are_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merged to nothing, they leave a chain that still fits."""
    monkeypatch.setattr(queues, "MOST_CHANGES", 2)
    queue, store = Queue(), Store()
    queue.look(a_look({1: "a"}, 1))
    drain(queue, store)
    for moment, ports in ((2, {1: "a", 2: "b"}), (3, {1: "a"}), (4, {1: "z"})):
        queue.look(a_look(ports, moment))
    queue.merge()
    drain(queue, store)
    assert store.table == queue.newest


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_any_run_of_faults_ends_with_our_table(seed: int, steps: int) -> None:
    """Looks, lost answers, stores that forget and merges in any order: it converges, in order."""
    dice = random.Random(seed)
    queue, store = Queue(), Store()
    for moment in range(1, steps + 1):
        ports = {dice.randrange(6): dice.choice("ab") for _ in range(dice.randrange(6))}
        queue.look(a_look(ports, moment))
        fate = dice.random()
        if fate < 0.3:
            drain(queue, store, lambda: dice.random() < 0.4)
        elif fate < 0.4:
            store = Store()
        elif fate < 0.5:
            queue.merge(keep=0)
    drain(queue, store)
    assert store.table == queue.newest
    assert store.hash == queue.hash
    assert store.moments == sorted(store.moments)
    assert queue.next(0) is None
