"""The title of a port's page and the one sentence under it: the answer for who is in a hurry."""

from markupsafe import Markup

from portbook.pages.facts.history import Step
from portbook.pages.facts.port import PortPage
from portbook.pages.prose.escaped import Escaped, layer

_MOST_NAMES = 2
_RETIRED = ("deprecated", "decomm", "de-comm")


def title(words: Escaped, page: PortPage) -> Markup:
    """`Port 3255: semaphore`; what an unregistered or overtaken number is really used for."""
    product = page.product
    match page.case:
        case "zero":
            return words.text("Port 0: any free port")
        case "overtaken" if product:
            return _overtaken_title(words, page)
        case "unassigned" if product and page.foremost:
            return words.text(
                "Port %(port)s: %(product)s, not registered", port=page.label, product=product
            )
        case "unassigned" if product:
            return words.text(
                "Port %(port)s: %(product)s and others, not registered",
                port=page.label,
                product=product,
            )
        case "unassigned":
            return words.text("Port %(port)s: not assigned", port=page.label)
        case "reserved":
            return words.text("Port %(port)s: kept back by IANA", port=page.label)
        case "dynamic" if product and page.foremost:
            return words.text(
                "Port %(port)s: %(product)s, in the dynamic range",
                port=page.label,
                product=product,
            )
        case "dynamic" if product:
            return words.text(
                "Port %(port)s: %(product)s and others, in the dynamic range",
                port=page.label,
                product=product,
            )
        case "dynamic":
            return words.text("Port %(port)s: dynamic, for everyone", port=page.label)
    return words.text("Port %(port)s: %(service)s", port=page.label, service=page.service)


def _overtaken_title(words: Escaped, page: PortPage) -> Markup:
    told = {"port": page.label, "service": page.service, "product": page.product}
    if page.foremost:
        return words.text("Port %(port)s: %(service)s, in practice %(product)s", **told)
    return words.text("Port %(port)s: %(service)s, in practice %(product)s and others", **told)


def lead(words: Escaped, page: PortPage) -> Markup:
    """The answer in one sentence."""
    match page.case:
        case "zero":
            return words.text(
                "Nothing can listen on port 0: a program that asks for it is given any free number."
            )
        case "alive":
            return _alive(words, page)
        case "overtaken":
            return _overtaken(words, page)
        case "orphan":
            return _orphan(words, page)
        case "young":
            return _young(words, page)
        case "reserved":
            return _reserved(words, page)
        case "dynamic":
            return _dynamic(words, page)
    return _unassigned(words, page)


def _alive(words: Escaped, page: PortPage) -> Markup:
    told = {"port": page.label, "service": page.service, "all": page.sources_checked}
    if page.transport:
        here = page.meant_over(page.transport)
        told |= {"number": page.port, "transport": layer(page.transport)}
        if not here:
            return words.plural(
                "Port %(port)s belongs to %(service)s: one of %(all)s public sources knows it on"
                " %(number)s, but does not name %(transport)s.",
                "Port %(port)s belongs to %(service)s: %(n)s of %(all)s public sources know it on"
                " %(number)s, but none of them names %(transport)s.",
                page.meant,
                **told,
            )
        if here < page.meant:
            return words.plural(
                "Port %(port)s belongs to %(service)s: %(some)s of %(all)s public sources know it"
                " on %(number)s, and one of them names %(transport)s.",
                "Port %(port)s belongs to %(service)s: %(some)s of %(all)s public sources know it"
                " on %(number)s, and %(n)s of them name %(transport)s.",
                here,
                some=page.meant,
                **told,
            )
    return words.plural(
        "Port %(port)s belongs to %(service)s: one of %(all)s public sources knows it there.",
        "Port %(port)s belongs to %(service)s: %(n)s of %(all)s public sources know it there.",
        page.meant,
        **told,
    )


def _overtaken(words: Escaped, page: PortPage) -> Markup:
    told = {"port": page.label, "all": page.sources_checked, "product": page.product}
    if page.product and page.foremost:
        return words.plural(
            "Port %(port)s is registered for %(services)s, but one of %(all)s public sources means"
            " something else: %(product)s.",
            "Port %(port)s is registered for %(services)s, but %(n)s of %(all)s public sources mean"
            " something else, %(product)s above all.",
            page.counted,
            services=words.some(page.services, _MOST_NAMES),
            **told,
        )
    if page.product:
        return words.plural(
            "Port %(port)s is registered for %(services)s, but one of %(all)s public sources means"
            " several other things, %(product)s among them.",
            "Port %(port)s is registered for %(services)s, but %(n)s of %(all)s public sources mean"
            " several other things, %(product)s among them.",
            page.counted,
            services=words.some(page.services, _MOST_NAMES),
            **told,
        )
    return words.text(
        "Port %(port)s is registered for %(services)s, but what public sources have on the number"
        " is something else.",
        port=page.label,
        services=words.some(page.services, _MOST_NAMES),
    )


