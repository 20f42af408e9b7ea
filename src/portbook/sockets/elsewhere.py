"""Listeners in other network namespaces, read through one process of each.

Works without root where /proc is not hidden: the tables in /proc/PID/net are readable, and the
inode number of /proc/PID/net/tcp tells namespaces apart although /proc/PID/ns/net is denied.
"""

from portbook.host import Host
from portbook.model import Socket
from portbook.model.record import Record
from portbook.sockets import procnet_source
from portbook.sockets.table import SourceFailed


class Elsewhere(Record):
    """A socket in another network namespace; `pid` is one process there, not the owner."""

    socket: Socket
    pid: int


def sockets_elsewhere(host: Host, port: int) -> list[Elsewhere]:
    """Listeners on `port` in every other network namespace that has a process."""
    try:
        own = host.inode("/proc/self/net/tcp")
        pids = sorted(int(name) for name in host.names("/proc") if name.isdigit())
    except OSError:
        return []
    namespaces: dict[int, int] = {}
    for pid in pids:
        try:
            namespaces.setdefault(host.inode(f"/proc/{pid}/net/tcp"), pid)
        except OSError:
            continue
    namespaces.pop(own, None)
    found = []
    for pid in namespaces.values():
        try:
            table = procnet_source.read(host, port, process=str(pid))
        except SourceFailed:
            continue
        found += [Elsewhere(socket, pid) for socket in table.sockets]
    return found
