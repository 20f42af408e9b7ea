"""Where owners come from, joined: package, project, unit, container.

Every source is asked once for all owners, within a bound of its own, and only where it matters.
"""

from collections.abc import Sequence

from portbook.host import Host
from portbook.model import (
    NOT_ASKED,
    Activation,
    EngineContainer,
    Gap,
    Owner,
    Package,
    Project,
    Socket,
    Unknown,
)
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.owners.contained import Engines

Held = tuple[Socket, tuple[Owner, ...]]


class Origins(Record):
    """What was found, per socket in the order asked, and what was not.

    `unserved` are ports that an engine publishes and none of the sockets serves, as (transport,
    address, port, container).
    """

    owners: tuple[tuple[Owner, ...], ...]
    activations: tuple[Activation | None, ...]
    kernel: tuple[str | None, ...]
    published: tuple[EngineContainer | None, ...]
    unserved: tuple[tuple[str, str, int, EngineContainer], ...]
    gaps: tuple[Gap, ...]


def origins_of(host: Host, held: Sequence[Held], *, bus: bool) -> Origins:
    """Complete the owners of sockets; `bus` asks systemd over D-Bus for each unit, too."""
    from portbook.owners.engines import engines_of

    engines = engines_of(host)
    completer = _Completer(host, engines, [owner for _, owners in held for owner in owners])
    all_owners = [
        tuple(completer.complete(owner, found) for owner in owners) for found, owners in held
    ]
    if bus and _has_bus(host):
        from portbook.owners.systemd import unit_facts_of

        facts = unit_facts_of(host, held)
        all_owners = [
            tuple(owner._replace(unit_facts=said) for owner, said in zip(row, line, strict=True))
            for row, line in zip(all_owners, facts, strict=True)
        ]
    return Origins(
        tuple(all_owners),
        _activations(host, held),
        _kernel(host, held),
        tuple(_published(found, engines) for found, _ in held),
        tuple(_unserved([found for found, _ in held], engines)),
        engines.gaps,
    )


def _has_bus(host: Host) -> bool:
    """Whether some systemd could answer; 10 ms of imports are spared where none can."""
    import os

    return (
        not host.live
        or "DBUS_SYSTEM_BUS_ADDRESS" in os.environ
        or any(map(os.path.exists, ("/run/dbus/system_bus_socket", "/run/systemd/private")))
    )


class _Completer:
    """Package and project of each process, each found once."""

    def __init__(self, host: Host, engines: "Engines", owners: Sequence[Owner]) -> None:
        self._host = host
        self._engines = engines
        self._projects: dict[object, Project | None | Unknown] = {}
        self._packages = _packages(host, owners)

    def complete(self, owner: Owner, found: Socket) -> Owner:
        """`owner` of the socket `found` with what is known of its origin."""
        package: Package | None | Unknown = NOT_ASKED
        if isinstance(owner.exe, str):
            package = self._packages.get(owner.exe, NOT_ASKED)
            if owner.container:
                package = Unknown("not-asked", "its package is in the container's own database")
        project: Project | None | Unknown = owner.project
        if isinstance(owner.pid, int):
            # A server's processes are alike: 0.2 ms for each program instead of each process.
            alike = (owner.exe, owner.cmdline, owner.cwd, self._root(owner.pid))
            if alike not in self._projects:
                from portbook.owners.projects import project_of

                self._projects[alike] = project_of(self._host, owner)
            project = self._projects[alike]
        return owner._replace(
            package=package,
            project=project,
            engine_container=_container(owner, found, self._engines),
        )

    def _root(self, pid: int) -> object:
        """What tells apart the files that processes see: mount namespace and root."""
        try:
            return self._host.link(f"/proc/{pid}/ns/mnt"), self._host.link(f"/proc/{pid}/root")
        except OSError:
            return pid


def _packages(host: Host, owners: Sequence[Owner]) -> dict[str, Package | None | Unknown]:
    wanted = {
        owner.exe
        for owner in owners
        if isinstance(owner.exe, str) and not owner.container and owner.exe.startswith("/")
    }
    if not wanted:
        return {}
    from portbook.owners.packages import packages_of

    return packages_of(host, wanted)


def _container(owner: Owner, found: Socket, engines: "Engines") -> EngineContainer | None:
    """By what the owner is a proxy for, else by its cgroup: a proxy may be in the container's."""
    if not engines.containers:
        return None
    from portbook.owners.docker_proxy import proxied_container
    from portbook.owners.engines import container_of

    return proxied_container(owner, found, engines) or container_of(owner, engines)


def _published(found: Socket, engines: "Engines") -> EngineContainer | None:
    if not engines.containers:
        return None
    from portbook.owners.published import published_on

    return next(iter(published_on(found.port, found.transport, found.address, engines)), None)


def published_without_socket(
    host: Host, port: int, transport: str, sockets: Sequence[Socket]
) -> list[tuple[str, EngineContainer]]:
    """(address, container) of each engine that publishes a port which none of `sockets` serves."""
    from portbook.owners.engines import engines_of

    return [
        (address, container)
        for kind, address, number, container in _unserved(sockets, engines_of(host))
        if (number, kind) == (port, transport)
    ]


def _unserved(
    sockets: Sequence[Socket], engines: "Engines"
) -> list[tuple[str, str, int, EngineContainer]]:
    if not engines.containers:
        return []
    from portbook.owners.published import missing_listeners

    return [
        (each.port.transport, each.port.host_ip, each.port.host_port, each.container)
        for each in missing_listeners(engines, sockets)
    ]


def _activations(host: Host, held: Sequence[Held]) -> tuple[Activation | None, ...]:
    """For sockets that were made in the cgroup of a `.socket` unit."""
    made = [found for found, owners in held if any(isinstance(o.activated_by, str) for o in owners)]
    if not made:
        return (None,) * len(held)
    from portbook.owners.activation import activations_of

    known = dict(zip(made, activations_of(host, made), strict=True))
    return tuple(known.get(found) for found, _ in held)


def _kernel(host: Host, held: Sequence[Held]) -> tuple[str | None, ...]:
    """For sockets in which no process was seen."""
    unseen = [found for found, owners in held if all(o.proof != "fd" for o in owners)]
    if not unseen:
        return (None,) * len(held)
    from portbook.owners.kernel import kernel_holders

    known = dict(zip(unseen, kernel_holders(host, unseen), strict=True))
    return tuple(known.get(found) for found, _ in held)
