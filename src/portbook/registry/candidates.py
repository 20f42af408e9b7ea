"""What might really be listening on a number, best guess first, from the tables alone.

A guess is a fact with its reason; `candidates` says guesses in English, and the pages say the same
guesses in their own languages. None claims more than the tables bear out.
"""

from portbook.model import (
    Answer,
    Assignment,
    Candidate,
    Evidence,
    Listener,
    PortEntry,
    SuspiciousUse,
    Unknown,
    UnofficialUse,
)
from portbook.model.record import Record
from portbook.registry.same_service import match

REASONS = (
    "zero",
    "named",
    "displaced",
    "silent",
    "unofficial",
    "own-alive",
    "own-overtaken",
    "own-silent",
    "own-listed",
    "own-dynamic",
    "own-reserved",
    "own-unassigned",
    "client",
    "malware",
    "probe-usual",
    "probe-any",
)
"""Every reason of a guess: whoever says guesses in words has a sentence for each."""

CATEGORIES = ("anonymity", "c2", "exploitation", "malware", "miner", "rmm")
"""What the tool behind a guess of kind malware is for."""

MOST_NAMED = 3
"""Sources named in a sentence; the others are counted."""

_MOST = 8
_MOST_REGISTERED = 2
_MOST_UNOFFICIAL = 4
_MOST_BESIDE = 2  # unofficial uses beside a registered one that is alive
_MOST_MALWARE = 2


class Guess(Record):
    """One thing that might be listening, as facts.

    `kind` is that of `Candidate`, `reason` one of REASONS. `name` is a service, a product or a
    tool, empty where the reason says what it is; `about` a service's description. `sources` are
    ids of those that name it, and of malware the list that does. `asked` is how many sources were
    asked (`silent`) or found something else (`displaced`), as of `as_of`; `since` when the service
    was registered (ISO dates). `transport` is that of an unofficial use, `category` that of a tool.
    """

    kind: str
    reason: str
    name: str = ""
    about: str | None = None
    sources: tuple[str, ...] = ()
    asked: int = 0
    as_of: str = ""
    since: str | None = None
    transport: str | None = None
    category: str = ""


def _holder_name(listener: Listener) -> str:
    """The process, or the unit or container that is known of it."""
    if not listener.owners:
        return listener.kernel or "the kernel"
    owner = listener.owners[0]
    if isinstance(owner.name, str):
        return owner.name
    if owner.container and not isinstance(owner.container, Unknown):
        return f"{owner.container.engine} container {owner.container.id[:12]}"
    return owner.unit if isinstance(owner.unit, str) else "a process that is hidden here"


def found_here(listener: Listener) -> Candidate:
    """What was really found, as the first candidate."""
    name = _holder_name(listener)
    kinds = {"expected": "registered", "familiar": "unofficial"}
    state = {"bound": "holds it without listening", "listen": "listens"}.get(
        listener.socket.state, "receives"
    )
    return Candidate(
        name,
        kinds.get(listener.verdict.value, "custom"),
        f"it {state} here on {listener.socket.address} over {listener.socket.transport}",
    )


def candidates(entry: PortEntry, *, ephemeral: bool) -> tuple[Candidate, ...]:
    """At most eight candidates in English, never none.

    `ephemeral`: this system takes the number for outgoing connections of its own.
    """
    return tuple(map(_said, guesses(entry, ephemeral=ephemeral)))


def guesses(entry: PortEntry, *, ephemeral: bool) -> tuple[Guess, ...]:
    """The same as facts."""
    if entry.port == 0:
        return (Guess("probe", "zero"),)
    named = [each for each in entry.assignments if each.service is not None]
    living, silent = _registered(named, entry)
    most = _MOST_BESIDE if living else _MOST_UNOFFICIAL
    unofficial = [_unofficial(each) for each in entry.unofficial[:most]]
    own = _own(entry, named)
    if living:
        known = [*living, *unofficial, own, *silent]
    elif unofficial:
        known = [*unofficial, own, *silent]
    else:
        known = [own, *silent]
    if ephemeral:
        # Where nothing is known to live on the number, a passing client is the best guess.
        known.insert(len(known) if living or unofficial else 0, Guess("custom", "client"))
    malware = [_malware(each) for each in entry.suspicious_uses[:_MOST_MALWARE]]
    for each in reversed(known):
        if len(known) + len(malware) < _MOST:
            break
        if each.kind != "custom":
            known.remove(each)
    return (*known, *malware, _probe(entry))


def _registered(named: list[Assignment], entry: PortEntry) -> tuple[list[Guess], list[Guess]]:
    """The registered services that traces name, and those that none does."""
    by_service: dict[str, list[Assignment]] = {}
    for each in named:
        by_service.setdefault(each.service or "", []).append(each)
    living, silent = [], []
    told: set[tuple[Evidence, ...]] = set()
    for rows in by_service.values():
        traces = tuple(
            each for each in entry.life.evidence if any(match(row, each.product) for row in rows)
        )
        if entry.life.verdict != "alive" or not traces:
            silent.append(_silent(rows, entry))
        elif traces not in told:  # `www` is only another name for what `http` is
            living.append(_alive(rows, traces))
            told.add(traces)
    if entry.life.verdict == "alive" and by_service and not living:
        # Only the kind of its sources made it alive: web applications on a number of HTTP.
        living = [_alive(next(iter(by_service.values())), entry.life.evidence)]
        silent = silent[1:]
    return living[:_MOST_REGISTERED], silent[:_MOST_REGISTERED]


