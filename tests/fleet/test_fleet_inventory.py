"""What the store answers about now, the past and what is free."""

import time
from collections.abc import Iterator

import pytest

from fleet.engines import Postgres
from fleet.stored import Stored, row
from portbook.fleet.filters import EVERYTHING, parse
from portbook.fleet.inventory import audit, is_failed, ls, who
from portbook.fleet.inventory_free import EPHEMERAL, free
from portbook.fleet.inventory_hosts import hosts, roster
from portbook.fleet.inventory_rows import reading
from portbook.fleet.inventory_time import drift, history
from portbook.model import Unknown
from portbook.registry.lookup import lookup

DAY = 86_400.0


@pytest.fixture
def store(database: Postgres) -> Iterator[Stored]:
    """An empty store."""
    with Stored(database) as made:
        yield made


def test_who_has_every_host_and_names_the_silent(store: Stored) -> None:
    """Rows of all hosts, also of a silent one with its own moment; never merged."""
    store.host("a", {"role": "web"})
    store.host("b", {"role": "db"}, ago=600)
    store.host("c", ago=None)
    store.now("a", row(6379), row(6379, transport="udp", inode=2), row(80))
    store.now("b", row(6379, process=None, pid=None, unknown="process=denied pid=denied"))
    found = who(store.link, (6379,))
    assert [(each.host, each.transport) for each in found.listeners] == [
        *(("a", "tcp"), ("a", "udp"), ("b", "tcp")),
    ]
    assert found.listeners[2].process == Unknown("denied")
    assert found.listeners[2].unit == "redis.service"
    assert found.listeners[2].as_of < found.listeners[0].as_of
    assert found.asked[:4] == (3, 1, ("b", "c"), "stored")
    assert [each.host for each in who(store.link, (6379,), "udp").listeners] == ["a"]
    assert [each.port for each in who(store.link, range(70, 90)).listeners] == [80]
    labelled = who(store.link, (6379,), labels=(("role", "db"),))
    assert [each.host for each in labelled.listeners] == ["b"]
    assert labelled.asked[:3] == (1, 0, ("b",))


def test_ls_says_where_it_stops(store: Stored) -> None:
    """More rows than the limit are a gap, and none is shown beyond it."""
    store.host("a")
    store.now("a", *(row(port) for port in range(8000, 8010)))
    found = ls(store.link, parse("port<8009"), limit=4)
    assert len(found.listeners) == 4
    assert "only 4 are shown" in found.incomplete[0].why
    whole = ls(store.link, parse("port<8009"), limit=0)
    assert [each.port for each in whole.listeners] == list(range(8000, 8009))
    assert whole.incomplete == ()


def test_hosts_that_could_not_see_everything_are_a_gap(store: Stored) -> None:
    """A gap of an agent and two machines under one id are told with every answer."""
    store.host("a", gaps=("owners: denied",))
    store.host("b")
    store.link.execute("UPDATE host SET duplicate_at = now(), duplicate_of = 'x' WHERE id = 'b'")
    whats = [(each.what, each.why[:11]) for each in ls(store.link).incomplete]
    assert whats == [("a", "the agent c"), ("b", "two machine")]
    states = [(each.state, each.gaps, each.duplicate_of) for each in hosts(store.link).hosts]
    assert states == [("fresh", ("owners: denied",), None), ("duplicate", (), "x")]


def test_hosts_are_fresh_silent_or_never_reported(store: Stored) -> None:
    """Silent is who missed three of its intervals."""
    store.host("a", {"role": "web", "rack": "1"}, ago=80)
    store.host("b", ago=100)
    store.host("c", ago=None)
    store.now("a", row(80))
    found = hosts(store.link)
    assert [(each.host, each.state) for each in found.hosts] == [
        *(("a", "fresh"), ("b", "silent"), ("c", "never")),
    ]
    assert found.hosts[0].labels == (("rack", "1"), ("role", "web"))
    assert found.hosts[0].listeners == 1
    assert found.hosts[1].silent_s in range(100, 130)
    assert found.hosts[2][3:5] == (None, None)
    assert roster(store.link) == {"a": "A.lan", "b": "B.lan", "c": "C.lan"}
    assert roster(store.link, labels=(("rack", "1"),)) == {"a": "A.lan"}


def test_an_audit_is_worst_first_and_fails_as_a_local_one(store: Stored) -> None:
    """Rules and wrong verdicts, nothing else."""
    store.host("a")
    store.now(
        "a",
        row(80),
        row(81, severity="low", rules="exposed-database", verdict="expected"),
        row(82, severity="high", rules="deleted-exe,other", verdict="suspicious"),
        row(83, verdict="mismatch"),
        row(84, verdict="unknown"),
    )
    found = audit(store.link)
    assert [each.port for each in found.listeners] == [82, 81, 83]
    assert found.listeners[0].rules == ("deleted-exe", "other")
    assert is_failed(found.listeners, "high")
    assert not is_failed(found.listeners[1:], "medium")
    assert is_failed(found.listeners[2:], "low")
    assert [each.port for each in audit(store.link, parse("port>82")).listeners] == [83]


