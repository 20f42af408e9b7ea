"""The months of the history: made, dropped, and filled from what came before them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.engines import Postgres
from portbook.cli import main
from portbook.fleet import migrating
from portbook.fleet.retaining import retain

DAY = 86_400.0
ROW = (
    "INSERT INTO portbook.history SELECT 1, 'tcp', '0.0.0.0', 80, '', n, 'listen', 'any', 'p',"
    " 1, NULL, NULL, NULL, NULL, NULL, NULL, 'expected', NULL, '', NULL, '', {at}, {at},"
    " 'closed' FROM generate_series(1, {rows}) AS n"
)


@pytest.fixture
def store(database: Postgres) -> Iterator[str]:
    """A store, asked by an operator who owns nothing."""
    migrating.migrate(database.url)
    database.query("CREATE ROLE keeper LOGIN PASSWORD 'k' IN ROLE portbook_operator")
    yield database.url_for("keeper", "k")
    database.query("DROP ROLE keeper")


def months(database: Postgres) -> list[object]:
    """The tables of the history, without that for the rest."""
    found = database.query(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent ="
        " 'portbook.history'::regclass ORDER BY 1"
    )
    return [name for (name,) in found if name != "portbook.history_rest"]


def test_rows_without_a_month_get_one_and_old_months_go(database: Postgres, store: str) -> None:
    """What came too early or late is moved, what is older than is kept goes, the rest stays."""
    database.query(ROW.format(at="now() - interval '70 days'", rows=30))
    database.query(ROW.format(at="now() - interval '800 days'", rows=4))
    database.query(ROW.format(at="now()", rows=7))
    assert database.query("SELECT count(*) FROM portbook.history_rest") == [(34,)]
    planned = retain(store, keep=400 * DAY, dry_run=True)
    assert database.query("SELECT count(*) FROM portbook.history_rest") == [(34,)]
    done = retain(store, keep=400 * DAY)
    assert planned == done._replace(dry_run=True)
    assert (done.moved, done.dropped_rows, len(done.made), done.dropped) == (30, 4, 1, ())
    assert len(months(database)) == 4
    assert database.query("SELECT count(*) FROM portbook.history") == [(37,)]
    again = retain(store, keep=400 * DAY)
    assert (again.made, again.moved, again.dropped_rows) == ((), 0, 0)
    old = retain(store, keep=10 * DAY)
    assert old.dropped == done.made
    assert database.query("SELECT count(*) FROM portbook.history") == [(7,)]


def test_the_months_ahead_are_made(database: Postgres, store: str) -> None:
    """Those that somebody dropped are made again, this one too, with the rows that waited."""
    for month in months(database):
        database.query(f"DROP TABLE {month}")
    database.query(ROW.format(at="now()", rows=5))
    done = retain(store, keep=400 * DAY)
    assert len(done.made) == 3 and done.moved == 5
    assert len(months(database)) == 3
    assert database.query("SELECT count(*) FROM ONLY portbook.history_rest") == [(0,)]


def test_a_month_that_is_not_over_is_never_dropped(database: Postgres, store: str) -> None:
    """The function refuses it, whoever calls; so does a name that is no month of ours."""
    assert database.query("SELECT portbook.drop_month(now()::date)") == [(False,)]
    assert database.query("SELECT portbook.drop_month('2001-01-01')") == [(False,)]
    assert len(months(database)) == 3


def test_the_command_says_what_it_did(
    database: Postgres,
    store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Text and JSON; a day is the least that can be kept."""
    monkeypatch.setenv("PORTBOOK_FLEET_HOME", str(tmp_path))
    assert main(["fleet", "retain", "--store", store, "--json", "--dry-run"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == "portbook/fleet-retain/1" and said["dry_run"] is True
    assert main(["fleet", "retain", "--store", store]) == 0
    assert "months made: none (0 rows moved)" in capsys.readouterr().out
    for wrong in ("1h", "x", "-3d"):
        assert main(["fleet", "retain", "--store", store, f"--keep={wrong}"]) == 2
        assert capsys.readouterr().err.startswith("portbook: error: --keep: ")
