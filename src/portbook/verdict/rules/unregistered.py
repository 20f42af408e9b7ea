"""Unregistered: nobody registered the number, so nothing can be expected of it."""

from portbook.model import Facts

VALUE = "unregistered"


def weigh(facts: Facts) -> tuple[str, ...] | None:
    """The reasons, or nothing."""
    if facts.registered:
        return None
    reason = "nobody registered this number"
    if facts.ephemeral:
        reason += ", and the kernel hands it out to any program"
    if facts.wire:
        return (reason, f"{facts.wire.what} answers")
    if facts.known_for:
        return (reason, f"{facts.process} is known for {facts.known_for}, on another number")
    return (reason,)
