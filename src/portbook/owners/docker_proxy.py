"""From a process that forwards a published port to the container behind it.

docker-proxy says on its command line where it leads: an address that the container has in one of
its networks, the default one or a user-defined one. Podman's conmon and slirp4netns name the
container's id, pasta its network namespace. rootlessport, rootlesskit and dockerd say nothing;
then the published port decides, if only one container publishes it.
"""

import re
from collections.abc import Sequence

from portbook.model import Container, EngineContainer, Owner, Socket, Unknown
from portbook.owners.contained import Contained, Engines, PublishedPort
from portbook.owners.published import publishers

DOCKER_PROXIES = ("docker-proxy", "rootlesskit-docker-proxy")
PROXIES = (
    "rootlessport",
    "rootlessport-child",
    "rootlesskit",
    "slirp4netns",
    "pasta",
    "pasta.avx2",
    "passt",
    "passt.avx2",
    "conmon",
    "dockerd",
)
_HEX = re.compile(r"[0-9a-f]{64}")
_NAMED = ("conmon", "slirp4netns")


def proxied_container(owner: Owner, socket: Socket, engines: Engines) -> EngineContainer | None:
    """The container that a proxy's socket leads to; None where the owner is no proxy.

    None as well where two containers fit: no answer is better than a wrong one.
    """
    program = _program(owner)
    if program in DOCKER_PROXIES:
        # In a container it serves an engine inside, whose containers may have the same addresses.
        if isinstance(owner.container, Container):
            return None
        return _by_address(owner, socket, engines)
    if program not in PROXIES:
        return None
    candidates = publishers(socket.port, socket.transport, socket.address, engines)
    arguments = () if isinstance(owner.cmdline, Unknown) else owner.cmdline[1:]
    ids = [id_ for each in arguments for id_ in _HEX.findall(each)] if program in _NAMED else []
    named = _named(ids, arguments, engines)
    if named is None:
        # A container that no engine told us of is none of the others.
        return None if ids else _only(candidates)
    port = next((port for found, port in candidates if found.id == named.id), None)
    return named.matched("proxy", port.container_port if port else None)


def proxy_target(arguments: Sequence[str]) -> tuple[str, int, str, int] | None:
    """(container's address, container's port, transport, host's port) of a docker-proxy."""
    said: dict[str, str] = {}
    waiting = iter(arguments[1:])
    for argument in waiting:
        flag, equals, value = argument.partition("=")
        name = flag.lstrip("-")
        if flag.startswith("-") and name in _FLAGS:
            said[name] = value if equals else next(waiting, "")
    inside, outside = (_port(said.get(f"{end}-port", "")) for end in ("container", "host"))
    address = said.get("container-ip", "")
    if not address or inside is None or outside is None:
        return None
    return address, inside, said.get("proto") or "tcp", outside


_FLAGS = ("proto", "host-ip", "host-port", "container-ip", "container-port")


def _port(text: str) -> int | None:
    usable = text.isascii() and text.isdecimal() and len(text) <= 5
    return int(text) if usable and 0 < int(text) < 65536 else None


def _program(owner: Owner) -> str | None:
    """The name of the program, by its executable where that is known: anyone can set a comm."""
    for path in (owner.exe, owner.name):
        if isinstance(path, str):
            return path.rpartition("/")[2]
    return None


def _by_address(owner: Owner, socket: Socket, engines: Engines) -> EngineContainer | None:
    target = None if isinstance(owner.cmdline, Unknown) else proxy_target(owner.cmdline)
    candidates = publishers(socket.port, socket.transport, socket.address, engines)
    if target is None:
        return _only(candidates)
    address, inside, transport, outside = target
    there = [each for each in engines.containers if address in each.addresses]
    # Two engines can give out the same address: then the published port tells them apart.
    exact = [each for each in there if _publishes(each, outside, transport, inside)]
    for fitting in (exact, there):
        if len({each.id for each in fitting}) == 1:
            return fitting[0].matched("proxy", inside)
    return None if there else _only(candidates)


def _publishes(container: Contained, outside: int, transport: str, inside: int) -> bool:
    return any(
        (each.host_port, each.transport, each.container_port) == (outside, transport, inside)
        for each in container.ports
    )


def _named(ids: Sequence[str], arguments: Sequence[str], engines: Engines) -> Contained | None:
    """The container that a command line names, by its id or by its network namespace."""
    for id_ in ids:
        if found := engines.by_id(id_):
            return found
    for container in engines.containers:
        if container.netns and any(container.netns in each for each in arguments):
            return container
    return None


def _only(candidates: Sequence[tuple[Contained, PublishedPort]]) -> EngineContainer | None:
    """The one container that fits.

    Podman lets every member of a pod publish what one of them does: that is the pod's own
    container (`NAME-infra`), unless there is only one other.
    """
    infra = [each for each in candidates if each[0].name.endswith("-infra")]
    members = [each for each in candidates if each not in infra]
    for fitting in (members, infra):
        if len(fitting) == 1:
            container, port = fitting[0]
            return container.matched("proxy", port.container_port)
    return None
