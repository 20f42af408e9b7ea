import os
import socket

import pytest

from live.stage import Actor, actor, holding, kinds, listed, port_of, rows, run_portbook
from portbook.model import Bindable, Owner
from portbook.survey import why

pytestmark = pytest.mark.live


def judged_tcp(port: int) -> Bindable:
    """What the library says of TCP on this port."""
    judged = why(port, "tcp").tcp
    assert judged is not None
    return judged


def test_a_free_port_is_free_for_both_transports() -> None:
    """After its last holder closed, a port is free, exit code 0, without a reason."""
    with holding() as served:
        port = port_of(served)
    assert judged_tcp(port) == Bindable(free=True, reasons=(), table="free", probe="free")
    ran = run_portbook("why", str(port), "--json")
    assert ran.code == 0
    assert ran.document["schema"] == "portbook/why/1"
    assert ran.document["tcp"]["free"] is True
    assert ran.document["udp"]["free"] is True


def test_a_listening_server_is_the_reason_with_its_owner() -> None:
    """`why` names the listener, its address and its process; exit code 1."""
    with holding() as served:
        port = port_of(served)
        reason = judged_tcp(port).reasons[0]
        assert (reason.kind, reason.address) == ("listening", "127.0.0.1")
        assert isinstance(reason.owner, Owner)
        assert reason.owner.pid == os.getpid()
        ran = run_portbook("why", str(port), "--json")
        assert ran.code == 1
        assert ran.document["tcp"]["reasons"][0]["owner"]["pid"] == os.getpid()
        assert ran.document["udp"]["free"] is True
        assert run_portbook("why", f"{port}/udp").code == 0


def test_a_socket_that_is_bound_without_listening_is_seen_and_named() -> None:
    """What blocks bind() without a trace in /proc/net is in `ls` and the reason in `why`."""
    with holding(listen=False) as held:
        port = port_of(held)
        (row,) = rows(port)
        assert row.socket.state == "bound"
        assert row.owners[0].pid == os.getpid()
        (shown,) = listed(port)
        assert shown["state"] == "bound"
        with pytest.raises(OSError, match="in use"), holding(port=port):
            pass
        judged = judged_tcp(port)
        assert (judged.free, judged.table, judged.probe) == (False, "taken", "taken")
        assert kinds(judged.reasons)[0] == "bound-not-listening"
        ran = run_portbook("why", f"{port}/tcp", "--json")
        assert ran.code == 1
        reason = ran.document["tcp"]["reasons"][0]
        assert reason["kind"] == "bound-not-listening"
        assert reason["owner"]["pid"] == os.getpid()
    assert rows(port) == []
    assert judged_tcp(port).free is True
    assert run_portbook("why", f"{port}/tcp").code == 0


def time_wait_port(*, reuse: bool) -> int:
    """A port whose server closed its connection first and is gone."""
    with socket.socket() as served, socket.socket() as client:
        served.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        served.bind(("127.0.0.1", 0))
        served.listen()
        client.connect(served.getsockname())
        accepted, _ = served.accept()
        accepted.close()
        assert client.recv(1) == b""
        return port_of(served)


@pytest.mark.parametrize("reuse", [True, False])
def test_time_wait_keeps_a_plain_bind_out_and_is_named(*, reuse: bool) -> None:
    """A port in TIME_WAIT is not free; SO_REUSEADDR gets it if the earlier server set it, too."""
    port = time_wait_port(reuse=reuse)
    judged = judged_tcp(port)
    assert (judged.free, judged.table, judged.probe) == (False, "taken", "taken")
    assert kinds(judged.reasons)[0] == "time-wait"
    assert judged.reasons[0].owner is None
    assert ("can bind now (tried)" in judged.reasons[0].detail) is reuse
    assert ("does not help" in judged.reasons[0].detail) is not reuse
    with pytest.raises(OSError, match="in use"), holding(port=port):
        pass
    ran = run_portbook("why", f"{port}/tcp", "--json")
    assert ran.code == 1
    assert kinds(ran.document["tcp"]["reasons"])[0] == "time-wait"
    with socket.socket() as reusing:
        reusing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        assert bound(reusing, port) is reuse
    assert rows(port) == []


def bound(opened: socket.socket, port: int) -> bool:
    """Whether this socket could be bound."""
    try:
        opened.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def test_a_client_that_holds_the_port_is_named_with_its_peer() -> None:
    """A port that the kernel gave to a connect() is `client`, with who is at the other end."""
    with holding() as served, actor() as other:
        client = other("connect", "127.0.0.1", port_of(served))
        judged = judged_tcp(client["port"])
        assert judged.free is False
        reason = judged.reasons[0]
        assert reason.kind == "client"
        assert f"127.0.0.1:{port_of(served)}" in reason.detail
        assert isinstance(reason.owner, Owner)
        assert reason.owner.pid == other.pid
        assert rows(client["port"]) == []
        ran = run_portbook("why", f"{client['port']}/tcp", "--json")
        assert ran.code == 1
        assert ran.document["tcp"]["reasons"][0]["kind"] == "client"


def test_connections_of_a_listener_are_no_reasons_of_their_own() -> None:
    """A busy server is one reason, however many clients it has."""
    with holding() as served, socket.socket() as one, socket.socket() as two:
        for client in (one, two):
            client.connect(served.getsockname())
        assert kinds(judged_tcp(port_of(served)).reasons) == ["listening", "address"]


