"""Whether a process still lives that a promise was made to, and which one it is.

A PID is given to another process some time after its own has ended; with the moment it started
(field 22 of /proc/PID/stat, proc(5)) it names one process until the machine is started anew.
"""

import os

from portbook.model.claim import Caller

_STARTED = 19
"""Index of field 22 behind the program's name, which may hold spaces and brackets."""
_STATE = 0


def start_of(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None where there is none.

    A process that has ended and waits for its parent to notice (a zombie) is none.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read(4096)
    except OSError:
        return None
    fields = text.rpartition(b")")[2].split()
    if len(fields) <= _STARTED or fields[_STATE] in (b"Z", b"X", b"x"):
        return None
    return int(fields[_STARTED])


def uid_of(pid: int) -> int | None:
    """The user whose process it is; None where there is none."""
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


def namespace_of(pid: int | str, kind: str) -> int | None:
    """The inode of a process's namespace, `kind` as in /proc/PID/ns; None where it is hidden."""
    try:
        return os.stat(f"/proc/{pid}/ns/{kind}").st_ino
    except OSError:
        return None


def is_near(pid: int) -> bool:
    """Whether a process is of our own PID namespace, so that a PID means the same to both of us.

    Where its namespace is hidden, NSpid in /proc/PID/status tells: it has one number for each
    namespace from ours inwards (proc(5)).
    """
    theirs = namespace_of(pid, "pid")
    if theirs is not None:
        return theirs == namespace_of("self", "pid")
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            for line in file:
                if line.startswith(b"NSpid:"):
                    return len(line.split()) == 2
    except OSError:
        pass
    return False


def caller(uid: int, pid: int | None = None, *, label: str | None = None) -> Caller:
    """The caller that a process of this PID namespace is; without a PID it has no life to watch."""
    if pid is None:
        return Caller(uid, label=label)
    return Caller(
        uid,
        pid,
        start_of(pid),
        namespace_of("self", "pid"),
        namespace_of(pid, "net"),
        label,
    )


def is_alive(who: Caller) -> bool | None:
    """Whether the process lives; None where it has none, or one of another PID namespace."""
    if who.pid is None or who.start is None:
        return None
    if who.pidns is not None and who.pidns != namespace_of("self", "pid"):
        return None
    return start_of(who.pid) == who.start
