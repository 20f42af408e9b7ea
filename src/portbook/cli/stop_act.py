"""Doing what the plan says: signals to pinned processes, a stop to units and containers."""

import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from portbook.cli.stop_plan import Plan, Step, Victim, start_of
from portbook.host import Host, clock
from portbook.host.signals import Process
from portbook.model import EnvironmentFault, NotPermitted, Socket, Unknown
from portbook.model.record import Record
from portbook.sockets import LISTENER_STATES, read_table

_AFTER_KILL = 2.0
_CLOSING = 2.0
"""Seconds that a socket may take to be gone from the table after its holder has ended."""
_SETTLE = 0.25
"""Seconds after which the port is looked at once more: a supervisor starts things again."""

Stopper = Callable[[Host, Step, float, bool], str]
"""Ends a unit or container (host, step, seconds, by force): how it went in a word."""


class Ended(Record):
    """What became of one owner.

    `how`: `TERM`, `KILL`, `gone` (it had ended before), `let-go` (it had closed the port before),
    `running` (it has not ended), or the unit's or container's word (`done`).
    """

    what: str
    pid: int | None
    how: str


class Outcome(Record):
    """What was done, and which sockets are on the port now: those meant, and those that are new."""

    ended: tuple[Ended, ...]
    still: tuple[Socket, ...]
    again: tuple[Socket, ...]


def stop_unit(host: Host, step: Step, patience: float, by_force: bool) -> str:  # noqa: FBT001 - Stopper
    """Let systemd stop the units of a step, the socket before the service it would start."""
    from portbook.owners.systemd import stop_unit as stop

    words = [
        stop(host, unit, scope=step.scope or "system", deadline=patience + 5, force=by_force)
        for unit in step.names
    ]
    return ", ".join(dict.fromkeys(words))


def stop_container(host: Host, step: Step, patience: float, by_force: bool) -> str:  # noqa: FBT001 - Stopper
    """Let its engine stop a container; the engine itself kills what does not end."""
    from portbook.owners.engine_api import stop_container as stop
    from portbook.owners.engines import engines_of

    stop(engines_of(host), step.names[0], deadline=patience + 15)
    return "done"


STOPPERS: dict[str, Stopper] = {"unit": stop_unit, "container": stop_container}


def act(
    host: Host,
    plan: Plan,
    *,
    patience: float,
    force: bool,
    ask: Callable[[str], bool],
    source: str | None = None,
    stoppers: dict[str, Stopper] = STOPPERS,
) -> Outcome:
    """Carry a plan out.

    What does not end on TERM within `patience` seconds is killed with `force`, or where `ask`
    (a question) says yes.

    Raises:
        NotPermitted: a process, unit or container is not ours to end. Nothing was signalled then.
        EnvironmentFault: a unit or container could not be stopped.
    """
    ended: list[Ended] = []
    with ExitStack() as stack:
        # Everything is pinned and checked before anything is signalled.
        pinned = [
            _pin_all(host, step, stack) if step.kind == "process" else [] for step in plan.steps
        ]
        for step, victims in zip(plan.steps, pinned, strict=True):
            if step.kind == "process":
                ended += _end(victims, patience=patience, force=force, ask=ask)
            else:
                word = stoppers[step.kind](host, step, patience, force)
                ended.append(Ended(step.said, None, word))
    still, again = look_after(
        host, [found for step in plan.steps for found in step.sockets], source
    )
    return Outcome(tuple(ended), still, again)


def _pin_all(host: Host, step: Step, stack: ExitStack) -> list[tuple[Victim, Process | str]]:
    """Every process of a step. None is signalled where the port was closed since the plan."""
    pins = [(victim, _pin(host, victim, stack)) for victim in step.processes]
    links = {f"socket:[{found.inode}]" for found in step.sockets if isinstance(found.inode, int)}
    live = [victim.pid for victim, pin in pins if isinstance(pin, Process)]
    if links and live and not any(_holds(host, pid, links) for pid in live):
        return [(victim, "let-go") for victim in step.processes]
    return pins


def _holds(host: Host, pid: int, links: set[str]) -> bool:
    try:
        return bool(host.open_links(pid, links))
    except PermissionError:
        return True
    except OSError:
        return False


def _pin(host: Host, victim: Victim, stack: ExitStack) -> Process | str:
    """The very process that was planned, or how it is gone: PIDs are used again."""
    try:
        process = stack.enter_context(Process(victim.pid))
    except ProcessLookupError:
        return "gone"
    # The pin came first: whatever has this start now is what the signal will meet.
    if start_of(host, victim.pid) != victim.start_ticks:
        return "gone"
    try:
        process.send(0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        raise NotPermitted(
            f"{victim.name} ({victim.pid}) belongs to {victim.user}: it may not be signalled",
            hint="run as root",
        ) from None
    return process


def _end(
    victims: Sequence[tuple[Victim, Process | str]],
    *,
    patience: float,
    force: bool,
    ask: Callable[[str], bool],
) -> list[Ended]:
    ended = [Ended(victim.name, victim.pid, pin) for victim, pin in victims if isinstance(pin, str)]
    live = [(victim, pin) for victim, pin in victims if isinstance(pin, Process)]
    left = _signal(live, signal.SIGTERM, patience)
    ended += [Ended(v.name, v.pid, "TERM") for v, pin in live if (v, pin) not in left]
    if left:
        said = ", ".join(f"{victim.name} ({victim.pid})" for victim, _ in left[:5])
        if force or ask(f"{said} has not ended in {patience:g} s. Kill it?"):
            rest = _signal(left, signal.SIGKILL, _AFTER_KILL)
            ended += [Ended(v.name, v.pid, "KILL") for v, pin in left if (v, pin) not in rest]
            left = rest
    return ended + [Ended(victim.name, victim.pid, "running") for victim, _ in left]


def _signal(
    live: Sequence[tuple[Victim, Process]], number: int, seconds: float
) -> list[tuple[Victim, Process]]:
    """Signal them all, then wait for all: those that have not ended."""
    for _, process in live:
        try:
            process.send(number)
        except ProcessLookupError:
            continue
    until = clock.monotonic() + seconds
    return [pair for pair in live if not pair[1].ended(max(0.0, until - clock.monotonic()))]


def look_after(
    host: Host, sockets: Sequence[Socket], source: str | None
) -> tuple[tuple[Socket, ...], tuple[Socket, ...]]:
    """The sockets that are still in the table, and new ones on the same ports."""
    until = clock.monotonic() + _CLOSING
    settled = False
    while True:
        still, again = _now(host, sockets, source)
        if (not still and settled) or again or clock.monotonic() > until:
            return still, again
        settled = not still
        clock.sleep(_SETTLE if settled else 0.05)


def _now(
    host: Host, sockets: Sequence[Socket], source: str | None
) -> tuple[tuple[Socket, ...], tuple[Socket, ...]]:
    meant = {(s.transport, s.address, s.port, s.inode) for s in sockets}
    places = {(s.transport, s.port) for s in sockets}
    here = {(s.transport, s.address, s.port) for s in sockets}
    try:
        table = read_table(host, source=source)
    except EnvironmentFault:
        return (), ()
    still, again = [], []
    for found in table.sockets:
        if found.state not in LISTENER_STATES or (found.transport, found.port) not in places:
            continue
        if (found.transport, found.address, found.port, found.inode) in meant:
            still.append(found)
        elif (found.transport, found.address, found.port) in here or isinstance(
            found.inode, Unknown
        ):
            again.append(found)
    return tuple(still), tuple(again)
