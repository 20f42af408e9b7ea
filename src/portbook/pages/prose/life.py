"""Whether anything still uses a number: what the sources say of it, and what that is worth."""

from functools import cache

from markupsafe import Markup, escape

from portbook.model.record import Record
from portbook.pages.facts.graveyard import Graveyard
from portbook.pages.facts.port import PortPage
from portbook.pages.facts.traces import Product, Trace
from portbook.pages.prose.escaped import Escaped, layer
from portbook.pages.prose.sources import note_told, source_title

_MOST_PRODUCTS = 6


class TraceTold(Record):
    """One source: its name with version, its address, and what it has to do with numbers.

    `products` is what it names here, all of them over `transports` unless that is empty; `rest`,
    perhaps empty, is folded away under `summary`. `remark` says why it does not count.
    """

    title: str
    link: str
    note: str
    transports: Markup
    products: Markup
    rest: Markup
    summary: Markup
    remark: Markup


def life_told(words: Escaped, page: PortPage) -> Markup:
    """What was found, in a sentence or two."""
    date = words.date(page.as_of)
    match page.case:
        case "alive":
            return _alive(words, page, date)
        case "overtaken":
            return _overtaken(words, page, date)
        case "orphan":
            return _orphan(words, page, date)
        case "young":
            return _young(words, page, date)
    if page.traces:
        return words.plural(
            "Yes, without a registration. As of %(date)s, one of %(all)s public sources has the"
            " number.",
            "Yes, without a registration. As of %(date)s, %(n)s of %(all)s public sources have the"
            " number.",
            len(page.traces),
            all=page.sources_checked,
            date=date,
        )
    if page.case == "zero":
        return Markup()
    return _nothing(words, page.sources_checked, date, page.transport)


def _alive(words: Escaped, page: PortPage, date: str) -> Markup:
    others = len(page.traces) - page.meant
    told = words.plural(
        "Yes. As of %(date)s, one of %(all)s public sources names %(service)s on this number.",
        "Yes. As of %(date)s, %(n)s of %(all)s public sources name %(service)s on this number.",
        page.meant,
        all=page.sources_checked,
        service=page.service,
        date=date,
    )
    if not others:
        return told
    more = words.plural(
        "One more knows the number for something else only.",
        "%(n)s more know the number for something else only.",
        others,
    )
    return Markup(" ").join((told, more))


def _overtaken(words: Escaped, page: PortPage, date: str) -> Markup:
    told = words.plural(
        "Something does, but not what is registered. As of %(date)s, one of %(all)s public sources"
        " has the number for something else than %(services)s.",
        "Something does, but not what is registered. As of %(date)s, %(n)s of %(all)s public"
        " sources have the number for something else than %(services)s.",
        page.counted,
        all=page.sources_checked,
        services=words.listed(page.services, either=True),
        date=date,
    )
    copies = len(page.traces) - page.counted
    if not copies:
        return told
    more = words.plural(
        "One more has the name as the registry spells it and may have copied it from there, so it"
        " does not count.",
        "%(n)s more have the name as the registry spells it and may have copied it from there, so"
        " they do not count.",
        copies,
    )
    return Markup(" ").join((told, more))


def _orphan(words: Escaped, page: PortPage, date: str) -> Markup:
    told: dict[str, object] = {
        "all": page.sources_checked,
        "services": words.listed(page.services, either=True),
        "date": date,
    }
    if page.transport:
        return words.text(
            "Nothing that left a public trace. As of %(date)s none of %(all)s sources, such as"
            " protocol decoders, firewall profiles and application stores, has %(services)s or"
            " anything else on this number over %(transport)s.",
            transport=layer(page.transport),
            **told,
        )
    return words.text(
        "Nothing that left a public trace. As of %(date)s none of %(all)s sources, such as protocol"
        " decoders, firewall profiles and application stores, has %(services)s or anything else on"
        " this number.",
        **told,
    )


def _young(words: Escaped, page: PortPage, date: str) -> Markup:
    told = words.text(
        "It is too early to tell. As of %(date)s none of %(all)s public sources has it, but lists"
        " of that kind take years to notice a service, and this one is not three years old.",
        all=page.sources_checked,
        date=date,
    )
    older = len(page.entries) - len(page.young)
    if not older:
        return told
    more = words.plural(
        "For the older registration on this number it is not too early: it has left no public"
        " trace.",
        "For the %(n)s older registrations on this number it is not too early: they have left no"
        " public trace.",
        older,
    )
    return Markup(" ").join((told, more))


@cache
def _nothing(words: Escaped, asked: int, date: str, transport: str | None) -> Markup:
    if transport:
        return words.text(
            "As of %(date)s none of %(all)s public sources, such as protocol decoders, firewall"
            " profiles and application stores, knows a program on it over %(transport)s.",
            all=asked,
            date=date,
            transport=layer(transport),
        )
    return words.text(
        "As of %(date)s none of %(all)s public sources, such as protocol decoders, firewall"
        " profiles and application stores, knows a program on it.",
        all=asked,
        date=date,
    )


def trace_told(words: Escaped, page: PortPage, trace: Trace) -> TraceTold:
    """What one source names on the number."""
    kinds = {each.transports for each in trace.products}
    # Told once behind the list where all are alike, else behind each product.
    alike = len(kinds) == 1
    shown = [_product(words, each, alone=alike) for each in trace.products]
    first, rest = shown, []
    if len(shown) > _MOST_PRODUCTS + 1:
        first, rest = shown[:_MOST_PRODUCTS], shown[_MOST_PRODUCTS:]
    transports = kinds.pop() if alike else ()
    return TraceTold(
        source_title(trace.source),
        trace.source.link,
        note_told(words, trace.note),
        words.transports(transports) if transports else Markup(),
        Markup(", ").join(first),
        Markup(", ").join(rest),
        words.plural("and %(n)s more", "and %(n)s more", len(rest)) if rest else Markup(),
        _copied(words) if trace.copied else Markup(),
    )


@cache
def _copied(words: Escaped) -> Markup:
    return words.text("as the registry spells it, perhaps copied from there: it does not count")


def _product(words: Escaped, product: Product, *, alone: bool) -> Markup:
    name = Markup("<b>{}</b>").format(product.name) if product.meant else escape(product.name)
    if alone or not product.transports:
        return name
    return Markup("{} ({})").format(name, words.transports(product.transports))


@cache
def why_orphans_matter(words: Escaped, found: Graveyard) -> Markup:
    """How many orphans there are, and how seldom a number comes back."""
    counted = words.text(
        "%(orphans)s of %(all)s registered services have no public trace.",
        orphans=words.words.number(found.orphans),
        all=words.words.number(found.services),
    )
    freed = words.plural(
        "From %(first)s to %(last)s IANA took the last service off only one number.",
        "From %(first)s to %(last)s IANA took the last service off no more than %(n)s numbers.",
        found.freed,
        first=words.date(found.first),
        last=words.date(found.last[:7]),
    )
    return Markup(" ").join((counted, freed))
