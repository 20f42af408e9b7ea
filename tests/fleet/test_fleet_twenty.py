"""Twenty agents on twenty hosts, which are network namespaces: real listeners, real bad links."""

from collections.abc import Callable, Iterator
from time import monotonic, sleep

import psycopg
import pytest

from fleet.namespaces import Hosts, Place, until
from fleet.running import Fleet, end

pytestmark = [pytest.mark.live, pytest.mark.root, pytest.mark.timeout(120)]

NAMES = tuple(f"host{number:02}" for number in range(20))
DIRECT = NAMES[:15]
"""These write to the store; the last five have the bus alone."""
INTERVAL = 3.0
SLACK = 1.5
"""What `ss` on twenty hosts, and twenty agents on two busy cores, may take besides an interval."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """All of them started, and reported."""
    folder = tmp_path_factory.mktemp("twenty")
    with (
        Hosts(NAMES) as hosts,
        Fleet(
            folder, hosts, every=f"{INTERVAL:g}s", direct=DIRECT, settings={"fsync": "off"}
        ) as made,
    ):
        made.start_hub()
        for number, host in enumerate(NAMES):
            shared = ["tcp/0.0.0.0/3255"] if number < 12 else []
            own = [f"tcp/127.0.0.1/{7000 + number}", f"udp/[::1]/{7000 + number}"]
            made.listen(host, f"server{number}", *shared, *own)
        for host in NAMES:
            made.start_agent(host)
        made.converge(60)
        yield made


def place(text: str) -> Place:
    """`tcp/[::]/80` as the store has it."""
    transport, address, port = text.split("/")
    return (transport, address.strip("[]"), int(port))


def test_each_host_has_its_own_rows_and_no_others(fleet: Fleet) -> None:
    """The store has what `ss` sees on each host: nothing is missing, nothing is another's."""
    stored = fleet.stored()
    assert stored == fleet.truth()
    assert set(stored) == set(NAMES)
    for number, host in enumerate(NAMES):
        assert ("tcp", "127.0.0.1", 7000 + number) in stored[host]
        assert len(stored[host]) == (3 if number < 12 else 2)


def test_a_live_question_is_answered_by_all(fleet: Fleet) -> None:
    """Twenty asked, twenty answered, and those rows that are there."""
    found = fleet.ask("who", "3255", "--live")
    assert found["asked"]["source"] == "live"
    assert found["asked"]["answered"] == 20 and found["asked"]["silent"] == []
    assert sorted(row["host"] for row in found["listeners"]) == list(NAMES[:12])
    stored = fleet.ask("who", "3255", "--stored")
    assert stored["asked"]["answered"] == 20
    assert sorted(row["host"] for row in stored["listeners"]) == list(NAMES[:12])


@pytest.mark.parametrize("host", [NAMES[3], NAMES[17]])
def test_what_opens_and_closes_is_there_within_an_interval(fleet: Fleet, host: str) -> None:
    """Of an agent with the store and of one with the bus alone; the history has it afterwards."""
    program = fleet.listeners[f"{host} server{NAMES.index(host)}"]
    opened = program.open("tcp/0.0.0.0/0")
    seen = fleet.converge(INTERVAL + SLACK)
    assert place(opened) in fleet.stored()[host], seen
    live = fleet.ask("who", opened.rpartition("/")[2], "--live")
    assert host in [row["host"] for row in live["listeners"]]
    program.close(opened)
    fleet.converge(INTERVAL + SLACK)
    assert place(opened) not in fleet.stored()[host]
    (period,) = [
        each
        for each in fleet.ask("history", opened.rpartition("/")[2])["periods"]
        if each["host"] == host
    ]
    assert period["ended"] == "closed" and period["since"] < period["until"]


def pull(hosts: Hosts, host: str) -> None:
    """The plug."""
    hosts.pull(host)


def drop(hosts: Hosts, host: str) -> None:
    """Everything is lost, nobody is told."""
    hosts.drop(host)


def mute(hosts: Hosts, host: str) -> None:
    """What the host sends is lost; it hears everything."""
    hosts.drop(host, incoming=False)


def deaf(hosts: Hosts, host: str) -> None:
    """What is sent to the host is lost; it is heard."""
    hosts.drop(host, outgoing=False)


