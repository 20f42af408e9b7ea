import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from fleet.engines import Postgres
from fleet.fleet_drawn import change_of, full_report, row_on
from portbook.fleet.ingest import keep_reports
from portbook.fleet.migrating import migrate, open_store
from portbook.fleet.table import table_hash
from portbook.model import EnvironmentFault
from portbook.model.fleet import FleetReport, FleetRow

Link = psycopg.Connection[tuple[Any, ...]]
HOSTS = ("alpha", "beta", "gamma")
ROWS = (row_on(80), row_on(443), row_on(5432, "postgres"))
LATER = (row_on(80), row_on(443, "nginx"), row_on(8080))


@pytest.fixture
def link(database: Postgres) -> Iterator[Link]:
    """A store with three hosts, opened as its owner."""
    migrate(database.url)
    with open_store(database.url, name="test") as made:
        made.cursor().executemany("INSERT INTO host (id) VALUES (%s)", [(each,) for each in HOSTS])
        yield made


def results(link: Link, *reports: FleetReport) -> list[str]:
    """What became of each."""
    return [answer.result for answer in keep_reports(link, reports)]


def stored(link: Link, host: str) -> set[FleetRow]:
    """The rows of a host."""
    columns = ", ".join(f'"{field}"' for field in FleetRow._fields)
    found = link.execute(
        f"SELECT {columns} FROM listener WHERE host = (SELECT number FROM host WHERE id = %s)",  # noqa: S608 - names of our columns
        [host],
    )
    return {FleetRow._make(row) for row in found}


def written(link: Link) -> dict[int, str]:
    """The transaction that wrote a row last, by port."""
    return {row[0]: row[1] for row in link.execute("SELECT port, xmin::text FROM listener")}


def past(link: Link) -> list[tuple[Any, ...]]:
    """The history, as host, port, process and how it ended."""
    return link.execute(
        "SELECT id, port, process, ended FROM history JOIN host ON number = host ORDER BY 1, 2"
    ).fetchall()


def test_everything_then_a_change(link: Link) -> None:
    """Rows are there as they were told, what was before is history, and the host is up to date."""
    full = full_report("alpha", ROWS, labels=(("role", "web"),), gaps=("no users",))
    assert results(link, full) == ["kept"]
    assert stored(link, "alpha") == set(ROWS) and past(link) == []
    delta = change_of(ROWS, LATER, full)
    assert results(link, delta) == ["kept"]
    assert stored(link, "alpha") == set(LATER)
    assert past(link) == [("alpha", 443, "web", "changed"), ("alpha", 5432, "postgres", "closed")]
    row = link.execute(
        "SELECT name, labels, instance, seq, hash, total, version, gaps FROM host WHERE id='alpha'"
    ).fetchone()
    assert row == (
        *("alpha.example", {"role": "web"}, full.instance, 2, table_hash(LATER), 3, "1.0"),
        ["no users"],
    )
    first = link.execute("SELECT since, changed FROM listener WHERE port = 443").fetchone()
    ended = link.execute("SELECT since, until FROM history WHERE port = 443").fetchone()
    assert first is not None and ended is not None
    assert first[0] == ended[0] and first[1] == ended[1] and first[0] < first[1]


def test_everything_again_touches_only_what_is_other(link: Link) -> None:
    """A full report over a table: the same rows are not even written."""
    assert results(link, full_report("alpha", ROWS)) == ["kept"]
    before = written(link)
    assert results(link, full_report("alpha", LATER, 2)) == ["kept"]
    after = written(link)
    assert after[80] == before[80] and after[443] != before[443]
    assert stored(link, "alpha") == set(LATER)
    assert past(link) == [("alpha", 443, "web", "changed"), ("alpha", 5432, "postgres", "closed")]
    assert results(link, full_report("alpha", (), 3)) == ["kept"]
    assert stored(link, "alpha") == set() and len(past(link)) == 5


def test_texts_come_back_as_they_were(link: Link) -> None:
    """Quotes, backslashes, commas, the word null, and no text."""
    texts = ('"', "\\", '\\"', "null", "", "a,b\\,c", "\\N", "\\.", "é 🐟", "{}", '"\\n"', "\\\\n")
    rows = tuple(
        row_on(at, process=text, exe=text, user=None, unit=text) for at, text in enumerate(texts)
    )
    assert results(link, full_report("alpha", rows)) == ["kept"]
    assert stored(link, "alpha") == set(rows)