def displacing(entry: PortEntry | Answer) -> tuple[str, ...]:
    """The ids of the sources that have something else than a registered service on the number.

    Which sources those are says why an overtaken number is not alive. One that names the service
    there all the same has the name from the registry, as `life` judges it, and does not count.
    """
    rows = [each for each in entry.assignments if each.service is not None]
    known = {(each.service, each.description): each for each in rows}.values()
    return _sources(
        tuple(
            each
            for each in entry.life.evidence
            if not any(match(row, each.product) for row in known)
        )
    )


def _alive(rows: list[Assignment], traces: tuple[Evidence, ...]) -> Guess:
    return Guess("registered", "named", *_title(rows), sources=_sources(traces))


def _silent(rows: list[Assignment], entry: PortEntry) -> Guess:
    life = entry.life
    overtaken = life.verdict == "overtaken"
    return Guess(
        "registered",
        "displaced" if overtaken else "silent",
        *_title(rows),
        asked=len(displacing(entry)) if overtaken else life.sources_checked,
        as_of=life.as_of,
        since=rows[0].registered,
    )


def _unofficial(use: UnofficialUse) -> Guess:
    return Guess(
        "unofficial", "unofficial", use.product, sources=use.sources, transport=use.transport
    )


def _own(entry: PortEntry, named: list[Assignment]) -> Guess:
    verdict = entry.life.verdict
    if verdict in ("alive", "overtaken"):
        return Guess("custom", f"own-{verdict}")
    if named:
        return Guess("custom", "own-listed" if entry.suspicious_uses else "own-silent")
    if verdict in ("dynamic", "reserved"):
        return Guess("custom", f"own-{verdict}")
    return Guess("custom", "own-unassigned")


def _malware(use: SuspiciousUse) -> Guess:
    source = use.source.partition(" (")[0]  # the list's name without its licence
    return Guess("malware", "malware", use.name, sources=(source,), category=use.category)


def _probe(entry: PortEntry) -> Guess:
    usual = entry.life.verdict in ("alive", "overtaken")
    return Guess("probe", "probe-usual" if usual else "probe-any")


def _title(rows: list[Assignment]) -> tuple[str, str | None]:
    """The name, and the description where it says more than the name."""
    name = rows[0].service or ""
    description = next((each.description for each in rows if each.description), None)
    if description is None or description.casefold() == name.casefold():
        return name, None
    return name, description


def _sources(traces: tuple[Evidence, ...]) -> tuple[str, ...]:
    return tuple(sorted({each.source for each in traces}))


# The guesses in English, for the command line and the JSON documents.

_WHAT = {
    "zero": "nothing",
    "client": "a client's own end of a connection",
    "probe-usual": "nothing, only a probe",
    "probe-any": "nothing, only a probe",
}
_OWN = "an in-house application"
_WHY = {
    "zero": (
        "Nothing can listen on port 0: to bind it asks the system for any free number, and"
        " traffic to it comes from scans or broken software."
    ),
    "own-alive": "Any program can be told to use this number, whatever it is registered for.",
    "own-overtaken": (
        "Others use this number without being registered; so may a program of one's own."
    ),
    "own-silent": (
        "No public program is known to use this number, and programs of one's own take such"
        " quiet numbers."
    ),
    "own-listed": (
        "No public source but a list of harmful programs has this number, and programs of one's own"
        " take such quiet numbers."
    ),
    "own-dynamic": "This range is never assigned, so programs may take from it what they like.",
    "own-reserved": ("IANA keeps this number back, which does not stop a program from taking it."),
    "own-unassigned": (
        "Nobody has registered this number, so programs of one's own may well take it."
    ),
    "client": (
        "This system takes numbers of this range for outgoing connections, for as long as these"
        " last."
    ),
    "probe-usual": (
        "Traffic without a listener is most often a scan for what is usual on this number."
    ),
    "probe-any": "Traffic without a listener is most often a scan that tries every number.",
}
_CATEGORIES = {
    "anonymity": "a network for anonymity",
    "c2": "a command-and-control tool",
    "exploitation": "an exploitation tool",
    "malware": "malware",
    "miner": "a crypto miner",
    "rmm": "a tool for remote control",
}


def _said(guess: Guess) -> Candidate:
    """One guess in English."""
    if guess.name:
        what = f"{guess.name} ({guess.about})" if guess.about else guess.name
        return Candidate(what, guess.kind, _why(guess))
    return Candidate(_WHAT.get(guess.reason, _OWN), guess.kind, _WHY[guess.reason])


def _why(guess: Guess) -> str:
    """Why something with a name might be there."""
    naming = f"{_naming(guess.sources)} it on"
    match guess.reason:
        case "named":
            return f"It is registered here, and {naming} this number: {_list(guess.sources)}."
        case "unofficial":
            layer = guess.transport or "this number"
            return f"It is not registered here, but {naming} {layer}: {_list(guess.sources)}."
        case "malware":
            kind = _CATEGORIES.get(guess.category, guess.category)
            return (
                f"{guess.sources[0]} lists this as a default number of {kind};"
                " the number alone proves nothing."
            )
    since = f" since {guess.since}" if guess.since else ""
    sources = _number(guess.asked, "source")
    if guess.reason == "displaced":
        but = f"what was found on this number in {sources} is something else"
    else:
        but = f"no public trace of it was found on this number in {sources}"
    return f"It is registered here{since}, but {but}, as of {guess.as_of}."


def _naming(sources: tuple[str, ...]) -> str:
    return "1 source names" if len(sources) == 1 else f"{len(sources)} sources name"


def _list(sources: tuple[str, ...]) -> str:
    """`nerva`, `nerva and wireshark`, `nerva, shorewall, wireshark and 2 more`."""
    rest = len(sources) - MOST_NAMED
    if rest > 0:
        return f"{', '.join(sources[:MOST_NAMED])} and {rest} more"
    return " and ".join(filter(None, (", ".join(sources[:-1]), sources[-1])))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
