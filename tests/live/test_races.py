import os

import pytest

from live.stage import actor, rows, run_portbook
from portbook.host import Host
from portbook.sockets import read_table
from portbook.survey import survey
from portbook.survey.listeners import listeners_of

pytestmark = pytest.mark.live


def test_a_socket_whose_process_has_just_exited_leaves_no_row() -> None:
    """When the holder is gone so is the row: no ghost, no crash."""
    with actor() as short:
        port = short("bind")["port"]
        assert [row.owners[0].pid for row in rows(port)] == [short.pid]
    assert rows(port) == []
    assert run_portbook("ls", "--port", str(port)).code in (1, 3)


def test_a_socket_that_closed_after_the_table_was_read_leaves_no_row() -> None:
    """The table is stale by the time owners are searched: the second reading drops the row."""
    host = Host()
    with actor() as short:
        port = short("bind")["port"]
        stale = [found for found in read_table(host).sockets if found.port == port]
    assert len(stale) == 1
    assert listeners_of(host, [(stale[0], None)]).listeners == ()


def test_listing_survives_two_hundred_processes_that_come_and_go() -> None:
    """Twenty listings while short-lived servers start and stop: no error, no row without holder."""
    # An address that nobody else uses marks the sockets of this test.
    address = f"127.{77 + os.getpid() % 50}.{os.getpid() % 251}.1"
    host = Host()
    met = 0
    with actor() as busy:
        (spawner,) = busy("churn", 200, address)
        round_ = -1
        while round_ < 20 or os.path.exists(f"/proc/{spawner}/exe"):
            round_ += 1
            for row in survey(host).listeners:
                if row.socket.address != address:
                    continue
                met += 1
                assert [owner.proof for owner in row.owners] == ["fd"], row
            if round_ in (3, 6):
                ran = run_portbook("ls", "--json")
                assert ran.err == ""
                assert ran.code in (0, 3)
                assert ran.document["schema"] == "portbook/listeners/1"
        assert busy("wait", spawner) == 0
    assert [row for row in survey(host).listeners if row.socket.address == address] == []
    assert met, "not one short-lived socket was met"
