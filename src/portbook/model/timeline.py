"""Who held which port when: the values of the record, and what changed between two samples.

Pure. A sample is the set of sockets that held a port at one moment, each with its holder; the
record keeps only what changed from one sample to the next, and replaying the changes gives every
sample back.
"""

from portbook.model.origin import Container
from portbook.model.owner import Owner
from portbook.model.record import Record
from portbook.model.socket import Socket
from portbook.model.unknown import Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    Identity = tuple[int | Unknown, str, str, int, int | Unknown]

_UNTOLD = Unknown("unsupported")
_INIT = frozenset({"systemd", "init"})


class Holder(Record):
    """The process at the top of those that held a socket, as far as it could be seen.

    `started` is an ISO 8601 UTC time. Command lines are not kept: they may hold secrets.
    """

    pid: int | Unknown
    name: str | Unknown
    exe: str | None | Unknown
    user: str | Unknown
    unit: str | None | Unknown
    container: Container | None | Unknown
    started: str | Unknown


class Held(Record):
    """One socket of a sample, and who held it. Its identity is that of `model.Socket`."""

    transport: str
    address: str
    port: int
    state: str
    netns: int | Unknown
    inode: int | Unknown
    holder: Holder

    @property
    def identity(self) -> "Identity":
        """What tells this socket from every other one."""
        return self.netns, self.transport, self.address, self.port, self.inode


class Change(Record):
    """What one sample has that the one before had not, or the other way round.

    `kind`: `appeared`, `gone`, `changed` (the same socket, another holder or state). `exact` says
    that it happened between two samples in a row; else `at` is the first or the last time that the
    socket was seen around a pause of the recorder.
    """

    kind: str
    at: str
    exact: bool
    transport: str
    address: str
    port: int
    state: str
    netns: int | Unknown
    inode: int | Unknown
    holder: Holder


class Period(Record):
    """From when until when a socket was held by one holder.

    `since_exact` false: it was there already when recording began or went on. `until` None: it is
    still there; `until_exact` false: it was last seen then, and was gone after a pause.
    """

    port: int
    transport: str
    address: str
    state: str
    netns: int | Unknown
    inode: int | Unknown
    holder: Holder
    since: str
    since_exact: bool
    until: str | None
    until_exact: bool


class Pause(Record):
    """A time without samples.

    `why`: `not-running` (no recorder ran), `asleep` (the machine was suspended), `stalled` (the
    recorder ran and got no time), `not-written` (the disk was full or failed).
    """

    since: str
    until: str
    why: str


class ClockStep(Record):
    """The clock was set while recording: `at` the new time, by so many `seconds`."""

    at: str
    seconds: float


class Recording(Record):
    """From when the record goes to its last sample, and how often one was taken.

    `running`: a recorder writes to it now.
    """

    since: str
    until: str
    every: float
    running: bool


class Instant(Record):
    """One moment by three clocks: UTC, one that stands still in sleep, one that does not."""

    utc: float
    awake: float
    boot: float


def identity_of(found: Socket) -> "Identity":
    """The identity of a socket; two that cannot be told apart by number count as one."""
    netns, inode = found.netns, found.inode
    return (
        _UNTOLD if isinstance(netns, Unknown) else netns,
        found.transport.value,
        found.address,
        found.port,
        _UNTOLD if isinstance(inode, Unknown) else inode,
    )


def held(found: Socket, owners: "Sequence[Owner]") -> Held:
    """A row of a sample."""
    netns, transport, address, port, inode = identity_of(found)
    return Held(transport, address, port, found.state, netns, inode, holder_of(owners))


def topmost(owners: "Iterable[Owner]") -> tuple[Owner, ...]:
    """The holders that no other holder has started: the master of a prefork server, by PID."""
    seen = {owner.pid: owner for owner in owners if isinstance(owner.pid, int)}
    tops = [
        owner
        for owner in seen.values()
        if isinstance(owner.ancestry, Unknown)
        or not any(above.pid in seen for above in owner.ancestry)
    ]
    return tuple(sorted(tops, key=lambda owner: owner.pid if isinstance(owner.pid, int) else 0))


def holder_of(owners: "Sequence[Owner]") -> Holder:
    """The topmost owner; behind an init system that listens for others, whoever it handed it to."""
    others = [each for each in owners if not (each.pid == 1 and each.name in _INIT)]
    tops = topmost(others) or topmost(owners) or tuple(owners)
    if not tops:
        nobody = Unknown("no-process")
        return Holder(nobody, nobody, nobody, nobody, nobody, nobody, nobody)
    top = tops[0]
    return Holder(top.pid, top.name, top.exe, top.user, top.unit, top.container, top.started)


def compare(
    before: "Mapping[Identity, Held]",
    after: "Mapping[Identity, Held]",
    *,
    at: str,
    last: str | None = None,
) -> tuple[Change, ...]:
    """What changed from one sample to the next one, taken at `at`.

    With `last`, there was a pause between the two: `last` is when the first was taken.
    """
    exact = last is None
    gone = [
        _change("gone", last or at, row, exact=exact)
        for key, row in before.items()
        if key not in after
    ]
    new = []
    for key, row in after.items():
        was = before.get(key)
        if was is None:
            new.append(_change("appeared", at, row, exact=exact))
        elif was is not row and not _same(was, row):
            new.append(_change("changed", at, row, exact=exact))
    return (*gone, *new)


def _same(was: Held, row: Held) -> bool:
    """The start of a process is counted from the machine's, which is told a second off at times."""
    return was == row._replace(holder=row.holder._replace(started=was.holder.started))


def _change(kind: str, at: str, row: Held, *, exact: bool) -> Change:
    return Change(kind, at, exact, *row)


def replay(
    before: "Mapping[Identity, Held]", changes: "Iterable[Change]"
) -> "dict[Identity, Held]":
    """The sample after `changes`."""
    state = dict(before)
    for change in changes:
        row = Held(*change[3:])
        if change.kind == "gone":
            state.pop(row.identity, None)
        else:
            state[row.identity] = row
    return state


STEP = 2.0
"""Seconds that the clock may drift or be slewed between two samples without being noted."""


def interruption(before: Instant, after: Instant, every: float) -> tuple[str | None, float]:
    """(why there is a pause between two samples, by how much the clock was set), or (None, 0.0).

    A pause is `asleep` or `stalled`. The clock was set when UTC moved by another amount than the
    time since boot, which goes on in sleep.
    """
    slept = (after.boot - before.boot) - (after.awake - before.awake)
    step = (after.utc - before.utc) - (after.boot - before.boot)
    why = None
    if slept > max(STEP, every):
        why = "asleep"
    elif after.awake - before.awake > 3 * every + STEP:
        why = "stalled"
    return why, round(step, 3) if abs(step) > STEP else 0.0


def holder_from(facts: "Any") -> Holder:
    """A holder back from its JSON form.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(facts, dict) or set(facts) != set(Holder._fields):
        raise ValueError("no holder")
    values = {name: _fact(value) for name, value in facts.items()}
    return Holder(**values)


def _fact(value: "Any") -> "Any":
    if isinstance(value, dict):
        if isinstance(value.get("unknown"), str):
            return Unknown(value["unknown"], value.get("hint"))
        if isinstance(value.get("engine"), str) and isinstance(value.get("id"), str):
            return Container(value["engine"], value["id"])
        raise ValueError("no fact")
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return value
    raise ValueError("no fact")
