"""The verdict on a listener: one value from the first rule that knows, and every suspicion."""

from portbook.model import Facts, Owner, Suspicion, Unknown, Verdict
from portbook.model.verdict import SEVERITIES
from portbook.verdict.programs import PORTBOOKS_OWN, is_portbook
from portbook.verdict.rules import SUSPICIONS, VALUES

_ALARMING = SEVERITIES[:2]


def judge(facts: Facts, *others: Facts) -> Verdict:
    """Whether the listener belongs, with the reasons.

    Args:
        facts: those of the first owner, or what is known without one.
        others: those of the other owners, each weighed as well: a harmless parent excuses no
            child. The registry's match of any owner counts for all.
    """
    owners = tuple(dict.fromkeys((facts, *others)))
    best = next((each for each in owners if each.registered_match), None)
    best = best or next((each for each in owners if each.unofficial_match), None) or facts
    value = "unknown"
    reasons: tuple[str, ...] = ()
    for rule in VALUES:
        said = rule.weigh(best)
        if said:
            value, reasons = rule.VALUE, said
            break
    suspicions = _suspicions(owners)
    alarming = tuple(each.reason for each in suspicions if each.severity in _ALARMING)
    if alarming:
        return Verdict("suspicious", (*alarming, *reasons), suspicions, value)
    return Verdict(value, reasons, suspicions, value)


def _suspicions(owners: tuple[Facts, ...]) -> tuple[Suspicion, ...]:
    """What the rules say, worst first, each rule once with its worst word."""
    found: dict[str, Suspicion] = {}
    for facts in owners:
        for rule in SUSPICIONS:
            said = rule.weigh(facts)
            if said and (said.rule not in found or _rank(said) < _rank(found[said.rule])):
                found[said.rule] = said
    return tuple(sorted(found.values(), key=_rank)) if found else ()


def _rank(suspicion: Suspicion) -> int:
    return SEVERITIES.index(suspicion.severity)


def facts_of(owner: Owner, known: Facts) -> Facts:
    """`known`, the facts of a listener, with those of one of its owners."""
    above = owner.ancestry
    facts = known._replace(
        process=known_as(owner) or known.process,
        exe=owner.exe,
        exe_deleted=owner.exe_deleted,
        # A package that owns the path of a deleted executable has put a newer one there.
        upgraded=bool(owner.package) and not isinstance(owner.package, Unknown),
        cmdline=owner.cmdline,
        cwd=owner.cwd,
        fds=owner.fds,
        user=owner.user,
        package=owner.package,
        project=owner.project,
        unit=owner.unit,
        container=owner.container,
        engine_container=owner.engine_container,
        preloads=owner.preloads,
        ancestry=above if isinstance(above, Unknown) else tuple(each.name for each in above),
    )
    # Python's name says nothing, and portbook speaks no Semaphore: it is known by its command.
    if PORTBOOKS_OWN in facts.registered and is_portbook(facts):
        return facts._replace(registered_match=PORTBOOKS_OWN)
    return facts


def known_as(owner: Owner) -> str | None:
    """The process's name; where it is hidden, that of its unit (`ssh.service`: ssh)."""
    if isinstance(owner.name, str):
        return owner.name
    if isinstance(owner.unit, str):
        return owner.unit.rpartition(".")[0].partition("@")[0] or None
    return None
