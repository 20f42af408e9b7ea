"""Which numbers a program of one's own may take, the best first, and whether one can be bound.

The rule: a number that IANA gave to nobody and nobody is known to use, that needs no privilege and
is below the numbers that the kernel gives to clients. What is claimed, and what a project's files
name, is not known here.
"""

import _socket as socket  # `socket` itself builds enums: 3 ms of every start (measured)
import errno
import os
from binascii import crc32
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import filterfalse

from portbook.host import Host, clock
from portbook.model import LAST_PORT, USER
from portbook.model.record import Record
from portbook.sockets.settings import PortSettings, read_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.model.claim import ClaimRequest, ReservationRequest

_START_FIRST, _START_LAST = 3000, 29_999
"""Where projects begin to look: above the crowded numbers, below Kubernetes' node ports."""
_ONE_BY_ONE = 200
"""Numbers looked up singly (0.12 ms each) before all are at once (60 ms)."""
_FRESH = 5.0
"""Seconds for which the kernel's settings are believed to be what they were."""


class Objection(Record):
    """What speaks against a number: a stable code, and words for people."""

    because: str
    detail: str


def project_key(root: str, name: str) -> str:
    """The key of a reservation: the project's folder and a name, `/home/me/shop:web`."""
    return f"{root}:{name}"


def start_for(root: str) -> int:
    """Where a project begins to look: the same for a folder each time, another for each folder."""
    return _START_FIRST + crc32(os.fsencode(root)) % (_START_LAST - _START_FIRST + 1)


def numbers_for(
    request: "ClaimRequest | ReservationRequest", host: Host | None = None
) -> Iterator[int]:
    """The numbers to try for a request, the best first, without a bind() and without the claims.

    `first` or `last` say from where to where: then what is registered is no hindrance, for who
    names a range has chosen it. For neighbours these are the lowest numbers, and each of the run
    fits. Lazy: the first number takes 0.2 ms.

    Raises:
        TableFault: the registry cannot be read.
    """
    settings = kept_settings(host)
    first, last = span_of(request.first, request.last, settings)
    chosen = request.first is not None or request.last is not None
    avoid = frozenset(request.avoid)
    run = request.size if getattr(request, "contiguous", True) else 1
    if not chosen and request.near is None and run == 1 and _every():
        begin = start_for(request.project or "") if request.start is None else request.start
        pool = _pool(settings)
        yield from filterfalse(avoid.__contains__, around(begin, first, last, pool))
        return

    def fits(port: int) -> bool:
        if port in avoid:
            return False
        if objection_of_kernel(port, settings, chosen=chosen) is not None:
            return False
        return chosen or may_be_taken(port)

    if request.near is not None:
        numbers = outward(request.near, first, last)
    else:
        start = request.start
        if start is None:
            start = first if chosen else start_for(request.project or "")
        numbers = around(start, first, last, () if chosen else _kept.every)
    for port in numbers:
        if port + run - 1 <= last and all(fits(each) for each in range(port, port + run)):
            yield port


def span_of(first: int | None, last: int | None, settings: PortSettings) -> tuple[int, int]:
    """From where to where to look: as asked, else above the system ports and below the clients'."""
    if first is not None or last is not None:
        return (first or 1, last or LAST_PORT)
    return (max(USER.first, settings.unprivileged_start), min(USER.last, settings.ephemeral[0] - 1))


def objection_of_kernel(port: int, settings: PortSettings, *, chosen: bool) -> Objection | None:
    """What this kernel's settings have against a number.

    `chosen`: the user named the range, and only what makes a bind() fail counts.
    """
    if port <= 0:
        return Objection("privileged", "0 asks the kernel for any number")
    if settings.is_closed_to_us(port):
        return Objection("privileged", f"below {settings.unprivileged_start}: needs a privilege")
    if chosen:
        return None
    if settings.is_privileged(port) or port < USER.first:
        return Objection("privileged", "needs a privilege, or did until lately")
    if settings.is_ephemeral(port):
        first, last = settings.ephemeral
        return Objection("ephemeral", f"the kernel gives {first}-{last} to outgoing connections")
    if port > USER.last:
        return Objection("ephemeral", f"above {USER.last}: for outgoing connections (RFC 6335)")
    if settings.is_reserved(port):
        return Objection("kernel-reserved", "in net.ipv4.ip_local_reserved_ports, for somebody")
    return None


_CODES = {
    "zero": "privileged",
    "registered-alive": "registered",
    "overtaken": "registered",
    "registered-young": "registered",
    "registered-orphan": "registered",
    "reserved": "noted",
    "privileged": "privileged",
    "ephemeral": "ephemeral",
    "in-use": "known-use",
    "noted": "noted",
    "suspicious": "suspicious",
    "blocked": "browser-blocked",
    "node-port": "node-port",
}
"""The code of an objection by that of an advice (registry.nearby)."""


def objection_of_registry(port: int) -> Objection | None:
    """What the tables have against a number, the gravest of it; 0.12 ms.

    Raises:
        TableFault: the registry cannot be read.
    """
    from portbook.registry.lookup import lookup
    from portbook.registry.nearby import advice_for

    against = advice_for(lookup(port)).against
    if not against:
        return None
    code, names = against[0]
    named = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return Objection(_CODES[code], _words(code, named))


