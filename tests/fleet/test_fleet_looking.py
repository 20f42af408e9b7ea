"""A host's listeners as rows of the fleet: what is asked anew, and what a row may say."""

import os
import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import recorded
from portbook.fleet import looking
from portbook.fleet.looking import Looker, row_of, table_of
from portbook.fleet.wire import decode_report, encode_report
from portbook.host import Host
from portbook.model import Listener, Unknown
from portbook.model.fleet import FleetReport, FleetRow, listener_of
from portbook.survey.listeners import survey


def rows_on(looker: Looker, port: int) -> list[FleetRow]:
    """What a look sees on a TCP port."""
    rows = looker.look().table.values()
    return [row for row in rows if (row.transport, row.port) == ("tcp", port)]


def test_a_listener_of_our_own_is_a_row() -> None:
    """Address, process, PID and verdict are those of this process, and it is gone when closed."""
    looker = Looker(Host())
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (row,) = rows_on(looker, port)
        assert (row.address, row.pid, row.state) == ("127.0.0.1", os.getpid(), "listen")
        assert row.inode == os.fstat(server.fileno()).st_ino
        assert row.reach == "loopback"
        assert row.started is not None
    assert not rows_on(looker, port)
    looker.close()


def test_owners_are_looked_up_only_where_sockets_changed() -> None:
    """Looks at a still host read the socket table alone; each tenth, and a change, read all."""
    looker = Looker(Host(recorded("debian12-root")))
    first = looker.look()
    assert first.table
    for _ in range(looking.WHOLE - 1):
        assert looker.look().table is first.table
    assert looker.wholes == 1
    again = looker.look()
    assert looker.wholes == 2
    assert all(again.table[key] is row for key, row in first.table.items())
    looker.close()


def test_a_listener_that_comes_is_seen_at_once() -> None:
    """A new socket is a reason to look up owners, long before the tenth look."""
    looker = Looker(Host())
    looker.look()
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert rows_on(looker, server.getsockname()[1])
    looker.close()


def test_a_socket_that_is_handed_on_has_its_new_holder_at_the_next_look() -> None:
    """The first holder ends and its child keeps the socket: no socket changed, the row does."""
    program = """
import os, socket, sys, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.readline()
if os.fork():
    os._exit(0)
time.sleep(60)
"""
    looker = Looker(Host())
    holder = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    heir = None
    try:
        port = int(holder.stdout.readline())
        (row,) = rows_on(looker, port)
        assert row.pid == holder.pid
        holder.stdin.write(b"\n")
        holder.stdin.close()
        holder.wait()
        (row,) = rows_on(looker, port)
        heir = row.pid
        assert heir not in (None, holder.pid)
    finally:
        if heir:
            os.kill(heir, 9)
        holder.stdout.close()
        looker.close()


def test_two_sockets_of_one_address_are_two_rows() -> None:
    """SO_REUSEPORT: the inode number tells them apart."""
    looker = Looker(Host())
    with (
        socket.create_server(("127.0.0.1", 0), reuse_port=True) as one,
        socket.create_server(one.getsockname(), reuse_port=True),
    ):
        assert len(rows_on(looker, one.getsockname()[1])) == 2
    looker.close()


def test_without_inode_numbers_the_first_stays_and_a_gap_says_so() -> None:
    """A source that cannot tell them apart loses none silently."""
    listeners = survey(Host(recorded("debian12-root"))).listeners
    socket_ = listeners[0].socket._replace(inode=Unknown("unsupported"))
    one = listeners[0]._replace(socket=socket_)
    table, gaps = table_of((one, one))
    assert len(table) == 1
    assert gaps == ("1 further sockets of one address: they cannot be told apart",)


def test_more_than_a_host_may_have_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is bounded, and says what is missing."""
    monkeypatch.setattr(looking, "MOST_ROWS", 2)
    listeners = survey(Host(recorded("debian12-root"))).listeners
    table, gaps = table_of(listeners)
    assert len(table) == 2
    assert gaps == (f"{len(listeners) - 2} sockets: a host reports 2 at most",)


@pytest.mark.parametrize("name", ["debian12-root", "debian12-nobody", "debian12-systemd"])
def test_rows_say_what_the_survey_says(name: str) -> None:
    """Each fact of the first holder is in the row, and what is unknown keeps its reason."""
    found = survey(Host(recorded(name))).listeners
    assert found
    for each in found:
        row = row_of(each)
        back = listener_of("web-1", "web", row, "2026-11-23T09:00:00Z", Unknown("unsupported"))
        assert back.verdict == each.verdict.value
        assert back.rules == tuple(dict.fromkeys(one.rule for one in each.verdict.suspicions))
        if not each.owners:
            continue
        first = each.owners[0]
        for said, fact in (
            (back.process, first.name),
            (back.pid, first.pid),
            (back.exe, first.exe),
        ):
            if isinstance(fact, Unknown):
                assert isinstance(said, Unknown)
                assert said.unknown == fact.unknown
            else:
                assert said == fact


def test_systemds_socket_is_its_services() -> None:
    """A socket that systemd holds for a service is that service's, not that of PID 1."""
    rows = [
        (each, row_of(each))
        for each in survey(Host(recorded("debian12-systemd"))).listeners
        if each.activation and each.owners and each.owners[0].name in ("systemd", "init")
    ]
    assert rows
    for each, row in rows:
        assert each.activation is not None
        assert row.unit in (each.activation.service, each.activation.socket)


def a_listener() -> Listener:
    """One with a process."""
    return next(each for each in survey(Host(recorded("debian12-root"))).listeners if each.owners)


LISTENER = a_listener()
TEXTS = st.text(st.characters(), max_size=6_000) | st.sampled_from(
    ["\ud800", "\x00", "a" * 5_000, "\u202e" * 900, "\x1b[2J", "é" * 300]
)


@given(name=TEXTS, exe=TEXTS, user=TEXTS, namespace=TEXTS)
def test_any_names_of_processes_make_a_report_that_is_taken(
    name: str, exe: str, user: str, namespace: str
) -> None:
    """Whatever bytes a process calls itself by: the row is printable and fits the wire."""
    owner = LISTENER.owners[0]._replace(name=name, exe=exe)
    row = row_of(LISTENER._replace(owners=(owner,), user=user, namespace=namespace))
    report = FleetReport(
        host="web-1",
        name="web",
        instance="0:1",
        seq=1,
        full=True,
        base=0,
        after=1,
        total=1,
        age_ms=0,
        every_ms=30_000,
        version="1",
        rows=(row,),
    )
    assert decode_report(encode_report(report)).rows == (row,)
    assert all(each.isprintable() for each in row if isinstance(each, str))
