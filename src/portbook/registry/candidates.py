"""What might really be listening on a number, best guess first, from the tables alone.

Guesses are sentences of their own: each says why, and none claims more than the tables bear out.
"""

from portbook.model import (
    Assignment,
    Candidate,
    Evidence,
    Listener,
    PortEntry,
    SuspiciousUse,
    Unknown,
    UnofficialUse,
)
from portbook.registry.same_service import match

_MOST = 8
_MOST_REGISTERED = 2
_MOST_UNOFFICIAL = 4
_MOST_BESIDE = 2  # unofficial uses beside a registered one that is alive
_MOST_MALWARE = 2
_MOST_NAMED = 3  # sources named in a sentence

_CATEGORIES = {
    "anonymity": "a network for anonymity",
    "c2": "a command-and-control tool",
    "exploitation": "an exploitation tool",
    "malware": "malware",
    "miner": "a crypto miner",
    "rmm": "a tool for remote control",
}


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
    """At most eight candidates, never none.

    `ephemeral`: this system takes the number for outgoing connections of its own.
    """
    if entry.port == 0:
        return (
            Candidate(
                "nothing",
                "probe",
                "Nothing can listen on port 0: to bind it asks the system for any free number, and"
                " traffic to it comes from scans or broken software.",
            ),
        )
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
        known.insert(len(known) if living or unofficial else 0, _client())
    malware = [_malware(each) for each in entry.suspicious_uses[:_MOST_MALWARE]]
    for each in reversed(known):
        if len(known) + len(malware) < _MOST:
            break
        if each.kind != "custom":
            known.remove(each)
    return (*known, *malware, _probe(entry))


def _registered(
    named: list[Assignment], entry: PortEntry
) -> tuple[list[Candidate], list[Candidate]]:
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
    if entry.life.verdict == "alive" and not living:
        # Only the kind of its sources made it alive: web applications on a number of HTTP.
        living = [_alive(next(iter(by_service.values())), entry.life.evidence)]
        silent = silent[1:]
    return living[:_MOST_REGISTERED], silent[:_MOST_REGISTERED]


def _alive(rows: list[Assignment], traces: tuple[Evidence, ...]) -> Candidate:
    sources = _sources(traces)
    why = f"It is registered here, and {_naming(sources)} it on this number: {_list(sources)}."
    return Candidate(_title(rows), "registered", why)


def _silent(rows: list[Assignment], entry: PortEntry) -> Candidate:
    life = entry.life
    since = f" since {rows[0].registered}" if rows[0].registered else ""
    if life.verdict == "overtaken":
        sources = _number(len(_sources(life.evidence)), "source")
        but = f"what was found on this number in {sources} is something else"
    else:
        sources = _number(life.sources_checked, "source")
        but = f"no public trace of it was found on this number in {sources}"
    why = f"It is registered here{since}, but {but}, as of {life.as_of}."
    return Candidate(_title(rows), "registered", why)


def _unofficial(use: UnofficialUse) -> Candidate:
    layer = use.transport or "this number"
    why = f"It is not registered here, but {_naming(use.sources)} it on {layer}: "
    return Candidate(use.product, "unofficial", f"{why}{_list(use.sources)}.")


def _own(entry: PortEntry, named: list[Assignment]) -> Candidate:
    verdict = entry.life.verdict
    if verdict == "alive":
        why = "Any program can be told to use this number, whatever it is registered for."
    elif verdict == "overtaken":
        why = "Others use this number without being registered; so may a program of one's own."
    elif named:
        why = (
            "No public program is known to use this number, and programs of one's own take such"
            " quiet numbers."
        )
    elif verdict == "dynamic":
        why = "This range is never assigned, so programs may take from it what they like."
    elif verdict == "reserved":
        why = "IANA keeps this number back, which does not stop a program from taking it."
    else:
        why = "Nobody has registered this number, so programs of one's own may well take it."
    return Candidate("an in-house application", "custom", why)


def _client() -> Candidate:
    return Candidate(
        "a client's own end of a connection",
        "custom",
        "This system takes numbers of this range for outgoing connections, for as long as these"
        " last.",
    )


def _malware(use: SuspiciousUse) -> Candidate:
    kind = _CATEGORIES.get(use.category, use.category)
    source = use.source.partition(" (")[0]  # the list's name without its licence
    why = f"{source} lists this as a default number of {kind}; the number alone proves nothing."
    return Candidate(use.name, "malware", why)


def _probe(entry: PortEntry) -> Candidate:
    if entry.life.verdict in ("alive", "overtaken"):
        why = "Traffic without a listener is most often a scan for what is usual on this number."
    else:
        why = "Traffic without a listener is most often a scan that tries every number."
    return Candidate("nothing, only a probe", "probe", why)


def _title(rows: list[Assignment]) -> str:
    """`ssh (The Secure Shell (SSH) Protocol)`, or the name alone."""
    name = rows[0].service or ""
    description = next((each.description for each in rows if each.description), None)
    if description is None or description.casefold() == name.casefold():
        return name
    return f"{name} ({description})"


def _sources(traces: tuple[Evidence, ...]) -> tuple[str, ...]:
    return tuple(sorted({each.source for each in traces}))


def _naming(sources: tuple[str, ...]) -> str:
    return "1 source names" if len(sources) == 1 else f"{len(sources)} sources name"


def _list(sources: tuple[str, ...]) -> str:
    """`nerva`, `nerva and wireshark`, `nerva, shorewall, wireshark and 2 more`."""
    rest = len(sources) - _MOST_NAMED
    if rest > 0:
        return f"{', '.join(sources[:_MOST_NAMED])} and {rest} more"
    return " and ".join(filter(None, (", ".join(sources[:-1]), sources[-1])))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
