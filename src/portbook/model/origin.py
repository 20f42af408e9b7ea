"""Where a program comes from and what runs it: package, project, unit, container."""

from portbook.model.record import Record
from portbook.model.unknown import Unknown


class Package(Record):
    """The package that owns an executable. `manager`: dpkg, rpm, apk, pacman."""

    manager: str
    name: str
    version: str | None


class Project(Record):
    """The source folder that an interpreted program runs from.

    `kind`: python, node, bun, deno, ruby. `name` is the one in pyproject.toml or package.json, else
    the folder's; `branch` git's current branch, a short commit id where none is checked out, None
    without git.
    """

    kind: str
    folder: str
    name: str
    branch: str | None


class UnitFacts(Record):
    """What systemd says of a unit over D-Bus.

    `scope`: system or user. `fragment` is the path of the unit file, `state` ActiveState and
    SubState joined by a slash (active/running), `restarts` NRestarts of a service.
    """

    name: str
    scope: str
    description: str | None
    fragment: str | None
    state: str | None
    restarts: int | None


class Activation(Record):
    """A socket that systemd listens on for a service, whether that was started or not."""

    socket: str
    service: str | None | Unknown
    running: bool | Unknown


class Container(Record):
    """A container as the cgroup path names it: what the system says. `engine` such as docker."""

    engine: str
    id: str


class EngineContainer(Record):
    """A container as its engine's API describes it: what was inferred, never the system's word.

    `how` says by what the container was matched: `cgroup` (its id is in the owner's cgroup),
    `proxy` (the owner is a proxy that forwards to its address or port), `published` (the engine
    publishes this port). `container_port` is the port inside, None where it is the same socket.
    """

    engine: str
    id: str
    name: str
    image: str
    container_port: int | None
    how: str
