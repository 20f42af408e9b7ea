"""What Docker's and Podman's API replies say: pure functions from bytes to values.

Everything in them is untrusted: a value of another type than the API documents counts as absent.
"""

import re
from collections.abc import Iterable, Iterator

from portbook.model import Said, Unknown
from portbook.model.record import Record
from portbook.owners.contained import Contained, PublishedPort

MOST_CONTAINERS = 4096
_MOST_ENTRIES = 1024
"""Networks or ports of one container."""
_TRANSPORTS = ("tcp", "udp", "sctp")
_ID = re.compile(r"[0-9a-f]{12,64}")
UNTOLD = Unknown("unreadable", "the engine did not say")


class Told(Record):
    """What one engine answered. `skipped` entries could not be understood."""

    engine: str
    containers: tuple[Contained, ...]
    skipped: int


class BadAnswer(ValueError):
    """The engine answered something that is not what its API documents. One line."""


def document_in(data: bytes) -> object:
    """JSON from outside.

    Raises:
        BadAnswer: it is none.
    """
    from json import loads  # 3 ms that a host without an engine does not need

    try:
        document: object = loads(data)
    except (ValueError, RecursionError):
        raise BadAnswer(Said("the answer is no JSON")) from None
    return document


def containers_in(data: bytes, engine: str, api: str | None = None) -> Told:
    """The running containers of a reply to `GET /containers/json`.

    Raises:
        BadAnswer: it is no such reply.
    """
    rows = document_in(data)
    if not isinstance(rows, list):
        raise BadAnswer(Said("the answer is no list of containers"))
    found = []
    for row in rows[:MOST_CONTAINERS]:
        container = described(row, engine, api)
        if container:
            found.append(container)
    return Told(engine, tuple(found), len(rows) - len(found))


def described(row: object, engine: str, api: str | None = None) -> Contained | None:
    """One entry of the list; None where it has no usable id."""
    id_ = _text(_at(row, "Id"))
    if not _ID.fullmatch(id_):
        return None
    names = _at(row, "Names")
    named = [_text(name) for name in names] if isinstance(names, list) else []
    # A linked container has further names, of the form /other/alias.
    own = next((name for name in named if name.count("/") <= 1 and name), "")
    labels = _at(row, "Labels")
    networks = _at(row, "NetworkSettings", "Networks")
    mode = _at(row, "HostConfig", "NetworkMode")
    return Contained(
        engine=engine,
        id=id_,
        name=own.removeprefix("/") or id_[:12],
        image=_text(_at(row, "Image")),
        project=_label(labels, "project"),
        service=_label(labels, "service"),
        addresses=tuple(_addresses(networks)),
        ports=tuple(_listed_ports(_at(row, "Ports"))),
        host_network=_host_network(networks, mode),
        api=api,
    )


def looked_at(container: Contained, detail: object) -> Contained:
    """The container with what `GET /containers/ID/json`, or Docker's own file of it, adds."""
    networks = _at(detail, "NetworkSettings", "Networks")
    mode = _at(detail, "HostConfig", "NetworkMode")
    pid = _at(detail, "State", "Pid")
    host_network = _host_network(networks, mode)
    return container._replace(
        addresses=container.addresses or tuple(_addresses(networks)),
        ports=container.ports or tuple(_ports_by_inside(_at(detail, "NetworkSettings", "Ports"))),
        host_network=container.host_network if host_network == UNTOLD else host_network,
        pid=pid if isinstance(pid, int) and _is_number(pid, 1 << 32) else UNTOLD,
        netns=_text(_at(detail, "NetworkSettings", "SandboxKey")) or None,
    )


def in_own_file(data: bytes, api: str | None = None) -> Contained | None:
    """A container as Docker keeps it in config.v2.json; None where it does not run.

    Raises:
        BadAnswer: it is no such file.
    """
    row = document_in(data)
    if _at(row, "State", "Running") is not True or not isinstance(row, dict):
        return None
    listed = {
        "Id": row.get("ID"),
        "Names": [row.get("Name")],
        "Image": _at(row, "Config", "Image"),
        "Labels": _at(row, "Config", "Labels"),
    }
    container = described(listed, "docker", api)
    return looked_at(container, row) if container else None


def _at(row: object, *keys: str) -> object:
    for key in keys:
        row = row.get(key) if isinstance(row, dict) else None
    return row


def _text(value: object, most: int = 256) -> str:
    """Text of bounded length; half a surrogate pair, which JSON can say, becomes `?`."""
    return value[:most].encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _label(labels: object, name: str) -> str | None:
    """A compose label; podman-compose writes it under a name of its own as well."""
    for start in ("com.docker.compose", "io.podman.compose"):
        if value := _text(_at(labels, f"{start}.{name}")):
            return value
    return None


def _host_network(networks: object, mode: object) -> "bool | Unknown":
    if isinstance(mode, str) and mode:
        return mode == "host"
    return "host" in networks if isinstance(networks, dict) and networks else UNTOLD


def _addresses(networks: object) -> Iterator[str]:
    for network in list(networks.values())[:_MOST_ENTRIES] if isinstance(networks, dict) else ():
        for key in ("IPAddress", "GlobalIPv6Address"):
            if address := _text(_at(network, key), 45):
                yield address


def _is_number(value: object, most: int) -> bool:
    return type(value) is int and 0 < value <= most


def _listed_ports(rows: object) -> Iterator[PublishedPort]:
    """The published ones among [{"IP", "PrivatePort", "PublicPort", "Type"}]."""
    for row in rows[:_MOST_ENTRIES] if isinstance(rows, list) else ():
        yield from _published(
            _at(row, "IP"), _at(row, "PublicPort"), _at(row, "Type"), _at(row, "PrivatePort")
        )


def _ports_by_inside(ports: object) -> Iterator[PublishedPort]:
    """The published ones among {"80/tcp": [{"HostIp", "HostPort"}]}; null where not published."""
    for inside, bindings in list(ports.items())[:_MOST_ENTRIES] if isinstance(ports, dict) else ():
        number, _, transport = str(inside).partition("/")
        for binding in bindings[:_MOST_ENTRIES] if isinstance(bindings, list) else ():
            yield from _published(
                _at(binding, "HostIp"),
                _number(_at(binding, "HostPort")),
                transport,
                _number(number),
            )


def _number(text: object) -> int | None:
    short = isinstance(text, str) and len(text) <= 5 and text.isascii() and text.isdecimal()
    return int(str(text)) if short else None


def _published(
    address: object, outside: object, transport: object, inside: object
) -> Iterable[PublishedPort]:
    if not _is_number(outside, 65535) or not _is_number(inside, 65535):
        return ()
    if transport not in _TRANSPORTS or not isinstance(outside, int) or not isinstance(inside, int):
        return ()
    return (PublishedPort(_text(address, 45) or "0.0.0.0", outside, str(transport), inside),)
