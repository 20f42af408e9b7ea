"""The page of one port in sentences, for each of its eight cases in their own words."""

from functools import cache, lru_cache

from markupsafe import Markup

from portbook.model.record import Record
from portbook.pages.book import Place
from portbook.pages.facts.entries import spelled_once
from portbook.pages.facts.port import PortPage
from portbook.pages.prose.candidates import Told, guess_told
from portbook.pages.prose.escaped import Escaped, escaped, link, port_link
from portbook.pages.prose.history import Dated, history_told
from portbook.pages.prose.lead import lead, title
from portbook.pages.prose.life import TraceTold, life_told, trace_told, why_orphans_matter
from portbook.pages.prose.lives import life_names, range_name
from portbook.pages.prose.registration import (
    Paragraph,
    kept_told,
    registrations_told,
    remarks_told,
    rfc_link,
    rfc_links,
    who_links,
)
from portbook.pages.prose.sources import asked_told
from portbook.pages.prose.taking import Taking, taking
from portbook.pages.words import Words
from portbook.registry.nearby import Neighbour, Neighbours

_MOST_NAMES = 2


class PortText(Record):
    """Everything that the page of a port says; what is empty is not said.

    `facts` are pairs of a label and what it has; `since` is the heading of `history`; `asked` has
    the sources that know nothing of a registered number; `orphans` says why an orphan matters.
    """

    title: Markup
    lead: Markup
    facts: tuple[tuple[Markup, Markup], ...]
    about: Markup
    registrations: tuple[Paragraph, ...]
    remark: Markup
    since: Markup
    history: tuple[Dated, ...]
    life: Markup
    asked: Markup
    traces: tuple[TraceTold, ...]
    guesses: tuple[Told, ...]
    taking: Taking
    neighbours: Markup
    orphans: Markup


def port_text(words: Words, page: PortPage, place: Place) -> PortText:
    """The sentences of a page in that language; links lead from `place`."""
    said = escaped(words)
    return PortText(
        title(said, page),
        lead(said, page),
        tuple(_facts(said, page, place)),
        _about(said, "zero" if page.port == 0 else page.entry.range.name),
        registrations_told(said, page, place),
        kept_told(said, page) or remarks_told(said, page),
        _since(said, page.since) if page.history else Markup(),
        history_told(said, page.history),
        life_told(said, page),
        asked_told(said, place.base, place.ext) if page.entries and not page.traces else Markup(),
        tuple(trace_told(said, page, each) for each in page.traces),
        tuple(guess_told(said, each) for each in page.guesses),
        taking(said, page, place),
        _neighbours(said, page.neighbours, place.base, place.ext),
        why_orphans_matter(said, page.graveyard) if page.graveyard else Markup(),
    )


def _facts(words: Escaped, page: PortPage, place: Place) -> list[tuple[Markup, Markup]]:
    """What a glance should catch."""
    zero = page.case == "zero"
    facts = [(words.text("Status"), _status(words, "reserved" if zero else page.case))]
    if page.entries:
        facts.append((words.text("Service"), words.listed(page.services)))
        transports = tuple(dict.fromkeys(kind for each in page.entries for kind in each.transports))
        if transports:
            facts.append((words.text("Transport"), words.transports(transports)))
    facts.append((words.text("Range"), _range(words, page.entry.range.name)))
    if len(page.entries) == 1:
        entry = page.entries[0]
        if entry.registered:
            year = link(place, f"year/{entry.registered[:4]}", words.date(entry.registered))
            facts.append((words.text("Registered"), year))
        if entry.assignee:
            facts.append((words.text("Assignee"), who_links(words, entry.assignee, place)))
        if entry.rfcs:
            facts.append((words.text("Described in"), rfc_links(words, entry.rfcs)))
    if not zero:
        traces = _traces(words, page.counted, page.sources_checked)
        facts.append((words.text("Traces"), traces))
    return facts


@cache
def _status(words: Escaped, life: str) -> Markup:
    name = life_names(words.words)[life]
    return Markup('<span class="life {}">{}</span>').format(life, name)


@cache
def _range(words: Escaped, name: str) -> Markup:
    return Markup("{}").format(range_name(words.words, name))


@cache
def _traces(words: Escaped, having: int, asked: int) -> Markup:
    if not having:
        return words.plural("none in %(n)s source", "none in %(n)s sources", asked)
    return words.plural(
        "in %(some)s of %(n)s source", "in %(some)s of %(n)s sources", asked, some=having
    )


@cache
def _about(words: Escaped, kind: str) -> Markup:
    """What a range is, and who may use it (RFC 6335 sections 6 and 8.1.2)."""
    rfc = rfc_link(6335)
    match kind:
        case "zero":
            return words.text(
                "0 stands in the place of a port where there is none yet. A program that binds it"
                " is given a free number by its system, so no socket is ever on port 0, and a"
                " packet from or to it is a fault or a probe. The registry keeps it back among the"
                " system ports (%(rfc)s).",
                rfc=rfc,
            )
        case "system":
            return words.text(
                "The numbers up to 1023 are the system ports. IANA, which keeps the registry, gives"
                " one away only after a review in the IETF, where the Internet\u2019s standards are"
                " written, or with the approval of its steering group, the IESG (%(rfc)s). On Linux"
                " a program needs root rights, or the capability CAP_NET_BIND_SERVICE, to listen on"
                " one.",
                rfc=rfc,
            )
        case "user":
            return words.text(
                "The numbers 1024 to 49151 are the user ports, also called registered ports."
                " Anybody who writes a service may ask IANA, which keeps the registry, for one of"
                " them; an expert looks at the request, unless the IETF or its steering group has"
                " done so (%(rfc)s). A registration is a note and no lock: any program may listen"
                " on any of them, without special rights.",
                rfc=rfc,
            )
    return words.text(
        "The numbers 49152 to 65535 are the dynamic ports, set aside for private and short-lived"
        " use (%(rfc)s). IANA, which keeps the registry, gives none of them to anybody, and any"
        " program may take one, without special rights.",
        rfc=rfc,
    )


@cache
def _since(words: Escaped, date: str) -> Markup:
    return words.text("What changed since %(date)s", date=words.date(date))


@lru_cache(maxsize=1024)  # unassigned numbers lie in long runs
def _neighbours(words: Escaped, found: Neighbours, base: str, ext: str) -> Markup:
    """The nearest registered numbers."""
    below, above = found
    if below and above:
        return words.text(
            "The nearest registered numbers are %(below)s and %(above)s.",
            below=_neighbour(words, below, base, ext),
            above=_neighbour(words, above, base, ext),
        )
    only = below or above
    if only is None:
        return Markup()
    return words.text(
        "The nearest registered number is %(port)s.", port=_neighbour(words, only, base, ext)
    )


def _neighbour(words: Escaped, found: Neighbour, base: str, ext: str) -> Markup:
    return words.text(
        "%(port)s (%(services)s)",
        port=port_link(base, found.port, ext),
        services=words.some(spelled_once(found.services), _MOST_NAMES),
    )
