"""The sockets of a decoy: bound where it was asked to stand, and nowhere that is taken."""

import errno
import os
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from portbook.model.errors import EnvironmentFault, NotPermitted, PortbookError, UsageError
from portbook.model.record import Record

LOOPBACK = ("127.0.0.1", "::1")
BACKLOG = 128
"""Connections that wait in the kernel while others are accepted."""
RECEIVE_BUFFER = 32 << 10
"""Bytes that the kernel holds for one visitor; it doubles them for its own bookkeeping."""
_ATTEMPTS = 20
_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class PortTaken(PortbookError):
    """Somebody holds the port, or has claimed it."""

    exit_code = 1


class Door(Record):
    """A bound socket, and where it is."""

    socket: socket.socket
    address: str
    port: int
    transport: str


def is_loopback(address: str) -> bool:
    """Whether an address is reached from this machine alone.

    Raises:
        UsageError: it is no address.
    """
    return _parsed(address).is_loopback


def is_wildcard(address: str) -> bool:
    """Whether it is every address of the machine.

    Raises:
        UsageError: it is no address.
    """
    return _parsed(address).is_unspecified


def _parsed(address: str) -> IPv4Address | IPv6Address:
    try:
        parsed = ip_address(address)
    except ValueError:
        raise UsageError(
            f"{address[:60]!r} is no address", hint="such as 127.0.0.1 or ::"
        ) from None
    if isinstance(parsed, IPv6Address) and parsed.scope_id and not parsed.is_link_local:
        # The kernel would not heed it, and `::%eth0` stand everywhere.
        raise UsageError(
            f"{address[:60]!r}: only a link-local address has an interface", hint="leave out the %"
        )
    return parsed


def open_doors(port: int, transports: Sequence[str], addresses: Sequence[str]) -> list[Door]:
    """A socket for each transport and address, all with one number; 0 takes any that is free.

    Of the loopback addresses those that this machine does not have are left out.

    Raises:
        PortTaken: somebody has it.
        NotPermitted: the system refuses the port.
        EnvironmentFault: there is no such address here.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _all_doors(port, transports, addresses)
        except PortTaken:
            # With port 0 the number was free for the first socket; another one will do.
            if port or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError


def _all_doors(port: int, transports: Sequence[str], addresses: Sequence[str]) -> list[Door]:
    made: list[Door] = []
    absent: OSError | None = None
    try:
        for transport in transports:
            for address in addresses:
                number = made[0].port if made else port
                try:
                    bound = _bound(address, number, transport)
                except OSError as error:
                    if error.errno in _ABSENT and address in LOOPBACK and len(addresses) > 1:
                        absent = error
                        continue
                    raise _told(address, number, transport, error) from None
                made.append(Door(bound, address, bound.getsockname()[1], transport))
    except BaseException:
        close_doors(made)
        raise
    if not made and absent is not None:
        raise _told(addresses[0], port, transports[0], absent)
    return made


def close_doors(doors: Sequence[Door]) -> None:
    """Let go of them."""
    for each in doors:
        each.socket.close()


def _bound(address: str, port: int, transport: str) -> socket.socket:
    parsed = _parsed(address)
    family = socket.AF_INET if parsed.version == 4 else socket.AF_INET6
    stream = transport == "tcp"
    made = socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if family == socket.AF_INET6:
            # `::` means IPv4 too, as with most servers.
            only = 0 if parsed.is_unspecified else 1
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        if stream:
            # We close first, so that our side of the visits of a decoy before us is in TIME_WAIT.
            # It does not let us beside a listener (socket(7)).
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(_place(parsed, port))
        if stream:
            made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def _place(address: IPv4Address | IPv6Address, port: int) -> tuple[str | int, ...]:
    """What bind(2) takes. A zone is an interface's name or number (RFC 4007, 11)."""
    zone = None if isinstance(address, IPv4Address) else address.scope_id
    if zone is None:
        return str(address), port
    try:
        number = socket.if_nametoindex(zone)
    except OSError as error:
        if not zone.isascii() or not zone.isdigit() or len(zone) > 9:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from error
        number = int(zone)
    return str(address).partition("%")[0], port, 0, number


def _told(address: str, port: int, transport: str, error: OSError) -> PortbookError:
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    if error.errno == errno.EADDRINUSE:
        return PortTaken(f"{where}/{transport} is taken", hint=f"portbook why {port}/{transport}")
    said = f"{where}/{transport} cannot be bound: {error.strerror}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotPermitted(said, hint="run as root, or take a port from 1024 on")
    hint = "an address of this machine" if error.errno in _ABSENT else None
    if error.errno in (errno.EINVAL, errno.ENODEV) and _parsed(address).is_link_local:
        hint = f"with the name of its interface: {address.partition('%')[0]}%eth0"
    return EnvironmentFault(said, hint=hint)
