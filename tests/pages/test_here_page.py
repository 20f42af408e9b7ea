"""This machine's page: every listener, for who has the token, in the order that is asked for."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from command import portbook
from pages.reading import Reading
from pages.serving import Serving, serving
from portbook.pages.prose.here import ORDERS
from test_documents import validator

pytestmark = pytest.mark.live

STALE = 2.2  # seconds; a snapshot is at most two old


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for these tests."""
    with serving(tmp_path_factory.mktemp("here")) as found:
        yield found


@contextmanager
def listening(program: str) -> Iterator[int]:
    """A process that was started as `program` and listens; its port."""
    code = (
        "import socket, sys\n"
        "held = socket.create_server(('127.0.0.1', 0))\n"
        "print(held.getsockname()[1], flush=True)\n"
        "sys.stdin.read()"
    )
    process = subprocess.Popen(
        [program, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.communicate(timeout=10)


def rows_of(page: Reading) -> list[tuple[str, ...]]:
    """The rows of the listeners."""
    return list(page.table("Listeners of this machine").rows)


def test_nobody_else_is_told(server: Serving) -> None:
    """Without the token: 401 with the way in, nothing of the machine, kept by nobody."""
    for path in ("/here", "/nl/here", "/here/part", "/here?sort=verdict"):
        reply = server.ask(path)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Bearer")
        assert socket.gethostname() not in Reading(reply.text).text
        assert not Reading(reply.text).tables
    assert [link for link in Reading(server.ask("/en/here").text).links if "enter" in link]
    twin = server.ask("/here.json")
    assert (twin.status, twin.document["error"]["code"]) == (401, "unauthorized")
    wrong = server.ask("/here", Authorization="Bearer " + "0" * 43)
    assert wrong.status == 401


def test_a_listener_is_told_with_its_holder(server: Serving) -> None:
    """A socket that was made just now is there at most two seconds later, and gone as soon."""
    with listening(sys.executable) as port:
        time.sleep(STALE)
        found = [row for row in rows_of(Reading(ask(server).text)) if row[0] == str(port)]
        assert len(found) == 1
        _, transport, address, holder, verdict, reach, since = found[0]
        assert (transport, address, reach) == ("TCP", "127.0.0.1", "this machine")
        assert "python" in holder
        assert verdict.split()[0] in {"unregistered", "unknown", "familiar", "mismatch"}
        assert since.endswith("UTC")
        assert f"/en/{port}" in Reading(ask(server).text).links
    time.sleep(STALE)
    assert not [row for row in rows_of(Reading(ask(server).text)) if row[0] == str(port)]


def ask(server: Serving, query: str = "", path: str = "/en/here") -> Any:
    """The page for who has the token."""
    reply = server.ask(f"{path}{query}", known=True)
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    return reply


def test_every_listener_is_a_row(server: Serving) -> None:
    """As many as the document has, in the order of their numbers."""
    with socket.create_server(("127.0.0.1", 0)), socket.socket(type=socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        time.sleep(STALE)
        document = ask(server, path="/here.json").document
        rows = rows_of(Reading(ask(server).text))
    listeners = [(row["port"], row["transport"].upper()) for row in document["listeners"]]
    assert (held.type, len(rows)) == (socket.SOCK_DGRAM, len(listeners))
    assert sorted(listeners) == [(int(row[0]), row[1]) for row in rows]
    assert "UDP" in {transport for _, transport in listeners}


def test_the_document_is_the_one_of_the_command(server: Serving) -> None:
    """`portbook ls --json`: the same fields, and the same sockets with the same verdicts."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        # Others on this machine may come and go between the two answers.
        ports = {held.getsockname()[1], server.port}
        time.sleep(STALE)
        reply = ask(server, path="/here.json")
        command = portbook("ls", "--json").document
    validator("listeners").validate(reply.document)
    assert list(reply.document) == list(command)
    assert reply.document["host"] == command["host"]

    def told(document: Any) -> list[dict[str, Any]]:
        rows = [row for row in document["listeners"] if row["port"] in ports]
        for row in rows:
            for owner in row["owners"]:
                # The command asks D-Bus about units, which takes too long for a page.
                del owner["unit_facts"]
        return rows

    assert told(reply.document) == told(command)
    assert len(told(reply.document)) >= 2


def test_the_heads_of_the_columns_sort(server: Serving) -> None:
    """Links, so that it works without JavaScript; the head says by what it is sorted."""
    with listening(sys.executable), socket.create_server(("127.0.0.1", 0)):
        time.sleep(STALE)
        for at, order in enumerate(ORDERS):
            reply = ask(server, f"?sort={order}")
            page = Reading(reply.text)
            column = [row[at] for row in rows_of(page)]
            assert reply.text.count("aria-sort") == 1
            assert {f"/en/here?sort={each}" for each in ORDERS} <= set(page.links)
            assert f"/en/here/part?sort={order}" in reply.text
            if order == "port":
                assert column == [str(number) for number in sorted(map(int, column))]
            elif order in ("transport", "address"):
                assert column == sorted(column)
            elif order == "owner":
                assert column == sorted(column, key=str.casefold)
            else:  # equal ones stand together
                starts = [
                    place
                    for place, each in enumerate(column)
                    if place == 0 or column[place - 1] != each
                ]
                assert len(starts) == len(set(column))


@pytest.mark.parametrize("order", ["", "nothing", "port%20desc", "__class__", "PORT"])
def test_another_order_is_refused(server: Serving, order: str) -> None:
    """400, and the orders that there are."""
    reply = server.ask(f"/en/here?sort={order}", known=True)
    assert reply.status == 400
    assert "verdict" in Reading(reply.text).text
    assert server.ask(f"/here/part?sort={order}", known=True).status == 400


def test_the_part_is_what_the_page_has(server: Serving) -> None:
    """What the module fetches is the inside of the element that it fills, nothing else."""
    part = ask(server, "?sort=port", "/en/here/part").text
    assert "<html" not in part
    assert "<script" not in part
    assert Reading(part).tables[0].heads == Reading(ask(server).text).tables[0].heads
    dutch = Reading(ask(server, path="/nl/here").text)
    assert dutch.language == "nl"


def test_a_name_of_a_process_is_text(server: Serving, tmp_path: Path) -> None:
    """Markup does not act, and a change of direction does not make a row read as another."""
    hostile = "<b>\u202egnp"
    program = tmp_path / hostile
    program.symlink_to(os.path.realpath(sys.executable))
    with listening(str(program)) as port:
        time.sleep(STALE)
        for path in ("/en/here", "/nl/here", "/en/here/part", "/en/"):
            reply = ask(server, path=path)
            assert "<b>" not in reply.text.replace("<b>portbook", "")
            assert "\u202e" not in reply.text
        rows = [row for row in rows_of(Reading(ask(server).text)) if row[0] == str(port)]
        assert "<b>\ufffdgnp" in rows[0][3]
