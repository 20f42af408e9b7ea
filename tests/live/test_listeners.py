import os
import socket

import pytest

from live.stage import Actor, actor, holding, inode_of, listed, port_of, rows, run_portbook
from portbook.survey import why

pytestmark = pytest.mark.live


def test_a_listener_is_not_there_then_there_then_gone() -> None:
    """A row appears with the socket and disappears with it, in the library and the command."""
    with holding(listen=False) as served:
        port = port_of(served)
        assert [row for row in rows(port) if row.socket.state == "listen"] == []
        served.listen(7)
        (row,) = rows(port)
        assert row.socket.state == "listen"
        assert row.socket.inode == inode_of(served)
        assert row.socket.backlog == 7
        assert row.socket.queued == 0
        assert row.socket.netns == os.stat("/proc/self/ns/net").st_ino
        assert row.owners[0].pid == os.getpid()
        (shown,) = listed(port)
        assert shown["inode"] == inode_of(served)
        assert shown["state"] == "listen"
        assert (shown["owners"][0]["pid"], shown["owners"][0]["fds"]) == (
            os.getpid(),
            [served.fileno()],
        )
    assert rows(port) == []
    assert listed(port) == []


def test_connections_that_wait_for_accept_are_counted() -> None:
    """`queued` is the number of connections that the server has not taken yet."""
    with holding() as served, socket.socket() as one, socket.socket() as two:
        for client in (one, two):
            client.connect(served.getsockname())
        (row,) = rows(port_of(served))
        assert (row.socket.queued, row.socket.backlog) == (2, 7)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_an_ipv6_wildcard_with_v6only_is_told_from_one_that_takes_ipv4(transport: str) -> None:
    """`dual_stack` is the kernel's IPV6_V6ONLY, for TCP and UDP."""
    with (
        holding("::", transport, v6only=False) as both,
        holding("::", transport, v6only=True) as only,
    ):
        for served, expected in ((both, True), (only, False)):
            (row,) = rows(port_of(served))
            assert row.socket.address == "::"
            assert row.socket.family == "ipv6"
            assert row.socket.dual_stack is expected
            (shown,) = listed(port_of(served))
            assert shown["dual_stack"] is expected


def test_a_v6only_wildcard_leaves_ipv4_free_and_a_dual_stack_one_does_not() -> None:
    """`why` says which half of the port can still be bound."""
    with holding("::", v6only=True) as only:
        judged = why(port_of(only), "tcp").tcp
        assert judged is not None
        assert judged.free is False
        assert [(r.kind, r.address) for r in judged.reasons] == [
            ("listening", "::"),
            ("address", "0.0.0.0"),
        ]
        with holding("0.0.0.0", port=port_of(only)):
            assert len(listed(port_of(only))) == 2
    with holding("::", v6only=False) as both:
        judged = why(port_of(both), "tcp").tcp
        assert judged is not None
        assert [(r.kind, r.address) for r in judged.reasons] == [("listening", "::")]
        with pytest.raises(OSError, match="in use"), holding("0.0.0.0", port=port_of(both)):
            pass
        ran = run_portbook("why", f"{port_of(both)}/tcp", "--json")
        assert ran.code == 1
        assert ran.document["tcp"]["free"] is False


def test_two_addresses_of_one_port_stay_two_rows() -> None:
    """127.0.0.1 and another address are never merged because their port is equal."""
    with holding("127.0.0.1") as one, holding("127.0.0.2", port=port_of(one)) as two:
        found = {row.socket.address: row.socket.inode for row in rows(port_of(one))}
        assert found == {"127.0.0.1": inode_of(one), "127.0.0.2": inode_of(two)}
        shown = listed(port_of(one))
        assert [row["address"] for row in shown] == ["127.0.0.1", "127.0.0.2"]
        assert {row["reach"] for row in shown} == {"loopback"}


def test_loopback_and_wildcard_on_one_port_stay_two_rows() -> None:
    """127.0.0.1 beside 0.0.0.0, possible with SO_REUSEADDR before listen(), is two rows."""
    with socket.socket() as local, socket.socket() as every:
        for served in (local, every):
            served.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        local.bind(("127.0.0.1", 0))
        port = port_of(local)
        every.bind(("0.0.0.0", port))
        every.listen()
        found = {(row.socket.address, row.socket.state, row.reach) for row in rows(port)}
        assert found == {("127.0.0.1", "bound", "loopback"), ("0.0.0.0", "listen", "any")}
        assert len({row.socket.inode for row in rows(port)}) == 2
        assert {row["address"] for row in listed(port)} == {"127.0.0.1", "0.0.0.0"}


