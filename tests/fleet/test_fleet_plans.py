"""How PostgreSQL finds the rows of a report: never by port, however little it knows of the table.

On a young table it once took the index on ports, and read for each row all hosts that have its
port: 500 reports of 10,000 hosts then took 1.8 seconds, not 0.15.
"""

import pytest
from psycopg.sql import SQL

from fleet.engines import Postgres
from portbook.fleet import ingest_sql
from portbook.fleet.filter_sql import condition
from portbook.fleet.filters import parse
from portbook.fleet.inventory import who_filter
from portbook.fleet.migrating import migrate, open_store

ROWS = """INSERT INTO portbook.listener (host, transport, address, port, netns, inode, state, reach,
    verdict, rules, unknown, hash, since, changed)
    SELECT host, 'tcp', '0.0.0.0', 1000 + n, '', 0, 'listen',
        'any', 'expected', '', '', n, now(), now()
    FROM generate_series({}, {}) host, generate_series(1, 5) n"""


@pytest.fixture
def young(database: Postgres) -> Postgres:
    """A store that nothing analyses."""
    migrate(database.url)
    database.query("ALTER TABLE portbook.listener SET (autovacuum_enabled = false)")
    return database


@pytest.mark.parametrize("seen", [0, 1, 20])
@pytest.mark.parametrize("statement", ["CHANGED", "CLOSED", "WRITE_OTHER"])
def test_rows_of_a_report_are_not_found_by_port(young: Postgres, statement: str, seen: int) -> None:
    """So it is where nothing, or only what `seen` hosts reported, was analysed."""
    young.query(ROWS.format(1, seen))
    if seen:
        young.query("ANALYZE portbook.listener")
    young.query(ROWS.format(seen + 1, 10_000))
    query = f"EXPLAIN {getattr(ingest_sql, statement)}"
    some = [[1, 2, 3], ["2026-11-24 00:00Z"] * 3]
    with open_store(young.url, name="test") as link, link.transaction():
        link.execute(ingest_sql.TEMPORARY)
        link.execute(
            ROWS.replace("portbook.listener", "pg_temp.reported")
            .replace(", since, changed)", ")")
            .replace(", now(), now()", "")
            .format(1, 500)
        )
        told = link.execute(query, [some[0], *some] if statement == "CLOSED" else some)
        plan = "\n".join(line for (line,) in told)
    assert "listener_port" not in plan, plan


@pytest.mark.parametrize("where", ["port=3255", "port=3000-3300", "few", "port>60000", "many"])
def test_a_question_that_names_a_number_has_the_index_on_ports(young: Postgres, where: str) -> None:
    """Also one that was asked so often that PostgreSQL would like one plan for all of them."""
    young.query(ROWS.format(1, 10_000))
    young.query("ANALYZE portbook.listener")
    values: dict[str, object] = {}
    many = {"few": (22, 80, 443), "many": tuple(range(3000, 3400, 2))}.get(where)
    asked = condition(who_filter(many, None) if many else parse(where), values)
    query = SQL("EXPLAIN SELECT 1 FROM listener l WHERE {}").format(asked)
    with open_store(young.url, name="test") as link:
        for _ in range(12):
            plan = "\n".join(line for (line,) in link.execute(query, values, prepare=True))
            assert "listener_port" in plan, plan
