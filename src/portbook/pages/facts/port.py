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
from portbook.registry.life import verdict_on
from portbook.registry.lookup import evidence_rows, lookup
from portbook.registry.nearby import (
    Advice,
    FreeNumber,
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


class PortPage(Record):
    """Everything that the page of a port tells.

    `transport` is the one that was asked for alone, None for the number as a whole. `entry` is
    then about that one, but for its life, which is the number's. `kept` are transports on which
    IANA gives the number to nobody although another one has a service; `remarks` the registry's
    own words on a number without a service. `meant` is how many sources name a registered service
    on the number. `better` is a number to take instead, None where there is nothing to say.
    `cell` is where the port lies on the map. `since` is the date (ISO) from which on `history`
    is known. `graveyard` counts the orphans, for the page of one.
    """

    port: int
    transport: str | None
    case: str
    entry: PortEntry
    entries: tuple[Entry, ...]
    kept: tuple[str, ...]
    remarks: tuple[str, ...]
    history: tuple[Step, ...]
    traces: tuple[Trace, ...]
    meant: int
    guesses: tuple[Guess, ...]
    advice: Advice
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
    entry = lookup(port, transport) if transport else whole
    rows = entry.assignments
    case = _case(whole, rows, transport)
    against = advice_for(whole)
    ephemeral = any(each.code == "ephemeral" for each in against.against)
    if case != whole.life.verdict and port:
        entry = entry._replace(life=entry.life._replace(verdict=case))
    if whole.life.evidence:
        # The life is the number's, so all of its traces are told; without a service on the
        # transport that was asked for, only what may be about that one.
        traces = traces_of(port, rows, None if case in REGISTERED else transport)
    else:
        traces = ()
    free = against.code == "free-to-take"
    return PortPage(
        port,
        transport,
        case,
        entry,
        entries_of(port, rows) if rows else (),
        kept_back(rows) if case in REGISTERED else (),
        remarks(port, rows) if rows and case not in REGISTERED else (),
        steps_of(port, transport),
        traces,
        _meant(case, traces),
        _once(guesses(entry, ephemeral=ephemeral), traces),
        against,
        None if free or not port else better_near(port, 1)[0],
        neighbours(port),
        commands_for(port, _transports(rows, transport), alone=transport is not None),
        d2xy(port),
        comparison().first,
        graveyard() if case == "orphan" else None,
    )


def _case(whole: PortEntry, rows: tuple[Assignment, ...], transport: str | None) -> str:
    """What the page is about: the life of the number, unless the asked transport has no service."""
    if whole.port == 0:
        return "zero"
    verdict = whole.life.verdict
    if transport and verdict in REGISTERED and not any(row.service for row in rows):
        return verdict_on(whole.port, rows, evidence_rows(whole.port), as_of=whole.life.as_of)
    return verdict


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
