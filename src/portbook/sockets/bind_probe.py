"""A real bind(), the only authority on whether a port is free. Nothing is listened on or sent.

The port is held for microseconds. Every address is tried by itself (IPv6 with IPV6_V6ONLY), first
as a plain program would and, where that fails, with SO_REUSEADDR as most TCP servers do.
"""

import _socket as socket  # `socket` itself builds enums: 3 ms of every start (measured)
import errno
from contextlib import closing

from portbook.model import Transport
from portbook.model.record import Record

_TYPE = {Transport.TCP: socket.SOCK_STREAM, Transport.UDP: socket.SOCK_DGRAM}
_EVERY_ADDRESS = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))


class ProbeResult(Record):
    """What bind() said for one port and transport.

    `plain` and `reuse` are errno values, 0 for success, per address family that this host has;
    `reuse` is only tried where plain failed. `elsewhere` is a loopback address that could still
    be bound when the wildcard could not.
    """

    plain: dict[str, int]
    reuse: dict[str, int]
    elsewhere: str | None

    @property
    def free(self) -> bool:
        """Whether every address family could be bound without any option."""
        return bool(self.plain) and not any(self.plain.values())

    @property
    def denied(self) -> bool:
        """Whether a privilege is missing, or a security module forbids it."""
        return not {errno.EACCES, errno.EPERM}.isdisjoint(self.plain.values())

    @property
    def taken(self) -> bool:
        """Whether something else holds the port."""
        return errno.EADDRINUSE in self.plain.values()

    @property
    def failure(self) -> int:
        """The errno that says nothing about the port (EMFILE, ENOBUFS, ...); 0 for none.

        ENOTSUP stands for a host on which no address family could be tried.
        """
        if not self.plain:
            return errno.ENOTSUP
        told = {0, errno.EADDRINUSE, errno.EACCES, errno.EPERM}
        return next((code for code in self.plain.values() if code not in told), 0)


def try_bind(
    port: int, transport: Transport, *, avoid: frozenset[str] = frozenset()
) -> ProbeResult:
    """Bind `port` on every address for an instant.

    `avoid` are addresses known to be held, left out when another address is tried.
    """
    plain: dict[str, int] = {}
    reuse: dict[str, int] = {}
    for family, address in _EVERY_ADDRESS:
        code = _bind(family, transport, address, port, reuse=False)
        # A host without IPv6 is no obstacle to a server on IPv4.
        if code in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            continue
        plain[address] = code
        if code == errno.EADDRINUSE:
            reuse[address] = _bind(family, transport, address, port, reuse=True)
    elsewhere = None
    if errno.EADDRINUSE in plain.values():
        for last in range(1, 10):
            candidate = f"127.0.0.{last}"
            if candidate not in avoid:
                if _bind(socket.AF_INET, transport, candidate, port, reuse=False) == 0:
                    elsewhere = candidate
                break
    return ProbeResult(plain, reuse, elsewhere)


def _bind(family: int, transport: Transport, address: str, port: int, *, reuse: bool) -> int:
    """The errno of one bind(), 0 for success."""
    try:
        with closing(socket.socket(family, _TYPE[transport])) as sample:
            if family == socket.AF_INET6:
                sample.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if reuse:
                sample.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sample.bind((address, port))
    except OSError as error:
        return error.errno or errno.EIO
    return 0
