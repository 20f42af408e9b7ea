"""What changed in the entries of a number since 2015, one sentence for each step."""

from markupsafe import Markup

from portbook.model.record import Record
from portbook.pages.facts.history import Step
from portbook.pages.facts.registrations import name_of
from portbook.pages.prose.escaped import Escaped, quoted
from portbook.registry.since import FactChange

_LONGEST = 160
_NOBODY = "None"  # so the registry once wrote where it had no assignee


class Dated(Record):
    """One step: its date (ISO) and how that is said, both empty where it has none."""

    iso: str
    date: str
    sentence: Markup


def history_told(words: Escaped, history: tuple[Step, ...]) -> tuple[Dated, ...]:
    """Every step in a sentence."""
    return tuple(
        Dated(each.date or "", words.date(each.date) if each.date else "", _told(words, each))
        for each in history
    )


def _told(words: Escaped, step: Step) -> Markup:
    transports = words.layers(step.transports)
    others = words.listed(step.others) if step.others else Markup()
    if step.event == "added":
        if others:
            return words.text(
                "%(service)s was registered for %(transports)s, in the place of %(others)s.",
                service=step.service,
                transports=transports,
                others=others,
            )
        return words.text(
            "%(service)s was registered for %(transports)s.",
            service=step.service,
            transports=transports,
        )
    if step.event == "removed":
        if others:
            return words.text(
                "%(service)s was taken off the registry for %(transports)s, and %(others)s came in"
                " its place.",
                service=step.service,
                transports=transports,
                others=others,
            )
        return words.text(
            "%(service)s was taken off the registry for %(transports)s.",
            service=step.service,
            transports=transports,
        )
    if not step.facts:
        return words.text(
            "The entry of %(service)s for %(transports)s was changed; in what, the registry does"
            " not tell.",
            service=step.service,
            transports=transports,
        )
    changes = Markup("; ").join(_change(words, each) for each in step.facts)
    return words.text(
        "%(service)s for %(transports)s: %(changes)s.",
        service=step.service,
        transports=transports,
        changes=changes,
    )


def _change(words: Escaped, change: FactChange) -> Markup:
    fact = _fact(words, change.fact)
    before = _value(words, change.fact, change.before)
    after = _value(words, change.fact, change.after)
    if before and after:
        return words.text(
            "%(fact)s now %(after)s, before that %(before)s",
            fact=fact,
            after=after,
            before=before,
        )
    if after:
        return words.text("%(fact)s %(after)s added", fact=fact, after=after)
    return words.text("%(fact)s %(before)s taken away", fact=fact, before=before)


def _fact(words: Escaped, fact: str) -> Markup:
    match fact:
        case "assignee":
            return words.text("assignee")
        case "contact":
            return words.text("contact")
        case "description":
            return words.text("description")
        case "reference":
            return words.text("reference")
        case "registered":
            return words.text("date of registration")
        case "unauthorized_use":
            return words.text("remark on other use")
    return words.text("note")


def _value(words: Escaped, fact: str, value: str | None) -> str | Markup:
    if not value or value == _NOBODY:
        return ""
    if fact in ("assignee", "contact"):
        return words.listed(tuple(map(name_of, value.split())))
    if fact == "registered":
        return words.date(value)
    if fact == "reference":
        return value.replace("RFC", "RFC ")[:_LONGEST]
    return quoted(value, _LONGEST)
