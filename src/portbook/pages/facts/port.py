"""What the page of one port tells, from the registry alone: the same on every machine."""

from portbook.model import Assignment, PortEntry
from portbook.model.record import Record
from portbook.pages.facts.commands import Commands, commands_for
from portbook.pages.facts.entries import (
    Entry,
    described,
    entries_of,
    kept_back,
    remarks,
    spelled_once,
)
from portbook.pages.facts.graveyard import Graveyard, graveyard
from portbook.pages.facts.history import Step, steps_of
from portbook.pages.facts.traces import Trace, traces_of
from portbook.pages.portmap.curve import Place, d2xy
from portbook.registry.candidates import Guess, guesses
from portbook.registry.life import life_of, life_of_assignment, verdict_on
from portbook.registry.lookup import evidence_rows, lookup
from portbook.registry.nearby import (
    Advice,
    FreeNumber,
    Hindrance,
    Neighbours,
    advice_for,
    better_near,
    neighbours,
)
from portbook.registry.since import comparison

CASES = ("alive", "overtaken", "orphan", "young", "unassigned", "reserved", "dynamic", "zero")
"""What a page is about; each is told in its own words."""

REGISTERED = ("alive", "overtaken", "orphan", "young")

_USUAL = ("tcp", "udp")
_TAKEN = ("registered-alive", "overtaken", "registered-young", "registered-orphan")


class PortPage(Record):
    """Everything that the page of a port tells.

    `transport` is the one that was asked for alone, None for the number as a whole. `case`,
    `entry`, `traces` and `advice` are then about that one: its services are judged by the traces
    on any transport that they are registered for, as in the census. `beside` is what speaks against
    the number on other transports, and `over` are those on which it is registered. `young` are the
    entries that are too young to tell, where that is the case. `kept` are transports on which IANA
    gives the number to nobody although another one has a service; `remarks` the registry's own
    words on a number without a service. `meant` is how many sources name a registered service on
    the number. `better` is a number to take instead, None where there is nothing to say. `cell` is
    where the port lies on the map. `since` is the date (ISO) from which on `history` is known.
    `graveyard` counts the orphans, for the page of one.
    """

    port: int
    transport: str | None
    case: str
    entry: PortEntry
    entries: tuple[Entry, ...]
    young: tuple[Entry, ...]
    kept: tuple[str, ...]
    remarks: tuple[str, ...]
    history: tuple[Step, ...]
    traces: tuple[Trace, ...]
    meant: int
    guesses: tuple[Guess, ...]
    advice: Advice
    beside: tuple[Hindrance, ...]
    over: tuple[str, ...]
    better: FreeNumber | None
    neighbours: Neighbours
    commands: Commands
    cell: Place
    since: str
    graveyard: Graveyard | None

    @property
    def label(self) -> str:
        """`3255`, or `3255/udp` where one transport was asked for."""
        return f"{self.port}/{self.transport}" if self.transport else str(self.port)

    @property
    def product(self) -> str:
        """Who uses the number without being registered, most sources first; perhaps empty."""
        uses = self.entry.unofficial
        return uses[0].product if uses else ""

    @property
    def foremost(self) -> bool:
        """Whether more sources have `product` than anything else that is not registered."""
        uses = self.entry.unofficial
        return len(uses) < 2 or len(uses[0].sources) > len(uses[1].sources)

    @property
    def counted(self) -> int:
        """How many sources have the number; those that copied the registry's name do not count."""
        return sum(not each.copied for each in self.traces)

    def meant_over(self, transport: str) -> int:
        """How many sources name a registered service on the number over that transport."""
        return sum(
            any(each.meant and transport in each.transports for each in trace.products)
            for trace in self.traces
        )

    @property
    def sources_checked(self) -> int:
        """In how many sources traces were looked for."""
        return self.entry.life.sources_checked

    @property
    def as_of(self) -> str:
        """When that was (ISO date)."""
        return self.entry.life.as_of

    @property
    def service(self) -> str:
        """The primary name, empty without one."""
        return self.entries[0].service if self.entries else ""

    @property
    def services(self) -> tuple[str, ...]:
        """Every name, the primary one first."""
        return tuple(dict.fromkeys(each.service for each in self.entries))


def port_page(port: int, transport: str | None = None) -> PortPage:
    """The facts of a page.

    Raises:
        BadPort: `port` is no port, or `transport` no transport.
        TableFault: a table is missing or broken.
    """
    whole = lookup(port)
    over = None
    entry = whole
    if transport:
        entry, over = _alone(whole, transport)
    rows = entry.assignments
    case = entry.life.verdict if port else "zero"
    against = advice_for(whole)
    entries = entries_of(port, rows) if rows else ()
    traces: tuple[Trace, ...] = ()
    if entry.life.evidence:
        traces = traces_of(port, rows, over, overtaken=case == "overtaken")
    free = against.code == "free-to-take"
    return PortPage(
        port,
        transport,
        case,
        entry,
        entries,
        _young(entries, entry.life.as_of) if case == "young" else (),
        kept_back(rows) if case in REGISTERED else (),
        remarks(port, rows) if rows and case not in REGISTERED else (),
        steps_of(port, transport),
        traces,
        _meant(case, traces),
        _once(_guesses(whole, entry, against, transport), traces),
        advice_for(entry) if transport else against,
        _beside(against, entry) if transport else (),
        _registered_over(whole.assignments),
        None if free or not port else better_near(port, 1)[0],
        neighbours(port),
        commands_for(port, _transports(rows, transport), alone=transport is not None),
        d2xy(port),
        comparison().first,
        graveyard() if case == "orphan" and not entries[0].first_known else None,
    )


