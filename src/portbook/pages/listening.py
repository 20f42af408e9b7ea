"""The sockets that the book is served on: our own, or those that systemd passes to us."""

import errno
import os
import socket
from ipaddress import ip_address

from portbook.model import EnvironmentFault, NotPermitted, PortbookError
from portbook.model.record import Record

BACKLOG = 2048
"""Connections that wait in the kernel while we are busy; net.core.somaxconn caps it."""
LOOPBACK = ("127.0.0.1", "::1")
_FIRST_PASSED = 3
_MOST_PASSED = 64
_ATTEMPTS = 20
_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class PortTaken(PortbookError):
    """Somebody holds the address that we want."""

    exit_code = 1

    def __init__(self, address: str, port: int, by: str = "", hint: str = "") -> None:
        said = f"{place(address, port)} is {f'held by {by}' if by else 'taken'}"
        super().__init__(said, hint=hint or f"portbook why {port}, or serve --port 0")
        self.address = address
        self.port = port


class Place(Record):
    """Where a socket listens: an address with its port, or the path of a Unix socket (port 0)."""

    address: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only programs of this machine reach it."""
        return not self.port or is_loopback(self.address)

    @property
    def is_wildcard(self) -> bool:
        """Whether it is every address of the machine."""
        return bool(self.port) and ip_address(self.address.partition("%")[0]).is_unspecified

    def __str__(self) -> str:
        return place(self.address, self.port) if self.port else f"unix:{self.address}"


def place(address: str, port: int) -> str:
    """`127.0.0.1:3255`, `[::1]:3255`."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def is_loopback(address: str) -> bool:
    """Whether an address is reached from this machine alone."""
    return ip_address(address.partition("%")[0]).is_loopback


def listen(addresses: tuple[str, ...], port: int, *, optional: bool = False) -> list[socket.socket]:
    """A listening socket for each address, all with the same port; 0 takes any that is free.

    With `optional` an address that this machine does not have is left out, unless it has none.

    Raises:
        PortTaken: somebody has it.
        NotPermitted: the system refuses the port.
        EnvironmentFault: there is no such address here.
    """
    for attempt in range(_ATTEMPTS):
        made: list[socket.socket] = []
        missing: OSError | None = None
        number = port
        try:
            for address in addresses:
                try:
                    made.append(_bound(address, number))
                except OSError as error:
                    if not optional or error.errno not in _ABSENT:
                        _close(made)
                        raise _told(address, number, error) from None
                    missing = error
                else:
                    number = made[0].getsockname()[1]
        except PortTaken:
            # With port 0 the number was free on the first address; another one will do.
            if port or attempt == _ATTEMPTS - 1:
                raise
            continue
        if missing and not made:
            raise _told(addresses[0], port, missing)
        break
    return made


def _bound(address: str, port: int) -> socket.socket:
    plain, _, scope = address.partition("%")
    # asyncio turns Nagle's algorithm off only for sockets that say they are TCP; with it each
    # answer would wait 40 ms for an acknowledgement (measured).
    stream = socket.SOCK_STREAM, socket.IPPROTO_TCP
    if ":" in address:
        made = socket.socket(socket.AF_INET6, *stream)
        target: tuple[str | int, ...] = (plain, port, 0, int(scope or 0))
    else:
        made = socket.socket(socket.AF_INET, *stream)
        target = (plain, port)
    try:
        if ":" in address:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Connections of a server before us may still be in TIME_WAIT.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(target)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def _told(address: str, port: int, error: OSError) -> PortbookError:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(address, port)
    said = f"{place(address, port)} cannot be bound: {error.strerror}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotPermitted(
            said, hint="take a port from 1024 on, or let systemd bind it (contrib/portbook.socket)"
        )
    return EnvironmentFault(said)


def _close(made: list[socket.socket]) -> None:
    for each in made:
        each.close()


def passed(others: list[socket.socket] | None = None) -> list[socket.socket]:
    """The listening stream sockets that systemd passes (sd_listen_fds(3)); none without it.

    The variables that tell of them are removed, so that no program that we start is misled.
    Datagram sockets, and Unix sockets with an abstract name, are added to `others`, or let go of.

    Raises:
        EnvironmentFault: what is passed cannot be served on.
    """
    told = {name: os.environ.pop(f"LISTEN_{name}", "") for name in ("PID", "FDS", "FDNAMES")}
    number = told["FDS"]
    if told["PID"] != str(os.getpid()) or not (number.isascii() and number.isdigit()):
        return []
    names = told["FDNAMES"].split(":")
    found = []
    for index in range(min(int(number[:6]), _MOST_PASSED)):
        fd = _FIRST_PASSED + index
        name = names[index] if index < len(names) else "unknown"
        try:
            os.set_inheritable(fd, False)
            each = socket.socket(fileno=fd)
        except OSError:
            raise EnvironmentFault(
                f"systemd passed {name!r} (fd {fd}), which is no socket"
            ) from None
        if each.type == socket.SOCK_DGRAM or _is_abstract(each):
            if others is None:
                each.close()
            else:
                others.append(each)
        elif each.type != socket.SOCK_STREAM:
            each.close()
        elif not each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise EnvironmentFault(
                f"systemd passed {name!r} (fd {fd}), which is a connection", hint="use Accept=no"
            )
        else:
            found.append(each)
    if not found:
        raise EnvironmentFault("systemd passed no stream socket", hint="use ListenStream=")
    return found


def _is_abstract(link: socket.socket) -> bool:
    """Whether it has a name of unix(7) without a file: that of the portserver."""
    name = link.getsockname() if link.family == socket.AF_UNIX else ""
    return isinstance(name, bytes) and name.startswith(b"\0")


def place_of(listener: socket.socket) -> Place:
    """Where a socket listens."""
    if listener.family not in (socket.AF_INET, socket.AF_INET6):
        name = listener.getsockname()
        return Place(os.fsdecode(name) if isinstance(name, bytes) else name, 0)
    # With the zone of a link-local address (RFC 4007), as getnameinfo() writes it.
    address, port = socket.getnameinfo(
        listener.getsockname(), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    )
    return Place(address, int(port))


def notify(state: str) -> None:
    """Tell systemd of a change, such as `READY=1` (sd_notify(3)); nothing without it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    target = f"\0{address[1:]}" if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        try:
            link.sendto(state.encode(), target)
        except OSError:
            # Whoever asked to be told has gone.
            return
