"""The fleet's pages while their store is away, slow, foreign or asked by many at once."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from command import portbook
from fleet.engines import Postgres
from fleet.filled import filled
from pages.serving import serving
from portbook.pages.fleet.desk import MOST_WAITING, FleetDesk, NotTold

if TYPE_CHECKING:
    from portbook.host.postgres import Link

pytestmark = pytest.mark.live


def test_a_store_that_is_away_is_said_and_comes_back(database: Postgres, tmp_path: Path) -> None:
    """503 in one sentence at once, everything else goes on, and it is read again afterwards."""
    filled(database, hosts=5)
    with serving(tmp_path, "--fleet-store", database.url) as server:
        assert server.ask("/fleet", known=True).status == 200
        database.kill()
        try:
            time.sleep(3.2)
            for path in ("/en/fleet", "/nl/fleet/port/22", "/fleet/host/host-0001", "/fleet.json"):
                began = time.monotonic()
                reply = server.ask(path, known=True)
                assert time.monotonic() - began < 3
                assert reply.status == 503
                assert reply.headers["retry-after"] == "3"
                assert ":bed@" not in reply.text
            where = f"127.0.0.1:{database.port}/portbook"
            said = reply.document["error"]["message"]
            assert said == f"The store of the fleet, {where}, does not answer just now."
            assert server.ask("/3255").status == 200
            assert server.ask("/here.json", known=True).status == 200
        finally:
            database.start()
        deadline = time.monotonic() + 15
        while server.ask("/fleet.json", known=True).status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_a_slow_store_stops_nobody(database: Postgres, tmp_path: Path) -> None:
    """While a table is locked, other pages answer at once; who waits is told in time."""
    filled(database, hosts=5)
    with serving(tmp_path, "--fleet-store", database.url) as server:
        assert server.ask("/fleet", known=True).status == 200
        with psycopg.connect(database.url) as other, ThreadPoolExecutor(12) as threads:
            other.execute("LOCK TABLE portbook.listener IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            waiting = [
                threads.submit(server.ask, f"/fleet/port/{port}.json", known=True)
                for port in range(12)
            ]
            for _ in range(20):
                asked = time.monotonic()
                assert server.ask("/3255").status == 200
                assert time.monotonic() - asked < 1
            for each in waiting:
                reply = each.result()
                assert reply.status == 503
                assert "takes too long" in reply.text
            assert time.monotonic() - began < 12
            other.rollback()
        deadline = time.monotonic() + 15
        while server.ask("/fleet/port/22.json", known=True).status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_a_server_ends_while_its_store_does_not_answer(database: Postgres, tmp_path: Path) -> None:
    """SIGTERM ends it in time, though a question waits for a lock."""
    filled(database, hosts=2)
    with (
        psycopg.connect(database.url) as other,
        serving(tmp_path, "--fleet-store", database.url) as server,
    ):
        other.execute("LOCK TABLE portbook.listener IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=_asked, args=(server, "/fleet/port/1.json"))
        thread.start()
        time.sleep(0.5)
        began = time.monotonic()
        server.process.terminate()
        server.process.wait(20)
        assert time.monotonic() - began < 12
        thread.join()


def _asked(server: object, path: str) -> None:
    from contextlib import suppress
    from http.client import HTTPException

    with suppress(OSError, HTTPException):
        server.ask(path, known=True)  # type: ignore[attr-defined] # Serving


def test_a_database_without_our_schema_is_said(database: Postgres, tmp_path: Path) -> None:
    """An empty database is one sentence, which names the way out."""
    with serving(tmp_path, "--fleet-store", database.url) as server:
        reply = server.ask("/fleet.json", known=True)
        assert reply.status == 503
        assert "has no schema of portbook" in reply.document["error"]["message"]
        assert "Traceback" not in reply.text


def test_a_user_without_a_role_is_said(database: Postgres, tmp_path: Path) -> None:
    """Who may not read is told that the store refuses, and gets no page."""
    filled(database, hosts=2)
    database.query("CREATE ROLE stranger LOGIN PASSWORD 'odd-secret'", "postgres")
    try:
        url = database.url_for("stranger", "odd-secret")
        with serving(tmp_path, "--fleet-store", url) as server:
            reply = server.ask("/fleet.json", known=True)
            assert reply.status == 503
            assert "cannot be read" in reply.text
            assert "odd-secret" not in reply.text
    finally:
        database.query("DROP ROLE stranger", "postgres")


def test_options_that_do_not_fit_are_one_line(tmp_path: Path) -> None:
    """A wrong option ends the command; a wrong variable only takes the fleet away."""
    run = portbook("serve", "--port", "0", "--fleet-store", "mysql://x")
    assert run.code == 2
    assert run.err.startswith("portbook: error: the store of a fleet is named by a URL")
    with serving(tmp_path, env={"PORTBOOK_FLEET_STORE": "mysql://x"}) as server:
        assert server.ask("/fleet", known=True).status == 404
    assert "no fleet is shown: the store of a fleet" in (tmp_path / "serve.log").read_text()


def test_equal_questions_are_asked_once(database: Postgres) -> None:
    """Fifty askers at once share one answer, which is kept for a moment."""
    filled(database, hosts=1)
    calls: list[int] = []

    def question(link: "Link") -> object:
        calls.append(1)
        found = link.execute("SELECT pg_sleep(0.2), 7").fetchone()
        return found and found[1]

    async def ask() -> list[object]:
        told = await asyncio.gather(*(desk.ask("seven", question) for _ in range(50)))
        return [*told, await desk.ask("seven", question)]

    desk = FleetDesk(database.url)
    try:
        assert asyncio.run(ask()) == [7] * 51
        assert len(calls) == 1
    finally:
        desk.close()


def test_too_many_questions_are_refused_at_once(database: Postgres) -> None:
    """Different questions wait up to a number, and further ones are told that it is busy."""
    filled(database, hosts=1)

    async def ask() -> list[str]:
        async def one(number: int) -> str:
            try:
                await desk.ask(number, lambda link: link.execute("SELECT pg_sleep(0.3)"))
            except NotTold as fault:
                return fault.kind
            return "told"

        return await asyncio.gather(*(one(number) for number in range(MOST_WAITING + 8)))

    desk = FleetDesk(database.url)
    try:
        kinds = asyncio.run(ask())
        assert kinds.count("busy") == 8
        assert kinds.count("told") == MOST_WAITING
        linked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'portbook pages'"
        assert database.query(linked)[0][0] in (1, 2, 3, 4)
    finally:
        desk.close()


def test_no_question_can_write(database: Postgres) -> None:
    """Not even one of ours, and not for a superuser: the transaction only reads."""
    filled(database, hosts=1)
    desk = FleetDesk(database.url)
    try:
        with pytest.raises(NotTold):
            asyncio.run(desk.ask("w", lambda link: link.execute("DELETE FROM listener")))
    finally:
        desk.close()
    assert database.query("SELECT count(*) FROM portbook.listener")[0][0] != 0