def _alone(whole: PortEntry, transport: str) -> tuple[PortEntry, set[str | None] | None]:
    """What concerns one transport, judged for itself; and where its traces may lie.

    The second is None where a service is registered without a transport: that may be any.
    """
    entry = lookup(whole.port, transport)
    found = evidence_rows(whole.port)
    as_of = whole.life.as_of
    over: set[str | None] | None = {transport, None}
    unofficial = entry.unofficial
    if found:
        here = [trace for trace in found if trace[0].transport in (transport, None)]
        asked = entry.life.sources_checked
        _, unofficial = life_of(
            whole.port, entry.assignments, here, sources_checked=asked, as_of=as_of
        )
    named = [row for row in entry.assignments if row.service]
    if named:
        services = {row.service for row in named}
        layers = {row.transport for row in whole.assignments if row.service in services}
        over = None if None in layers else {None, *layers}
        lives = {life_of_assignment(row, whole.assignments, found, as_of=as_of) for row in named}
        verdict = min(lives, key=REGISTERED.index)
        if verdict == "orphan" and "young" in lives:
            verdict = "young"
    else:
        verdict = verdict_on(whole.port, entry.assignments, found, as_of=as_of)
    evidence = tuple(trace for trace, _ in found if over is None or trace.transport in over)
    life = entry.life._replace(verdict=verdict, evidence=evidence)
    return entry._replace(life=life, unofficial=unofficial), over


def _young(entries: tuple[Entry, ...], as_of: str) -> tuple[Entry, ...]:
    """Those that are too young to tell, on a number without a trace."""
    return tuple(
        each
        for each in entries
        if life_of_assignment(
            Assignment(each.service, each.first, each.last, None, registered=each.registered),
            (),
            (),
            as_of=as_of,
        )
        == "young"
    )


def _guesses(
    whole: PortEntry, entry: PortEntry, against: Advice, transport: str | None
) -> tuple[Guess, ...]:
    """The guesses; those that are about a number as a whole say it of the asked transport alone."""
    found = guesses(entry, ephemeral=any(each.code == "ephemeral" for each in against.against))
    if transport is None:
        return found
    told = []
    for each in found:
        if each.reason in ("own-unassigned", "own-reserved"):
            told.append(each._replace(transport=transport))
        elif each.reason in ("own-silent", "own-listed") and whole.life.evidence:
            told.append(each._replace(reason="own-alive"))  # it is silent on this one only
        else:
            told.append(each)
    return tuple(told)


def _beside(against: Advice, entry: PortEntry) -> tuple[Hindrance, ...]:
    """What speaks against the number on other transports, but not on that of `entry`."""
    products = {use.product for use in entry.unofficial}
    found = []
    for each in against.against:
        if each.code == "in-use":
            others = tuple(name for name in each.names if name not in products)
            found += [each._replace(names=others)] if others else []
        elif each.code in _TAKEN and not any(row.service for row in entry.assignments):
            found.append(each)
    return tuple(found)


def _registered_over(rows: tuple[Assignment, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.transport for row in rows if row.service and row.transport))


def _meant(case: str, traces: tuple[Trace, ...]) -> int:
    """How many sources name a registered service; all, where only their kind made it alive."""
    meant = sum(each.meant for each in traces)
    return len(traces) if case == "alive" and not meant else meant


def _once(found: tuple[Guess, ...], traces: tuple[Trace, ...]) -> tuple[Guess, ...]:
    """The guesses without a registered name that is another spelling of one before it.

    A registered service is named by those sources only that `traces` counts.
    """
    names = spelled_once(each.name for each in found if each.kind == "registered")
    if not names:
        return found
    meaning = {each.source.id for each in traces if each.meant}
    told = []
    for each in found:
        if each.kind != "registered":
            told.append(each)
        elif each.name in names:
            sources = tuple(source for source in each.sources if source in meaning) or each.sources
            told.append(each._replace(about=described(each.about, each.name), sources=sources))
    return tuple(told)


def _transports(rows: tuple[Assignment, ...], transport: str | None) -> tuple[str, ...]:
    """What to look for: where a service is registered first, then what is usual."""
    if transport:
        return (transport,)
    if not rows:
        return _USUAL
    named = [row.transport for row in rows if row.service and row.transport]
    return tuple(dict.fromkeys((*named, *_USUAL)))
