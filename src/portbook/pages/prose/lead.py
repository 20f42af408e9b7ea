"""The title of a port's page and the one sentence under it: the answer for who is in a hurry."""

from markupsafe import Markup

from portbook.pages.facts.history import Step
from portbook.pages.facts.port import PortPage
from portbook.pages.prose.escaped import Escaped

_MOST_NAMES = 2
_RETIRED = ("deprecated", "decomm", "de-comm")


def title(words: Escaped, page: PortPage) -> Markup:
    """`Port 3255: semaphore`; what an unregistered or overtaken number is really used for."""
    product = page.product
    match page.case:
        case "zero":
            return words.text("Port 0: any free port")
        case "overtaken" if product:
            return words.text(
                "Port %(port)s: %(service)s, in practice %(product)s",
                port=page.label,
                service=page.service,
                product=product,
            )
        case "unassigned" if product:
            return words.text(
                "Port %(port)s: %(product)s, not registered", port=page.label, product=product
            )
        case "unassigned":
            return words.text("Port %(port)s: not assigned", port=page.label)
        case "reserved":
            return words.text("Port %(port)s: kept back by IANA", port=page.label)
        case "dynamic" if product:
            return words.text(
                "Port %(port)s: %(product)s, in the dynamic range",
                port=page.label,
                product=product,
            )
        case "dynamic":
            return words.text("Port %(port)s: dynamic, for everyone", port=page.label)
    return words.text("Port %(port)s: %(service)s", port=page.label, service=page.service)


def lead(words: Escaped, page: PortPage) -> Markup:
    """The answer in one sentence."""
    match page.case:
        case "zero":
            return words.text(
                "Nothing can listen on port 0: a program that asks for it is given any free number."
            )
        case "alive":
            return words.plural(
                "Port %(port)s belongs to %(service)s: one of %(all)s public sources knows it"
                " there.",
                "Port %(port)s belongs to %(service)s: %(n)s of %(all)s public sources know it"
                " there.",
                page.meant,
                port=page.label,
                service=page.service,
                all=page.sources_checked,
            )
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


def _overtaken(words: Escaped, page: PortPage) -> Markup:
    if page.product:
        return words.plural(
            "Port %(port)s is registered for %(services)s, but the only public source that has the"
            " number means something else: %(product)s.",
            "Port %(port)s is registered for %(services)s, but the %(n)s public sources that have"
            " the number mean something else, %(product)s above all.",
            len(page.traces),
            port=page.label,
            services=words.some(page.services, _MOST_NAMES),
            product=page.product,
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
    date = max(each.registered or "" for each in page.entries)
    told = {"port": page.label, "service": page.service, "date": words.date(date)}
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
    if page.product:
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
    return words.text(
        "Nobody can register port %(port)s: programs take numbers like it for as long as they need"
        " one, mostly as their own end of a connection.",
        port=page.label,
    )


def _unassigned(words: Escaped, page: PortPage) -> Markup:
    gone = _gone(page)
    if page.product:
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
