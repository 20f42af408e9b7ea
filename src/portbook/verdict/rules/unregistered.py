"""Unregistered: nobody registered the number, so nothing can be expected of it."""

from portbook.model import Facts, Said

VALUE = "unregistered"


def weigh(facts: Facts) -> tuple[str, ...] | None:
    """The reasons, or nothing."""
    if facts.registered:
        return None
    if facts.ephemeral:
        reason = Said("nobody registered this number, and the kernel hands it out to any program")
    else:
        reason = Said("nobody registered this number")
    if facts.wire:
        return (reason, Said("%(what)s answers", what=facts.wire.what))
    if facts.known_for:
        known = Said(
            "%(process)s is known for %(service)s, on another number",
            process=facts.process,
            service=facts.known_for,
        )
        return (reason, known)
    return (reason,)
