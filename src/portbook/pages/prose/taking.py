"""Whether to take a number for software of one's own, and which one near it would be better."""

from functools import cache

from markupsafe import Markup

from portbook.model.record import Record
from portbook.pages.book import Place
from portbook.pages.facts.entries import spelled_once
from portbook.pages.facts.port import PortPage
from portbook.pages.prose.escaped import Escaped, layer, port_link
from portbook.pages.prose.sources import products_of
from portbook.registry.nearby import Hindrance

_MOST_NAMED = 3
_NO_STANCE = ("privileged", "in-use", "noted", "suspicious", "blocked", "node-port")
_SYSTEMS = {"linux": "Linux", "macos": "macOS", "windows": "Windows"}


class Taking(Record):
    """The advice in words: the answer, what else speaks against it, and a better number.

    The last two may be empty.
    """

    answer: Markup
    more: tuple[Markup, ...]
    better: Markup


def taking(words: Escaped, page: PortPage, place: Place) -> Taking:
    """The advice on the number of a page."""
    # A remark on another number of the same row says nothing here.
    against = [each for each in page.advice.against if each.code != "noted" or page.remarks]
    if not against and not page.beside:
        return Taking(_free(words), (), Markup())
    if page.port == 0:
        return Taking(_zero(words), (), Markup())
    said = [_said(words, page, each) for each in against]
    beside = [_elsewhere(words, page, each) for each in page.beside]
    # A registration on another transport is the answer, unless this one is kept back.
    first = 0 if page.case == "reserved" or not _taken_beside(page) else 1
    answer, *more = (*beside[:first], *said, *beside[first:])
    if _no_stance(page, against):
        answer = Markup(" ").join((_rather_not(words), answer))
    return Taking(answer, tuple(more), _better(words, page, place))


def _no_stance(page: PortPage, against: list[Hindrance]) -> bool:
    """Whether the first sentence says no yes or no of itself."""
    if _taken_beside(page) and page.case != "reserved":
        return False
    return not against or against[0].code in _NO_STANCE


def _taken_beside(page: PortPage) -> bool:
    return bool(page.beside) and page.beside[0].code != "in-use"


def _elsewhere(words: Escaped, page: PortPage, found: Hindrance) -> Markup:
    """What speaks against the number on other transports than that of the page."""
    transport = layer(page.transport or "")
    names = words.some(spelled_once(found.names), _MOST_NAMED)
    if found.code == "in-use":
        return words.plural(
            "On other transports than %(transport)s %(products)s uses it without a registration.",
            "On other transports than %(transport)s %(products)s use it without a registration.",
            len(found.names),
            transport=transport,
            products=names,
        )
    if page.case == "reserved":
        return words.text(
            "For %(transports)s the number is registered for %(services)s.",
            transports=words.layers(page.over),
            services=names,
        )
    return words.text(
        "Rather not, unless for %(transport)s alone: for %(transports)s the number is registered"
        " for %(services)s.",
        transport=transport,
        transports=words.layers(page.over),
        services=names,
    )


@cache
def _free(words: Escaped) -> Markup:
    return words.text(
        "Yes, as far as public tables can tell. Nobody has registered it, no public source knows a"
        " program on it, no common system takes it for outgoing connections by default, and"
        " browsers open it."
    )


@cache
def _rather_not(words: Escaped) -> Markup:
    return words.text("Rather not.")


@cache
def _zero(words: Escaped) -> Markup:
    return words.text(
        "Not as an address, but as a request: a program that binds port 0 gets a number that is"
        " free at that moment and can ask which one it got. That is the right way where the number"
        " does not matter."
    )


def _better(words: Escaped, page: PortPage, place: Place) -> Markup:
    if page.better is None:
        return Markup()
    return words.text(
        "The nearest number to recommend is %(port)s: nobody has registered it, no public source"
        " knows a program on it, and no common system takes it for outgoing connections by"
        " default.",
        port=port_link(place.base, page.better.port, place.ext),
    )


def _said(words: Escaped, page: PortPage, found: Hindrance) -> Markup:
    names = words.some(spelled_once(found.names), _MOST_NAMED) if found.names else Markup()
    match found.code:
        case "registered-alive":
            return words.text(
                "Better not: it belongs to %(services)s, and whoever runs both on one machine has"
                " a conflict.",
                services=names,
            )
        case "overtaken":
            return words.text(
                "Better not: it is registered for %(services)s and used by other programs besides.",
                services=names,
            )
        case "registered-young":
            young = spelled_once(each.service for each in page.young) or found.names
            return words.text(
                "Better not: it was given to %(services)s only lately, and that may be about to"
                " spread.",
                services=words.some(young, _MOST_NAMED),
            )
        case "registered-orphan":
            return words.text(
                "It would most likely go well, but the number is not yours: it is registered for"
                " %(services)s, which somebody may still run.",
                services=names,
            )
        case "in-use":
            return words.plural(
                "%(products)s uses it without a registration and may be there first.",
                "%(products)s use it without a registration and may be there first.",
                len(found.names),
                products=names,
            )
        case "noted":
            return words.text("The registry has a remark on it, which is quoted above.")
        case "suspicious":
            programs = tuple(each for name in found.names for each in products_of(name))
            return words.text(
                "It is a default number of %(names)s, so it may raise questions when somebody"
                " scans the machine.",
                names=words.some(programs, _MOST_NAMED),
            )
        case "ephemeral":
            return _ephemeral(words, found.names)
    return _standing(words, found.code)


@cache
def _ephemeral(words: Escaped, systems: tuple[str, ...]) -> Markup:
    named = tuple(_SYSTEMS[each] for each in systems if each in _SYSTEMS)
    return words.plural(
        "Not a good place for a server: %(systems)s takes it for outgoing connections by default,"
        " so any client may hold it when your program starts.",
        "Not a good place for a server: %(systems)s take it for outgoing connections by default,"
        " so any client may hold it when your program starts.",
        len(named),
        systems=words.listed(named),
    )


@cache
def _standing(words: Escaped, code: str) -> Markup:
    """What is said alike of every number."""
    match code:
        case "reserved":
            return words.text("Better not: IANA keeps it back.")
        case "privileged":
            return words.text(
                "Below 1024 a program on Linux needs root rights, or the capability"
                " CAP_NET_BIND_SERVICE, to listen."
            )
        case "blocked":
            return words.text(
                "Browsers refuse to open it, so a page or an interface for browsers cannot live"
                " there."
            )
        case "node-port":
            return words.text(
                "Kubernetes gives the numbers 30000 to 32767 to services by default (NodePort), so"
                " a cluster may want it."
            )
    return words.text("Better not.")
