"""Where the container engines of this machine answer. Nothing is asked here, only looked for.

Remote engines are left out: their containers hold no socket here. So are addresses that need TLS.
"""

import os
from collections.abc import Iterator

from portbook.host import Host
from portbook.model import Gap, Said
from portbook.model.record import Record

MOST_USERS = 64
MOST_CONTEXTS = 64
_MOST_BYTES = 1 << 20
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class EngineSocket(Record):
    """An address to ask, as `unix://` or `tcp://`, and what the engine behind it should be."""

    engine: str
    api: str


class _Usual(Record):
    """Where an engine answers by default, and systemd's units for it."""

    engine: str
    socket: str
    unit: str
    storage: str | None


_USUAL = (
    _Usual("docker", "/docker.sock", "docker", None),
    _Usual("podman", "/podman/podman.sock", "podman", "/containers/overlay-containers"),
)


def engine_sockets(host: Host) -> tuple[list[EngineSocket], list[Gap]]:
    """Every engine that may answer on this machine, each once, and what could not be looked at."""
    found: list[EngineSocket] = []
    gaps: list[Gap] = []
    seen: set[object] = set()
    for each in _candidates(host):
        try:
            if each.api.startswith("unix://"):
                # One engine may have several names: /var/run/docker.sock, or Podman as docker.sock.
                identity: object = host.inode(each.api.removeprefix("unix://"))
            else:
                identity = each.api
        except PermissionError:
            gaps.append(denied(each))
            continue
        except OSError:
            continue
        if identity not in seen:
            seen.add(identity)
            found.append(each)
    return found, gaps


def denied(engine: EngineSocket) -> Gap:
    """What to say where the system does not let us ask."""
    return Gap(
        Said("containers of %(engine)s", engine=engine.engine),
        Said("%(where)s: %(why)s", where=engine.api, why=Said("permission denied")),
        Said("run as root, or as a user who may use the engine"),
    )


def _candidates(host: Host) -> Iterator[EngineSocket]:
    for name, engine in (("DOCKER_HOST", "docker"), ("CONTAINER_HOST", "podman")):
        if api := local_api(os.environ.get(name, "")):
            yield EngineSocket(engine, api)
    for address in _context_hosts(host):
        if api := local_api(address):
            yield EngineSocket("docker", api)
    for folder, units, storage in _runtime_folders(host):
        for usual in _USUAL:
            if not _would_start(host, usual, units, storage):
                yield EngineSocket(usual.engine, f"unix://{folder}{usual.socket}")
    if not host.linux:
        yield EngineSocket("docker", "unix:///var/run/docker.sock")


def local_api(address: str) -> str | None:
    """`address` if it is one of this machine that needs no TLS, in the form that we use."""
    scheme, _, rest = address.partition("://")
    if scheme == "unix" and rest.startswith("/") and "\0" not in rest:
        return f"unix://{rest}"
    if scheme in ("tcp", "http") and not os.environ.get("DOCKER_TLS_VERIFY"):
        name, _, port = rest.rstrip("/").rpartition(":")
        if name in _LOOPBACK and port.isascii() and port.isdecimal() and 0 < int(port) < 65536:
            return f"tcp://{'127.0.0.1' if name == 'localhost' else name}:{port}"
    return None


def _context_hosts(host: Host) -> Iterator[str]:
    """The addresses in Docker's contexts, the current one first.

    All of them: whichever engine on this machine runs a container may hold one of its ports.
    """
    from json import loads

    home = os.environ.get("HOME", "")
    folder = os.environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else "")
    if not folder:
        return
    names = _names(host, f"{folder}/contexts/meta")[:MOST_CONTEXTS]
    current = os.environ.get("DOCKER_CONTEXT")
    if current is None:
        try:
            settings = loads(host.read(f"{folder}/config.json", _MOST_BYTES))
            current = settings["currentContext"]
        except (OSError, ValueError, RecursionError, TypeError, KeyError):
            current = None
    known: list[tuple[bool, str]] = []
    for name in names:
        try:
            meta = loads(host.read(f"{folder}/contexts/meta/{name}/meta.json", _MOST_BYTES))
            address = meta["Endpoints"]["docker"]["Host"]
            if isinstance(address, str):
                known.append((meta.get("Name") != current, address))
        except (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
            continue
    yield from (address for _, address in sorted(known))


def _runtime_folders(host: Host) -> Iterator[tuple[str, str, str]]:
    """(folder of the sockets, where systemd notes running units, where Podman notes containers)."""
    yield "/run", "/run/systemd/units", "/run"
    uid = host.privileges.uid
    users = [os.environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{uid}"]
    if uid == 0:
        users += [f"/run/user/{name}" for name in _names(host, "/run/user")]
    # Another user's folder cannot be entered, so without root only our own are looked at.
    for folder in dict.fromkeys(users[:MOST_USERS]):
        if folder.startswith("/"):
            yield folder, f"{folder}/systemd/units", folder


def _names(host: Host, folder: str) -> list[str]:
    try:
        return sorted(host.names(folder))
    except OSError:
        return []


def _would_start(host: Host, usual: _Usual, units: str, storage: str) -> bool:
    """Whether to connect would start an engine that has nothing to say.

    Where systemd listens for an engine that is stopped, connecting starts it. Docker runs all the
    time that it has containers; Podman's service comes and goes, so its containers are looked for.
    """
    names = _names(host, units)
    service, socket = (f"invocation:{usual.unit}.{kind}" for kind in ("service", "socket"))
    if socket not in names or service in names:
        return False
    if usual.storage is None:
        return True
    try:
        return not host.names(storage + usual.storage)
    except FileNotFoundError:
        return True
    except OSError:
        return False
