"""Listeners in other network namespaces, read through one process of each.

Works without root where /proc is not hidden: the tables in /proc/PID/net are readable, and the
inode number of /proc/PID/net/tcp tells namespaces apart although /proc/PID/ns/net is denied.
A namespace without a process (`ip netns add`, nothing started) cannot be seen this way.
"""

from portbook.host import Host
from portbook.model import Gap, Socket, Unknown
from portbook.model.record import Record
from portbook.sockets import procnet_source
from portbook.sockets.table import SourceFailed


class Elsewhere(Record):
    """The sockets of another network namespace; `pid` is one process there, not their owner."""

    pid: int
    sockets: tuple[Socket, ...]


def namespaces_elsewhere(host: Host) -> dict[int, int]:
    """One process, the oldest, of each network namespace that is not ours.

    By the inode number of its /proc/PID/net/tcp, which is no namespace number.
    """
    try:
        own = host.inode("/proc/self/net/tcp")
        pids = sorted(int(name) for name in host.names("/proc") if name.isdecimal())
    except OSError:
        return {}
    found: dict[int, int] = {}
    for pid in pids:
        try:
            found.setdefault(host.inode(f"/proc/{pid}/net/tcp"), pid)
        except OSError:
            continue
    found.pop(own, None)
    return found


def read_elsewhere(
    host: Host, *, port: int | None = None
) -> tuple[tuple[Elsewhere, ...], tuple[Gap, ...]]:
    """The listeners of every other network namespace, or those on one port; and what is missing.

    Rows come from /proc/net, so sockets that are bound without listening are not among them.
    """
    found: list[Elsewhere] = []
    gaps: dict[Gap, None] = {}
    for pid in namespaces_elsewhere(host).values():
        try:
            table = procnet_source.read(host, port, process=str(pid))
        except SourceFailed as failed:
            gaps[Gap(f"the network namespace of process {pid}", str(failed))] = None
            continue
        gaps.update(dict.fromkeys(table.gaps))
        number = _namespace(host, pid)
        found.append(Elsewhere(pid, tuple(each._replace(netns=number) for each in table.sockets)))
    return tuple(found), tuple(gap for gap in gaps if gap != procnet_source.GAP)


def _namespace(host: Host, pid: int) -> int | Unknown:
    try:
        return host.inode(f"/proc/{pid}/ns/net")
    except PermissionError:
        return Unknown("denied", "run as root")
    except OSError:
        return Unknown("vanished")
