"""Who may do what in the store: each role is asked to do what it may not."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from fleet.engines import Postgres
from portbook.fleet import migrating
from portbook.host.postgres import connect

FAR = "portbook_host_far"
ROW = (
    "INSERT INTO portbook.listener (host, transport, address, port, netns, inode, state, reach,"
    " verdict, rules, unknown, hash, since, changed) VALUES"
    " ({host}, 'tcp', '0.0.0.0', 3255, '', {inode}, 'listen', 'any', 'expected', '', '', 1,"
    " now(), now())"
)


@pytest.fixture(scope="module")
def store(postgres: Postgres) -> Iterator[Postgres]:
    """A store with two hosts, `near` (1) and `far` (2), and a login for each role."""
    postgres.create()
    migrating.migrate(postgres.url)
    for host in ("near", "far"):
        login = f"portbook_host_{host}"
        postgres.query(f"CREATE ROLE {login} LOGIN PASSWORD 'x' IN ROLE portbook_agent")
        postgres.query(f"INSERT INTO portbook.host (id, login) VALUES ('{host}', '{login}')")  # noqa: S608 - the test's own words
    for role in ("hub", "reader", "operator"):
        postgres.query(f"CREATE ROLE a_{role} LOGIN PASSWORD 'x' IN ROLE portbook_{role}")
    postgres.query("ALTER ROLE portbook_enrol PASSWORD 'x'")
    for number in (1, 2):
        postgres.query(ROW.format(host=number, inode=1))
        postgres.query(
            "INSERT INTO portbook.history SELECT host, transport, address, port, netns, inode,"  # noqa: S608 - the test's own words
            ' state, reach, process, pid, exe, "user", unit, container, package, speaks, verdict,'
            f" severity, rules, started, unknown, since, now(), 'closed' FROM portbook.listener"
            f" WHERE host = {number}"
        )
    yield postgres
    postgres.query("DROP DATABASE portbook WITH (FORCE)", "postgres")


def ask(store: Postgres, login: str, statement: str) -> list[tuple[object, ...]] | int:
    """What `login` gets: rows, or how many rows it changed; the change is undone."""
    with connect(store.url_for(login, "x"), name="test", autocommit=False) as link:
        found = link.execute(statement.encode())
        try:
            return found.fetchall() if found.description else found.rowcount
        finally:
            link.rollback()


def refuses(store: Postgres, login: str, statement: str) -> None:
    """The server says that it is not permitted (42501), not that something is wrong."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(store, login, statement)


def test_an_agent_sees_its_own_host_alone(store: Postgres) -> None:
    """Of each table that it may read, it reads the rows of one host."""
    assert ask(store, FAR, "SELECT id FROM host") == [("far",)]
    assert ask(store, FAR, "SELECT DISTINCT host FROM listener") == [(2,)]
    assert ask(store, FAR, "SELECT DISTINCT host FROM history") == [(2,)]
    assert ask(store, FAR, "SELECT own_host()") == [(2,)]


def test_an_agent_does_what_a_report_needs(store: Postgres) -> None:
    """It locks and updates its host, writes its listeners and its history, and copies to them."""
    assert ask(store, FAR, "SELECT number FROM host FOR UPDATE") == [(2,)]
    assert ask(store, FAR, "UPDATE host SET seq = 5, gaps = '{a}', as_of = now()") == 1
    assert ask(store, FAR, ROW.format(host=2, inode=2)) == 1
    assert ask(store, FAR, "UPDATE listener SET pid = 5") == 1
    assert ask(store, FAR, "DELETE FROM listener") == 1
    assert ask(store, FAR, "INSERT INTO history SELECT * FROM history") == 1
    assert ask(store, FAR, "CREATE TEMPORARY TABLE t (LIKE listener)") == -1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE host SET seq = 9 WHERE id = 'near'",
        "UPDATE listener SET pid = 1 WHERE host = 1",
        "DELETE FROM listener WHERE host = 1",
    ],
)
def test_another_hosts_rows_are_not_there_for_an_agent(store: Postgres, statement: str) -> None:
    """What it cannot see it does not change: no row fits."""
    assert ask(store, FAR, statement) == 0


@pytest.mark.parametrize(
    "statement",
    [
        ROW.format(host=1, inode=7),
        "UPDATE listener SET host = 1",
        (
            "INSERT INTO history SELECT 1, transport, address, port, netns, inode, state, reach,"
            ' process, pid, exe, "user", unit, container, package, speaks, verdict, severity,'
            " rules,"
            " started, unknown, since, until, ended FROM history"
        ),
        "UPDATE host SET login = 'portbook_host_near'",
        "UPDATE host SET id = 'near2'",
        "UPDATE host SET nkey = 'x'",
        "INSERT INTO host (id) VALUES ('new')",
        "DELETE FROM host",
        "DELETE FROM history",
        "UPDATE history SET ended = 'closed'",
        "SELECT * FROM history_rest",
        "SELECT * FROM claim",
        "INSERT INTO waiter VALUES (1, 1, 'x', '{}')",
        "UPDATE book SET token = 0",
        "SELECT secret FROM book",
        "SELECT * FROM enrolment",
        "SELECT * FROM enrolling",
        "SELECT enrol('new', NULL, NULL, '1h')",
        "SELECT redeem('near', '', NULL, NULL)",
        "SELECT make_month('2020-01-01')",
        "SELECT drop_month('2026-11-01')",
        "SELECT furnish()",
        "INSERT INTO migration VALUES (9, 'x', 'x')",
        "CREATE ROLE more",
        "SET ROLE portbook_operator",
        "SET ROLE portbook_host_near",
        "CREATE TABLE portbook.mine (a int)",
        "CREATE FUNCTION portbook.own_host(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE listener DISABLE ROW LEVEL SECURITY",
        "COPY listener TO PROGRAM 'true'",
    ],
)
def test_an_agent_may_not(store: Postgres, statement: str) -> None:
    """The server refuses it, whatever the program believes."""
    refuses(store, FAR, statement)


