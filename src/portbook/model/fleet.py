"""What hosts of a fleet report, ask and answer: one listener as a flat row, reports, questions.

Moments that a host tells are ages in milliseconds (`age_ms`), never its wall clock: clocks of hosts
are wrong by hours, and whoever receives an age has a clock of its own.
"""

from portbook.model.record import Record
from portbook.model.unknown import Gap, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST_ID = 63
MOST_ROWS = 200_000
"""Rows that one host may have: three times the ports of both transports."""
ROWS_A_REPORT = 5_000
"""Rows of one report; a larger table is sent as a full report and deltas after it."""
FORMS = ("who", "ls", "audit", "hosts", "free")
"""Everything that can be asked over the bus."""


class FleetRow(Record):
    """One listener of one host, as its agent reports it.

    Its identity within the host is (netns, transport, address, port, inode): `netns` is the label
    of another network namespace, "" for the host's own, and `inode` 0 where none is known. Texts
    are None where there is none (no unit, no container); facts that could not be had are None and
    stand in `unknown` as `field=word` pairs with a space between (`process=denied exe=denied`).
    `speaks` is a protocol, where one was asked for. `rules` are those that fired, worst first, with
    a comma between; `severity` is that of the worst. `started` is seconds since 1970 of the
    process, by the host's clock.
    """

    transport: str
    address: str
    port: int
    netns: str
    inode: int
    state: str
    reach: str
    process: str | None
    pid: int | None
    exe: str | None
    user: str | None
    unit: str | None
    container: str | None
    package: str | None
    speaks: str | None
    verdict: str
    severity: str | None
    rules: str
    started: int | None
    unknown: str

    @property
    def key(self) -> "RowKey":
        """Its identity within the host."""
        return (self.netns, self.transport, self.address, self.port, self.inode)


RowKey = tuple[str, str, str, int, int]
"""(netns, transport, address, port, inode)."""


class FleetReport(Record):
    """What changed on a host since its last report, or all there is.

    `instance` names the machine that runs the agent: the boot and the network namespace, so that
    two machines with one `host` are told apart. `seq` grows by one with each report. A delta
    applies to a table with the hash `base`, and gives one with the hash `after` and `total` rows;
    a full report (`full`) replaces the table, and its `base` is 0. `age_ms` is how old the look was
    when the report was sent. `labels` are the host's. `every_ms` is when the next look is due.
    """

    host: str
    name: str
    instance: str
    seq: int
    full: bool
    base: int
    after: int
    total: int
    age_ms: int
    every_ms: int
    version: str
    labels: tuple[tuple[str, str], ...] = ()
    rows: tuple[FleetRow, ...] = ()
    gone: tuple[RowKey, ...] = ()
    gaps: tuple[str, ...] = ()


class Acknowledged(Record):
    """What became of a report.

    `result`: `kept` (it is written, for good), `again` (it was written before), `full` (a gap or
    another table: send everything), `duplicate` (another machine reports under this host id),
    `refused` (it does not fit, or the host may not report; `why` says it).
    """

    host: str
    seq: int
    result: str
    why: str = ""


class Question(Record):
    """A live question: one of FORMS with its arguments, never anything to be run.

    `port` and `transport` are for `who` and optional; `where` is a filter (fleet.filter) for `ls`
    and `audit`; `first`, `last` and `transport` are for `free`. `labels` are those that a host has
    to have to answer. `within_ms` is how long answers are waited for.
    """

    id: str
    form: str
    port: int | None = None
    transport: str | None = None
    where: str | None = None
    first: int | None = None
    last: int | None = None
    labels: tuple[tuple[str, str], ...] = ()
    within_ms: int = 1_000


class HostAnswer(Record):
    """What one host answers: its rows that fit, as they were `age_ms` ago.

    `taken` are inclusive ranges of ports that are not free (form `free`). `last` is False where a
    further part follows. `why` says why a host could not answer, "" where it could.
    """

    question: str
    host: str
    name: str
    age_ms: int
    rows: tuple[FleetRow, ...] = ()
    taken: tuple[tuple[int, int], ...] = ()
    gaps: tuple[str, ...] = ()
    last: bool = True
    why: str = ""


class FleetListener(Record):
    """A listener somewhere: a host, its row, and when.

    `as_of` is when the host said so, `since` when it was first seen, both ISO 8601 in UTC by the
    clock of the store (stored) or of who asked (live, where `since` is unknown).
    """

    host: str
    name: str
    as_of: str
    since: "str | Unknown"
    transport: str
    address: str
    port: int
    netns: str
    state: str
    reach: str
    process: "str | None | Unknown"
    pid: "int | None | Unknown"
    exe: "str | None | Unknown"
    user: "str | None | Unknown"
    unit: "str | None | Unknown"
    container: "str | None | Unknown"
    package: "str | None | Unknown"
    speaks: str | None
    verdict: str
    severity: str | None
    rules: tuple[str, ...]


class Asked(Record):
    """Whom an answer is from: hosts `asked`, `answered`, and those that are `silent`, by id.

    For stored answers a host is silent if it has not reported for three of its intervals; what it
    said last is in the answer all the same. `asked` is unknown where only the bus is there, since
    nothing lists the hosts.
    """

    asked: "int | Unknown"
    answered: int
    silent: "tuple[str, ...] | Unknown"
    source: str
    """`stored` or `live`."""
    as_of: str


class FleetPeriod(Record):
    """One version of one listener, and from when to when it was so; `until` None: it still is.

    `ended`: `closed`, `changed` (another version followed), None.
    """

    host: str
    name: str
    listener: FleetListener
    since: str
    until: str | None
    ended: str | None


class FleetChange(Record):
    """What is other than it was: `opened`, `closed`, or `changed` with the fields that differ."""

    host: str
    name: str
    kind: str
    at: str
    now: FleetListener | None
    before: FleetListener | None
    fields: tuple[str, ...] = ()


class FleetHost(Record):
    """A host of the fleet. `silent_s` is for how long it has not reported, in seconds.

    `state`: `fresh`, `silent`, `never` (enrolled, has not reported), `duplicate` (two machines
    report under its id; `duplicate_of` names the other). `skew_s` is how far its clock is ahead.
    """

    host: str
    name: str
    state: str
    as_of: str | None
    silent_s: int | None
    listeners: int
    labels: tuple[tuple[str, str], ...]
    version: str | None
    duplicate_of: str | None
    gaps: tuple[str, ...] = ()


class FleetFreePort(Record):
    """A number that no host of those asked uses; `registered` is whose it is in the registry."""

    port: int
    transports: tuple[str, ...]
    hosts: int
    registered: str | None


NO_GAPS: tuple[Gap, ...] = ()

_TEXTS = ("process", "exe", "user", "unit", "container", "package")


def listener_of(
    host: str, name: str, row: FleetRow, as_of: str, since: "str | Unknown"
) -> FleetListener:
    """A reported row as an answer has it: what is unknown says why."""
    why = dict(pair.partition("=")[::2] for pair in row.unknown.split())
    facts: dict[str, Any] = {
        field: Unknown(why[field]) if field in why else getattr(row, field)
        for field in (*_TEXTS, "pid")
    }
    return FleetListener(
        host=host,
        name=name,
        as_of=as_of,
        since=since,
        transport=row.transport,
        address=row.address,
        port=row.port,
        netns=row.netns,
        state=row.state,
        reach=row.reach,
        speaks=row.speaks,
        verdict=row.verdict,
        severity=row.severity,
        rules=tuple(row.rules.split(",")) if row.rules else (),
        **facts,
    )