def test_many_hosts_at_once(link: Link) -> None:
    """Each report gets its own answer, in order, and no host has another one's rows."""
    full = full_report("alpha", ROWS)
    delta = change_of(ROWS, LATER, full)
    answers = results(
        link,
        *(full, full_report("nobody", ROWS), full_report("gamma", LATER), delta, full),
        *(delta._replace(host="beta"), change_of(LATER, (), delta)),
    )
    assert answers == ["kept", "refused", "kept", "kept", "again", "full", "kept"]
    assert stored(link, "alpha") == set() and stored(link, "gamma") == set(LATER)
    assert stored(link, "beta") == set() and len(past(link)) == 5


@pytest.mark.parametrize(
    ("poison", "result"),
    [
        (full_report("beta", ROWS)._replace(after=1), "refused"),
        (full_report("beta", (row_on(80, "a\nb"),)), "refused"),
        (full_report("beta", (row_on(80, "a\x00b"),)), "refused"),
        (full_report("beta", (row_on(80, "\ud800"),)), "refused"),
        (full_report("beta", (row_on(70_000),)), "refused"),
        (full_report("beta", (row_on(80, pid=2**40),)), "refused"),
        (full_report("beta", (row_on(80, state=None),)), "refused"),
        (full_report("beta", ROWS, name="\x00"), "refused"),
        (full_report("beta", ROWS, age_ms=10**18), "refused"),
        (full_report("beta", ROWS, instance="", seq=2**70), "refused"),
    ],
)
def test_poison_harms_only_itself(link: Link, poison: FleetReport, result: str) -> None:
    """A report that PostgreSQL chokes on is refused with a reason; those around it are kept."""
    answers = keep_reports(link, [full_report("alpha", ROWS), poison, full_report("gamma", LATER)])
    assert [answer.result for answer in answers] == ["kept", result, "kept"]
    assert answers[1].why.isprintable() and answers[1].why
    assert stored(link, "alpha") == set(ROWS) and stored(link, "gamma") == set(LATER)
    assert stored(link, "beta") == set()


def test_long_random_process_name_is_refused(link: Link) -> None:
    """What an index cannot hold is the report's own trouble."""
    name = "".join(chr(0x4E00 + (at * 7919) % 20_000) for at in range(4_000))
    reports = [full_report("alpha", (row_on(80, name),)), full_report("beta", ROWS)]
    assert results(link, *reports) == ["refused", "kept"]


def test_what_the_change_leaves_is_verified(link: Link) -> None:
    """A delta whose table is another is undone alone; so is one on rows that somebody took."""
    full = [full_report(host, ROWS) for host in HOSTS]
    assert results(link, *full) == ["kept"] * 3
    link.execute(
        "DELETE FROM listener USING host WHERE port = 80 AND host = number AND id = 'gamma'"
    )
    deltas = [change_of(ROWS, LATER, each) for each in full]
    deltas[1] = deltas[1]._replace(after=deltas[1].after ^ 1)
    assert results(link, *deltas) == ["kept", "full", "full"]
    assert stored(link, "alpha") == set(LATER) and stored(link, "beta") == set(ROWS)
    wrong_total = change_of(LATER, ROWS, deltas[0], total=4)
    assert results(link, wrong_total) == ["full"]
    again = [full_report(host, LATER, 9) for host in HOSTS]
    assert results(link, *again) == ["kept"] * 3
    assert all(stored(link, host) == set(LATER) for host in HOSTS)


def test_rows_of_a_host_that_says_it_has_none(link: Link) -> None:
    """What stands in the table without a report is no hindrance for everything."""
    assert results(link, full_report("alpha", ROWS)) == ["kept"]
    link.execute("UPDATE host SET total = 0, hash = 0, seq = 0, instance = NULL")
    assert results(link, full_report("alpha", LATER), full_report("beta", ROWS)) == ["kept"] * 2
    assert stored(link, "alpha") == set(LATER)


def test_two_machines_with_one_id(link: Link) -> None:
    """The later one reports; the one before is told, and the store remembers both."""
    one, two = full_report("alpha", ROWS), full_report("alpha", LATER, instance="other:1")
    assert results(link, one, two) == ["kept", "kept"]
    assert results(link, change_of(ROWS, LATER, one), one._replace(seq=7)) == ["duplicate"] * 2
    assert stored(link, "alpha") == set(LATER)
    row = link.execute(
        "SELECT instance, former, duplicate_of, duplicate_at FROM host WHERE id = 'alpha'"
    ).fetchone()
    assert row is not None and row[:3] == ("other:1", [one.instance], one.instance) and row[3]


