"""Every fleet command against a store that is empty, half-migrated, newer, or another's."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.engines import Nats, Postgres
from portbook.cli.fleet import ACTIONS
from portbook.fleet import migrating
from portbook.fleet.enrolment import new_nkey

ARGUMENTS = {
    "who": ["3255", "--stored"],
    "ls": ["--stored"],
    "history": ["3255"],
    "drift": ["--since", "2d"],
    "free": ["--stored"],
    "audit": ["--stored"],
    "enrol": ["web"],
    "remove": ["web"],
    "agent": ["--host-id", "web", "--label", "a=b", "--once"],
}
"""What a command is asked where it needs more than a store."""
STATES = {
    "empty": ("has no schema of portbook", "portbook fleet init makes it"),
    "half": ("is half-migrated: 5 of 6 steps are done", "portbook fleet init finishes it"),
    "newer": ("has schema 99, and this portbook knows 6", "upgrade portbook here"),
    "another": ("has no schema of portbook", "portbook fleet init makes it"),
}
TODAY = [
    action
    for action in ACTIONS
    if action not in ("join", "init")
    and importlib.util.find_spec(f"portbook.cli.fleet_{action.replace('-', '_')}")
]


@pytest.fixture(scope="module")
def states(postgres: Postgres) -> Postgres:
    """A database for each state, named for it."""
    for state in STATES:
        postgres.create(state)
    for state in ("half", "newer"):
        migrating.migrate(postgres.url_for(name=state))
    postgres.query("UPDATE portbook.migration SET finished = NULL WHERE version = 6", "half")
    postgres.query(
        "INSERT INTO portbook.migration (version, name, checksum) VALUES (99, 'x', 'x')", "newer"
    )
    postgres.query("CREATE SCHEMA portbook; CREATE TABLE portbook.host (id int)", "another")
    return postgres


def run(folder: Path, store: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with nothing of this machine's settings."""
    inherited = {key: value for key, value in os.environ.items() if "PORTBOOK" not in key}
    homes = ("PORTBOOK_FLEET_HOME", "PORTBOOK_DATA_HOME", "PORTBOOK_STATE", "XDG_STATE_HOME")
    return subprocess.run(
        [sys.executable, "-m", "portbook", "fleet", *arguments, "--store", store],
        env={**inherited, **dict.fromkeys(homes, str(folder))},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=40,
    )


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", TODAY)
def test_a_command_says_what_is_wrong_with_the_store(
    states: Postgres, nats: Nats, action: str, state: str, tmp_path: Path
) -> None:
    """Exit code 5, nothing on stdout, one line and its hint; and the store is as it was."""
    arguments = ARGUMENTS.get(action, [])
    if action == "hub":
        arguments = ["--bus", nats.url]
    done = run(tmp_path, states.url_for(name=state), action, *arguments)
    words, hint = STATES[state]
    assert done.returncode == 5, done.stderr
    assert done.stdout == ""
    error, *rest = done.stderr.splitlines()
    assert error.startswith("portbook: error: ") and words in error
    assert rest == [f"hint: {hint}"]
    assert "bed" not in done.stderr.replace("embedded", "")


@pytest.mark.parametrize("state", ["newer", "another"])
def test_init_leaves_alone_what_is_not_its_own(
    states: Postgres, state: str, tmp_path: Path
) -> None:
    """It changes neither a newer schema nor somebody else's."""
    count = "SELECT count(*) FROM pg_class"
    before = states.query(count, state)
    done = run(tmp_path, states.url_for(name=state), "init")
    assert done.returncode == 5 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 2
    assert states.query(count, state) == before


def test_a_server_that_is_away_is_one_line(states: Postgres, tmp_path: Path) -> None:
    """Without the password, which stands in the URL."""
    store = f"postgresql://me:hidden-word@127.0.0.1:1/{new_nkey()[1][:5].lower()}"
    for action in ("init", "hosts", "enrol", "retain", "nats-config"):
        done = run(tmp_path, store, action, *ARGUMENTS.get(action, []))
        assert done.returncode == 5, done.stderr
        assert "does not answer" in done.stderr and "hidden-word" not in done.stderr
        assert len(done.stderr.splitlines()) <= 2