def test_no_probe_reads_only_and_says_so() -> None:
    """With --no-probe the table alone answers, and `probe` is not-asked."""
    with holding() as served:
        ran = run_portbook("why", f"{port_of(served)}/tcp", "--no-probe", "--json")
        assert ran.code == 1
        assert ran.document["tcp"]["probe"] == "not-asked"
    assert why(port_of_closed(), "tcp", bind=False).tcp == Bindable(
        free=True, reasons=(), table="free", probe="not-asked"
    )


def port_of_closed() -> int:
    """A port that nobody holds any more."""
    with holding() as served:
        return port_of(served)


@pytest.mark.root
def test_a_listener_in_another_network_namespace_is_no_conflict_but_worth_a_word(
    island: Actor,
) -> None:
    """A container's own port is not in our list; `why` mentions it and the port stays free."""
    port = island("bind", address="0.0.0.0")["port"]
    assert rows(port) == []
    assert listed(port) == []
    judged = judged_tcp(port)
    assert judged.free is True
    assert kinds(judged.reasons) == ["other-netns-publish"]
    assert judged.reasons[0].address == "0.0.0.0"
    ran = run_portbook("why", str(port), "--json")
    assert ran.code == 0
    assert ran.document["tcp"]["free"] is True
    assert kinds(ran.document["tcp"]["reasons"]) == ["other-netns-publish"]
    assert ran.document["udp"]["reasons"] == []


@pytest.mark.root
def test_inside_its_namespace_that_listener_is_listed(island: Actor) -> None:
    """The same socket, asked from inside, is an ordinary row with its owner."""
    port = island("bind", address="0.0.0.0")["port"]
    ran = island.portbook("ls", "--json")
    (row,) = ran.document["listeners"]
    assert row["port"] == port
    assert row["owners"][0]["pid"] == island.pid
    assert ran.code == 0


@pytest.mark.root
def test_kernel_reserved_ports_are_free_but_said(island: Actor) -> None:
    """net.ipv4.ip_local_reserved_ports is a word of advice and keeps no bind() from working."""
    held = island("bind")
    island("close", held["fd"])
    port = held["port"]
    island("write", "/proc/sys/net/ipv4/ip_local_reserved_ports", f"{port - 1}-{port},{port + 3}")
    for number, reserved in ((port, True), (port + 1, False), (port + 3, True)):
        ran = island.portbook("why", str(number), "--json")
        assert ran.code == 0
        for transport in ("tcp", "udp"):
            assert ran.document[transport]["free"] is True
            expected = ["kernel-reserved"] if reserved else []
            assert kinds(ran.document[transport]["reasons"]) == expected
        answer = island.portbook(str(number), "--json").document
        assert answer["advice"]["kernel_reserved"] is reserved


@pytest.mark.root
def test_the_first_unprivileged_port_is_the_kernels(island: Actor) -> None:
    """net.ipv4.ip_unprivileged_port_start decides what is privileged, not 1024."""
    port = privileged_port(island)
    assert island.portbook(str(port), "--json").document["advice"]["privileged"] is True
    assert island.portbook(str(port + 1), "--json").document["advice"]["privileged"] is False
    # We are root here, so the number is still ours to take.
    assert island.portbook("why", str(port)).code == 0
    island("write", "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
    assert island.portbook(str(port), "--json").document["advice"]["privileged"] is False


@pytest.mark.root
def test_a_privileged_port_is_not_for_an_ordinary_user(island: Actor) -> None:
    """bind() is denied, `why` says privileged, and the exit code is 1."""
    port = privileged_port(island)
    island("become", 65534)
    ran = island.portbook("why", str(port), "--json")
    assert ran.code == 1
    for transport in ("tcp", "udp"):
        judged = ran.document[transport]
        assert (judged["free"], judged["table"], judged["probe"]) == (False, "free", "denied")
        assert kinds(judged["reasons"]) == ["privileged"]
    assert island.portbook("why", str(port + 1)).code == 0


def privileged_port(island: Actor) -> int:
    """Make a number that the kernel chose the last privileged one of that namespace."""
    settings = "/proc/sys/net/ipv4"
    # The privileged ports may not reach into the ephemeral range, so that moves twice.
    island("write", f"{settings}/ip_local_port_range", "20000 29999")
    held = island("bind")
    island("close", held["fd"])
    island("write", f"{settings}/ip_local_port_range", "40000 50000")
    island("write", f"{settings}/ip_unprivileged_port_start", str(held["port"] + 1))
    return int(held["port"])


@pytest.mark.root
def test_the_ephemeral_range_is_the_kernels(island: Actor) -> None:
    """net.ipv4.ip_local_port_range decides what is ephemeral."""
    island("write", "/proc/sys/net/ipv4/ip_local_port_range", "20000 29999")
    held = island("bind")
    assert island.portbook(str(held["port"]), "--json").document["advice"]["ephemeral"] is True
    island("write", "/proc/sys/net/ipv4/ip_local_port_range", "40000 50000")
    assert island.portbook(str(held["port"]), "--json").document["advice"]["ephemeral"] is False


@pytest.mark.root
def test_without_loopback_bound_sockets_are_still_known_to_be_reported() -> None:
    """In a network namespace without an address nothing is missing: exit code 0, no gap."""
    with actor() as lonely:
        lonely("load")
        lonely("enter", "net")
        ran = lonely.portbook("ls", "--json")
        assert ran.document["incomplete"] == []
        assert ran.code == 0