def test_a_clock_that_is_wrong_moves_nothing(link: Link) -> None:
    """Only ages count: a host whose clock is hours off has the moments of the store."""
    rows = (row_on(80, started=1), row_on(81, started=4_000_000_000))
    before = datetime.now(UTC)
    full = full_report("alpha", rows, age_ms=10_000)
    assert results(link, full) == ["kept"]
    after = datetime.now(UTC)
    for since, changed in link.execute("SELECT since, changed FROM listener").fetchall():
        assert before <= since + timedelta(seconds=10) <= after and changed == since
    as_of = link.execute("SELECT as_of FROM host WHERE id = 'alpha'").fetchone()
    assert as_of == (since,)
    # A look that is told as older than the last one: nothing ends before it began.
    old = change_of(rows, (row_on(80, started=2),), full, age_ms=3_600_000)
    assert results(link, old) == ["kept"]
    spans = link.execute("SELECT since, until FROM history").fetchall()
    assert len(spans) == 2 and all(until >= since == as_of[0] for since, until in spans)
    assert link.execute("SELECT as_of FROM host WHERE id = 'alpha'").fetchone() == as_of


def login(database: Postgres, host: str) -> str:
    """The URL of a host's own role."""
    role = f"portbook_host_{host}"
    if not database.query(f"SELECT FROM pg_roles WHERE rolname = '{role}'"):
        database.query(f"CREATE ROLE {role} LOGIN PASSWORD 'x' IN ROLE portbook_agent")
    database.query(f"UPDATE portbook.host SET login = '{role}' WHERE id = '{host}'")  # noqa: S608 - a constant
    return database.url_for(role, "x")


def test_as_a_host_and_as_a_hub(link: Link, database: Postgres) -> None:
    """A host's role keeps its own reports and no others; a hub's role keeps all."""
    with open_store(login(database, "alpha"), name="agent") as own:
        full = full_report("alpha", ROWS)
        answers = keep_reports(own, [full, full_report("beta", ROWS)])
        assert [answer.result for answer in answers] == ["kept", "refused"]
        assert "not enrolled" in answers[1].why
        assert results(own, change_of(ROWS, LATER, full)) == ["kept"]
        assert results(own, full_report("alpha", ROWS, 9), full) == ["kept", "again"]
        assert results(own, full_report("alpha", ROWS, instance="b:1")) == ["kept"]
        assert results(own, full_report("alpha", ROWS, 99)) == ["duplicate"]
    if not database.query("SELECT FROM pg_roles WHERE rolname = 'test_hub'"):
        database.query("CREATE ROLE test_hub LOGIN PASSWORD 'x' IN ROLE portbook_hub")
    with open_store(database.url_for("test_hub", "x"), name="hub") as hub:
        assert results(hub, full_report("beta", ROWS), full_report("gamma", ROWS)) == ["kept"] * 2
    assert all(stored(link, host) == set(ROWS) for host in HOSTS)


def test_hubs_never_wait_in_a_circle(link: Link, database: Postgres) -> None:
    """Many hubs with the same hosts in any order: every answer comes, and the tables are right."""
    broken: list[object] = []
    kept: list[tuple[str, int]] = []

    def hub(place: int) -> None:
        order = HOSTS[place % 3 :] + HOSTS[: place % 3]
        try:
            with open_store(database.url, name=f"hub{place}") as own:
                for seq in range(1, 16):
                    rows = ROWS if (seq + place) % 2 else LATER
                    answers = keep_reports(own, [full_report(each, rows, seq) for each in order])
                    kept.extend((each.host, each.seq) for each in answers if each.result == "kept")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is wrong
            broken.append(error)

    threads = [threading.Thread(target=hub, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    # Each number was kept once, though four hubs had it.
    assert len(kept) == len(set(kept))
    for host in HOSTS:
        row = link.execute("SELECT seq, hash FROM host WHERE id = %s", [host]).fetchone()
        assert row == (15, table_hash(stored(link, host)))


def test_not_within_a_transaction_and_not_without_a_store(link: Link, database: Postgres) -> None:
    """A commit of somebody else's is no commit; an engine that is away is one line."""
    with link.transaction(), pytest.raises(ValueError, match="of its own"):
        keep_reports(link, [full_report("alpha", ROWS)])
    other = open_store(database.url, name="gone")
    link.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'gone'"
    )
    with pytest.raises(EnvironmentFault) as caught:
        keep_reports(other, [full_report("alpha", ROWS)])
    assert "bed:" not in str(caught.value) and "\n" not in str(caught.value)
    other.close()
