"""Sockets that keep a TCP or UDP port: bound and silent, or listening to be handed on.

A TCP socket that is bound with SO_REUSEADDR and never listens keeps a number: bind(0), connect()
and a plain bind() do not get it, but a server that sets SO_REUSEADDR, as servers do, binds and
listens over it (measured on Linux 6.18; docs/run.md has the table of real servers).
"""

import _socket as socket  # `socket` itself builds enums: 3 ms of every start (measured)
import errno

EVERY_ADDRESS = "*"
BACKLOG = 511
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)
_BOUND_INACTIVE = 13
_LISTEN = 10
_SOCKET_FOLLOWS = 20
"""SOCK_DIAG_BY_FAMILY, the kind of a netlink message that describes one socket."""


def hold(
    port: int, transport: str = "tcp", address: str = EVERY_ADDRESS, *, unused: bool = False
) -> socket.socket:
    """A bound socket that keeps `port` as long as it is open; it is not passed to children.

    `*` is [::] with IPv4 too, or 0.0.0.0 where IPv6 is off. What is left of old connections
    (TIME_WAIT) is not in the way, unless it has to be `unused`; another hold is. Over UDP nothing
    may share it: a second UDP socket would take the datagrams.

    Raises:
        OSError: EADDRINUSE where somebody has it, EACCES where it needs a privilege.
    """
    try:
        made = _bound(port, transport, address, reuse=False)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or transport != "tcp" or unused:
            raise
        # Connections of a server that has ended keep a plain bind() off for a minute, and so does
        # a hold like ours: the first is no reason to refuse, the second is.
        made = _bound(port, transport, address, reuse=True)
        if _has_hold(port, made):
            made.close()
            raise
        return made
    if transport == "tcp":
        # Set after bind(), so that bind() refused every other hold; it counts from now on.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made


def listen(port: int, address: str = EVERY_ADDRESS, *, backlog: int = BACKLOG) -> socket.socket:
    """A listening TCP socket; connections wait in it until somebody accepts them.

    Raises:
        OSError: as for `hold`.
    """
    made = _bound(port, "tcp", address, reuse=True)
    try:
        made.listen(backlog)
    except OSError:
        made.close()
        raise
    return made


def port_of(held: socket.socket) -> int:
    """The port that a socket has."""
    return int(held.getsockname()[1])


def is_listened_on(port: int) -> bool:
    """Whether any TCP socket of this network namespace listens on `port` (0.1 ms).

    Raises:
        OSError: sock_diag is refused.
    """
    return any(True for _ in _sockets_on(port, 1 << _LISTEN))


def _bound(port: int, transport: str, address: str, *, reuse: bool) -> socket.socket:
    if address == EVERY_ADDRESS:
        try:
            return _bind(socket.AF_INET6, port, transport, "::", reuse=reuse)
        except OSError as error:
            if error.errno not in _NO_IPV6:
                raise
        return _bind(socket.AF_INET, port, transport, "0.0.0.0", reuse=reuse)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return _bind(family, port, transport, address, reuse=reuse)


def _bind(family: int, port: int, transport: str, address: str, *, reuse: bool) -> socket.socket:
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    made = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address != "::"))
        if reuse:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made


def _has_hold(port: int, ours: socket.socket) -> bool:
    """Whether a socket other than `ours` is bound to the port without listening (Linux 6.8)."""
    import os

    inode = os.fstat(ours.fileno()).st_ino
    try:
        return any(each != inode for each in _sockets_on(port, 1 << _BOUND_INACTIVE))
    except OSError:
        return False


def _sockets_on(port: int, states: int) -> "list[int]":
    """The inodes of the TCP sockets on `port` in these states (linux/inet_diag.h)."""
    import struct

    from portbook.host import netlink

    inodes = []
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            datagrams = netlink.dump(family, socket.IPPROTO_TCP, states, port)
        except OSError as error:
            if family == socket.AF_INET6 and error.errno in (errno.ENOENT, errno.EAFNOSUPPORT):
                continue
            raise
        for data in datagrams:
            offset = 0
            while offset + 16 <= len(data):
                length, kind = struct.unpack_from("=IH", data, offset)
                if kind == _SOCKET_FOLLOWS and length >= 88:
                    inodes.append(struct.unpack_from("=I", data, offset + 84)[0])
                if length < 16:
                    break
                offset += (length + 3) & ~3
    return inodes
