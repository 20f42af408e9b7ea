"""A held port: who gets it, and who does not. Every case binds for real."""

import errno
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from free_ports import free_port
from portbook.host import holding

IN_USE = "already in use"


@contextmanager
def held(port: int, transport: str = "tcp", address: str = "*") -> Iterator[None]:
    """A hold that ends with the block."""
    with closing(holding.hold(port, transport, address)):
        yield


def server(address: str, port: int, *, reuse: bool, listen: bool = True) -> socket.socket:
    """What a server does.

    Raises:
        OSError: it cannot.
    """
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        if reuse:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        if listen:
            made.listen()
    except OSError:
        made.close()
        raise
    return made


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_hold_yields_to_a_server_and_to_no_plain_bind(address: str) -> None:
    """On every address: SO_REUSEADDR listens over the hold, a plain bind() is refused."""
    port = free_port()
    with held(port):
        with pytest.raises(OSError, match=IN_USE) as refused:
            server(address, port, reuse=False)
        assert refused.value.errno == errno.EADDRINUSE
        with closing(server(address, port, reuse=True)):
            assert holding.is_listened_on(port)
            with pytest.raises(OSError, match=IN_USE):
                server(address, port, reuse=True)


def test_the_kernel_gives_a_held_port_to_nobody() -> None:
    """In a namespace whose kernel has four numbers to give, the held one is never among them."""
    script = (
        "import socket, sys; sys.path.insert(0, 'src')\n"
        "from portbook.host import holding\n"
        "open('/proc/sys/net/ipv4/ip_local_port_range', 'w').write('40000 40003')\n"
        "hold = holding.hold(40001)\n"
        "made = []\n"
        "for _ in range(8):\n"
        "    each = socket.socket()\n"
        "    try: each.bind(('127.0.0.1', 0))\n"
        "    except OSError: break\n"
        "    made.append(each)\n"
        "print(sorted(each.getsockname()[1] for each in made))\n"
    )
    done = subprocess.run(
        [
            "unshare",
            "-rn",
            "sh",
            "-c",
            'ip link set lo up; exec "$0" -c "$1"',
            sys.executable,
            script,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in done.stderr:
        pytest.skip(f"no namespaces here: {done.stderr.strip()}")
    assert done.stdout.strip() == "[40000, 40002, 40003]", done.stderr


def test_a_second_hold_is_refused() -> None:
    """Two holders never share a number, although both sockets would let a server in."""
    port = free_port()
    with held(port), pytest.raises(OSError, match=IN_USE) as refused:
        holding.hold(port)
    assert refused.value.errno == errno.EADDRINUSE


def test_closed_connections_are_not_in_the_way() -> None:
    """A number with connections in TIME_WAIT is held again at once, as a restart needs."""
    listening = holding.listen(0, "127.0.0.1")
    port = holding.port_of(listening)
    with closing(socket.create_connection(("127.0.0.1", port))) as client:
        with closing(socket.socket(fileno=listening.detach())) as server_socket:
            server_socket.accept()[0].close()  # first to close: TIME_WAIT is on the port
        assert client.recv(1) == b""
    with pytest.raises(OSError, match=IN_USE):
        server("0.0.0.0", port, reuse=False)
    with held(port), closing(server("127.0.0.1", port, reuse=True)):
        assert holding.is_listened_on(port)


@pytest.mark.parametrize("reuse", [False, True])
def test_what_is_listened_on_is_not_held(*, reuse: bool) -> None:
    """A server is never shared with, whatever option it set."""
    with closing(server("127.0.0.1", 0, reuse=reuse)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(OSError, match=IN_USE) as refused:
            holding.hold(port)
        assert refused.value.errno == errno.EADDRINUSE


def test_a_socket_that_only_shares_ports_does_not_get_in() -> None:
    """SO_REUSEPORT alone, with which a program of the same user joins a server, is refused."""
    port = free_port()
    with held(port), closing(socket.socket()) as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match=IN_USE):
            thief.bind(("127.0.0.1", port))


@pytest.mark.parametrize("reuse", [False, True])
def test_a_held_udp_port_is_shared_with_nobody(*, reuse: bool) -> None:
    """Over UDP the last who binds would get the datagrams."""
    with (
        closing(holding.hold(0, "udp")) as hold,
        closing(socket.socket(type=socket.SOCK_DGRAM)) as other,
    ):
        if reuse:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match=IN_USE):
            other.bind(("127.0.0.1", holding.port_of(hold)))


def test_one_address_is_held_alone() -> None:
    """A hold on 127.0.0.1 leaves 127.0.0.2 to others."""
    port = free_port()
    with held(port, address="127.0.0.1"):
        with pytest.raises(OSError, match=IN_USE):
            server("127.0.0.1", port, reuse=False)
        server("127.0.0.2", port, reuse=False).close()


def test_a_listening_socket_keeps_connections_until_somebody_accepts() -> None:
    """Who connects before the program is ready waits, and is not refused."""
    with closing(holding.listen(0, "127.0.0.1")) as listening:
        port = holding.port_of(listening)
        with closing(socket.create_connection(("127.0.0.1", port))) as client:
            with closing(socket.socket(fileno=listening.detach())) as server_socket:
                ours = server_socket.accept()[0]
                ours.sendall(b"late")
                ours.close()
            assert client.recv(4) == b"late"
