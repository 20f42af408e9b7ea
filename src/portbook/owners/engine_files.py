"""Names of containers from the files that engines keep, where no API tells them.

Nothing here says whether a container still runs, except for Docker and machined: the ids are
only ever matched with those that the kernel shows.
"""

import os
import re
from collections.abc import Callable, Iterator

from portbook.host import Host, clock
from portbook.model import Unknown
from portbook.owners.contained import Contained
from portbook.owners.engine_replies import BadAnswer, document_in, in_own_file

MOST_FILES = 1024
_MOST_BYTES = 1 << 20
_HEX = re.compile(r"[0-9a-f]{64}")
_POD_LOG = re.compile(
    r"(?P<pod>[a-z0-9.-]{1,253})_(?P<space>[a-z0-9-]{1,63})_(?P<name>[a-z0-9-]{1,63})"
    r"-(?P<id>[0-9a-f]{64})\.log"
)
_TASKS = "/run/containerd/io.containerd.runtime.v2.task"


def named_in_files(host: Host, answered: set[str], *, until: float) -> list[Contained]:
    """The containers that files name. `answered` are the engines whose API has answered."""
    found: dict[str, Contained] = {}
    readers: list[Callable[[Host], Iterator[Contained]]] = [_machines, _pods, _containerd]
    if "docker" not in answered:
        readers.append(_docker)
    if "podman" not in answered:
        readers.append(_storage)
    for reader in readers:
        try:
            for each in reader(host):
                found.setdefault(each.id, each)
                if clock.monotonic() > until:
                    return list(found.values())
        except OSError:
            continue  # not there, or not for us
    return list(found.values())


def pod_of_log(name: str) -> Contained | None:
    """The container that a file in /var/log/containers is the log of: POD_NAMESPACE_NAME-ID.log."""
    match = _POD_LOG.fullmatch(name)
    if match is None:
        return None
    named = f"{match['space']}/{match['pod']}/{match['name']}"
    return Contained("kubernetes", match["id"], named)


def machine(text: str) -> Contained | None:
    """A machine as systemd-machined notes it below /run/systemd/machines; None for a VM."""
    facts = dict(line.partition("=")[::2] for line in text.split("\n") if "=" in line)
    name = facts.get("NAME", "")[:64]
    if not name or facts.get("CLASS") != "container":
        return None
    leader = facts.get("LEADER", "")
    return Contained(
        engine="nspawn",
        id=_readable(name),
        name=_readable(name),
        image=_readable(facts.get("ROOT", "")[:256]),
        pid=int(leader) if leader.isascii() and leader.isdecimal() else Unknown("unreadable"),
    )


def in_storage(data: bytes) -> Iterator[Contained]:
    """The containers in containers/storage's containers.json, which Podman and CRI-O share.

    Raises:
        BadAnswer: it is no such file.
    """
    rows = document_in(data)
    for row in rows[:MOST_FILES] if isinstance(rows, list) else ():
        if not isinstance(row, dict) or not _HEX.fullmatch(_word(row.get("id"))):
            continue
        try:
            noted = document_in(_word(row.get("metadata"), 1 << 16).encode())
        except BadAnswer:
            noted = {}
        noted = noted if isinstance(noted, dict) else {}
        names = row.get("names")
        named = _word(names[0]) if isinstance(names, list) and names else ""
        engine = "cri-o" if "pod-name" in noted or "container-name" in noted else "podman"
        named = _word(noted.get("container-name")) or named or _word(noted.get("name"))
        image = _word(noted.get("image-name"))
        yield Contained(engine, row["id"], named or row["id"][:12], image)


def task(id_: str, data: bytes) -> Contained | None:
    """A container by the OCI configuration that containerd keeps of a running task.

    Raises:
        BadAnswer: it is no such file.
    """
    document = document_in(data)
    notes = document.get("annotations") if isinstance(document, dict) else None
    if not isinstance(notes, dict):
        return None
    start = "io.kubernetes.cri."
    image = _word(notes.get(f"{start}image-name")) or _word(notes.get("nerdctl/image-ref"))
    if pod := _word(notes.get(f"{start}sandbox-name")):
        space = _word(notes.get(f"{start}sandbox-namespace")) or "default"
        name = _word(notes.get(f"{start}container-name")) or "(sandbox)"
        return Contained("kubernetes", id_, f"{space}/{pod}/{name}", image)
    name = _word(notes.get("nerdctl/name")) or id_[:12]
    project = _word(notes.get("com.docker.compose.project")) or None
    return Contained("containerd", id_, name, image, project)


def _machines(host: Host) -> Iterator[Contained]:
    folder = "/run/systemd/machines"
    for name in sorted(host.names(folder))[:MOST_FILES]:
        if ":" not in name:  # the others lead from a unit to its machine
            try:
                found = machine(host.text(f"{folder}/{name}", _MOST_BYTES))
            except OSError:
                continue
            if found:
                yield found


def _pods(host: Host) -> Iterator[Contained]:
    for name in sorted(host.names("/var/log/containers"))[: 4 * MOST_FILES]:
        if found := pod_of_log(name):
            yield found


def _containerd(host: Host) -> Iterator[Contained]:
    try:
        logged = {each.id for each in _pods(host)}
    except OSError:
        logged = set()
    for space in sorted(host.names(_TASKS)):
        if space == "moby":
            continue  # Docker's own, which Docker names better
        for id_ in sorted(host.names(f"{_TASKS}/{space}"))[:MOST_FILES]:
            if id_ not in logged:
                try:
                    found = task(id_[:128], host.read(f"{_TASKS}/{space}/{id_}/config.json"))
                except (OSError, BadAnswer):
                    continue
                if found:
                    yield found


def _docker(host: Host) -> Iterator[Contained]:
    for data in ("/var/lib/docker", *_of_home(host, "/.local/share/docker")):
        try:
            ids = sorted(host.names(f"{data}/containers"))[:MOST_FILES]
        except OSError:
            continue
        for id_ in ids:
            try:
                path = f"{data}/containers/{id_}/config.v2.json"
                found = in_own_file(host.read(path, _MOST_BYTES))
            except (OSError, BadAnswer):
                continue
            if found:
                yield found


def _storage(host: Host) -> Iterator[Contained]:
    homes = _of_home(host, "/.local/share/containers")
    for data in ("/var/lib/containers", *homes):
        for driver in ("overlay", "vfs", "btrfs"):
            try:
                path = f"{data}/storage/{driver}-containers/containers.json"
                yield from in_storage(host.read(path))
            except (OSError, BadAnswer):
                continue


def _of_home(host: Host, folder: str) -> tuple[str, ...]:
    home = os.environ.get("HOME", "") if host.live else "/root"
    return (f"{home}{folder}",) if home.startswith("/") else ()


def _word(value: object, most: int = 256) -> str:
    return _readable(value[:most]) if isinstance(value, str) else ""


def _readable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
