"""What a project's files say about ports: where a number stands, and what it is there for."""

from portbook.model.record import Record

ROLES = (
    "publish",
    "listen",
    "container",
    "service",
    "node",
    "client",
    "setting",
    "mention",
)
"""What a number does where it stands.

`publish`: it is taken on the machine for a container (compose `ports`, `hostPort`, `docker run
-p`). `listen`: a program is told to bind it on the machine where it runs. `container`: a program
binds it in a network namespace of its own (EXPOSE, `containerPort`, the inner side of `ports`).
`service`: a virtual port of a cluster. `node`: a port of every node of a cluster. `client`: some
program connects there. `setting`: a variable that may be any of these. `mention`: prose.
"""

ON_THE_MACHINE = ("publish", "listen")
"""The roles in which a number is taken on the machine itself."""


class Place(Record):
    """Where text stands.

    `path` is relative to the folder that was checked, with `/`; `line` and `column` count from 1,
    in characters, and `length` is how many characters it takes in that line.
    """

    path: str
    line: int
    column: int
    length: int


class Declared(Record):
    """One port, or one range of them, that a file declares.

    `place` is where the number itself is written: the digits, or `8000-8010`. Where a variable
    stands there, it is the place of the variable and `sources` has the places of the digits that
    it came from (a line of .env, a default); `written` is False then. `who` names what uses it in
    the file's own words (`web`, `Deployment/web`, `WEB_PORT`, `script dev`), `form` is the reader
    that found it. `address` is what it is bound to, None where the file does not say. `speaks` is
    a protocol where the file makes it certain (`http`), `product` the program as far as the file
    names it (an image without registry and tag, a command). `runs` tells programs apart: two
    declarations of the same `runs` are one program, started in two ways. `profiles` are those
    that switch it on; without any it is always on.
    """

    place: Place
    first: int
    last: int
    role: str
    who: str
    form: str
    transport: str = "tcp"
    address: str | None = None
    speaks: str | None = None
    product: str | None = None
    runs: str | None = None
    profiles: tuple[str, ...] = ()
    sources: tuple[Place, ...] = ()
    written: bool = True

    @property
    def ports(self) -> range:
        """Every number of it."""
        return range(self.first, self.last + 1)

    @property
    def is_port(self) -> bool:
        """Whether every number of it can be one."""
        return 0 <= self.first <= self.last <= 65535

    @property
    def digits(self) -> tuple[Place, ...]:
        """Where the digits are written: here, or where the variable got them."""
        return (self.place,) if self.written else self.sources


class Related(Record):
    """Another place that a finding speaks of, and what it is there."""

    place: Place
    what: str


class LintFinding(Record):
    """One rule's word on one declaration.

    `rule` is its id (`PB101`), `severity` error, warning or note. `place` is what is shown,
    `message` one sentence without the file's name, `hint` what to do. `port` is the number it is
    about, `related` the other places, the nearest first. `known`: the baseline has it already.
    `digits` are the places whose number `--fix` would change, all of them together or none;
    empty where it cannot be changed by a program.
    """

    rule: str
    severity: str
    place: Place
    port: int | None
    message: str
    hint: str | None = None
    related: tuple[Related, ...] = ()
    digits: tuple[Place, ...] = ()
    known: bool = False
