"""From what was heard to what is said: the verdict on one listener, with its evidence."""

from collections.abc import Sequence

from portbook.identify.asking import Heard
from portbook.identify.conversation import Outcome
from portbook.identify.judging import found_of, judged
from portbook.identify.order import Step
from portbook.identify.probe import Probe, Talk
from portbook.identify.probes import all_probes, probe_named
from portbook.model.speaks import Speaks, Target

_SHOWN_BYTES = 96
_TEXT = 120
_BEHAVIOURS = (
    ("flood", "floods"),
    ("refused", "refuses"),
    ("unreachable", "not-asked"),
)


def tell(target: Target, heard: Heard, suggested: Sequence[Probe]) -> Speaks:
    """The verdict on what a listener speaks."""
    best = heard.best
    known = Speaks(
        None,
        process=tuple(probe.name for probe in suggested),
        asked=tuple(dict.fromkeys(_asked(step) for step, _ in heard.outcomes)),
        sent_bytes=heard.sent,
        connections=heard.connections,
        took_ms=round(heard.seconds * 1000, 1),
    )
    if best is not None and best.found is not None:
        found = best.found
        told = known._replace(
            protocol=found.protocol,
            application=_application(best),
            product=_clean(found.product),
            version=_clean(found.version),
            tls=best.tls,
            confidence=found.confidence,
            evidence=tuple(evidence(best, found.shows)),
            notes=tuple(note for each in found.notes if (note := _clean(each))),
        )
        if found.protocol != "tls":
            return told
    inside = next((outcome for _, outcome in heard.outcomes if outcome.tls), None)
    if inside is not None and inside.tls is not None:
        said = f"a TLS handshake succeeded ({inside.tls.version})"
        return known._replace(
            protocol="tls",
            tls=inside.tls,
            confidence="certain",
            behaviour="tls-only",
            evidence=(said, *evidence(inside, b"")),
        )
    refused = next((o for _, o in heard.outcomes if o.end == "no-tls" and o.found), None)
    if refused is not None and refused.found is not None:
        reason = f" ({refused.detail})" if refused.detail else ""
        return known._replace(
            protocol="tls",
            confidence=refused.found.confidence,
            behaviour="tls-only",
            evidence=(f"it answers TLS, and ended our handshake{reason}", *evidence(refused, b"")),
        )
    if best is not None and best.found is not None:
        return told
    return _behaved(target, heard, known, suggested)


def unasked(target: Target, suggested: Sequence[Probe], why: str) -> Speaks:
    """What can be said without a word on the wire."""
    said = Speaks(None, behaviour="not-asked", evidence=(why,))
    return _from_clues(target, said, suggested)


def _behaved(target: Target, heard: Heard, known: Speaks, suggested: Sequence[Probe]) -> Speaks:
    """What it did, where nothing that it said was recognised."""
    ends = [outcome.end for _, outcome in heard.outcomes]
    answers = [outcome for _, outcome in heard.outcomes if outcome.talk and outcome.talk.first]
    behaviour = next((word for end, word in _BEHAVIOURS if end in ends), None)
    if behaviour is None and "timeout" in ends:
        behaviour = "full" if target.local else "not-asked"
    shown: tuple[str, ...] = ()
    if answers and behaviour != "floods":
        behaviour = "answers"
    if answers:
        shown = tuple(line for each in answers[:3] for line in evidence(each, b""))
    elif behaviour is None:
        listened = [outcome.end for step, outcome in heard.outcomes if step.listens and outcome.end]
        shut = listened[:1] or ends[:1]
        behaviour = {"closed": "closes", "reset": "resets"}.get(shut[0] if shut else "", "silent")
        if behaviour == "silent" and ends and set(ends) <= {"closed", "reset"}:
            behaviour = "resets" if "reset" in ends else "closes"
    seconds = f"{heard.seconds:.1f} s"
    said = {
        "silent": f"no byte in {seconds}, neither unasked nor to {len(known.asked)} first messages",
        "closes": "it ends connections without a byte",
        "resets": "it resets connections without a byte",
        "refuses": "the connection was refused",
        "full": "no answer to the SYN: its backlog is full",
        "not-asked": f"it cannot be reached: {_detail(heard)}",
        "floods": "it sends without end",
    }.get(behaviour or "")
    told = known._replace(behaviour=behaviour, evidence=(*((said,) if said else ()), *shown))
    return _from_clues(target, told, suggested)


def _detail(heard: Heard) -> str:
    details = [outcome.detail for _, outcome in heard.outcomes if outcome.detail]
    return details[0] if details else "no answer to the SYN"


def _from_clues(target: Target, said: Speaks, suggested: Sequence[Probe]) -> Speaks:
    """The protocol that the process (`likely`) or the number (`guess`) suggests."""
    if suggested:
        # What was asked and kept silent is less likely than what nobody can ask.
        probe = next((each for each in suggested if each.judge is None), suggested[0])
        reason = f"the process is known for {probe.title}"
        return said._replace(
            protocol=probe.name,
            process=tuple(each.name for each in suggested),
            confidence="likely",
            evidence=(*said.evidence, reason),
        )
    for probe in all_probes():
        if target.port in probe.ports and probe.over(target.transport):
            reason = f"{target.port}/{target.transport} is usual for {probe.title}"
            return said._replace(
                protocol=probe.name, confidence="guess", evidence=(*said.evidence, reason)
            )
    return said


def _application(outcome: Outcome) -> str | None:
    """The probe that knew it, where that is more special than the protocol."""
    if outcome.probe is None or outcome.found is None:
        return None
    if outcome.end == "again" and outcome.talk is not None:
        # It would have told by the answer to its own question, which brought nothing.
        plain = judged(outcome.talk, probe_named(outcome.found.protocol))
        told = found_of(plain.word) if plain else None
        if outcome.found.product is None or (told and told.product == outcome.found.product):
            return None
    return outcome.probe.name if outcome.probe.name != outcome.found.protocol else None


def _asked(step: Step) -> str:
    name = "greeting" if step.listens else step.probe.name if step.probe else "tls"
    return f"{name} in tls" if step.tls and name not in ("tls", "greeting") else name


def evidence(outcome: Outcome, shows: bytes) -> list[str]:
    """The bytes that show it, as sentences."""
    talk = outcome.talk
    if talk is None or not talk.turns:
        return []
    lines = [_line(talk, 0, shows if len(talk.turns) == 1 else b"")]
    if len(talk.turns) > 1 and shows and shows not in talk.first:
        lines.append(f'it said "{escaped(shows)}"')
    return [line for line in lines if line]


def _line(talk: Talk, index: int, shows: bytes) -> str:
    turn = talk.turns[index]
    came = shows or turn.received
    if not came:
        return ""
    if talk.opener == "tls" and not talk.secure:
        return f'asked for TLS, it answered "{escaped(came)}"'
    if not turn.sent:
        return f'it greeted with "{escaped(came)}"'
    return f'asked "{escaped(turn.sent, 40)}", it answered "{escaped(came)}"'


def escaped(data: bytes, most: int = _SHOWN_BYTES) -> str:
    """Bytes as printable ASCII, everything else as in Python's bytes; cut with an ellipsis."""
    text = data[:most].decode("latin-1").encode("unicode_escape").decode("ascii")
    return text + ("…" if len(data) > most else "")


def _clean(text: str | None) -> str | None:
    """Outside text of bounded length on one line; the printing edge escapes the rest."""
    if text is None:
        return None
    return " ".join(text.split())[:_TEXT] or None
