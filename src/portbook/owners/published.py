"""Ports that an engine publishes: by whom, and whether a socket here serves them.

Without a userland proxy packets are rewritten on their way, and no process listens on the host.
"""

from collections.abc import Iterable

from portbook.model import EngineContainer, Socket
from portbook.model.record import Record
from portbook.owners.contained import Contained, Engines, PublishedPort


class MissingListener(Record):
    """A published port that no socket of the host serves, and the container it leads to."""

    port: PublishedPort
    container: EngineContainer


def published_on(
    port: int, transport: str, address: str | None, engines: Engines
) -> list[EngineContainer]:
    """The containers to which an engine leads this port, each once.

    `address` is a local address of the host; None for any.
    """
    return [
        container.matched("published", published.container_port)
        for container, published in publishers(port, transport, address, engines)
    ]


def publishers(
    port: int, transport: str, address: str | None, engines: Engines
) -> list[tuple[Contained, PublishedPort]]:
    """The same with what is published. All members of a pod publish what one of them does."""
    found = []
    for container in engines.containers:
        if container.host_network is True:
            continue  # it has the port itself
        for each in container.ports:
            if (
                each.host_port == port
                and each.transport == transport
                and (address is None or overlaps(each.host_ip, address))
            ):
                found.append((container, each))
                break
    return found


def missing_listeners(engines: Engines, sockets: Iterable[Socket]) -> tuple[MissingListener, ...]:
    """Published ports that none of `sockets` serves on any address, each once per container.

    In the order of port, transport and container.
    """
    served: dict[tuple[str, int], list[str]] = {}
    for socket in sockets:
        served.setdefault((socket.transport, socket.port), []).append(socket.address)
    published: dict[tuple[int, str, str], list[MissingListener]] = {}
    for container in engines.containers:
        for port in container.ports if container.host_network is not True else ():
            key = (port.host_port, port.transport, container.id)
            found = MissingListener(port, container.matched("published", port.container_port))
            published.setdefault(key, []).append(found)
    missing = []
    for (number, transport, _), ways in sorted(published.items()):
        addresses = served.get((transport, number), ())
        if not any(overlaps(way.port.host_ip, each) for way in ways for each in addresses):
            missing.append(ways[0])
    return tuple(missing)


def overlaps(published: str, address: str) -> bool:
    """Whether a port published on one address concerns a socket on the other."""
    published, address = (text.removeprefix("::ffff:") for text in (published, address))
    if published in ("", address) or address in ("", "::"):
        return True  # a socket on :: takes IPv4 as well, unless told otherwise
    if ":" in published:
        return published == "::" and ":" in address
    return ":" not in address and "0.0.0.0" in (published, address)
