"""The claim book of a fleet as users have it: commands, and several services of one book."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from claims import postgres_book

pytestmark = pytest.mark.live


def portbook(*words: str, url: str | None = None, code: int = 0) -> str:
    """One command."""
    environment = {**os.environ, **({} if url is None else {"PORTBOOK_CLAIMS": url})}
    done = subprocess.run(
        [sys.executable, "-m", "portbook", *words],
        capture_output=True,
        text=True,
        env=environment,
        timeout=30,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


@contextmanager
def served(url: str, home: Path) -> Iterator[dict[str, Any]]:
    """A service of the book, and what it told."""
    running = subprocess.Popen(
        [sys.executable, "-m", "portbook", "serve", "--port", "0", "--json", "--store", url],
        stdout=subprocess.PIPE,
        env={**os.environ, "PORTBOOK_DATA_HOME": str(home)},
    )
    try:
        assert running.stdout is not None
        told: dict[str, Any] = json.loads(running.stdout.readline())
        told["home"] = str(home)
        yield told
    finally:
        running.terminate()
        running.wait(10)
        assert running.stdout is not None
        running.stdout.close()


def at(told: dict[str, Any], *words: str, code: int = 0) -> str:
    """A command that asks that service, over its socket."""
    done = subprocess.run(
        [sys.executable, "-m", "portbook", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PORTBOOK_DATA_HOME": told["home"]},
        timeout=30,
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_commands_use_the_book_that_portbook_claims_names() -> None:
    """Claim, see, be refused, reserve, take a permit, release: all in the book."""
    url = postgres_book.emptied()
    assert portbook("claim", "--port", "23001", "--name", "web", url=url).strip() == "23001"
    found = json.loads(portbook("claims", "--json", url=url))["claims"]
    assert [(each["port"], each["owner"]["pid"]) for each in found] == [(23001, None)]
    assert os.uname().nodename in found[0]["owner"]["label"]
    assert "23001/tcp is held" in portbook("claim", "--port", "23001", url=url, code=1)
    number = portbook("sem", "acquire", "reboots", "--limit", "1", url=url)
    assert number
    assert "held" in portbook(
        "sem", "acquire", "reboots", "--limit", "1", "--wait", "0", url=url, code=1
    )
    portbook("release", "23001", url=url)
    assert json.loads(portbook("claims", "--json", url=url))["claims"] == []
    assert json.loads(portbook("claims", "--json"))["claims"] == []


def test_a_permit_is_renewed_for_as_long_as_the_program_runs() -> None:
    """The book does not see our process: sem run keeps the lease itself."""
    url = postgres_book.emptied()
    said = portbook(
        *("sem", "run", "gpu", "--limit", "1", "--", sys.executable, "-c", "print('ran')"), url=url
    )
    assert said == "ran\n"
    assert json.loads(portbook("sem", "list", "--json", url=url))["semaphores"] == []


def test_two_services_hand_out_one_book(tmp_path: Path) -> None:
    """What one gave, the other refuses; a wait at one ends when the other releases."""
    url = postgres_book.emptied()
    with served(url, tmp_path / "a") as first, served(url, tmp_path / "b") as second:
        assert first["store"].endswith("/portbook")
        assert "bed" not in first["store"]
        at(first, "claim", "--port", "23002")
        assert "is held" in at(second, "claim", "--port", "23002", code=1)
        waits = subprocess.Popen(
            [sys.executable, "-m", "portbook", "claim", "--port", "23002", "--wait", "20s"],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PORTBOOK_DATA_HOME": second["home"]},
        )
        time.sleep(1.0)
        assert waits.poll() is None
        at(first, "release", "23002")
        said, _ = waits.communicate(timeout=10)
        assert said.strip() == "23002"
        (mine,) = json.loads(at(first, "claims", "--json"))["claims"]
        assert mine["port"] == 23002


def test_a_number_on_which_a_host_listens_is_not_given() -> None:
    """The inventory says it, as no kernel sees every host; asked for exactly, or from a pool."""
    url = postgres_book.emptied()
    made = postgres_book.cluster()
    made.query(
        "INSERT INTO portbook.host (id, name) VALUES ('web-1', 'web-1') ON CONFLICT DO NOTHING"
    )
    made.query(
        "INSERT INTO portbook.listener (host, transport, address, port, netns, inode, state, reach,"
        " process, verdict, rules, unknown, hash, since, changed) SELECT number, 'tcp', '0.0.0.0',"
        " 23003, '', 1, 'listen', 'any', 'nginx', 'expected', '', '', 0, now(), now()"
        " FROM portbook.host ON CONFLICT DO NOTHING"
    )
    try:
        said = portbook("claim", "--port", "23003", url=url, code=1)
        assert "nginx listens on web-1" in said
        given = portbook("claim", "--range", "23003-23004", url=url)
        assert given.strip() == "23004"
    finally:
        made.query("DELETE FROM portbook.listener")


def test_a_book_that_is_away_or_none_is_one_clear_line(tmp_path: Path) -> None:
    """No server, no database, no schema, no URL: exit 5, 5, 5 and 2; the pages run without it."""
    made = postgres_book.cluster()
    away = "postgresql://bed:secret@127.0.0.1:1/portbook"
    said = portbook("claim", url=away, code=5)
    assert "does not answer" in said
    assert "secret" not in said
    missing = made.url_for(name="nothing")
    assert "nothing" in portbook("claims", url=missing, code=5)
    bare = made.url_for(name="postgres")
    assert "portbook fleet init" in portbook("claims", url=bare, code=5)
    assert "PORTBOOK_CLAIMS" in portbook("claims", url="mysql://x", code=2)
    with served(away, tmp_path) as told:
        assert told["store"] is None


@pytest.mark.parametrize(
    "url", ["mysql://u:hunter2@db/x", "postgresql://u:hunter2@db:port/x", "s3://hunter2/x"]
)
def test_a_wrong_url_makes_no_folder_and_shows_no_password(url: str, tmp_path: Path) -> None:
    """It once became a folder `mysql:` with a book of its own in it."""
    done = subprocess.run(
        [sys.executable, "-m", "portbook", "serve", "--port", "0", "--store", url],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=30,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) <= 2
    assert "hunter2" not in done.stdout + done.stderr
    assert not any(tmp_path.iterdir())
