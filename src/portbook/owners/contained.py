"""What a container engine says of its containers: values only."""

from portbook.model import NOT_ASKED, EngineContainer, Gap, Unknown
from portbook.model.record import Record


class PublishedPort(Record):
    """A port of the host that an engine leads to a port of a container.

    `host_ip` is the address on the host, `0.0.0.0` or `::` for every one.
    """

    host_ip: str
    host_port: int
    transport: str
    container_port: int


class Contained(Record):
    """A container as its engine describes it: the engine's word, not the kernel's.

    `engine`: docker, podman, cri-o, containerd, kubernetes, nspawn. `image` is empty where it is
    not said. `project` and `service` are those of a compose file, by the container's labels.
    `addresses` are those of every network it is in, `netns` the path of its network namespace.
    `host_network`: it has the host's own. `api` is where its engine answers, None where all this
    was read from files.
    """

    engine: str
    id: str
    name: str
    image: str = ""
    project: str | None = None
    service: str | None = None
    addresses: tuple[str, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    host_network: bool | Unknown = NOT_ASKED
    pid: int | Unknown = NOT_ASKED
    netns: str | None = None
    api: str | None = None

    def matched(self, how: str, container_port: int | None = None) -> EngineContainer:
        """This container as the answer to what a socket belongs to; see model.EngineContainer."""
        return EngineContainer(self.engine, self.id, self.name, self.image, container_port, how)


class Engines(Record):
    """The containers that the engines of a host know, and what could not be learnt."""

    containers: tuple[Contained, ...]
    gaps: tuple[Gap, ...]

    def by_id(self, id_: str) -> Contained | None:
        """The container with this id, or with one that begins so (12 characters or more)."""
        for each in self.containers:
            if each.id == id_:
                return each
        if len(id_) < SHORT_ID:
            return None
        for each in self.containers:
            if each.id.startswith(id_) or (len(each.id) >= SHORT_ID and id_.startswith(each.id)):
                return each
        return None


SHORT_ID = 12
"""Characters of the short form of an id; a cgroup may have that one."""
