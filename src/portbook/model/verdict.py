"""Whether a listener belongs: the facts that are weighed, and the value with its reasons."""

from portbook.model.origin import Container, EngineContainer, Package, Project
from portbook.model.record import Record
from portbook.model.unknown import Unknown


class Wire(Record):
    """What answered on the wire, as far as a verdict weighs it.

    `what` is it in words (`Redis 7.0.15`), `services` the registry's names for it. `carrier`: it
    carries other protocols (HTTP, TLS), so that it tells little of what they are. `usual`: it often
    lives on this number, whoever registered that.
    """

    protocol: str
    confidence: str
    what: str
    services: tuple[str, ...] = ()
    carrier: bool = False
    usual: bool = False


class Facts(Record):
    """What is known of one owner of a listener, from every folder, joined by the survey.

    `process` is the owner's name (or its unit's where the process is hidden), None where nothing
    is visible. `registered` are the names of the services assigned to the port and transport;
    `registered_match` the one that the process is known for; `unofficial_match` a product known
    to use this number, which the process is; `known_for` a service of another number that the
    process is known for. `malware_defaults` are the names of malware, C2 and remote-control tools
    with this number as a default, each with its confidence. The facts of the process are those of
    `model.Owner`; `ancestry` are the names above it, its parent first. `upgraded` says that a
    package owns the path of a deleted executable, so that it was replaced and not removed;
    `replaced` that some other file stands at that path again. `holders` is how many processes
    hold the socket. `hidden`: bind() feels a holder that no table shows. `wire` is what answered,
    None where nothing was asked or recognised.
    """

    process: str | None
    registered: tuple[str, ...] = ()
    registered_match: str | None = None
    unofficial_match: str | None = None
    ephemeral: bool = False
    reach: str = "any"
    exe: str | None | Unknown = None
    exe_deleted: bool | Unknown = False
    upgraded: bool = False
    cmdline: tuple[str, ...] | Unknown = ()
    cwd: str | None | Unknown = None
    fds: tuple[int, ...] | Unknown = ()
    user: str | None | Unknown = None
    package: Package | None | Unknown = None
    project: Project | None | Unknown = None
    unit: str | None | Unknown = None
    container: Container | None | Unknown = None
    engine_container: EngineContainer | None | Unknown = None
    preloads: str | None | Unknown = None
    ancestry: tuple[str, ...] | Unknown = ()
    malware_defaults: tuple[tuple[str, str], ...] = ()
    hidden: bool = False
    replaced: bool = False
    known_for: str | None = None
    holders: int = 1
    wire: Wire | None = None


class Suspicion(Record):
    """One rule's evidence of harm, or of something to look at.

    `rule` is its id (`deleted-executable`), `severity` high, medium, low or info, `reason` what
    was seen, `next` what to do about it.
    """

    rule: str
    severity: str
    reason: str
    next: str


class Verdict(Record):
    """`value`: expected, familiar, unregistered, mismatch, suspicious, unknown.

    `reasons` are sentences; `suspicions` the rules that fired, worst first. `beneath` is the value
    without the suspicions, so that a suspicious listener is still known for a mismatch.
    """

    value: str
    reasons: tuple[str, ...]
    suspicions: tuple[Suspicion, ...] = ()
    beneath: str | None = None


SEVERITIES = ("high", "medium", "low", "info")
"""Worst first. High and medium make a listener suspicious; low and info are remarks."""
