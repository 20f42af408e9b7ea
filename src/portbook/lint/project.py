"""A project as the rules see it: every declaration, and what belongs together."""

from collections.abc import Callable, Iterator, Mapping

from portbook.lint.parts import Variable, Written
from portbook.lint.reading import Reading
from portbook.model.declared import Declared, Place
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    AnyPart = TypeVar("AnyPart")


class StackService(Record):
    """A service of a compose project, merged and with its variables put in.

    `publishes` and `inner` are the two sides of its ports, pair by pair (`publishes[n]` is None
    where the engine chooses the outer side), `exposes` its own `expose`. `variables` are its
    environment, env files below it. `folder` is its build context relative to the project and
    `image_file` the path of its Dockerfile, None where it is not built.
    """

    name: str
    place: Place
    image: str | None
    folder: str | None
    image_file: str | None
    publishes: tuple[Declared | None, ...]
    inner: tuple[Declared, ...]
    exposes: tuple[Declared, ...]
    listens: tuple[Declared, ...]
    variables: tuple[Variable, ...]
    profiles: tuple[str, ...]
    network: str | None
    """`network_mode` where it is `host`, `none` or another service's."""
    unpaired: tuple[Declared, ...] = ()
    """Its outer ports whose inner side is a variable without a value."""
    whole: bool = True
    """Whether every one of its `ports` could be read."""
    image_exposes: tuple[Declared, ...] = ()
    """The EXPOSEs of the Dockerfile's stage that it is built from."""
    image_variables: tuple[Variable, ...] = ()
    """The ENV of that stage, which its own variables go before."""
    base: str | None = None
    """The image that the Dockerfile's stage is made from."""
    commands: tuple[Written, ...] = ()
    """Its `command`, or else the CMD and ENTRYPOINT of the Dockerfile, as written."""
    own_command: bool = False
    """Whether the compose file itself has a `command` or `entrypoint`."""
    host_mode: tuple[Place, ...] = ()
    """Places of outer ports in `mode: host`, which have no address."""
    told: tuple[Declared, ...] = ()
    """Those of `listens` that its command tells its program: no debugger's, and none unsure."""
    asked: tuple[Declared, ...] = ()
    """Those of `listens` that its own health check asks."""
    replicas: int = 1
    """How many of it are started on one machine."""


class Stack(Record):
    """A compose project: the files that are taken together, and the services they make."""

    name: str
    folder: str
    files: tuple[str, ...]
    services: tuple[StackService, ...]


class Project(Record):
    """Everything that was read below one folder.

    `readings` by path, in order; `declared` every declaration of files and stacks, ordered by
    place; `lines` gives the lines of a file for showing them.
    """

    readings: Mapping[str, Reading]
    declared: tuple[Declared, ...]
    stacks: tuple[Stack, ...]
    lines: "Callable[[str], list[str]]"

    def parts(self, kind: "type[AnyPart]") -> "Iterator[tuple[str, AnyPart]]":
        """(path, part) of every part of a kind."""
        for path, reading in self.readings.items():
            for part in reading.parts:
                if isinstance(part, kind):
                    yield path, part
