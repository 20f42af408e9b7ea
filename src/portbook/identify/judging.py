"""What the judges say of a conversation, and whose word counts."""

from collections.abc import Sequence

from portbook.identify.probe import Again, Found, Judgement, More, Probe, Send, StartTls, Talk
from portbook.identify.probes import all_probes
from portbook.model.record import Record
from portbook.model.speaks import CONFIDENCES


class Judged(Record):
    """A judge's word, and whose it is."""

    probe: Probe
    word: Judgement


def judged(talk: Talk, only: Probe | None = None) -> Judged | None:
    """The strongest word on what came, or None where nobody recognises it.

    Args:
        talk: the conversation.
        only: the one probe that is asked, in a conversation that it leads.
    """
    words = said_of(talk, (only,) if only else all_probes())
    if not words:
        return None
    best = max(words, key=_weight)
    certain = {found.protocol for each in words if (found := found_of(each.word)) and _sure(found)}
    if len(certain) > 1:
        # Never two exclusive truths: the tests look for this, and the answer stays honest.
        return _doubted(best, found_of(best.word), certain)
    return best


def said_of(talk: Talk, probes: Sequence[Probe]) -> list[Judged]:
    """Every word on the conversation; a mere echo of what we sent is shown to one judge alone."""
    if talk.sent and talk.reply and talk.sent.startswith(talk.reply):
        probes = [probe for probe in probes if probe.name == "echo"]
    return [
        Judged(probe, word)
        for probe in probes
        if probe.judge is not None and (word := probe.judge(talk)) is not None
    ]


def found_of(word: Judgement) -> Found | None:
    """What a word claims so far."""
    return word if isinstance(word, Found) else word.found


def _sure(found: Found) -> bool:
    return found.confidence == CONFIDENCES[0]


def _weight(each: Judged) -> tuple[int, int, int, int, int]:
    """Confidence first; then who knows the application; then what is told, and can still come."""
    found = found_of(each.word)
    if found is None:
        return (-len(CONFIDENCES), 0, 0, 0, 0)
    # What an application says of itself beats the library's name that its protocol shows.
    special = found.product is not None and each.probe.name != found.protocol
    told = (found.product is not None) + (found.version is not None)
    asks = isinstance(each.word, (Send, Again, StartTls))
    return (-CONFIDENCES.index(found.confidence), int(special), told, int(asks), len(found.notes))


def _doubted(best: Judged, found: Found | None, certain: set[str]) -> Judged:
    if found is None:
        return best
    others = ", ".join(sorted(certain - {found.protocol}))
    doubt = found._replace(confidence="likely", notes=(*found.notes, f"also looks like {others}"))
    if isinstance(best.word, Found):
        return Judged(best.probe, doubt)
    if isinstance(best.word, More):
        return Judged(best.probe, More(doubt))
    return Judged(best.probe, best.word._replace(found=doubt))