def _words(code: str, named: str) -> str:
    if code.startswith("registered"):
        tail = ", of which there is no public trace" if code == "registered-orphan" else ""
        return f"registered for {named}{tail}"
    return {
        "zero": "0 asks the kernel for any number",
        "overtaken": f"registered for {named}, and others use it",
        "reserved": "IANA keeps it back",
        "privileged": "a system port",
        "ephemeral": f"given to outgoing connections by {named}",
        "in-use": f"{named} use{'' if ', ' in named else 's'} it",
        "noted": f"IANA notes: {named}",
        "suspicious": f"{named} is known to listen there",
        "blocked": "browsers refuse to open it",
        "node-port": "Kubernetes gives it to services (NodePort)",
    }[code]


class _Kept:
    """What a process that asks often does not work out again."""

    settings: PortSettings | None = None
    until: float = 0.0
    asked: dict[int, bool]
    every: tuple[int, ...] = ()
    fit: frozenset[int] = frozenset()
    edition: object = None
    pool: tuple[PortSettings, object, tuple[int, ...]] | None = None


_kept = _Kept()
_kept.asked = {}


def _every() -> tuple[int, ...]:
    """All numbers that the tables have nothing against, if they were read as a whole."""
    from portbook.registry.lookup import lookup

    # `lookup` keeps the entry of 0 until the tables are read anew.
    edition = lookup(0)
    if _kept.edition is not edition:
        _kept.edition, _kept.asked = edition, {}
        _kept.every, _kept.fit = (), frozenset()
    return _kept.every


def may_be_taken(port: int) -> bool:
    """Whether the tables have nothing against a number; kept, so that the next time is free."""
    if _every():
        return port in _kept.fit
    known = _kept.asked.get(port)
    if known is None:
        if len(_kept.asked) >= _ONE_BY_ONE:
            from portbook.registry.nearby import free_numbers

            _kept.every = free_numbers()
            _kept.fit = frozenset(_kept.every)
            return port in _kept.fit
        known = _kept.asked[port] = objection_of_registry(port) is None
    return known


def _pool(settings: PortSettings) -> tuple[int, ...]:
    """All numbers that fit: a service whose first thousands are claimed goes through them fast."""
    if _kept.pool is None or _kept.pool[:2] != (settings, _kept.edition):
        fit = tuple(
            port
            for port in _kept.every
            if objection_of_kernel(port, settings, chosen=False) is None
        )
        _kept.pool = (settings, _kept.edition, fit)
    return _kept.pool[2]


def kept_settings(host: Host | None = None) -> PortSettings:
    """The kernel's settings; those of this machine are at most 5 s old (reading takes 0.2 ms)."""
    if host is not None:
        return read_settings(host)
    now = clock.monotonic()
    if _kept.settings is None or now >= _kept.until:
        _kept.settings, _kept.until = read_settings(Host()), now + _FRESH
    return _kept.settings


def outward(near: int, first: int, last: int) -> Iterator[int]:
    """Every number from `first` to `last`, the nearest to `near` first, of two the lower."""
    if first <= near <= last:
        yield near
    farthest = max(near - first, last - near)
    for distance in range(1, farthest + 1):
        if first <= near - distance <= last:
            yield near - distance
        if first <= near + distance <= last:
            yield near + distance


def around(start: int, first: int, last: int, known: Sequence[int] = ()) -> Iterator[int]:
    """Every number once, upwards from `start` and on from `first`.

    `known`: those that fit, in order, where they are known already: the others are skipped.
    """
    if not first <= start <= last:
        start = first
    if known:
        low, middle, high = (bisect_left(known, each) for each in (first, start, last + 1))
        yield from known[middle:high]
        yield from known[low:middle]
        return
    yield from range(start, last + 1)
    yield from range(first, start)


_TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_NO_FAMILY = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT))
_BIND_SAYS = {
    errno.EADDRINUSE: "something holds it",
    errno.EACCES: "it needs a privilege",
    errno.EPERM: "it is not permitted",
    errno.EADDRNOTAVAIL: "this machine does not have the address",
}


def in_use(transport: str, address: str, port: int) -> str | None:
    """Why bind() refuses a number just now, None where it does not; about 10 us.

    `address` is one address, or `*` for all: then the number has to be free on IPv4 and IPv6. The
    number is held for the instant of the try, and nothing listens.
    """
    kind = _TYPES[transport]
    if address != "*":
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return _said(_bind(family, kind, address, port))
    # One socket for both families: the kernel sees every holder of either (ipv6(7)).
    code = _bind(socket.AF_INET6, kind, "::", port)
    if code in _NO_FAMILY:
        code = _bind(socket.AF_INET, kind, "0.0.0.0", port)
    if code == errno.EADDRINUSE and transport == "tcp" and _is_left_over(port):
        return None
    return _said(code)


def _is_left_over(port: int) -> bool:
    """Whether only closed connections (TIME_WAIT) are on a port, as after a server's restart."""
    from portbook.host import holding

    try:
        holding.hold(port).close()
    except OSError:
        return False
    return True


def _bind(family: int, kind: int, address: str, port: int) -> int:
    try:
        sample = socket.socket(family, kind)
    except OSError as error:
        return error.errno or errno.EIO
    try:
        if family == socket.AF_INET6:
            sample.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address != "::")
        sample.bind((address, port))
    except OSError as error:
        return error.errno or errno.EIO
    finally:
        sample.close()
    return 0


def _said(code: int) -> str | None:
    if not code:
        return None
    name = errno.errorcode.get(code, str(code))
    return f"bind() says {name}: {_BIND_SAYS.get(code) or os.strerror(code)}"