def test_history_has_every_version(store: Stored) -> None:
    """Closed, changed and still so, oldest first; the newest where there is a limit."""
    store.host("a")
    store.past("a", row(80, process="apache2"), 5 * DAY, 3 * DAY)
    store.past("a", row(80, process="nginx", inode=2), 2 * DAY, DAY, "changed")
    store.now("a", row(80, process="nginx", inode=2, verdict="familiar"), ago=DAY, since=2 * DAY)
    store.now("a", row(443), ago=4 * DAY)
    found = history(store.link, parse("port=80"))
    assert [(each.listener.process, each.ended) for each in found.periods] == [
        *(("apache2", "closed"), ("nginx", "changed"), ("nginx", None)),
    ]
    assert found.periods[1].until == found.periods[2].since
    assert found.periods[2].until is None
    assert found.periods[0].since < str(found.periods[0].until) < found.periods[1].since
    newest = history(store.link, parse("host=a"), limit=2)
    assert [each.listener.port for each in newest.periods] == [80, 443]
    assert "newest 2" in newest.incomplete[0].why
    late = history(store.link, parse("port=80"), time.time() - 2.5 * DAY)
    assert [each.listener.process for each in late.periods] == ["nginx", "nginx"]


def test_drift_is_the_net_effect(store: Stored) -> None:
    """Opened, closed and changed; not what came and went, and no restart."""
    store.host("a")
    store.host("b")
    store.now("a", row(80), ago=9 * DAY)
    store.now("a", row(81), ago=DAY)
    store.past("a", row(82), 9 * DAY, DAY)
    # It opened and closed again.
    store.past("a", row(83), 1.5 * DAY, DAY)
    # Restarted: another inode and PID.
    store.past("a", row(84), 9 * DAY, DAY)
    store.now("a", row(84, inode=99, pid=99, started=5), ago=DAY)
    # Another program took over, by way of a third.
    store.past("b", row(85, process="apache2"), 9 * DAY, 1.5 * DAY)
    store.past("b", row(85, process="caddy", inode=3), 1.4 * DAY, DAY, "changed")
    store.now("b", row(85, process="nginx", inode=3, user="www"), ago=DAY)
    # Two processes share a place; one of them left, the other is as before.
    store.now("b", row(86, process="one", inode=1), ago=9 * DAY)
    store.past("b", row(86, process="two", inode=2), 9 * DAY, DAY)
    since = time.time() - 2 * DAY
    found = drift(store.link, since)
    said = {(each.host, (each.now or each.before or 0).port): each for each in found.changes}  # type: ignore[union-attr] # one of them is there
    assert {key: each.kind for key, each in said.items()} == {
        ("a", 81): "opened",
        ("a", 82): "closed",
        ("b", 85): "changed",
        ("b", 86): "changed",
    }
    changed = said["b", 85]
    assert changed.fields == ("process", "user")
    assert (changed.before.process, changed.now.process) == ("apache2", "nginx")  # type: ignore[union-attr] # as above
    assert said["a", 82].now is None
    assert said["a", 81].before is None
    assert said["a", 82].at < found.asked.as_of

    def ports(where: str) -> list[int]:
        changes = drift(store.link, since, parse(where)).changes
        return [(each.now or each.before).port for each in changes]  # type: ignore[union-attr] # as above

    assert ports("process=apache2") == [85]
    assert ports("process=nginx and host=b and port!=1") == [85]
    assert ports("process=caddy") == []
    assert ports("port<82 or user=www") == [81, 85]
    assert ports("host=a") == [81, 82]
    assert drift(store.link, since, EVERYTHING, labels=(("x", "y"),)).changes == ()


def test_free_numbers_are_free_everywhere(store: Stored) -> None:
    """Not used, claimed or reserved on any host; below the clients', registered to nobody."""
    store.host("a", {"role": "web"})
    store.host("b", {"role": "db"})
    first = free(store.link, 5)
    ports = [each.port for each in first.ports]
    assert len(ports) == 5
    assert ports == sorted(ports)
    assert all(each.hosts == 2 and each.registered is None for each in first.ports)
    assert all(1024 <= port < EPHEMERAL and not lookup(port).assignments for port in ports)
    store.now("a", row(ports[0]))
    store.now("b", row(ports[1], transport="udp", state="unconnected"))
    store.link.execute(
        "INSERT INTO reservation (uid, key, port, size, body) VALUES (1, 'k', %s, 1, '{}')",
        (ports[2],),
    )
    store.link.execute(
        "INSERT INTO claim (number, asker, id, token, space, transport, port, size, state,"
        " until_ms, body, addresses)"
        " VALUES (1, 1, 'c', 1, 0, 'tcp', %s, 1, 'bound', 1, '{}', '[0,9]')",
        (ports[3],),
    )
    assert [each.port for each in free(store.link, 1).ports] == ports[4:5]
    assert ports[1] in [each.port for each in free(store.link, 9, transports=("tcp",)).ports]
    only = free(store.link, 1, labels=(("role", "db"),))
    assert [each.port for each in only.ports] == ports[:1]
    assert only.asked.asked == 1
    store.link.execute("UPDATE claim SET ended_ms = 1")
    assert ports[3] in [each.port for each in free(store.link, 2).ports]


def test_a_named_range_is_used_whatever_is_registered(store: Stored) -> None:
    """Numbers of nobody before those of somebody, and fewer where there are no more."""
    store.host("a")
    store.now("a", row(6379))
    found = free(store.link, 100, first=6378, last=6380)
    assert [each.port for each in found.ports] == [6378, 6380]
    assert free(store.link, 1, first=80, last=80).ports[0].registered == "http"


def test_a_question_writes_nothing_and_ends(store: Stored) -> None:
    """The transaction is read-only and has a limit of time."""
    import psycopg

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), reading(store.link) as link:
        link.execute("DELETE FROM host")
    with pytest.raises(psycopg.errors.QueryCanceled), reading(store.link, seconds=1) as link:
        link.execute("SELECT pg_sleep(20)")
