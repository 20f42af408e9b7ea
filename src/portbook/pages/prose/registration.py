"""What the registry tells of a number, in sentences: who has it, since when, by which document."""

from functools import cache

from markupsafe import Markup

from portbook.model.record import Record
from portbook.pages.book import Place
from portbook.pages.facts.entries import Entry
from portbook.pages.facts.port import PortPage
from portbook.pages.facts.registrations import Who
from portbook.pages.prose.escaped import (
    Escaped,
    layer,
    link,
    outer_link,
    port_link,
    quoted,
    some_ports,
)

_MOST_PORTS = 6
_LAST_RFC_OF_2001 = 3222  # by the index of the RFC editor
RFC = "https://www.rfc-editor.org/rfc/rfc"


class Paragraph(Record):
    """Sentences about one registration; `title` is empty where there is only one."""

    title: str
    sentences: Markup


def registrations_told(words: Escaped, page: PortPage, place: Place) -> tuple[Paragraph, ...]:
    """A paragraph for each registration."""
    alone = len(page.entries) == 1
    return tuple(
        Paragraph("" if alone else _title(words, each), _told(words, page, each, place))
        for each in page.entries
    )


def _title(words: Escaped, entry: Entry) -> str:
    if not entry.transports:
        return entry.service
    return f"{entry.service} ({words.transports(entry.transports).unescape()})"


def _told(words: Escaped, page: PortPage, entry: Entry, place: Place) -> Markup:
    said = [_listed(words, entry), _asked_for(words, page, entry, place)]
    if entry.rfcs:
        said.append(words.text("It is described in %(rfcs)s.", rfcs=rfc_links(words, entry.rfcs)))
    if entry.reference:
        said.append(
            words.text("The registry refers to %(reference)s.", reference=quoted(entry.reference))
        )
    if entry.contact:
        said.append(words.text("The contact is %(who)s.", who=words.listed(entry.contact)))
    if entry.first != entry.last:
        said.append(
            words.text(
                "The registration covers the numbers %(first)s to %(last)s.",
                first=entry.first,
                last=entry.last,
            )
        )
    if entry.first_known:
        said.append(
            words.text(
                "On the first of them, %(port)s, public sources know it.",
                port=port_link(place.base, entry.first, place.ext),
            )
        )
    if entry.spellings:
        said.append(
            words.text(
                "It also stands there under its older spelling %(names)s.",
                names=words.listed(entry.spellings),
            )
        )
    if entry.elsewhere:
        said.append(
            words.plural(
                "The same name is registered on another number: %(ports)s.",
                "The same name is registered on %(n)s other numbers: %(ports)s.",
                len(entry.elsewhere),
                ports=some_ports(words, entry.elsewhere, place, _MOST_PORTS),
            )
        )
    if entry.notes:
        said.append(words.text("The registry notes: %(notes)s.", notes=quoted(entry.notes)))
    if entry.unauthorized:
        said.append(
            words.text("On other use it says: %(words)s.", words=quoted(entry.unauthorized))
        )
    return Markup(" ").join(said)


def _listed(words: Escaped, entry: Entry) -> Markup:
    if entry.description and entry.transports:
        return words.text(
            "IANA lists %(service)s here for %(transports)s: %(description)s.",
            service=_name(entry),
            transports=words.transports(entry.transports),
            description=quoted(entry.description),
        )
    if entry.description:
        return words.text(
            "IANA lists %(service)s here without naming a transport: %(description)s.",
            service=_name(entry),
            description=quoted(entry.description),
        )
    if entry.transports:
        return words.text(
            "IANA lists %(service)s here for %(transports)s, without a description.",
            service=_name(entry),
            transports=words.transports(entry.transports),
        )
    return words.text(
        "IANA lists %(service)s here, with neither a transport nor a description.",
        service=_name(entry),
    )


def _name(entry: Entry) -> Markup:
    return Markup("<b>{}</b>").format(entry.service)


def _asked_for(words: Escaped, page: PortPage, entry: Entry, place: Place) -> Markup:
    """Who has it and since when, and whether that was changed."""
    modified = entry.modified if entry.modified != entry.registered else None
    changed = modified or any(
        step.event == "changed" and step.service == entry.service for step in page.history
    )
    said = [_since(words, entry, who_links(words, entry.assignee, place), changed=bool(changed))]
    if modified:
        said.append(_modified(words, modified))
    elif not changed and entry.registered:
        said.append(words.text("The registry shows no change of the entry since."))
    return Markup(" ").join(said)


def _since(words: Escaped, entry: Entry, who: Markup, *, changed: bool) -> Markup:
    if entry.registered is None:
        return _undated(words, who, entry.rfcs)
    date = words.date(entry.registered)
    day = len(entry.registered) > 7
    if not who:
        if day:
            return words.text("It was registered on %(date)s; by whom is not told.", date=date)
        return words.text("It was registered in %(date)s; by whom is not told.", date=date)
    if changed:
        if day:
            return words.text(
                "It was registered on %(date)s and is in the name of %(who)s today.",
                date=date,
                who=who,
            )
        return words.text(
            "It was registered in %(date)s and is in the name of %(who)s today.",
            date=date,
            who=who,
        )
    if day:
        return words.text("%(who)s registered it on %(date)s.", who=who, date=date)
    return words.text("%(who)s registered it in %(date)s.", who=who, date=date)


def _undated(words: Escaped, who: Markup, rfcs: tuple[int, ...]) -> Markup:
    if who and any(number > _LAST_RFC_OF_2001 for number in rfcs):
        return words.text("It is in the name of %(who)s and has no date.", who=who)
    if who:
        return words.text(
            "It is in the name of %(who)s and has no date, like most entries from before 2002.",
            who=who,
        )
    return words.text("The registry names neither a person nor a date for it.")


@cache
def _modified(words: Escaped, date: str) -> Markup:
    if len(date) > 7:
        return words.text("The entry was last changed on %(date)s.", date=words.date(date))
    return words.text("The entry was last changed in %(date)s.", date=words.date(date))


def who_links(words: Escaped, who: tuple[Who, ...], place: Place | None) -> Markup:
    """The assignees, each with a link to what else is theirs; empty for nobody.

    Without a place there are no links: who has names without numbers only has no page.
    """
    if not who:
        return Markup()
    return words.listed(
        tuple(
            link(place, each.address, each.name) if place and each.address else each.name
            for each in who
        )
    )


def rfc_links(words: Escaped, rfcs: tuple[int, ...]) -> Markup:
    """`RFC 9110` as a link for the reader."""
    return words.listed(tuple(rfc_link(number) for number in rfcs))


@cache
def rfc_link(number: int) -> Markup:
    """One RFC, where its editor publishes it."""
    return outer_link(f"{RFC}{number}", f"RFC {number}")


def kept_told(words: Escaped, page: PortPage) -> Markup:
    """On which transports IANA keeps back a number that has a service on another one."""
    if not page.kept:
        return Markup()
    return words.text(
        "On %(transports)s IANA keeps the number back and gives it to nobody.",
        transports=words.transports(page.kept),
    )


def remarks_told(words: Escaped, page: PortPage) -> Markup:
    """The registry's own words on a number without a service."""
    if not page.remarks:
        return Markup()
    said = words.listed(tuple(quoted(each) for each in page.remarks))
    return words.text("All that the registry says of the number is %(words)s.", words=said)


__all__ = [
    "Paragraph",
    "kept_told",
    "layer",
    "registrations_told",
    "remarks_told",
    "rfc_link",
    "rfc_links",
    "who_links",
]
