"""Socket activation: which service is behind a socket that systemd holds, and whether it runs.

The kernel keeps the cgroup in which a socket was made, and systemd makes the sockets of a `.socket`
unit in a cgroup of that unit. So the unit is known without root and without a bus, also when the
service has started and holds the same socket.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from portbook.host import Host, clock
from portbook.model import Activation, Socket, Unknown
from portbook.owners.cgroups import mount_point, paths_of, place, processes_in
from portbook.owners.systemd import manager_of, property_call, value_of

SYSTEM_FOLDERS = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
)
USER_FOLDERS = (
    "/etc/systemd/user",
    "/run/systemd/user",
    "/usr/local/lib/systemd/user",
    "/usr/lib/systemd/user",
)
"""Where unit files are, the strongest first (systemd.unit(5))."""

MOST_BYTES = 1 << 16
_UNREADABLE = Unknown("unreadable", "no file of this unit is here to read")


def socket_unit_of(path: str) -> str | None:
    """The `.socket` unit in whose cgroup a socket was made; None where it was no such unit's."""
    unit = place(path).unit
    return unit if unit and unit.endswith(".socket") else None


def activations_of(
    host: Host,
    sockets: Sequence[Socket],
    *,
    paths: Mapping[int, str] | None = None,
    deadline: float = 1.0,
) -> list[Activation | None]:
    """For each socket the activation that it is part of, None for all others.

    Units inside containers are named, but their files are not ours to read. `paths` are the
    folders of the sockets' cgroups by id, where they are known already.
    """
    ids = {found.cgroup for found in sockets if not isinstance(found.cgroup, Unknown)}
    folders = paths_of(host, ids) if paths is None else paths
    top = mount_point(host) or ""
    keys: list[tuple[str | None, str] | None] = []
    for found in sockets:
        path = None if isinstance(found.cgroup, Unknown) else folders.get(found.cgroup)
        unit = socket_unit_of(path) if path else None
        keys.append((manager_of(path.removeprefix(top)), unit) if path and unit else None)
    until = clock.monotonic() + deadline
    made: dict[tuple[str | None, str], Activation] = {}
    for scope in sorted({key[0] for key in keys if key and key[0]}):
        units = sorted({key[1] for key in keys if key and key[0] == scope})
        found_here = _activations(host, units, scope, max(until - clock.monotonic(), 0.01))
        made |= {(scope, unit): each for unit, each in found_here.items()}
    outside = Unknown("outside", "a container has its own systemd: ask in there")
    return [
        made.get(key) or Activation(key[1], outside, outside) if key is not None else None
        for key in keys
    ]


def activation_of(
    host: Host, socket_unit: str, *, scope: str = "system", deadline: float = 1.0
) -> Activation:
    """The service behind a `.socket` unit, and whether it runs.

    systemd is asked over D-Bus where that can be; otherwise the unit's file says it, or the
    convention that both have the same name. With `Accept=yes` the service is a template that is
    started once for each connection: `name@.service`.
    """
    return _activations(host, [socket_unit], scope, deadline)[socket_unit]


def _activations(
    host: Host, units: Collection[str], scope: str, deadline: float
) -> dict[str, Activation]:
    triggered = _triggers(host, units, scope, deadline) if host.live else {}
    running = _Running(host, scope)
    made = {}
    for unit in units:
        asked = triggered.get(unit)
        service = asked or service_by_file(host, unit, scope)
        if service is None and running.of(_by_convention(unit)) is True:
            service = _by_convention(unit)
        if service is None:
            made[unit] = Activation(unit, _UNREADABLE, _UNREADABLE)
        else:
            made[unit] = Activation(unit, service, running.of(service))
    return made


def _triggers(host: Host, units: Collection[str], scope: str, deadline: float) -> dict[str, str]:
    """The services by systemd's own word; those of units that it does not know are left out."""
    try:
        from portbook.owners.bus import NoAnswer, talk
    except ImportError:
        return {}
    names = list(units)
    try:
        with talk(scope, clock.monotonic() + deadline) as systemd:
            replies = systemd.ask(
                [
                    *(property_call(name, "Unit", "Triggers") for name in names),
                    *(property_call(name, "Socket", "Accept") for name in names),
                ]
            )
    except NoAnswer:
        return {}
    services = {}
    for at, name in enumerate(names):
        triggers, accept = value_of(replies[at]), value_of(replies[at + len(names)])
        if accept is True:
            services[name] = _template(name)
        elif isinstance(triggers, list) and triggers:
            services[name] = str(triggers[0])[:256]
    return services


