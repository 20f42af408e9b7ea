"""What our ports speak, without asking anybody: from replies that were seen, and from processes."""

from collections.abc import Callable, Mapping, Sequence

from portbook.host import Host, clock
from portbook.model.traffic import Opener

Samples = Mapping[tuple[str, int], Sequence[tuple[bytes, bytes]]]
"""For an own (transport, port): the first bytes of a visitor, and what our side said first."""
Spoken = Callable[[str, int], tuple[str, ...]]
"""The protocols that a listener speaks, by transport and port; empty where unknown."""

_AGAIN = 15.0
"""Seconds between two looks at the machine's listeners: 30 ms each where there are many."""
_MOST_BYTES = 4096
"""Of what was said; a judge decides on less."""


def heard(samples: Samples, recognise: "Callable[[str, bytes, int], Opener]") -> Spoken:
    """What the replies of our own ports show, judged as `identify` judges answers.

    Args:
        samples: conversations that were seen; more may be added later.
        recognise: names the protocol of a visitor's first bytes.
    """
    known: dict[tuple[str, int], tuple[int, tuple[str, ...]]] = {}

    def spoken(transport: str, port: int) -> tuple[str, ...]:
        key = transport, port
        pairs = samples.get(key, ())
        judged = known.get(key)
        if judged is None or judged[0] != len(pairs):
            found: dict[str, None] = {}
            for sent, received in pairs:
                opener = recognise(transport, sent, port).protocol if sent else None
                found |= dict.fromkeys(judge_reply(transport, opener, sent, received))
            judged = known[key] = len(pairs), tuple(found)
        return judged[1]

    return spoken


def judge_reply(
    transport: str, opener: str | None, sent: bytes, received: bytes
) -> tuple[str, ...]:
    """The protocol of our side's first bytes, as (name,), or () where no judge knows them.

    Args:
        transport: `tcp` or `udp`; nobody judges others.
        opener: what the visitor's bytes speak, where that is known.
        sent: the visitor's first bytes, empty where our side spoke first.
        received: what our side said.
    """
    if transport not in ("tcp", "udp") or not received:
        return ()
    from portbook.identify.judging import found_of, judged
    from portbook.identify.probe import Talk, Turn

    reply = received[:_MOST_BYTES]
    answers = _ANSWERS.get(opener or "")
    if opener and answers and answers(transport, sent, reply):
        return (opener,)
    # A greeting is judged as one even where the visitor's bytes were seen before it.
    talks = [Talk(transport, "", (Turn(b"", reply),))] if transport == "tcp" else []
    if sent:
        talks.insert(0, Talk(transport, opener or "", (Turn(sent[:_MOST_BYTES], reply),)))
    best: tuple[int, str] | None = None
    for talk in talks:
        word = judged(talk)
        found = found_of(word.word) if word else None
        if found is None or found.confidence == "guess":
            continue
        rank = 0 if found.confidence == "certain" else 1
        if best is None or rank < best[0]:
            best = rank, found.protocol
    return (best[1],) if best else ()


def _dns_answers(transport: str, sent: bytes, reply: bytes) -> bool:
    """The same identity, and the bit that says response (RFC 1035, 4.1.1; 4.2.2 over TCP)."""
    if transport == "tcp":
        sent, reply = sent[2:], reply[2:]
    return len(reply) >= 12 and reply[:2] == sent[:2] and reply[2] & 0x80 != 0


def _ntp_answers(transport: str, sent: bytes, reply: bytes) -> bool:
    """A server's mode, and our transmit time as its origin (RFC 5905, 7.3)."""
    long = min(len(sent), len(reply)) >= 48
    return long and reply[0] & 7 == 4 and reply[24:32] == sent[40:48]


def _git_answers(transport: str, sent: bytes, reply: bytes) -> bool:
    """A line with its length in four hexadecimal digits (gitprotocol-pack)."""
    digits = reply[:4]
    return len(digits) == 4 and all(digit in b"0123456789abcdef" for digit in digits)


_ANSWERS: Mapping[str, Callable[[str, bytes, bytes], bool]] = {
    "dns": _dns_answers,
    "ntp": _ntp_answers,
    "git": _git_answers,
}
"""Protocols whose answers the judges of `identify` know only where they asked themselves: what an
answer is follows from the visitor's own question."""


def with_processes(host: Host, first: Spoken) -> Spoken:
    """The same, and for ports whose replies tell nothing what the process is known for.

    A listener is looked up, never connected to; one that is not found is looked for again.
    """
    from portbook.survey.identifying import can_be_asked, target_of
    from portbook.survey.listeners import survey

    known: dict[tuple[str, int], tuple[str, ...]] = {}
    again = 0.0

    def read() -> dict[tuple[str, int], tuple[str, ...]]:
        from portbook.identify.clues import suggested

        found: dict[tuple[str, int], tuple[str, ...]] = {}
        for row in survey(host).listeners:
            if not can_be_asked(row):
                continue
            target = target_of([row], clues=True)
            names = (probe.name for probe in suggested(target.clues, target.transport, target.port))
            key = target.transport, target.port
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), *names)))
        return found

    def spoken(transport: str, port: int) -> tuple[str, ...]:
        nonlocal known, again
        told = first(transport, port)
        if told:
            return told
        if (transport, port) not in known and clock.monotonic() >= again:
            known, again = read(), clock.monotonic() + _AGAIN
        return known.get((transport, port), ())

    return spoken
