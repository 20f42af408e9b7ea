"""What an audit says: findings about listeners, and how they differ from a baseline."""

from portbook.model.owner import Listener
from portbook.model.record import Record
from portbook.model.unknown import NOT_ASKED, Unknown


class Finding(Record):
    """One rule's word on one listener.

    `severity`: high, medium, low, info. `rule` is the rule's id, `reason` what was seen, `next`
    what to do. `known`: the baseline has this finding already, so that it does not fail an audit.
    A port that only bind() feels has a listener of state `hidden`, with nothing else known.
    """

    severity: str
    rule: str
    listener: Listener
    reason: str
    next: str
    known: bool = False


class Holder(Record):
    """Who holds a port, by what survives restarts and upgrades; never by PID.

    Each field is None where it is known that there is none. `container` and `unit` are names,
    `package` is manager/name, `executable` and `project` are paths, `kernel` a part of the kernel.
    """

    container: str | None | Unknown = NOT_ASKED
    unit: str | None | Unknown = NOT_ASKED
    project: str | None | Unknown = NOT_ASKED
    package: str | None | Unknown = NOT_ASKED
    executable: str | None | Unknown = NOT_ASKED
    kernel: str | None = None


class Kept(Record):
    """One entry of a baseline: a transport, an address scope, a port, and its holders.

    `findings` are the ids of the rules that fired when it was written.
    """

    transport: str
    reach: str
    port: int
    holders: tuple[Holder, ...]
    findings: tuple[str, ...] = ()


class Changed(Record):
    """A port that other programs hold than before."""

    before: Kept
    now: Kept


class Drift(Record):
    """What differs from a baseline."""

    added: tuple[Kept, ...] = ()
    gone: tuple[Kept, ...] = ()
    changed: tuple[Changed, ...] = ()