def test_as_the_group_an_agent_is_no_host(store: Postgres) -> None:
    """SET ROLE to its own group gives it nobody's rows."""
    with connect(store.url_for(FAR, "x"), name="test") as link:
        link.execute("SET ROLE portbook_agent")
        for table in ("host", "listener", "history"):
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            assert link.execute(query).fetchone() == (0,)


def test_a_hub_writes_for_every_host_and_nothing_else(store: Postgres) -> None:
    """Inventory and history of all hosts; no claims, no hosts made, no keys changed."""
    assert ask(store, "a_hub", "UPDATE host SET seq = 4") == 2
    assert ask(store, "a_hub", "DELETE FROM listener") == 2
    assert ask(store, "a_hub", "INSERT INTO history SELECT * FROM history") == 2
    for statement in (
        "SELECT * FROM claim",
        "INSERT INTO host (id) VALUES ('new')",
        "UPDATE host SET login = NULL",
        "SELECT * FROM enrolling",
        "DELETE FROM history",
        "SELECT make_month('2020-01-01')",
    ):
        refuses(store, "a_hub", statement)


def test_a_reader_reads_and_does_not_write(store: Postgres) -> None:
    """Every host, and claims; but no secret, and no row is changed."""
    for table in ("host", "listener", "history"):
        assert ask(store, "a_reader", f"SELECT count(*) FROM {table}") == [(2,)]  # noqa: S608 - names of this list
    assert ask(store, "a_reader", "SELECT count(*) FROM claim") == [(0,)]
    assert ask(store, "a_reader", "SELECT epoch FROM book") == [(1,)]
    for statement in (
        "UPDATE host SET seq = 1",
        "SELECT number FROM host FOR UPDATE",
        ROW.format(host=1, inode=8),
        "DELETE FROM listener",
        "DELETE FROM history",
        "DELETE FROM claim",
        "UPDATE book SET token = 0",
        "SELECT secret FROM book",
        "SELECT password FROM enrolling",
        "SELECT hash FROM enrolment",
        "SELECT enrol('new', NULL, NULL, '1h')",
        "SELECT make_month('2020-01-01')",
    ):
        refuses(store, "a_reader", statement)


def test_an_operator_keeps_claims_and_enrols(store: Postgres) -> None:
    """It needs no right to make roles for it, and has none."""
    assert ask(store, "a_operator", "UPDATE book SET token = token + 1") == 1
    assert ask(store, "a_operator", "SELECT length(enrol('new', NULL, NULL, '1h'))") == [(32,)]
    assert ask(store, "a_operator", "SELECT make_month('2020-01-01')") == [(0,)]
    for statement in (
        "CREATE ROLE more",
        "DROP TABLE claim",
        "SELECT redeem('near', '', NULL, NULL)",
        "SET ROLE portbook_maker",
        "INSERT INTO migration VALUES (9, 'x', 'x')",
        "UPDATE enrolling SET password = 'x'",
    ):
        refuses(store, "a_operator", statement)


def test_the_enrolling_login_may_redeem_alone(store: Postgres) -> None:
    """No table is open to it, and no other function that is portbook's."""
    assert ask(store, "portbook_enrol", "SELECT outcome FROM redeem('near', '', NULL, NULL)") == [
        ("unknown",)
    ]
    for statement in (
        *(f"SELECT * FROM {name}" for name in ("host", "listener", "enrolment", "migration")),  # noqa: S608 - names of this list
        "SELECT enrol('new', NULL, NULL, '1h')",
        "SELECT own_host()",
        "SELECT make_month('2020-01-01')",
        "CREATE ROLE more",
        "SET ROLE portbook_maker",
    ):
        refuses(store, "portbook_enrol", statement)


DEFINERS = {"redeem", "bar", "make_month", "drop_month", "drop_rest"} | {
    *("hosts_came", "hosts_went", "host_heard"),
}


def test_functions_of_the_owner_have_a_fixed_path(store: Postgres) -> None:
    """Each names pg_temp last, so that nothing of the caller's is found before ours."""
    found = store.query(
        "SELECT proname, proconfig::text, prosecdef, proowner::regrole::text FROM pg_proc p"
        " WHERE pronamespace = 'portbook'::regnamespace"
        " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')"
    )
    assert len(found) >= 10
    for name, settings, definer, owner in found:
        assert 'pg_temp"' in str(settings), name
        assert definer is (name in DEFINERS), name
        assert owner == ("portbook_maker" if name in ("redeem", "bar") else "bed"), name
    public = store.query(
        "SELECT proname FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner)))"
        " AS a WHERE pronamespace = 'portbook'::regnamespace AND a.grantee = 0"
        " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')"
    )
    assert public == []
