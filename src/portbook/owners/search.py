"""From socket inodes to the processes that hold them.

Reading the open files of every process is 85-99 % of what everybody else's tool costs. So the
search asks where the kernel says the socket was made: first the processes of that cgroup, then
those of the same user, then all; it stops widening when every wanted socket has an owner.
"""

from collections.abc import Collection, Iterable, Sequence

from portbook.host import Host
from portbook.model import Socket, Unknown
from portbook.model.record import Record
from portbook.owners.cgroups import paths_of, processes_in

MOST_IN_FULL = 512
"""As long as the cgroups of the wanted sockets hold no more processes than this, every one is
looked into in full (40 ms, measured)."""

_STANDARD_INPUT = 0
"""Where inetd and FastCGI hand a socket over that they have under another number."""
_MOST_NUMBERS = 12


class Holders(Record):
    """For each inode the holders as (pid, file descriptors), and what was met on the way.

    `cgroup_paths` by cgroup id; `denied` is how many processes could not be looked into, of the
    `processes` that were.
    """

    by_inode: dict[int, list[tuple[int, tuple[int, ...]]]]
    cgroup_paths: dict[int, str]
    denied: int
    processes: int


class _Search:
    """What was found so far: `searched` are the processes that were looked into in full."""

    def __init__(self, host: Host, inodes: Iterable[int]) -> None:
        self.host = host
        self.links = {f"socket:[{inode}]": inode for inode in inodes}
        self.missing = set(self.links.values())
        self.found: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
        self.holders: set[int] = set()
        self.searched: set[int] = set()
        self.glanced: set[int] = set()
        self.denied: set[int] = set()

    def look_into(self, pids: Iterable[int]) -> None:
        """Look at every open file of these processes."""
        for pid in pids:
            if pid not in self.searched:
                self._search(pid)

    def look_for(self, inodes: Iterable[int], pids: Iterable[int]) -> None:
        """Look for the holders of `inodes` among many processes, oldest first.

        In full until each has one. The other processes may have inherited it, so they are looked
        at where it would then be: at the numbers at which holders have it, or at standard input.
        """
        wanted = self.missing.intersection(inodes)
        waiting = sorted((pid for pid in pids if pid not in self.searched), reverse=True)
        known: set[int] = set()
        tried: set[int] = set()
        while waiting:
            if known > tried and len(known) <= _MOST_NUMBERS:
                numbers = sorted(known - tried)
                tried |= known
                for pid in self._glance(waiting, numbers):
                    known.update(self._search(pid))
                waiting = [pid for pid in waiting if pid not in self.searched]
            elif wanted & self.missing or len(known) > _MOST_NUMBERS:
                if numbers := self._search(waiting.pop()):
                    known.update(numbers, (_STANDARD_INPUT,))
            else:
                return

    def _glance(self, pids: Collection[int], numbers: Sequence[int]) -> list[int]:
        """Those that hold a wanted socket at one of `numbers`."""
        self.glanced.update(pids)
        return [pid for pid in pids if self._links(pid, numbers)]

    def _search(self, pid: int) -> list[int]:
        """The descriptors of all wanted sockets that a process holds."""
        self.searched.add(pid)
        hits = self._links(pid)
        if not hits:
            return []
        self.holders.add(pid)
        fds: dict[int, list[int]] = {}
        for fd, link in hits:
            fds.setdefault(self.links[link], []).append(fd)
        for inode, numbers in fds.items():
            self.found.setdefault(inode, []).append((pid, tuple(sorted(numbers))))
            self.missing.discard(inode)
        return [fd for fd, _ in hits]

    def _links(self, pid: int, numbers: Iterable[int] | None = None) -> list[tuple[int, str]]:
        try:
            return self.host.open_links(pid, self.links, numbers)
        except PermissionError:
            self.denied.add(pid)
        except OSError:
            pass
        return []


def find_holders(host: Host, sockets: Sequence[Socket]) -> Holders:
    """Every process that holds one of `sockets`.

    Within a cgroup that holds a wanted socket all processes are looked into, and below each
    holder its children, so that a prefork server shows every one of its processes. Where that
    would be more than MOST_IN_FULL processes, one that is no socket's first holder is looked at
    only where an inherited socket is found.
    """
    inodes: dict[int, int] = {}
    groups: dict[int, set[int]] = {}
    for found in sockets:
        if not isinstance(found.inode, Unknown) and found.inode:
            inodes[found.inode] = -1 if isinstance(found.uid, Unknown) else found.uid
            if not isinstance(found.cgroup, Unknown):
                groups.setdefault(found.cgroup, set()).add(found.inode)
    search = _Search(host, inodes)
    paths = paths_of(host, groups) if groups else {}
    members = {group: processes_in(host, path) for group, path in paths.items()}
    in_full = sum(map(len, members.values())) <= MOST_IN_FULL
    for group, pids in members.items():
        if in_full:
            search.look_into(pids)
        else:
            search.look_for(groups[group], pids)
    if search.missing:
        users = {inodes[inode] for inode in search.missing}
        everyone = _all_processes(host)
        search.look_into(pid for pid, uid in everyone.items() if uid in users)
        if search.missing:
            search.look_into(everyone)
    _look_below(host, search)
    if 1 in search.holders:
        # The init system listens for others: whoever was handed the socket lives elsewhere.
        search.look_into(_all_processes(host))
    return Holders(search.found, paths, len(search.denied), len(search.searched))


def _all_processes(host: Host) -> dict[int, int]:
    """PID to user id, oldest first. A PID that goes meanwhile is left out."""
    pids: dict[int, int] = {}
    try:
        names = host.names("/proc")
    except OSError:
        return pids
    for pid in sorted(int(name) for name in names if name.isdecimal()):
        try:
            pids[pid] = host.owner_uid(f"/proc/{pid}")
        except OSError:
            continue
    return pids


def _look_below(host: Host, search: _Search) -> None:
    """Look into the children of the holders, and theirs, as the kernel lists them.

    That takes CONFIG_PROC_CHILDREN. A child that was seen before and holds nothing ends the chain.
    """
    waiting = [pid for pid in search.holders if pid != 1]
    while waiting:
        pid = waiting.pop()
        fresh = [
            child
            for child in _children(host, pid)
            if child not in search.searched and child not in search.glanced
        ]
        search.look_into(fresh)
        waiting += fresh


def _children(host: Host, pid: int) -> list[int]:
    """The children of a process: the kernel lists them below the thread that made them."""
    children: list[int] = []
    try:
        for thread in host.names(f"/proc/{pid}/task"):
            children += map(int, host.text(f"/proc/{pid}/task/{thread}/children").split())
    except OSError:
        pass
    return children
