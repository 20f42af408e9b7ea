"""Holders that no table shows: every port is tried with bind(), and the refusals are compared.

One dual-stack bind() on `[::]` conflicts with every socket of the port, whatever its address,
family, device or state, so one try per port and transport finds them all: 4 us each (measured).
Only our own network namespace can refuse, and only its table is compared.
"""

import _socket as socket  # `socket` itself builds enums: 3 ms of every start (measured)
import errno
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from portbook.host import Host, clock
from portbook.model import LAST_PORT, Gap, Listener, Socket, Transport, Unknown, Verdict
from portbook.model.record import Record
from portbook.sockets.bind_probe import ProbeResult, try_bind
from portbook.sockets.reading import read_table
from portbook.sockets.table import SocketTable

TRANSPORTS = (Transport.TCP, Transport.UDP)
PER_SECOND = 40_000
"""The most tries of one second: half a minute of a core per million, never a busy loop."""
MOST = 64
"""More unexplained refusals than this are no hidden listeners but something in bind()'s way."""

_BATCH = 1024
_ROUNDS = 3
_PAUSE = 0.05
_TYPE = {Transport.TCP: socket.SOCK_STREAM, Transport.UDP: socket.SOCK_DGRAM}
_WHOLE = "bind() and the socket table"

Progress = Callable[[int, int], object]
"""Told how many tries are done, and of how many."""
Tried = tuple[Transport, int]


class Felt(Record):
    """A port that bind() refuses although no table shows a holder, tried and read anew each time.

    `probe` says which addresses are refused; `loopback` that 127.0.0.1 is the only one found.
    """

    transport: Transport
    port: int
    probe: ProbeResult
    loopback: bool


class Sweep(Record):
    """The outcome of trying every port."""

    felt: tuple[Felt, ...]
    tried: int
    gaps: tuple[Gap, ...]


