"""Unknown: the number is registered, and nothing tells whether the holder speaks that."""

from portbook.model import Facts, Joined, Said

VALUE = "unknown"


def weigh(facts: Facts) -> tuple[str, ...] | None:
    """The reasons, or nothing."""
    return (_reason(facts),)


def _reason(facts: Facts) -> Said:
    names = Joined(facts.registered[:3], either=True) or Said("nothing")
    if facts.wire and facts.wire.protocol == "tls":
        return Said(
            "registered as %(names)s; TLS answers, which does not tell what is inside", names=names
        )
    if facts.wire:
        return Said(
            "registered as %(names)s; %(what)s seems to answer, which is not certain",
            names=names,
            what=facts.wire.what,
        )
    if facts.known_for:
        return Said(
            "registered as %(names)s; %(process)s is known for %(service)s, which says nothing of "
            "the wire",
            names=names,
            process=facts.process,
            service=facts.known_for,
        )
    if facts.process:
        return Said(
            "registered as %(names)s; %(process)s does not tell whether it speaks that",
            names=names,
            process=facts.process,
        )
    return Said(
        "registered as %(names)s; no process is visible, so nothing tells what speaks there",
        names=names,
    )
