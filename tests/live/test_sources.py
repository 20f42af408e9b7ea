"""The three ways to read the kernel's tables, held against each other."""

import random
import socket
from contextlib import ExitStack

import pytest

from live.stage import NOBODY, Actor, actor, holding, inode_of, listed, port_of, rows, run_portbook
from portbook.host import Host
from portbook.model import Socket, Transport, Unknown
from portbook.sockets import read_table

pytestmark = pytest.mark.live

ADDRESSES = ("127.0.0.1", "127.9.8.7", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1")


def keys(source: str, inodes: set[int], *, every_state: bool = False) -> set[tuple[object, ...]]:
    """What both sources can tell of the sockets with these inodes."""
    return {
        (found.transport, found.address, found.port, found.family, found.inode, found.uid)
        for found in read_table(Host(), source=source, every_state=every_state).sockets
        if found.inode in inodes
    }


@pytest.mark.parametrize("seed", range(3))
def test_netlink_and_proc_net_tell_the_same_of_fifty_random_sockets(seed: int) -> None:
    """Address, port, inode and user agree; only bound TCP sockets are netlink's alone."""
    chance = random.Random(seed)
    with ExitStack() as stack:
        made: dict[int, tuple[str, str, bool]] = {}
        for _ in range(50):
            transport = chance.choice(("tcp", "udp"))
            listen = chance.random() < 0.8
            address = chance.choice(ADDRESSES)
            opened = stack.enter_context(holding(address, transport, listen=listen))
            made[inode_of(opened)] = (transport, address, listen)
        netlink = keys("netlink", set(made))
        assert {row[4] for row in netlink} == set(made)
        shown = {inode for inode, (kind, _, listen) in made.items() if listen or kind == "udp"}
        assert keys("procnet", set(made)) == {row for row in netlink if row[4] in shown}
        for row in netlink:
            assert row[:2] == made[row[4]][:2]  # type: ignore[index]
    assert keys("netlink", set(made)) == keys("procnet", set(made)) == set()


def test_both_sources_agree_on_clients_and_closing_connections() -> None:
    """With every state asked for, the connections of a server agree as well, peers included."""
    with holding() as served, socket.socket() as client:
        client.connect(served.getsockname())
        with served.accept()[0]:
            ports = {port_of(served), port_of(client)}

            def told(source: str) -> set[tuple[object, ...]]:
                table = read_table(Host(), source=source, every_state=True)
                return {
                    (found.address, found.port, found.state, found.peer, found.inode)
                    for found in table.sockets
                    if found.port in ports
                }

            assert told("netlink") == told("procnet")
            assert len(told("netlink")) == 3


@pytest.mark.parametrize("source", ["netlink", "procnet", "psutil"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_every_source_filters_by_port_as_it_lists(source: str, transport: str) -> None:
    """Asking for one port gives exactly the rows of the whole table that have it."""
    with holding(transport=transport) as one, holding(transport=transport):
        for every_state in (False, True):
            whole = read_table(Host(), source=source, every_state=every_state).sockets
            asked = read_table(
                Host(), port=port_of(one), source=source, every_state=every_state
            ).sockets
            # Another test's closed connection may have had the number over the other transport.
            lasting = {found for found in asked if found.state != "time-wait"}
            assert lasting == {
                found
                for found in whole
                if found.port == port_of(one) and found.state != "time-wait"
            }
            assert len(lasting) == 1


def test_netlink_filters_bound_sockets_by_port() -> None:
    """The kernel's port filter passes sockets that are bound without listening."""
    with holding(listen=False) as held, holding(listen=False):
        table = read_table(Host(), port=port_of(held), every_state=True)
        assert [(found.inode, found.state) for found in table.sockets] == [
            (inode_of(held), "bound")
        ]


@pytest.mark.parametrize("source", ["procnet", "psutil"])
def test_a_forced_source_lists_the_same_and_names_what_it_lacks(source: str) -> None:
    """Rows agree with netlink's, the untold facts are values that say so, exit code 3."""
    with holding("::", v6only=True) as served, holding(transport="udp") as other:
        for each in (served, other):
            (best,) = rows(port_of(each), source="netlink")
            (row,) = rows(port_of(each), source=source)
            for field in ("transport", "address", "port", "family", "state"):
                assert getattr(row.socket, field) == getattr(best.socket, field)
            assert row.user == best.user
            assert row.owners[0].pid == best.owners[0].pid
        ran = run_portbook("ls", "--source", source, "--json", "--port", str(port_of(served)))
        assert ran.code == 3
        assert any("bound without listening" in gap["what"] for gap in ran.document["incomplete"])
        (shown,) = ran.document["listeners"]
        assert shown["dual_stack"]["unknown"] == "unsupported"
        assert shown["backlog"]["unknown"] == "unsupported"


def test_without_the_table_the_real_bind_still_tells() -> None:
    """Through /proc/net a bound socket is invisible: the bind is refused and `why` says hidden."""
    with holding(listen=False) as held:
        ran = run_portbook("why", f"{port_of(held)}/tcp", "--source", "procnet", "--json")
        assert ran.code == 1
        judged = ran.document["tcp"]
        assert (judged["free"], judged["table"], judged["probe"]) == (False, "unknown", "taken")
        assert [reason["kind"] for reason in judged["reasons"]] == ["hidden", "address"]


def test_without_table_and_probe_the_answer_is_unknown_never_free() -> None:
    """/proc/net alone cannot say that a port is free: exit code 3 and the way to know."""
    with holding() as served:
        port = port_of(served)
    ran = run_portbook("why", f"{port}/tcp", "--source", "procnet", "--no-probe", "--json")
    assert ran.code == 3
    assert ran.document["tcp"]["free"]["unknown"] == "not-asked"


def test_an_unknown_source_is_a_usage_error() -> None:
    """Exit code 2, one line and the names that work."""
    ran = run_portbook("ls", "--source", "tea-leaves")
    assert ran.code == 2
    assert ran.err.splitlines() == [
        "portbook: error: unknown socket source 'tea-leaves'",
        "hint: one of netlink, procnet, psutil",
    ]


def test_where_netlink_is_refused_proc_net_answers_and_says_why() -> None:
    """Under a seccomp profile the rows are still there, with a named gap; exit code 3."""
    with holding() as served, actor() as confined:
        confined("load")
        confined("refuse_netlink")
        ran = confined.portbook("ls", "--json", "--port", str(port_of(served)))
        assert (ran.code, ran.err) == (3, "")
        (row,) = ran.document["listeners"]
        assert row["inode"] == inode_of(served)
        assert row["owners"][0]["proof"] == "fd"
        gap = ran.document["incomplete"][0]
        assert gap["what"] == "sockets from netlink"
        assert "refuses" in gap["why"]


@pytest.mark.root
def test_without_proc_the_sockets_are_listed_and_their_owners_unknown() -> None:
    """Netlink needs no /proc: rows stay, owners and settings are gaps, no error."""
    with holding() as served, actor() as blind:
        blind("load")
        blind("enter", "mount")
        blind("mount", "tmpfs", "/proc")
        ran = blind.portbook("ls", "--json", "--port", str(port_of(served)))
        assert ran.err == ""
        assert ran.code == 3
        (row,) = ran.document["listeners"]
        assert row["inode"] == inode_of(served)
        assert row["netns"]["unknown"]
        assert row["owners"][0]["proof"] == "none"
        assert row["owners"][0]["pid"]["unknown"] != "no-process"
        assert any("/proc" in str(gap) for gap in ran.document["incomplete"])
        why = blind.portbook("why", str(port_of(served)), "--json")
        assert (why.code, why.err) == (1, "")


@pytest.mark.root
def test_where_proc_cannot_be_entered_the_sockets_are_still_listed() -> None:
    """A /proc that is closed to us is a gap and no error."""
    with holding() as served, actor() as closed:
        closed("load")
        closed("enter", "mount")
        closed("mount", "tmpfs", "/proc", "mode=700")
        closed("become", NOBODY)
        ran = closed.portbook("ls", "--json", "--port", str(port_of(served)))
        assert (ran.code, ran.err) == (3, "")
        (row,) = ran.document["listeners"]
        assert row["user"] == "root"
        assert row["owners"][0]["pid"]["unknown"] == "unreadable"


@pytest.mark.root
@pytest.mark.parametrize("arguments", [["ls"], ["why", "1"], ["ls", "--json"]])
def test_where_nothing_can_be_read_one_clear_line_says_so(arguments: list[str]) -> None:
    """Neither netlink nor /proc: exit code 5, one error line, nothing on stdout."""
    with actor() as blind:
        blind("load")
        blind("enter", "mount")
        blind("mount", "tmpfs", "/proc")
        blind("refuse_netlink")
        ran = blind.portbook(*arguments)
        assert ran.code == 5
        assert ran.out == ""
        error, *hint = ran.err.splitlines()
        assert error.startswith("portbook: error: cannot read the socket table: netlink: ")
        assert "procnet: " in error
        assert [line.partition(":")[0] for line in hint] == ["hint"]


def test_a_socket_row_is_equal_however_often_it_is_read() -> None:
    """Two readings of an unchanged socket are equal values."""
    with holding() as served:

        def read() -> Socket:
            (row,) = read_table(Host(), port=port_of(served)).sockets
            return row

        first = read()
        assert first == read()
        assert first.transport is Transport.TCP
        assert not isinstance(first.inode, Unknown)
        assert listed(port_of(served))[0]["inode"] == first.inode


@pytest.mark.root
def test_ipv6_switched_off_is_no_error(island: Actor) -> None:
    """A namespace without IPv6 lists its IPv4 sockets, and its ports can be free."""
    island("write", "/proc/sys/net/ipv6/conf/all/disable_ipv6", "1")
    port = island("bind")["port"]
    ran = island.portbook("ls", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [row["port"] for row in ran.document["listeners"]] == [port]
    assert island.portbook("why", f"{port}/udp").code == 0
    assert island.portbook("why", f"{port}/tcp").code == 1