def sweep(
    host: Host,
    ports: Sequence[int] = range(1, LAST_PORT + 1),
    *,
    source: str | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Try every port of both transports and compare the refusals with the table, several times.

    A refusal counts only if it comes again in each of three rounds, with a fresh table of every
    state (TIME_WAIT among them) that shows no holder after each.

    Raises:
        EnvironmentFault: no table can be read.
    """
    wanted = [(transport, port) for transport in TRANSPORTS for port in ports]
    refused, denied, failed = _refusals(wanted, progress)
    table = read_table(host, every_state=True, source=source)
    suspects = unexplained(refused, table.sockets)
    for _ in range(_ROUNDS - 1):
        if not suspects:
            break
        clock.sleep(_PAUSE)
        suspects, _, _ = _refusals(suspects[: MOST + 1], None)
        table = read_table(host, every_state=True, source=source)
        suspects = unexplained(suspects, table.sockets)
    gaps = [*_untried(denied, failed), *table.gaps]
    if blind := _blindness(table, suspects):
        return Sweep((), len(wanted), (*gaps, blind))
    felt = (feel(kind, port) for kind, port in suspects)
    return Sweep(tuple(each for each in felt if each.probe.taken), len(wanted), tuple(gaps))


def feel(transport: Transport, port: int) -> Felt:
    """Which addresses of one port bind() refuses."""
    first = try_bind(port, transport)
    second = try_bind(port, transport, avoid=frozenset(("127.0.0.1",)))
    alone = first.elsewhere is None and second.elsewhere == "127.0.0.2"
    return Felt(transport, port, first, alone and first.plain.get("::", 0) == 0)


def unexplained(refused: Iterable[Tried], table: Iterable[Socket]) -> list[Tried]:
    """The refusals for which no socket of the table, in whatever state, is a reason. Pure."""
    held = {(found.transport, found.port) for found in table}
    return [tried for tried in refused if tried not in held]


def _blindness(table: SocketTable, suspects: Sequence[Tried]) -> Gap | None:
    """Why unexplained refusals prove nothing: the table leaves some out, or all are refused."""
    if not suspects:
        return None
    if table.source != "netlink" or any("bound without" in gap.what for gap in table.gaps):
        names = ", ".join(f"{port}/{transport}" for transport, port in suspects[:8])
        return Gap(
            f"whether a listener hides on {names}" + (" and more" if len(suspects) > 8 else ""),
            f"bind() is refused there, but sockets from {table.source} leave out those that are "
            "bound without listening",
            "allow sock_diag netlink (Linux 6.8 and newer show them)",
        )
    if len(suspects) > MOST:
        return Gap(
            _WHOLE,
            f"bind() is refused on more than {MOST} ports that nothing holds: something else keeps "
            "this process from binding",
            "a seccomp filter, a security module or a BPF program may do that",
        )
    return None


def _untried(denied: Collection[Tried], failed: Collection[int]) -> Iterator[Gap]:
    if denied:
        ports = [port for _, port in denied]
        yield Gap(
            f"hidden listeners on {len(denied)} ports of {min(ports)}-{max(ports)}",
            "bind() is not permitted there",
            "run as root",
        )
    for code in sorted(failed):
        yield Gap(_WHOLE, f"bind() fails with {errno.errorcode.get(code, code)}")


def _refusals(
    wanted: Sequence[Tried], progress: Progress | None
) -> tuple[list[Tried], list[Tried], set[int]]:
    """What bind() says is in use, what it does not permit, and other errors."""
    refused: list[Tried] = []
    denied: list[Tried] = []
    failed: set[int] = set()
    try_one = _try_both if _has_ipv6() else _try_v4
    begin = clock.monotonic()
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        for tried in batch:
            code = try_one(*tried)
            if code == errno.EADDRINUSE:
                refused.append(tried)
            elif code in (errno.EACCES, errno.EPERM):
                denied.append(tried)
            elif code:
                failed.add(code)
        done = start + len(batch)
        if progress:
            progress(done, len(wanted))
        ahead = done / PER_SECOND - (clock.monotonic() - begin)
        if ahead > 0 and done < len(wanted):
            clock.sleep(ahead)
    return refused, denied, failed


def _has_ipv6() -> bool:
    try:
        with_v6 = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    except OSError:
        return False
    try:
        with_v6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        with_v6.bind(("::", 0))
    except OSError:
        return False
    finally:
        with_v6.close()
    return True


def _try_both(transport: Transport, port: int) -> int:
    sample = socket.socket(socket.AF_INET6, _TYPE[transport])
    try:
        sample.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sample.bind(("::", port))
    except OSError as error:
        return error.errno or errno.EIO
    finally:
        sample.close()
    return 0


def _try_v4(transport: Transport, port: int) -> int:
    sample = socket.socket(socket.AF_INET, _TYPE[transport])
    try:
        sample.bind(("0.0.0.0", port))
    except OSError as error:
        return error.errno or errno.EIO
    finally:
        sample.close()
    return 0


def listener_of(felt: Felt, verdict: Verdict, assignments: tuple[str, ...]) -> Listener:
    """A row for a holder of which only the port is known.

    It counts as reachable from everywhere unless 127.0.0.1 alone is refused.
    """
    untold = Unknown("denied", "bind() feels it, and no table shows it")
    refused = [address for address, code in felt.probe.plain.items() if code == errno.EADDRINUSE]
    address = "127.0.0.1" if felt.loopback else (refused or ["::"])[0]
    found = Socket(
        transport=felt.transport,
        address=address,
        port=felt.port,
        family="ipv6" if ":" in address else "ipv4",
        dual_stack=untold if address == "::" else False,
        state="hidden",
        netns=untold,
        inode=untold,
        uid=untold,
        backlog=untold,
        queued=untold,
        interface=None,
        cgroup=untold,
    )
    return Listener(
        socket=found,
        user=untold,
        reach="loopback" if felt.loopback else "any",
        owners=(),
        assignments=assignments,
        speaks=None,
        verdict=verdict,
        activation=None,
        kernel=None,
        namespace=None,
        published_by=untold,
    )
