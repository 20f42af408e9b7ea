"""Parts of files that mean something together with parts of other files.

All are values (tuples, strings, numbers), so that a reading can be kept: see `cache`.
"""

from portbook.model.declared import Declared, Place
from portbook.model.record import Record


class Written(Record):
    """A text as a file has it, before variables are put in.

    `place` is where its first line stands; with `raw` every character of `text` stands there as
    such, so that an offset in it is one in the file.
    """

    text: str
    place: Place
    raw: bool = True


class Variable(Record):
    """`NAME=value` of a .env file, an `environment:`, an ENV or ARG, an `env:` of a container.

    `value` is None where the variable is only named and comes from outside.
    """

    name: str
    value: Written | None


class EnvFile(Record):
    """The variables of a .env file, in its order; of a repeated name the last one counts."""

    variables: tuple[Variable, ...]


class ImageFile(Record):
    """What a Dockerfile says of the image that its last stage makes (or of the stage `target`).

    `exposes` are its EXPOSEs and those of the stages it is made from, `variables` its ENV (ARG
    with defaults are put in already), `listens` what its CMD, ENTRYPOINT and HEALTHCHECK tell of
    ports, `base` the image it is made from, `user` the last USER. `stages` are the names of all.
    """

    exposes: tuple[Declared, ...]
    variables: tuple[Variable, ...]
    listens: tuple[Declared, ...]
    base: str | None
    user: str | None
    stages: tuple[str, ...] = ()
    stage: str | None = None
    """The stage that it is, where it is not the last one."""
    commands: tuple[Written, ...] = ()
    """The CMD and ENTRYPOINT that count, without their first word."""
    told: tuple[Declared, ...] = ()
    """Those of `listens` that the command tells its program: no debugger's, and none unsure."""
    asked: tuple[Declared, ...] = ()
    """Those of `listens` that its HEALTHCHECK asks."""


class ServicePort(Record):
    """One entry of compose `ports`, as written.

    The short form is `short` alone (`127.0.0.1:${WEB:-8080}:80/tcp`). In the long form `target`,
    `published`, `host_ip`, `protocol`, `mode` are what is there, each with its place.
    """

    short: Written | None = None
    target: Written | None = None
    published: Written | None = None
    host_ip: Written | None = None
    protocol: Written | None = None
    mode: Written | None = None
    app_protocol: Written | None = None


class ComposeService(Record):
    """One service of a compose file, as written there, before extends, merging and variables."""

    name: str
    place: Place
    image: Written | None = None
    context: Written | None = None
    dockerfile: Written | None = None
    target: Written | None = None
    ports: tuple[ServicePort, ...] = ()
    expose: tuple[Written, ...] = ()
    environment: tuple[Variable, ...] = ()
    env_files: tuple[Written, ...] = ()
    profiles: tuple[Written, ...] = ()
    network_mode: Written | None = None
    extends: tuple[str, str | None] | None = None
    command: Written | None = None
    health: Written | None = None
    labels: tuple[Variable, ...] = ()
    reset: tuple[str, ...] = ()
    """Keys marked `!reset` or `!override` (compose specification 13, "Merge")."""
    words: tuple[Written, ...] = ()
    """The words of `entrypoint` and `command`, of those that are lists; `command` is the text."""
    replicas: Written | None = None
    """How many of it one machine starts: `scale`, or `deploy.replicas` outside a swarm."""
    args: tuple[str, ...] = ()
    """The names of its build arguments."""


class ComposeFile(Record):
    """A compose file: its services and the files that it includes."""

    name: str | None
    services: tuple[ComposeService, ...]
    includes: tuple[str, ...] = ()


class PodContainer(Record):
    """A container of a Pod template. `who` names its workload too: `Deployment/web: app`.

    `ports` are its `containerPort`s, `names` the name of each or an empty text, `probes` what
    probes and lifecycle hooks ask, as written (a number or a name), each with its kind.
    """

    name: str
    image: str | None
    ports: tuple[Declared, ...]
    names: tuple[str, ...]
    probes: tuple[tuple[str, Written], ...] = ()
    variables: tuple[Variable, ...] = ()
    told: tuple[int, ...] = ()
    """The numbers that its command, its arguments and its variables tell it."""
    passing: bool = False
    """Whether it ends before the others of its Pod start: an init container."""


class Workload(Record):
    """An object of a cluster that makes Pods; `labels` are those of its Pods."""

    kind: str
    name: str
    namespace: str
    place: Place
    labels: tuple[tuple[str, str], ...]
    containers: tuple[PodContainer, ...]
    host_network: bool = False


class ClusterPort(Record):
    """One port of a Service: `port`, its name, `target` as written, `node` where there is one."""

    port: Declared
    name: str
    target: Written | None
    node: Declared | None


class ClusterService(Record):
    """A Service of a cluster; without a `selector` it leads out of what the files tell."""

    name: str
    namespace: str
    place: Place
    kind: str
    selector: tuple[tuple[str, str], ...]
    ports: tuple[ClusterPort, ...]


class Backend(Record):
    """Where an Ingress (or a route of a Gateway) leads: a Service, and its port as written."""

    who: str
    namespace: str
    service: str
    port: Written


Part = EnvFile | ImageFile | ComposeFile | Workload | ClusterService | Backend

KEPT = (
    Written,
    Variable,
    EnvFile,
    ImageFile,
    ServicePort,
    ComposeService,
    ComposeFile,
    PodContainer,
    Workload,
    ClusterPort,
    ClusterService,
    Backend,
)
"""Every kind of value of this file, by which a kept reading is put together again."""