def _orphan(words: Escaped, page: PortPage) -> Markup:
    date = page.entries[0].registered
    told = {"port": page.label, "service": page.service, "all": page.sources_checked}
    if page.entries[0].first_known:
        first, last = page.entries[0].first, page.entries[0].last
        return words.plural(
            "Port %(port)s is one of %(n)s number that is registered for %(service)s: public"
            " sources know it on the first, %(first)s, but none of %(all)s shows a trace here.",
            "Port %(port)s is one of %(n)s numbers that are registered for %(service)s: public"
            " sources know it on the first, %(first)s, but none of %(all)s shows a trace here.",
            last - first + 1,
            first=first,
            **told,
        )
    if date is None:
        return words.text(
            "%(service)s is registered on port %(port)s, but none of %(all)s public sources shows"
            " a trace of it.",
            **told,
        )
    if len(date) > 7:
        return words.text(
            "%(service)s was registered on port %(port)s on %(date)s, but none of %(all)s public"
            " sources shows a trace of it.",
            date=words.date(date),
            **told,
        )
    return words.text(
        "%(service)s was registered on port %(port)s in %(date)s, but none of %(all)s public"
        " sources shows a trace of it.",
        date=words.date(date),
        **told,
    )


def _young(words: Escaped, page: PortPage) -> Markup:
    young = page.young[0]
    date = young.registered or ""
    told = {"port": page.label, "service": young.service, "date": words.date(date)}
    if older := len(page.entries) - len(page.young):
        return words.plural(
            "The registration of %(service)s on port %(port)s for %(transports)s (%(date)s) is too"
            " young for public sources to know it; of the older one there is no trace either.",
            "The registration of %(service)s on port %(port)s for %(transports)s (%(date)s) is too"
            " young for public sources to know it; of the %(n)s older ones there is no trace"
            " either.",
            older,
            transports=words.layers(young.transports),
            **told,
        )
    if len(date) > 7:
        return words.text(
            "%(service)s was registered on port %(port)s on %(date)s, too lately for public"
            " sources to know it.",
            **told,
        )
    return words.text(
        "%(service)s was registered on port %(port)s in %(date)s, too lately for public sources to"
        " know it.",
        **told,
    )


def _gone(page: PortPage) -> Step | None:
    """The latest dated removal, for a number that has no service any more."""
    return next((step for step in page.history if step.event == "removed" and step.date), None)


def _reserved(words: Escaped, page: PortPage) -> Markup:
    gone = _gone(page)
    if gone:
        return words.text(
            "%(service)s was taken off port %(port)s on %(date)s, and IANA keeps the number back"
            " since then.",
            port=page.label,
            service=gone.service,
            date=words.date(gone.date or ""),
        )
    remark = page.remarks[0].casefold() if page.remarks else ""
    if remark.startswith("any private"):
        return words.text(
            "Port %(port)s is kept back for private use: IANA gives it to no service, but anybody"
            " may use it at home.",
            port=page.label,
        )
    if remark.startswith(_RETIRED):
        return words.text(
            "Port %(port)s was taken out of use, and IANA gives it to nobody.", port=page.label
        )
    if "possibly" in remark:
        return words.text(
            "Nobody seems to know whose port %(port)s is: IANA gives it to nobody and suspects"
            " that somebody has it.",
            port=page.label,
        )
    return words.text(
        "IANA keeps port %(port)s back: no service is registered on it, and none is meant to be.",
        port=page.label,
    )


def _dynamic(words: Escaped, page: PortPage) -> Markup:
    if page.product and page.foremost:
        return words.plural(
            "Nobody can register port %(port)s, but one of %(all)s public sources knows a program"
            " that uses it: %(product)s.",
            "Nobody can register port %(port)s, but %(n)s of %(all)s public sources know programs"
            " that use it, %(product)s first of all.",
            len(page.traces),
            port=page.label,
            product=page.product,
            all=page.sources_checked,
        )
    if page.product:
        return words.plural(
            "Nobody can register port %(port)s, but one of %(all)s public sources knows several"
            " programs that use it, %(product)s among them.",
            "Nobody can register port %(port)s, but %(n)s of %(all)s public sources know several"
            " programs that use it, %(product)s among them.",
            len(page.traces),
            port=page.label,
            product=page.product,
            all=page.sources_checked,
        )
    return words.text(
        "Nobody can register port %(port)s: programs take numbers like it for as long as they need"
        " one, mostly as their own end of a connection.",
        port=page.label,
    )


def _unassigned(words: Escaped, page: PortPage) -> Markup:
    gone = _gone(page)
    if page.product and page.foremost:
        return words.plural(
            "Nobody has registered port %(port)s, but one of %(all)s public sources knows a"
            " program that uses it: %(product)s.",
            "Nobody has registered port %(port)s, but %(n)s of %(all)s public sources know programs"
            " that use it, %(product)s first of all.",
            len(page.traces),
            port=page.label,
            product=page.product,
            all=page.sources_checked,
        )
    if page.product:
        return words.plural(
            "Nobody has registered port %(port)s, but one of %(all)s public sources knows several"
            " programs that use it, %(product)s among them.",
            "Nobody has registered port %(port)s, but %(n)s of %(all)s public sources know several"
            " programs that use it, %(product)s among them.",
            len(page.traces),
            port=page.label,
            product=page.product,
            all=page.sources_checked,
        )
    if gone:
        return words.text(
            "%(service)s was taken off port %(port)s on %(date)s, and nobody has registered the"
            " number since then.",
            port=page.label,
            service=gone.service,
            date=words.date(gone.date or ""),
        )
    return words.text(
        "Nobody has registered port %(port)s, and none of %(all)s public sources knows a program"
        " that uses it.",
        port=page.label,
        all=page.sources_checked,
    )
