"""The owners of sockets: every process seen, or what the kernel tells without seeing one."""

from collections.abc import Sequence

from portbook.host import Host
from portbook.model import Container, Owner, Said, Socket, Unknown
from portbook.owners.cgroups import place
from portbook.owners.processes import Processes
from portbook.owners.search import Holders, find_holders
from portbook.owners.unseen import unseen_owner

_INITIAL_PID_NAMESPACE = 0xEFFFFFFC
"""PROC_PID_INIT_INO of linux/proc_ns.h: where every process of the machine can be seen."""


def owners_of(
    host: Host, sockets: Sequence[Socket], pids: Sequence[int | None] = ()
) -> list[tuple[Owner, ...]]:
    """The owners of each socket, in the order asked.

    `pids` are what the source of the sockets said itself (psutil); then no search is made. A
    socket without a visible process still has an owner entry, with proof `cgroup` or `none` and
    the facts that are hidden as `Unknown`.
    """
    if pids or not host.linux:
        from portbook.owners.psutil_processes import owners_by_pid

        return owners_by_pid(host, sockets, pids)
    holders = find_holders(host, sockets)
    why = _why_unseen(host, holders)
    processes = Processes(host)
    all_owners: list[tuple[Owner, ...]] = []
    for found in sockets:
        seen = [
            owner
            for pid, fds in holders.by_inode.get(_inode(found), ())
            if (owner := processes.owner(pid, fds))
        ]
        if not seen and found.inode != 0:
            seen = [_unseen(host, found, holders.cgroup_paths, why)]
        unit = _socket_unit(found, holders.cgroup_paths)
        all_owners.append(tuple(owner._replace(activated_by=unit) for owner in seen))
    return all_owners


def _socket_unit(found: Socket, paths: dict[int, str]) -> str | None | Unknown:
    """The `.socket` unit for which systemd made the socket: it does so in the unit's cgroup."""
    if isinstance(found.cgroup, Unknown) or found.cgroup not in paths:
        return Unknown("unsupported")
    unit = place(paths[found.cgroup]).unit
    return unit if unit and unit.endswith(".socket") else None


def _inode(found: Socket) -> int:
    return 0 if isinstance(found.inode, Unknown) else found.inode


def _why_unseen(host: Host, holders: Holders) -> Unknown:
    """Why a socket shows no process, after the search."""
    if not holders.processes:
        return Unknown("unreadable", Said("mount /proc"))
    # Where /proc hides foreign processes (hidepid) not one is denied: there is none to ask.
    if holders.denied or not host.privileges.sees_all_processes:
        if host.privileges.uid == 0:
            hint = Said("a capability is missing, or a security module refuses")
            return Unknown("denied", hint)
        return Unknown("denied", Said("run as root"))
    try:
        initial = host.inode("/proc/self/ns/pid") == _INITIAL_PID_NAMESPACE
    except OSError:
        initial = True
    if not initial:
        hint = Said("look from the host: other PID namespaces cannot be seen here")
        return Unknown("outside", hint)
    return Unknown("no-process", "every process was looked into: the kernel itself holds it")


def _unseen(host: Host, found: Socket, paths: dict[int, str], why: Unknown) -> Owner:
    """What is known of a holder that no process shows: its user, and its unit by the cgroup.

    A cgroup without a unit says nothing: on hybrid systems every process is in v2's root.
    """
    unit: str | None | Unknown = why
    container: Container | None | Unknown = why
    proof = "none"
    if not isinstance(found.cgroup, Unknown) and found.cgroup in paths:
        known = place(paths[found.cgroup])
        if known.unit or known.container:
            unit, container = known
            proof = "cgroup"
    user = host.user(found.uid) if not isinstance(found.uid, Unknown) else why
    return unseen_owner(why, user=user, proof=proof, unit=unit, container=container)