def test_one_address_only_is_said_with_another_that_works() -> None:
    """A holder of 127.0.0.1 does not keep 127.0.0.2 from being bound, and `why` says so."""
    with holding("127.0.0.1") as served:
        judged = why(port_of(served), "tcp").tcp
        assert judged is not None
        assert [r.kind for r in judged.reasons] == ["listening", "address"]
        assert "127.0.0.2" in judged.reasons[1].detail


def test_two_processes_with_so_reuseport_are_two_rows_with_an_owner_each() -> None:
    """Each socket of a SO_REUSEPORT group keeps its inode and its owner."""
    with actor() as one, actor() as two:
        first = one("bind", reuseport=True)
        second = two("bind", port=first["port"], reuseport=True)
        expected = {first["inode"]: [one.pid], second["inode"]: [two.pid]}
        found = rows(first["port"])
        assert {r.socket.inode: [o.pid for o in r.owners] for r in found} == expected
        shown = listed(first["port"])
        assert {r["inode"]: [o["pid"] for o in r["owners"]] for r in shown} == expected


def test_a_udp_server_is_listed_and_a_connected_udp_client_is_not() -> None:
    """Only an unconnected UDP socket serves; `why` still names the client that holds its port."""
    with holding(transport="udp") as served, holding(transport="udp") as client:
        client.connect(served.getsockname())
        (row,) = rows(port_of(served))
        assert (row.socket.state, row.socket.transport) == ("unconnected", "udp")
        assert rows(port_of(client)) == []
        assert listed(port_of(client)) == []
        judged = why(port_of(client), "udp").udp
        assert judged is not None
        assert judged.free is False
        assert judged.reasons[0].kind == "client"
        assert f"127.0.0.1:{port_of(served)}" in judged.reasons[0].detail


def test_datagrams_that_wait_are_counted_in_bytes() -> None:
    """A UDP socket's `queued` grows with what nobody has read."""
    with holding(transport="udp") as served, holding(transport="udp") as client:
        client.sendto(b"unread", served.getsockname())
        (row,) = rows(port_of(served))
        assert isinstance(row.socket.queued, int)
        assert row.socket.queued >= 6
        assert row.socket.backlog is None


def test_transports_are_told_apart_and_filtered() -> None:
    """TCP and UDP on one number are two rows; --udp shows only one of them."""
    with holding() as served, holding(transport="udp", port=port_of(served)):
        port = port_of(served)
        assert [row["transport"] for row in listed(port)] == ["tcp", "udp"]
        assert [row["transport"] for row in listed(port, "--udp")] == ["udp"]


def test_a_kernel_thread_or_foreign_socket_never_hides_the_rest() -> None:
    """Every listener of this machine has at least one owner entry with a proof."""
    for row in run_portbook("ls", "--json").document["listeners"]:
        assert row["inode"] == 0 or row["owners"]
        assert {owner["proof"] for owner in row["owners"]} <= {"fd", "cgroup", "none"}


@pytest.mark.root
def test_the_device_that_a_socket_is_bound_to_is_named(island: Actor) -> None:
    """SO_BINDTODEVICE shows as `interface`."""
    with socket.socket() as served:
        served.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
        served.bind(("127.0.0.1", 0))
        served.listen()
        (row,) = rows(port_of(served))
        assert row.socket.interface == "lo"
        (shown,) = listed(port_of(served))
        assert shown["interface"] == "lo"


def test_jsonl_prints_one_listener_per_line() -> None:
    """--jsonl is one document of schema portbook/listener/1 per row."""
    import json

    with holding("127.0.0.1") as one, holding("127.0.0.2", port=port_of(one)):
        ran = run_portbook("ls", "--jsonl", "--port", str(port_of(one)))
        documents = [json.loads(line) for line in ran.out.splitlines()]
        assert [found["address"] for found in documents] == ["127.0.0.1", "127.0.0.2"]
        assert {found["schema"] for found in documents} == {"portbook/listener/1"}
