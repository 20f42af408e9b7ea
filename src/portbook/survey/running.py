"""What a program that we started does with its port: listens there, elsewhere, or not at all."""

import os

from portbook.host import Host, clock, holding, lives
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterable

    from portbook.model import Socket
else:
    import _signal as signal

MARK = "PORTBOOK_CLAIM"
"""The variable by which a descendant is known that no longer has us as an ancestor."""
_RELAYS = frozenset(
    (
        *("docker-proxy", "dockerd", "rootlessport", "rootlesskit", "slirp4netns", "conmon"),
        *("pasta", "pasta.avx2", "passt", "systemd", "socat", "ssh"),
    )
)
"""Programs that listen for somebody else, who may well be our child (a container, a tunnel)."""
_LISTENING = ("listen", "unconnected")
_SWEEPS, _BETWEEN_SWEEPS = 5, 0.1


class Place(Record):
    """Where a process listens. `ours`: it is the child or a descendant of it.

    `pid` and `program` are None where nobody can be seen; `elsewhere`: it is in another network
    namespace than ours.
    """

    transport: str
    address: str
    port: int
    pid: int | None
    program: str | None
    ours: bool
    elsewhere: bool = False


class Watched:
    """The family of one child: itself, what descends from it, and what carries our mark."""

    def __init__(self, pid: int, claim_id: str) -> None:
        self._pid = pid
        self._mark = f"{MARK}={claim_id}".encode()
        self._host = Host()

    def listens(self, port: int, transport: str) -> bool:
        """Whether anything has `port` open for others in our network namespace; 0.1 ms."""
        if transport == "tcp":
            try:
                return holding.is_listened_on(port)
            except OSError:
                pass
        return any(True for _ in self._table(port, transport))

    def listener(self, port: int, transport: str) -> Place | None:
        """Who has `port`, one of ours before another."""
        found = list(self._table(port, transport))
        if not found:
            return None
        places = self._places(found, self.family())
        if not any(place.ours or place.program in _RELAYS for place in places):
            # Not below the child: then it may be on its own, as a daemon is.
            places = self._places(found, self.marked())
        return min(places, key=lambda place: (not place.ours, place.pid is None))

    def places(self) -> list[Place]:
        """Every port that the family listens on, ours and other network namespaces'."""
        from portbook import sockets as kernel

        family = self.family()
        table = kernel.read_table(self._host)
        found = [each for each in table.sockets if each.state == "listen"]
        places = [place for place in self._places(found, family) if place.ours]
        return places + list(self._in_other_namespaces(family))

    def family(self) -> set[int]:
        """The child and its descendants."""
        below: dict[int, list[int]] = {}
        for pid in _all_processes():
            try:
                with open(f"/proc/{pid}/stat", "rb") as file:
                    parent = int(file.read(4096).rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            below.setdefault(parent, []).append(pid)
        found = {self._pid}
        left = [self._pid]
        while left:
            for pid in below.get(left.pop(), ()):
                if pid not in found:
                    found.add(pid)
                    left.append(pid)
        return found

    def marked(self) -> set[int]:
        """The processes that were started with the mark of this claim in their environment."""
        return {pid for pid in _all_processes() if pid != os.getpid() and self.carries(pid)}

    def carries(self, pid: int) -> bool:
        """Whether a process was started with the mark in its environment."""
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                return self._mark in file.read(1 << 20).split(b"\0")
        except OSError:
            return False

    def _table(self, port: int, transport: str) -> "list[Socket]":
        from portbook import sockets as kernel

        table = kernel.read_table(self._host, port=port)
        return [
            each
            for each in table.sockets
            if each.transport == transport and each.state in _LISTENING
        ]

    def _places(self, found: "Iterable[Socket]", family: set[int]) -> list[Place]:
        """Each socket with a process of the family that has it, else with any that can be seen."""
        holders = _inodes_of(family)
        places = []
        strangers: dict[int, int] | None = None
        for each in found:
            inode = each.inode if isinstance(each.inode, int) else 0
            pid = holders.get(inode)
            ours = pid is not None
            if pid is None:
                if strangers is None:
                    strangers = _inodes_of(_all_processes())
                pid = strangers.get(inode)
            program = None if pid is None else _program(pid)
            places.append(Place(each.transport, each.address, each.port, pid, program, ours))
        return places

    def _in_other_namespaces(self, family: set[int]) -> "Iterable[Place]":
        from portbook.host.lives import namespace_of
        from portbook.sockets import procnet_source
        from portbook.sockets.table import SourceFailed

        met = {namespace_of("self", "net"), None}
        for pid in sorted(family):
            namespace = namespace_of(pid, "net")
            if namespace in met:
                continue
            met.add(namespace)
            try:
                table = procnet_source.read(self._host, process=str(pid))
            except SourceFailed:
                continue
            for place in self._places(table.sockets, family):
                if place.ours and place.transport == "tcp":
                    yield place._replace(elsewhere=True)


def end_family(pid: int, started: int | None, claim_id: str) -> None:
    """Send SIGTERM once to the child, what descends from it, and what of ours carries its mark.

    `started` tells the child from another process that has its PID by now. It is looked several
    times, since a process may be starting another.
    """
    watched = Watched(pid, claim_id)
    sent: set[int] = set()
    for _ in range(_SWEEPS):
        family = watched.family() if lives.start_of(pid) == started is not None else set()
        for each in (family | watched.marked()) - sent:
            sent.add(each)
            _terminate(each, sure=each in family, carries=watched.carries)
        clock.sleep(_BETWEEN_SWEEPS)


def _terminate(pid: int, *, sure: bool, carries: "Callable[[int], bool]") -> None:
    try:
        pinned = os.pidfd_open(pid)
    except OSError:
        return
    try:
        # Asked again now that the PID cannot become another process's.
        if sure or (lives.uid_of(pid) == os.geteuid() and carries(pid)):
            signal.pidfd_send_signal(pinned, signal.SIGTERM)
    except OSError:
        return
    finally:
        os.close(pinned)


def relays(place: Place) -> bool:
    """Whether it listens on behalf of another program, such as a container."""
    return place.program in _RELAYS


def _all_processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _inodes_of(pids: "Iterable[int]") -> dict[int, int]:
    """The process that has each socket, by inode; of several the first (lowest PID)."""
    found: dict[int, int] = {}
    for pid in sorted(pids):
        folder = f"/proc/{pid}/fd"
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            try:
                target = os.readlink(f"{folder}/{name}")
            except OSError:
                continue
            if target.startswith("socket:["):
                found.setdefault(int(target[8:-1]), pid)
    return found


def _program(pid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read(64).rstrip("\n")
    except OSError:
        return None
