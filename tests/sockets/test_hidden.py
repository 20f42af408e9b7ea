"""Trying every port with bind(), and what counts as hidden: real sockets, real refusals."""

import errno
import socket

import pytest

from live.stage import holding, port_of
from portbook.host import Host, clock
from portbook.model import Facts, Socket, Transport
from portbook.sockets import hidden
from portbook.sockets.bind_probe import ProbeResult
from portbook.sockets.hidden import Felt, feel, listener_of, sweep, unexplained
from portbook.sockets.reading import read_table
from portbook.sockets.table import SocketTable
from portbook.verdict import judge

pytestmark = pytest.mark.live


def refusals(ports: list[int]) -> list[tuple[Transport, int]]:
    """What bind() refuses among these TCP ports."""
    return hidden._refusals([(Transport.TCP, port) for port in ports], None)[0]


def every_state(source: str | None = None) -> tuple[Socket, ...]:
    """The table of every state of this machine."""
    return read_table(Host(), every_state=True, source=source).sockets


def test_a_listener_that_the_table_shows_is_not_hidden() -> None:
    """bind() feels it, and the table explains it."""
    with holding() as held:
        tried = refusals([port_of(held)])
        assert tried == [(Transport.TCP, port_of(held))]
        assert unexplained(tried, every_state()) == []
        assert sweep(Host(), [port_of(held)]).felt == ()


def test_a_bound_socket_that_proc_net_does_not_show_is_felt() -> None:
    """A real refusal, and a real table that lacks the holder: the comparison names the port."""
    with holding(listen=False) as held:
        tried = refusals([port_of(held)])
        assert unexplained(tried, every_state("procnet")) == tried
        assert unexplained(tried, every_state("netlink")) == []


def test_a_table_that_is_known_to_leave_sockets_out_proves_nothing() -> None:
    """With /proc/net alone the port is a gap with a hint, and no finding."""
    with holding(listen=False) as held:
        swept = sweep(Host(), [port_of(held)], source="procnet")
        assert swept.felt == ()
        assert any(f"{port_of(held)}/tcp" in gap.what and gap.hint for gap in swept.gaps)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "::"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_one_try_feels_a_socket_on_whatever_address(transport: str, address: str) -> None:
    """The dual-stack wildcard conflicts with loopback and wildcard of both families."""
    with holding(address, transport, v6only=True if ":" in address else None) as held:
        tried = (Transport(transport), port_of(held))
        assert hidden._refusals([tried], None)[0] == [tried]


def test_a_host_without_ipv6_is_tried_over_ipv4() -> None:
    """The IPv4 wildcard alone feels IPv4's holders."""
    with holding() as held:
        assert hidden._try_v4(Transport.TCP, port_of(held)) == errno.EADDRINUSE
    assert hidden._try_v4(Transport.UDP, 0) == 0


def test_time_wait_is_no_hidden_listener() -> None:
    """A connection that waits out its minute refuses bind(), and the table says so."""
    with holding() as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        accepted.close()  # who closes first waits
        client.close()
        port = port_of(server)
    tried = refusals([port])
    assert tried == [(Transport.TCP, port)]
    states = {found.state for found in every_state() if found.port == port}
    assert states == {"time-wait"}
    assert sweep(Host(), [port]).felt == ()


def test_a_port_that_becomes_free_between_two_rounds_is_not_felt() -> None:
    """A refusal that does not come again was somebody's short-lived socket."""
    with holding(listen=False) as held:
        told = []

        def let_go(done: int, of: int) -> None:
            told.append((done, of))
            held.close()  # after the first tries, before the first table

        assert sweep(Host(), [port_of(held)], progress=let_go).felt == ()
        assert told == [(2, 2)]


def test_more_refusals_than_can_be_holders_are_a_gap() -> None:
    """Where something keeps us from binding at all, no thousand listeners are accused."""
    suspects = [(Transport.TCP, port) for port in range(20000, 20001 + hidden.MOST)]
    whole = SocketTable((), "netlink")
    told = hidden._blindness(whole, suspects)
    assert told and "something else" in told.why
    assert hidden._blindness(whole, suspects[:3]) is None
    assert hidden._blindness(whole, []) is None


def test_what_could_not_be_tried_is_a_gap() -> None:
    """Privileged ports without root, and errors that say nothing of a holder."""
    denied = [(Transport.TCP, port) for port in range(1, 1024)]
    told = list(hidden._untried(denied, {errno.ENOBUFS}))
    assert "1023 ports of 1-1023" in told[0].what and told[0].hint
    assert "ENOBUFS" in told[1].why


def test_the_tries_of_a_second_are_bounded() -> None:
    """2,048 tries at 40,000 a second take a twentieth of a second at least."""
    begin = clock.monotonic()
    told: list[tuple[int, int]] = []
    sweep(Host(), range(40000, 41025), progress=lambda *done: told.append(done))
    assert clock.monotonic() - begin >= 1024 / hidden.PER_SECOND
    assert told[-1] == (2050, 2050)


def test_a_felt_port_becomes_a_row_that_says_what_is_unknown() -> None:
    """The address is as narrow as bind() could show, and the verdict is suspicious."""
    verdict = judge(Facts(None, hidden=True))
    with holding() as held:
        port = port_of(held)
        row = listener_of(feel(Transport.TCP, port), verdict, ("x",))
        assert (row.socket.address, row.reach, row.socket.state) == (
            "127.0.0.1",
            "loopback",
            "hidden",
        )
    everywhere = ProbeResult({"0.0.0.0": 0, "::": errno.EADDRINUSE}, {}, None)
    row = listener_of(Felt(Transport.UDP, 9, everywhere, loopback=False), verdict, ())
    assert (row.socket.address, row.socket.family, row.reach) == ("::", "ipv6", "any")
    assert row.verdict.value == "suspicious"
