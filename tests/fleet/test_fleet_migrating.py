"""The schema is made and migrated: from nothing, twice, by two at once, and after a kill."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path

import pytest

from fleet.engines import Postgres
from portbook.fleet import migrating
from portbook.host.postgres import connect
from portbook.model import EnvironmentFault, NotPermitted

INIT = (sys.executable, "-m", "portbook", "fleet", "init", "--json")


def start_init(postgres: Postgres, *options: str) -> subprocess.Popen[bytes]:
    """`portbook fleet init` in a process of its own."""
    return subprocess.Popen(
        [*INIT, *options],
        env={**os.environ, "PORTBOOK_FLEET_STORE": postgres.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def is_whole(postgres: Postgres) -> None:
    """Everything that a new store has, once."""
    with migrating.open_store(postgres.url, name="test") as link:
        assert link.execute("SELECT length(secret), system, timeline FROM book").fetchall() == [
            (32, None, None)
        ]
        months = link.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'history'::regclass"
        ).fetchone()
        assert months == (4,)
        done = link.execute("SELECT count(*), count(finished) FROM migration").fetchone()
        assert done == (len(migrating.steps()), len(migrating.steps()))


def test_an_empty_database_becomes_a_store(database: Postgres) -> None:
    """All steps are applied in order, and a second run finds nothing to do."""
    first = migrating.migrate(database.url)
    assert first.version_before == 0
    assert first.version == migrating.newest() == len(first.applied)
    assert list(first.applied) == sorted(first.applied)
    is_whole(database)
    secret = database.query("SELECT secret FROM portbook.book")
    again = migrating.migrate(database.url)
    assert again.applied == () and again.roles == () and again.version_before == first.version
    assert database.query("SELECT secret FROM portbook.book") == secret
    is_whole(database)


def test_a_dry_run_says_all_and_changes_nothing(database: Postgres) -> None:
    """What it prints, run by hand, gives the schema that a real run gives."""
    said = migrating.migrate(database.url, dry_run=True)
    assert database.query("SELECT to_regnamespace('portbook')") == [(None,)]
    assert len(said.applied) == len(migrating.steps())
    text = "\n".join(said.statements)
    for wanted in ("CREATE SCHEMA", "btree_gist", "CREATE TABLE listener", "CREATE POLICY"):
        assert wanted in text
    with connect(database.url, name="test") as link:
        for statement in said.statements:
            link.execute(statement.encode())
    by_hand = catalogue(database)
    database.query("DROP SCHEMA portbook CASCADE")
    migrating.migrate(database.url)
    assert catalogue(database) == by_hand


def catalogue(postgres: Postgres) -> set[tuple[str, ...]]:
    """Every column and grant of the schema."""
    found = postgres.query(
        "SELECT table_name::text, column_name::text, data_type::text FROM"
        " information_schema.columns WHERE table_schema = 'portbook' UNION ALL"
        " SELECT table_name::text, grantee::text, privilege_type::text FROM"
        " information_schema.role_table_grants WHERE table_schema = 'portbook'"
    )
    return {tuple(str(each) for each in row) for row in found}


def test_two_inits_at_once_are_one_after_the_other(database: Postgres) -> None:
    """Both end well; the steps are applied by one of them."""
    both = [start_init(database), start_init(database)]
    said = []
    for process in both:
        out, err = process.communicate(timeout=50)
        assert process.returncode == 0, err.decode()
        said.append(json.loads(out))
    applied = sorted(len(document["applied"]) for document in said)
    assert applied == [0, len(migrating.steps())]
    is_whole(database)


def test_an_init_that_is_killed_is_finished_by_the_next(postgres: Postgres) -> None:
    """Whenever SIGKILL comes, what is there is nothing, half, or whole, and init repairs it."""
    chance = random.Random(9)
    seen = set()
    for _ in range(8):
        postgres.create("killed")
        where = postgres.url_for(name="killed")
        process = subprocess.Popen(
            INIT,
            env={**os.environ, "PORTBOOK_FLEET_STORE": where},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while (
            not postgres.query("SELECT to_regclass('portbook.migration')", "killed")[0][0]
            and process.poll() is None
        ):
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.08))
        process.send_signal(signal.SIGKILL)
        process.wait()
        try:
            migrating.open_store(where, name="test").close()
            seen.add("whole")
        except EnvironmentFault as fault:
            said = f"{fault} {fault.hint}"
            half = "half-migrated" in said and "portbook fleet init finishes it" in said
            seen.add("half-migrated" if half else said)
        done = migrating.migrate(where)
        assert done.version == migrating.newest()
        with migrating.open_store(where, name="test") as link:
            assert link.execute("SELECT count(*) FROM book").fetchone() == (1,)
        postgres.query("DROP DATABASE killed WITH (FORCE)", "postgres")
    assert "half-migrated" in seen, seen
    assert seen <= {"half-migrated", "whole"}


def test_a_step_that_fails_leaves_a_store_that_says_so(
    database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the broken step stays; the mended one is applied by the next init."""
    good = migrating.steps()
    broken = good[-1]._replace(text=good[-1].text + "\nCREATE TABLE torn (); SELECT 1 / 0;")
    monkeypatch.setattr(migrating, "steps", lambda: (*good[:-1], broken))
    with pytest.raises(EnvironmentFault, match="division by zero"):
        migrating.migrate(database.url)
    with pytest.raises(EnvironmentFault, match="half-migrated: 5 of 6 steps are done") as caught:
        migrating.open_store(database.url, name="test")
    assert caught.value.hint == "portbook fleet init finishes it"
    assert database.query("SELECT to_regclass('portbook.torn')") == [(None,)]
    monkeypatch.undo()
    done = migrating.migrate(database.url)
    assert done.version_before == 5 and done.applied == (good[-1].name,)
    is_whole(database)