class _Running:
    """Which services have a process, by the cgroup of each: no bus and no root needed."""

    def __init__(self, host: Host, scope: str) -> None:
        self._host = host
        self._scope = scope
        self._folders: dict[str, str] | None = None

    def of(self, service: str) -> bool | Unknown:
        """Whether a process runs in the service, or in any instance of the template."""
        if self._folders is None:
            self._folders = self._walk()
        if not self._folders:
            return Unknown("unsupported", "mount cgroup v2")
        if service.endswith("@.service"):
            start = service.removesuffix(".service")
            instances = [name for name in self._folders if name.startswith(start)]
        else:
            instances = [service] if service in self._folders else []
        return any(self._populated(self._folders[name]) for name in instances)

    def _walk(self) -> dict[str, str]:
        """The folder of every unit of our scope. A unit's own subgroups are not entered."""
        top = mount_point(self._host)
        found: dict[str, str] = {}
        folders = [top] if top else []
        while folders:
            folder = folders.pop()
            try:
                inside = self._host.folders(folder)
            except OSError:
                continue
            for name, _ in inside:
                path = f"{folder.rstrip('/')}/{name}"
                unit = place("/" + name).unit
                if unit is None or name.startswith("user@"):
                    folders.append(path)
                elif manager_of(path.removeprefix(top or "")) == self._scope:
                    found[unit] = path
        return found

    def _populated(self, folder: str) -> bool:
        try:
            return "populated 1" in self._host.text(f"{folder}/cgroup.events", 4096)
        except OSError:
            return bool(processes_in(self._host, folder))


def service_by_file(host: Host, unit: str, scope: str = "system") -> str | None:
    """The service by the unit's file and its drop-ins; None where no file can be read."""
    folders = SYSTEM_FOLDERS if scope == "system" else USER_FOLDERS
    stem = unit.removesuffix(".socket")
    names = [unit]
    if "@" in stem:
        names.append(stem.partition("@")[0] + "@.socket")
    text = next(
        (
            found
            for name in names
            for folder in folders
            if (found := _file(host, f"{folder}/{name}")) is not None
        ),
        None,
    )
    if text is None:
        return None
    drop_ins: dict[str, str] = {}
    for folder in reversed(folders):
        for name in reversed(names):
            try:
                inside = host.names(f"{folder}/{name}.d")
            except OSError:
                continue
            drop_ins |= {each: f"{folder}/{name}.d/{each}" for each in inside}
    for name in sorted(drop_ins):
        if name.endswith(".conf"):
            text += "\n" + (_file(host, drop_ins[name]) or "")
    service, accept = parse_socket_unit(text)
    if accept:
        return _template(unit)
    if service is None:
        return _by_convention(unit)
    for specifier, value in (("%i", stem.partition("@")[2]), ("%p", stem.partition("@")[0])):
        service = service.replace(specifier, value)
    return service


def _file(host: Host, path: str) -> str | None:
    try:
        return host.text(path, MOST_BYTES)
    except OSError:
        return None


def parse_socket_unit(text: str) -> tuple[str | None, bool]:
    """`Service=` and `Accept=` of [Socket]; what comes last counts (systemd.syntax(7))."""
    service: str | None = None
    accept = False
    section = ""
    # A backslash joins a line with the next one, comments in between left out.
    joined = re.sub(r"\\\n(?:[ \t]*[#;][^\n]*\n)*", " ", text)
    for line in map(str.strip, joined.split("\n")):
        if line.startswith("[") and line.endswith("]"):
            section = line
        elif section == "[Socket]" and line[:1] not in ("#", ";"):
            key, equals, value = line.partition("=")
            key, value = key.rstrip(), value.strip()
            if equals and key == "Service":
                service = value[:256] or None
            elif equals and key == "Accept":
                accept = value.casefold() in ("1", "yes", "y", "true", "t", "on")
    return service, accept


def _template(unit: str) -> str:
    return f"{unit.removesuffix('.socket').partition('@')[0]}@.service"


def _by_convention(unit: str) -> str:
    return f"{unit.removesuffix('.socket')}.service"
