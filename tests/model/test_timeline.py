from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portbook.model import NOT_ASKED, Ancestor, Container, Owner, Transport, Unknown
from portbook.model.document import plain
from portbook.model.timeline import (
    Held,
    Holder,
    Instant,
    compare,
    held,
    holder_from,
    holder_of,
    interruption,
    replay,
    topmost,
)
from strategies import sockets

FACTS = st.one_of(st.none(), st.text(max_size=8), st.just(Unknown("denied", "run as root")))
HOLDERS = st.builds(
    Holder,
    pid=st.one_of(st.integers(1, 9), st.just(Unknown("vanished"))),
    name=FACTS,
    exe=FACTS,
    user=FACTS,
    unit=FACTS,
    container=st.sampled_from([None, Container("docker", "0123456789ab"), Unknown("denied")]),
    started=st.just("2026-11-23T09:00:00Z"),
)
ROWS = st.builds(
    Held,
    transport=st.sampled_from([kind.value for kind in Transport][:2]),
    address=st.sampled_from(["127.0.0.1", "::", "0.0.0.0"]),
    port=st.integers(1, 5),
    state=st.sampled_from(["listen", "bound"]),
    netns=st.just(1),
    inode=st.integers(1, 4),
    holder=HOLDERS,
)
TABLES = st.lists(ROWS, max_size=12).map(lambda rows: {row.identity: row for row in rows})


def owner(pid: int, name: str, *above: int) -> Owner:
    """An owner below others."""
    facts = dict.fromkeys(Owner._fields, NOT_ASKED)
    chain = tuple(Ancestor(number, "above") for number in above)
    return Owner(**facts | {"pid": pid, "name": name, "ancestry": chain})  # type: ignore[arg-type]


@given(st.lists(TABLES, max_size=8))
def test_replaying_the_changes_gives_every_sample_back(tables: list[dict[Any, Held]]) -> None:
    """Whatever happened between samples, the changes alone rebuild each of them."""
    state: dict[Any, Held] = {}
    before: dict[Any, Held] = {}
    for table in tables:
        changes = compare(before, table, at="2026-11-23T09:00:00Z")
        state = replay(state, changes)
        assert state == table
        assert len({change[3:9] for change in changes}) <= len(changes)
        before = table


@given(TABLES)
def test_two_equal_samples_have_no_changes(table: dict[Any, Held]) -> None:
    """What stays is not written, a start that is told a second off included."""
    later = {
        key: row._replace(holder=row.holder._replace(started="2026-11-23T09:00:01Z"))
        for key, row in table.items()
    }
    assert compare(table, later, at="2026-11-23T09:00:02Z") == ()


@given(HOLDERS)
def test_a_holder_survives_its_json_form(holder: Holder) -> None:
    """Unknown facts and containers come back as what they were."""
    assert holder_from(plain(holder)) == holder


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from([*Holder._fields, "unknown"]), inner, max_size=8),
        ),
        max_leaves=12,
    )
)
def test_any_json_is_a_holder_or_a_value_error(facts: object) -> None:
    """A damaged record raises nothing else."""
    try:
        holder_from(facts)
    except ValueError:
        return
    assert isinstance(facts, dict)


@given(sockets())
def test_a_socket_keeps_its_identity_in_a_row(found: object) -> None:
    """Also without anyone who holds it."""
    row = held(found, ())  # type: ignore[arg-type]
    assert row.identity == (row.netns, row.transport, row.address, row.port, row.inode)
    assert row.holder.name == Unknown("no-process")


def test_the_topmost_holder_is_the_one_that_started_the_others() -> None:
    """The master of a prefork server; behind systemd's PID 1 the service it handed the port to."""
    master, worker, other = owner(5, "nginx", 1), owner(7, "nginx", 5, 1), owner(9, "odd", 1)
    assert topmost([worker, master]) == (master,)
    assert topmost([worker, other, master]) == (master, other)
    init = owner(1, "systemd")
    assert holder_of([init, worker]).pid == 7
    assert holder_of([init]).pid == 1
    assert holder_of([owner(1, "nginx"), owner(7, "nginx", 1)]).pid == 1


def test_sleep_stalls_and_settings_of_the_clock_are_told_apart() -> None:
    """By three clocks: UTC, one that stands still in sleep, one that does not."""
    start = Instant(1000.0, 50.0, 60.0)
    assert interruption(start, Instant(1010.1, 60.1, 70.1), 10) == (None, 0.0)
    assert interruption(start, Instant(4610.0, 60.0, 3670.0), 10) == ("asleep", 0.0)
    assert interruption(start, Instant(1100.0, 150.0, 160.0), 10) == ("stalled", 0.0)
    assert interruption(start, Instant(4610.0, 60.0, 70.0), 10) == (None, 3600.0)
    assert interruption(start, Instant(10.0, 60.0, 70.0), 10) == (None, -1000.0)
    assert interruption(start, Instant(8210.0, 60.0, 3670.0), 10) == ("asleep", 3600.0)
