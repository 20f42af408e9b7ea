"""Why a source is judged so: short sentences with numbers, for the verdict and against it."""

from portbook.model.traffic import TOOLS, Judged
from portbook.traffic.evidence_marks import of_marks, of_other_tools, of_raw
from portbook.traffic.evidence_words import every, heard, is_or_are, number, transport
from portbook.traffic.facts import Facts
from portbook.traffic.judging_seen import BACKSCATTER, IMPOSSIBLE, STRAYS, Seen
from portbook.traffic.rhythm import steady
from portbook.traffic.trw import DEFAULT, Rates

ALL_HOSTS = 512
"""From here on, the count of own addresses has the rest in its last one (`engine.MOST_OWN`)."""


def evidence(
    facts: Facts, judged: Judged, rates: Rates = DEFAULT
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sentences for the verdict, strongest first, and sentences against it.

    Args:
        facts: of the source, unclipped.
        judged: the verdict on them.
        rates: those of the sequential test that made `facts.decision`.

    Every verdict but `unknown` has at least one sentence for it; `unknown` has one that says what
    is missing.
    """
    seen = Seen(facts)
    marks, others = of_marks(seen, judged.tool), of_other_tools(seen, judged.tool)
    behaving = [*_of_openers(facts), *_of_walk(facts, rates, 1), *_of_missed(seen)]
    asking = [*marks, *_of_flags(seen), *of_raw(seen), *behaving]
    rhythm, stack = _of_rhythm(facts), _of_stack(seen)
    talking = [*_of_talk(seen), *_of_walk(facts, rates, -1)]
    if judged.verdict == "scan":
        return _some(asking, seen), (*others, *talking, *stack)
    if judged.verdict == "probe":
        return _some(asking, seen), (*others, *talking, *rhythm, *stack)
    if judged.verdict == "client":
        return _some(talking + stack, seen), (*others, *asking)
    if judged.verdict == "health-check":
        checks = [*rhythm, *_of_missed(seen), *stack]
        return _some(checks, seen), (*others, *marks, *of_raw(seen))
    if judged.verdict == "backscatter":
        return _some(_of_backscatter(seen), seen), ()
    return (_missing(seen),), (*others, *marks, *_of_walk(facts, rates, 1))


def _some(sentences: list[str], seen: Seen) -> tuple[str, ...]:
    """These sentences, or what was seen at all."""
    return tuple(dict.fromkeys(sentences)) or (_all_flows(seen),)


def _all_flows(seen: Seen) -> str:
    parts = [heard(name, count) for name, count in seen.kind.items() if count]
    return ", ".join(parts) if parts else "no flow"


def _of_flags(seen: Seen) -> list[str]:
    found = [
        f"{heard(name, seen.kind[name])}, which no system's stack sends"
        for name in IMPOSSIBLE
        if seen.kind[name]
    ]
    found += [heard(name, seen.kind[name]) for name in STRAYS if seen.kind[name]]
    return found


def _of_openers(facts: Facts) -> list[str]:
    named = ["its bytes name a scanning program"] if facts.told_tool > len(TOOLS) else []
    if not facts.wrong:
        return named
    of = number(facts.contacts, "contact")
    return [*named, f"spoke a protocol that the port does not speak at {facts.wrong:,} of {of}"]


def _of_walk(facts: Facts, rates: Rates, decision: int) -> list[str]:
    """The sequential test, where it decided so."""
    if facts.decision != decision:
        return []
    word = "scanner" if decision == 1 else "benign"
    counts = f"{facts.failures:,} failed, {facts.successes:,} succeeded"
    if facts.failures + facts.successes > facts.decided_after:
        counts += " in all"
    after = number(facts.decided_after, "first contact")
    known = f"theta0 {rates.theta0:g}, theta1 {rates.theta1:g}"
    return [f"the sequential test: {word} after {after} ({counts}; {known})"]


def _of_missed(seen: Seen) -> list[str]:
    """How often a source came to nothing, and where."""
    names = (
        *("empty", "empty-reset", "half-open", "greeted", "half-silent", "refused", "ignored"),
        *("udp-empty", "udp-closed", "sctp-init"),
    )
    parts = [heard(name, seen.kind[name]) for name in names if seen.kind[name]]
    if seen.swept:
        parts.append(heard("udp-silent", seen.swept))
    if not parts:
        return []
    return [f"{', '.join(parts)}; {_where(seen)}"]


def _where(seen: Seen) -> str:
    """How many ports and own addresses it came to; a port is a number and a transport."""
    facts = seen.facts
    hosts = number(facts.hosts, "own address", "own addresses")
    if facts.hosts >= ALL_HOSTS:
        hosts = f"{facts.hosts:,} or more own addresses"
    used = {transport(name) for name, count in seen.kind.items() if count}
    named = sorted(name for name in used if name)
    apart = f" ({' and '.join(named)} counted apart)" if len(named) > 1 else ""
    return f"came to {number(facts.ports, 'port')}{apart} of {hosts} in all"


def _of_rhythm(facts: Facts) -> list[str]:
    if not steady(facts.beats, facts.period, facts.variation):
        return []
    often = f"{number(facts.beats, 'time')}, {every(facts.period)}"
    return [f"came again {often} (intervals vary by {facts.variation:.0%})"]


def _of_talk(seen: Seen) -> list[str]:
    facts, kind = seen.facts, seen.kind
    found = []
    if facts.right:
        of = number(facts.contacts, "contact")
        found.append(f"spoke the port's own protocol at {facts.right:,} of {of}")
    if facts.unknown_bytes:
        where = number(facts.unknown_bytes, "contact")
        found.append(f"had an answer to bytes of an unknown protocol at {where}")
    others = ["midstream", "udp-answered", "sctp-answered"]
    if seen.talks and not facts.right and not facts.unknown_bytes:
        others.insert(0, "conversed")
    found += [heard(name, kind[name]) for name in others if kind[name]]
    return found


def _of_stack(seen: Seen) -> list[str]:
    """An operating system's own SYN packets: clients send them, and so do connect scans."""
    stack, syns = seen.mark["stack"], seen.facts.syns
    if not stack or not syns:
        return []
    whole = number(syns, "SYN packet")
    return [f"{min(stack, syns):,} of {whole} {is_or_are(stack)} an operating system's own"]


def _of_backscatter(seen: Seen) -> list[str]:
    return [heard(name, seen.kind[name]) for name in BACKSCATTER if seen.kind[name]]


def _missing(seen: Seen) -> str:
    """What would tell more of a source that is unknown."""
    facts, kind = seen.facts, seen.kind
    if seen.retries and seen.closed > kind["half-silent"]:
        where = number(max(1, seen.missed), "closed contact")
        return (
            f"asked {where} {number(seen.closed, 'time')}, as a client does that waits for its"
            " service: what it says when there is one would tell"
        )
    lost = kind["refused"] + kind["ignored"]
    if lost:
        return f"{number(lost, 'SYN packet')} and no connection: what it would say is missing"
    if kind["open"]:
        waiting = number(kind["open"], "open connection")
        return f"{waiting} without a byte so far: the first bytes would tell"
    if kind["half-silent"]:
        often = number(kind["half-silent"], "time")
        return f"our SYN-ACK was not answered {often}, lost or not wanted: more contacts would tell"
    if kind["udp-silent"]:
        where = number(facts.ports, "port")
        return f"datagrams without an answer at {where}: what the service speaks would tell"
    if seen.asked:
        return f"{_all_flows(seen)}, perhaps left over from before: more contacts would tell"
    return "no flow that it began: more packets would tell"
