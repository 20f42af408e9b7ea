"""Free numbers to suggest: the rule, the kernel, the claims and the project's own files together.

Nothing is claimed here: between the suggestion and its use, somebody else may take the number.
"""

from collections.abc import Callable, Iterable

from portbook.host import Host
from portbook.model import Gap, UsageError
from portbook.model.record import Record
from portbook.survey.choosing import (
    Objection,
    around,
    in_use,
    kept_settings,
    may_be_taken,
    objection_of_kernel,
    objection_of_registry,
    outward,
    span_of,
    start_for,
)
from portbook.survey.project import Project, read_project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.sockets.settings import PortSettings

Objecting = Callable[[int], Objection | None]
"""Says what speaks against a number, or None."""

BECAUSE = (
    *("privileged", "ephemeral", "kernel-reserved", "registered", "noted", "known-use"),
    *("suspicious", "browser-blocked", "node-port", "named", "claimed", "reserved", "taken"),
)
"""Every code of a refusal."""


class Wanted(Record):
    """What is asked for: how many, where, and for which transports.

    `folder` is where the question is asked, None for no project. `bind`: whether a real bind() may
    be tried; else the kernel's table is read.
    """

    size: int = 1
    contiguous: bool = False
    near: int | None = None
    first: int | None = None
    last: int | None = None
    transports: tuple[str, ...] = ("tcp", "udp")
    folder: str | None = None
    bind: bool = True
    source: str | None = None


class FreePort(Record):
    """A number to take, and why: sentences for people."""

    port: int
    why: tuple[str, ...]


class RefusedPort(Record):
    """A number that was looked at and not taken; `because` is a stable code."""

    port: int
    because: str
    detail: str


class Suggestion(Record):
    """The numbers to take, lowest first, and those that were passed over."""

    ports: tuple[FreePort, ...]
    refused: tuple[RefusedPort, ...]
    gaps: tuple[Gap, ...]


def free_body(found: Suggestion) -> dict[str, object]:
    """The fields of the document `free`."""
    return {"ports": found.ports, "refused": found.refused, "incomplete": found.gaps}


class Picked(Record):
    """Numbers that nothing speaks against, lowest first, and what speaks against others."""

    ports: tuple[int, ...]
    refused: dict[int, Objection]


def pick(
    numbers: Iterable[int], objection: Objecting, count: int, last: int, *, contiguous: bool
) -> Picked:
    """The first `count` of `numbers` that nothing speaks against; fewer where there are no more.

    `contiguous`: a run of neighbours up to `last` instead, the first whose lowest number comes up;
    all or none.
    """
    asked: dict[int, Objection | None] = {}

    def fits(port: int) -> bool:
        if port not in asked:
            asked[port] = objection(port)
        return asked[port] is None

    taken: list[int] = []
    for port in numbers:
        if not contiguous:
            if fits(port):
                taken.append(port)
        elif port + count - 1 <= last:
            run = range(port, port + count)
            if all(fits(each) for each in run):
                taken.extend(run)
        if len(taken) >= count:
            break
    return Picked(
        tuple(sorted(taken)),
        {port: found for port, found in sorted(asked.items()) if found is not None},
    )