def test_an_empty_and_an_older_store_say_what_helps(database: Postgres) -> None:
    """Neither is opened; both hints name the one command."""
    with pytest.raises(EnvironmentFault, match="has no schema of portbook") as caught:
        migrating.open_store(database.url, name="test")
    assert caught.value.hint == "portbook fleet init makes it"
    migrating.migrate(database.url)
    database.query(f"DELETE FROM portbook.migration WHERE version = {migrating.newest()}")  # noqa: S608 - the test's own words
    with pytest.raises(EnvironmentFault, match="has schema 5, and this portbook needs 6") as older:
        migrating.open_store(database.url, name="test")
    assert older.value.hint == "portbook fleet init migrates it"


def test_a_newer_schema_is_left_alone(database: Postgres) -> None:
    """Also one that a newer portbook is just migrating: it is never half-migrated to us."""
    migrating.migrate(database.url)
    for finished in ("now()", "NULL"):
        database.query(
            "INSERT INTO portbook.migration (version, name, checksum, finished)"  # noqa: S608 - the test's own words
            f" VALUES (99, 'later', 'x', {finished})"
            " ON CONFLICT (version) DO UPDATE SET finished = excluded.finished"
        )
        with pytest.raises(EnvironmentFault, match="has schema 99") as caught:
            migrating.open_store(database.url, name="test")
        assert caught.value.hint == "upgrade portbook here"
        with pytest.raises(EnvironmentFault, match="knows 6"):
            migrating.migrate(database.url)


def test_a_step_with_another_text_is_noticed(database: Postgres) -> None:
    """A store that another history made is not migrated further."""
    migrating.migrate(database.url)
    database.query("UPDATE portbook.migration SET checksum = 'other' WHERE version = 2")
    with pytest.raises(EnvironmentFault, match="step 2 was applied as 002_claims"):
        migrating.migrate(database.url)


def test_a_foreign_schema_of_our_name_is_refused(database: Postgres) -> None:
    """Somebody else's tables in `portbook` are neither used nor touched."""
    database.query("CREATE SCHEMA portbook; CREATE TABLE portbook.host (theirs int)")
    with pytest.raises(EnvironmentFault, match="not portbook's"):
        migrating.migrate(database.url)
    with pytest.raises(EnvironmentFault, match="has no schema"):
        migrating.open_store(database.url, name="test")
    assert database.query("SELECT count(*) FROM portbook.host") == [(0,)]


def test_tables_of_the_same_names_elsewhere_do_not_matter(database: Postgres) -> None:
    """`public.migration` and `public.host` are others': ours are made and found beside them."""
    database.query(
        "CREATE TABLE public.migration (version text); CREATE TABLE public.host (id int)"
    )
    with pytest.raises(EnvironmentFault, match="has no schema"):
        migrating.open_store(database.url, name="test")
    migrating.migrate(database.url)
    is_whole(database)
    assert database.query("SELECT count(*) FROM public.host") == [(0,)]


def test_no_superuser_is_needed(database: Postgres) -> None:
    """A login that owns the database and may make roles can do it, and is told what it cannot."""
    database.query("CREATE ROLE maintainer LOGIN CREATEROLE PASSWORD 'm'")
    database.query("ALTER DATABASE portbook OWNER TO maintainer")
    try:
        done = migrating.migrate(database.url_for("maintainer", "m"))
        assert any("only a superuser" in gap for gap in done.gaps)
        is_whole(database)
    finally:
        database.query("ALTER DATABASE portbook OWNER TO bed")
        database.query("REASSIGN OWNED BY maintainer TO bed; DROP OWNED BY maintainer")
        database.query("DROP ROLE maintainer")


def test_who_has_no_role_is_told_which_to_ask_for(database: Postgres) -> None:
    """A login outside of the roles sees no table, and gets one line."""
    migrating.migrate(database.url)
    database.query("CREATE ROLE stranger LOGIN PASSWORD 's'")
    try:
        with pytest.raises(NotPermitted, match="stranger has no role") as caught:
            migrating.open_store(database.url_for("stranger", "s"), name="test")
        assert caught.value.hint and "GRANT portbook_reader" in caught.value.hint
    finally:
        database.query("DROP ROLE stranger")


def test_a_mighty_role_of_our_name_is_refused(database: Postgres) -> None:
    """Row-level security holds no superuser: such a role is not taken over."""
    migrating.migrate(database.url)
    database.query("ALTER ROLE portbook_agent BYPASSRLS")
    try:
        with pytest.raises(EnvironmentFault, match="row-level security does not hold it"):
            migrating.migrate(database.url)
    finally:
        database.query("ALTER ROLE portbook_agent NOBYPASSRLS")


def test_the_steps_are_numbered_without_a_gap() -> None:
    """Their numbers are 1, 2, 3 …, in files that lie in the package."""
    known = migrating.steps()
    assert [step.version for step in known] == list(range(1, len(known) + 1))
    folder = Path(str(resources.files("portbook.fleet"))) / "schema"
    assert sorted(path.stem for path in folder.glob("*.sql")) == [step.name for step in known]
