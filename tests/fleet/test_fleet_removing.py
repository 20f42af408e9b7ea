"""A host leaves: nothing of it stays, nothing of another host goes, and it cannot come in again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.engines import Postgres
from fleet.test_fleet_plans import ROWS
from portbook.cli import main
from portbook.fleet.enrolment import enrol, new_nkey, redeem
from portbook.fleet.migrating import migrate, open_store
from portbook.host.postgres import connect
from portbook.model import EnvironmentFault, NotPermitted

HISTORY = """INSERT INTO portbook.history (host, transport, address, port, netns, inode, state,
    reach, verdict, rules, unknown, since, until, ended)
    SELECT host, 'tcp', '::', 1, '', 0, 'listen', 'any', 'expected', '', '', now(), now(), 'closed'
    FROM generate_series(1, 2) host, generate_series(1, 3)"""
LEFT = """SELECT (SELECT array_agg(id ORDER BY id) FROM portbook.host),
    (SELECT hosts FROM portbook.tally), (SELECT count(*) FROM portbook.heard),
    (SELECT array_agg(DISTINCT host) FROM portbook.listener),
    (SELECT array_agg(DISTINCT host) FROM portbook.history),
    (SELECT count(*) FROM portbook.enrolment)"""


@pytest.fixture
def store(
    database: Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Postgres]:
    """Two hosts that joined, with rows; commands ask as an operator."""
    migrate(database.url)
    database.query("CREATE ROLE op LOGIN PASSWORD 'x' IN ROLE portbook_operator")
    monkeypatch.setenv("PORTBOOK_FLEET_HOME", str(tmp_path))
    monkeypatch.setenv("PORTBOOK_FLEET_STORE", database.url_for("op", "x"))
    yield database
    database.query("DROP OWNED BY op; DROP ROLE op")
    database.query("DROP ROLE IF EXISTS portbook_host_one; DROP ROLE IF EXISTS portbook_host_two")


def joined(store: Postgres, host: str) -> str:
    """A host's own URL."""
    token = enrol(store.url, host)
    assert token is not None
    return redeem(token, nkey=new_nkey()[1], password=f"{host}-secret", extra={}).store


def test_a_host_leaves_with_all_that_it_reported(
    store: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run says so before; the other host's rows and login stay."""
    one, two = joined(store, "one"), joined(store, "two")
    store.query(ROWS.format(1, 2))
    store.query(HISTORY)
    whole = store.query(LEFT)
    assert main(["fleet", "remove", "one", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "one would be removed: 5 listeners, 3 versions in its history",
        "its login portbook_host_one would be closed",
        "its key opens the bus until the next: portbook fleet nats-config",
    ]
    assert store.query(LEFT) == whole == [(["one", "two"], 2, 2, [1, 2], [1, 2], 2)]
    connect(one, name="test").close()

    assert main(["fleet", "remove", "one", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["listeners"], told["versions"], told["login"], told["dry_run"]) == (
        *(5, 3, "portbook_host_one"),
        False,
    )
    assert store.query(LEFT) == [(["two"], 1, 1, [2], [2], 1)]
    with pytest.raises((NotPermitted, EnvironmentFault)):
        connect(one, name="test")
    connect(two, name="test").close()
    assert main(["fleet", "remove", "one"]) == 2
    assert "there is no host one" in capsys.readouterr().err


def test_who_has_left_may_be_enrolled_again(store: Postgres) -> None:
    """With the login that it had, and nothing of what it reported before."""
    joined(store, "one")
    assert main(["fleet", "remove", "one"]) == 0
    with open_store(joined(store, "one"), name="test") as link:
        assert link.execute("SELECT id, total FROM host").fetchall() == [("one", 0)]


def test_a_session_that_is_still_open_sees_nothing(store: Postgres) -> None:
    """The agent of a host that left is no host to the store."""
    with open_store(joined(store, "one"), name="test") as link:
        assert link.execute("SELECT count(*) FROM host").fetchone() == (1,)
        assert main(["fleet", "remove", "one"]) == 0
        assert link.execute("SELECT count(*) FROM host").fetchone() == (0,)


def test_only_an_operator_removes(store: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
    """A host may not remove another, nor close its login."""
    one = joined(store, "one")
    joined(store, "two")
    assert main(["fleet", "remove", "two", "--store", one]) == 2
    assert "there is no host two" in capsys.readouterr().err
    store.query("CREATE ROLE reads LOGIN PASSWORD 'x' IN ROLE portbook_reader")
    reads = store.url_for("reads", "x")
    assert main(["fleet", "remove", "two", "--store", reads]) == 4
    assert "hint: as a member of another role" in capsys.readouterr().err
    store.query("DROP ROLE reads")
    with open_store(one, name="test") as link, pytest.raises(Exception, match="permission denied"):
        link.execute("SELECT portbook.bar('two')")
    assert store.query("SELECT count(*) FROM portbook.host") == [(2,)]


def test_a_login_that_is_no_hosts_stays_open(store: Postgres) -> None:
    """Whatever a row says: an operator cannot close a superuser's login, or an operator's."""
    enrol(store.url, "one", seconds=None)
    for login in ("bed", "op"):
        store.query(f"UPDATE portbook.host SET login = '{login}'")  # noqa: S608 - the test's own words
        assert main(["fleet", "remove", "one", "--dry-run"]) == 0
        with open_store(store.url_for("op", "x"), name="test") as link:
            assert link.execute("SELECT portbook.bar('one')").fetchone() == (None,)
    assert main(["fleet", "remove", "one"]) == 0
    connect(store.url_for("op", "x"), name="test").close()


@pytest.mark.parametrize("host", ["", "a b", "'; DROP TABLE host; --", "A", "x" * 64])
def test_what_is_no_id_is_one_line(
    store: Postgres, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is asked of the store."""
    assert main(["fleet", "remove", host]) == 2
    assert len(capsys.readouterr().err.splitlines()) <= 2
    assert store.query("SELECT count(*) FROM portbook.host") == [(0,)]
