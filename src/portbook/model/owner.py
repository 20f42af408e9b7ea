"""Who holds a socket, with the proof."""

from portbook.model.origin import (
    Activation,
    Container,
    EngineContainer,
    Package,
    Project,
    UnitFacts,
)
from portbook.model.record import Record
from portbook.model.socket import Socket
from portbook.model.speaks import Speaks
from portbook.model.unknown import Unknown
from portbook.model.verdict import Verdict


class Ancestor(Record):
    """A process above the owner, on the way to PID 1."""

    pid: int
    name: str


class Owner(Record):
    """A process (or, with proof `cgroup`, a unit or container) that holds a socket.

    `proof`: `fd` (seen in /proc/PID/fd), `cgroup` (unit or container known, the process not
    seen), `none` (only the uid is known). `started` is an ISO 8601 UTC time. `fds` are file
    descriptor numbers. `name` is the kernel's comm (15 bytes at most) or argv's better one.
    """

    pid: int | Unknown
    ppid: int | Unknown
    name: str | Unknown
    exe: str | None | Unknown
    exe_deleted: bool | Unknown
    cmdline: tuple[str, ...] | Unknown
    user: str | Unknown
    cwd: str | Unknown
    started: str | Unknown
    fds: tuple[int, ...] | Unknown
    proof: str
    unit: str | None | Unknown
    activated_by: str | None | Unknown
    container: Container | None | Unknown
    package: Package | None | Unknown
    ancestry: tuple[Ancestor, ...] | Unknown
    project: Project | None | Unknown
    unit_facts: UnitFacts | None | Unknown
    engine_container: EngineContainer | None | Unknown
    preloads: str | None | Unknown


class Listener(Record):
    """A socket joined with who holds it, what the number is for, and whether that belongs.

    `activation` is set where systemd holds the socket for a service. `kernel` names the part of
    the kernel that holds it without a process (nfsd, wireguard), None where a process does.
    `namespace` labels another network namespace by container, unit or process, None for our own.
    `published_by` is a container whose engine publishes this port, by the engine's word.
    `reach`: `loopback`, `link-local`, `private`, `any` (host-public), `other-netns`.
    """

    socket: Socket
    user: str | Unknown
    reach: str
    owners: tuple[Owner, ...]
    assignments: tuple[str, ...]
    speaks: Speaks | None
    verdict: Verdict
    activation: Activation | None
    kernel: str | None
    namespace: str | None
    published_by: EngineContainer | None | Unknown