@pytest.mark.parametrize("cut", [pull, drop, mute, deaf])
def test_a_partition_costs_nothing_but_its_time(
    fleet: Fleet, cut: Callable[[Hosts, str], None]
) -> None:
    """What happens meanwhile is in the store within an interval of its end, on both ways there."""
    away = (NAMES[1], NAMES[18])
    before = fleet.stored()
    opened = {}
    for host in away:
        cut(fleet.hosts, host)
        opened[host] = fleet.listeners[f"{host} server{NAMES.index(host)}"].open("tcp/0.0.0.0/0")
    begun = monotonic()
    try:
        found = fleet.ask("who", "3255", "--live", codes=(3,))
        assert found["asked"]["silent"] == list(away)
        assert found["asked"]["answered"] == 18
        sleep(max(0.0, INTERVAL + 1 - (monotonic() - begun)))
        # What hears nothing may still have been heard: its last words are true.
        assert all(fleet.stored()[host] >= before[host] for host in NAMES)
    finally:
        fleet.hosts.mend(*(away if cut is pull else ()))
    fleet.converge(INTERVAL + SLACK)
    assert all(place(opened[host]) in fleet.stored()[host] for host in away)
    until(
        lambda: fleet.ask("who", "3255", "--live")["asked"]["answered"] == 20,
        20,
        lambda: [fleet.log(host)[-300:] for host in away],
    )
    for host in away:
        fleet.listeners[f"{host} server{NAMES.index(host)}"].close(opened[host])
    fleet.converge(INTERVAL + SLACK)


def test_a_slow_road_that_loses_packets_is_still_a_road(fleet: Fleet) -> None:
    """200 ms each way, out of order, one packet in twenty lost: reports and answers come."""
    host = NAMES[2]
    fleet.hosts.slow(host, delay=0.2, jitter=0.1, loss=0.02)
    try:
        program = fleet.listeners[f"{host} server2"]
        opened = program.open("tcp/0.0.0.0/0")
        until(
            lambda: place(opened) in fleet.stored()[host],
            INTERVAL + 15,
            lambda: fleet.log(host)[-500:],
        )
        found = fleet.ask("who", "3255", "--live", "--within", "5s")
        assert host in [row["host"] for row in found["listeners"]]
        program.close(opened)
    finally:
        fleet.hosts.fast()
    fleet.converge(INTERVAL + SLACK + 5)


def test_no_agent_writes_the_rows_of_another(fleet: Fleet) -> None:
    """Not with its login in the store, not as another host over the bus or into the store."""
    own, other = NAMES[4], NAMES[5]
    number, before = _host(fleet, other)
    settings = (fleet.folder / "homes" / own / "fleet.toml").read_text()
    (url,) = [line[9:-1] for line in settings.splitlines() if line.startswith("store = ")]
    with psycopg.connect(url, autocommit=True) as link:
        seen = link.execute("SELECT DISTINCT host FROM portbook.listener").fetchall()
        assert len(seen) == 1 and (number,) not in seen
        for statement in (
            "DELETE FROM portbook.listener WHERE host = %s",
            "UPDATE portbook.listener SET port = 1 WHERE host = %s",
            "UPDATE portbook.host SET total = 0 WHERE number = %s",
        ):
            assert link.execute(statement.encode(), (number,)).rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            link.execute(
                "INSERT INTO portbook.listener SELECT %s, transport, address, 1, netns, inode,"
                ' state, reach, process, pid, exe, "user", unit, container, package, speaks,'
                " verdict, severity, rules, started, unknown, hash, since, changed"
                " FROM portbook.listener LIMIT 1",
                (number,),
            )
    home = fleet.folder / "homes" / "thief"
    fleet.impersonate("thief", own, other)
    ran = fleet.portbook("thief", "fleet", "agent", "--once", codes=(4, 5))
    assert "Traceback" not in ran.err and len(ran.err.splitlines()) <= 2, ran.err
    text = (home / "fleet.toml").read_text()
    (home / "fleet.toml").write_text(
        "".join(line for line in text.splitlines(True) if not line.startswith("store"))
    )
    ran = fleet.portbook("thief", "fleet", "agent", "--once", codes=(4, 5))
    assert "Traceback" not in ran.err and len(ran.err.splitlines()) <= 2, ran.err
    assert fleet.stored() == fleet.truth()
    assert 0 <= _host(fleet, other)[1] - before < 60, "another's report was taken"


def _host(fleet: Fleet, name: str) -> tuple[int, int]:
    """Its number and the last report of it that the store has."""
    found = fleet.store.query("SELECT id, number, seq FROM portbook.host")
    ((number, seq),) = [each[1:] for each in found if each[0] == name]
    return int(str(number)), int(str(seq))


def test_agents_that_are_killed_come_back_to_what_is_true(fleet: Fleet) -> None:
    """SIGKILL of half of them, changes meanwhile, and a new start: within an interval."""
    half = NAMES[::2]
    for host in half:
        end(fleet.agents[host])
    opened = {
        host: fleet.listeners[f"{host} server{NAMES.index(host)}"].open("tcp/0.0.0.0/0")
        for host in half
    }
    for host in half:
        fleet.start_agent(host)
    # Ten interpreters start at once on two cores.
    fleet.converge(INTERVAL + SLACK + 6)
    for host, each in opened.items():
        fleet.listeners[f"{host} server{NAMES.index(host)}"].close(each)
    fleet.converge(INTERVAL + SLACK)