def suggest(wanted: Wanted, host: Host | None = None) -> Suggestion:
    """Numbers that are free by the rule, with the reasons.

    Raises:
        UsageError: the range runs backwards, or has fewer numbers than are asked for.
        TableFault: the registry cannot be read.
        EnvironmentFault: no bind() may be tried, and the kernel's table cannot be read.
    """
    host = host or Host()
    settings = kept_settings(host)
    chosen = wanted.first is not None or wanted.last is not None
    first, last = span_of(wanted.first, wanted.last, settings)
    if chosen and last - first + 1 < wanted.size:
        raise UsageError(f"{first}-{last} has no {wanted.size} numbers", hint="a wider --range")
    project = None if wanted.folder is None else read_project(host, wanted.folder)
    held, gaps = _held(host)
    busy = _busy(wanted, host)
    named = {} if project is None else project.named

    def objection(port: int) -> Objection | None:
        found = objection_of_kernel(port, settings, chosen=chosen)
        if found is None and not chosen and not may_be_taken(port):
            found = objection_of_registry(port)
        if found is None and port in named:
            found = Objection("named", f"{named[port]} of this project names it")
        if found is None:
            found = next((held[key] for key in _keys(port, wanted) if key in held), None)
        return found or busy(port)

    if wanted.near is not None:
        numbers = outward(wanted.near, first, last)
    elif chosen or project is None:
        numbers = around(first if chosen else start_for(""), first, last)
    else:
        numbers = around(start_for(project.root), first, last)
    picked = pick(numbers, objection, wanted.size, last, contiguous=wanted.contiguous)
    return Suggestion(
        tuple(
            FreePort(port, _why(port, wanted, settings, project, chosen=chosen))
            for port in picked.ports
        ),
        tuple(RefusedPort(port, *found) for port, found in picked.refused.items()),
        (*settings.gaps, *(() if project is None else project.gaps), *gaps),
    )


def _keys(port: int, wanted: Wanted) -> list[tuple[str, int]]:
    return [(transport, port) for transport in wanted.transports]


def _held(host: Host) -> tuple[dict[tuple[str, int], Objection], tuple[Gap, ...]]:
    """What is claimed and reserved, by transport and number."""
    if not host.live:
        return {}, ()
    from portbook.survey.promised import promised

    found = promised()
    return found.held, found.gaps


def _busy(wanted: Wanted, host: Host) -> Objecting:
    """Asks the kernel: by a bind(), or by its table where none may be tried."""
    if wanted.bind and host.live:

        def bound(port: int) -> Objection | None:
            for transport in wanted.transports:
                said = in_use(transport, "*", port)
                if said is not None:
                    return Objection("taken", f"{transport}: {said}")
            return None

        return bound
    from portbook.sockets import read_table

    table = read_table(host, every_state=True, source=wanted.source)
    seen = {
        each.port: f"{each.transport}: {each.address} is {_STATES.get(each.state, 'in use')}"
        for each in table.sockets
        if each.transport in wanted.transports
    }
    return lambda port: Objection("taken", seen[port]) if port in seen else None


_STATES = {"listen": "listened on", "bound": "bound"}


def _why(
    port: int,
    wanted: Wanted,
    settings: "PortSettings",
    project: Project | None,
    *,
    chosen: bool,
) -> tuple[str, ...]:
    """The reasons for a choice, the one that is special to it first."""
    why = []
    if wanted.near is not None:
        far = abs(port - wanted.near)
        if wanted.contiguous and wanted.size > 1:
            why.append(f"in the nearest run of {wanted.size} to {wanted.near}")
        elif far:
            why.append(f"the nearest to {wanted.near} that is free, {far} away")
        else:
            why.append("the very number asked for")
    elif project is not None and not chosen:
        why.append(f"this project begins to look at {start_for(project.root)}, and always does")
    if chosen:
        against = objection_of_registry(port)
        why.append("in the range that was named, so the registry was no hindrance")
        if against is not None:
            why.append(f"but it is {against.because}: {against.detail}")
    else:
        why.append("IANA gave it to nobody, and no product is known to use it")
        why.append(
            f"below {settings.ephemeral[0]}, where outgoing connections take theirs, and browsers "
            "open it"
        )
    transports = " and ".join(wanted.transports)
    if wanted.bind:
        why.append(f"a bind() for {transports} on every IPv4 and IPv6 address worked just now")
    else:
        why.append(f"the kernel's table shows nothing on it for {transports}; bind() was not tried")
    why.append(
        "nobody claimed or reserved it"
        + ("" if project is None else ", and no compose or .env file of this project names it")
    )
    return tuple(why)
