"""Familiar: nobody registered this use, but it is well known."""

from portbook.model import Facts

VALUE = "familiar"


def weigh(facts: Facts) -> tuple[str, ...] | None:
    """The reasons, or nothing."""
    wire = facts.wire
    if not facts.unofficial_match and wire and wire.usual and wire.confidence == "certain":
        usual = f"{wire.what} answers, which is usual on this number"
        if facts.registered:
            return (usual, f"registered as {' or '.join(facts.registered[:3])}")
        return (usual,)
    if not facts.unofficial_match:
        return None
    reason = f"{facts.unofficial_match} is known to use this number"
    if facts.registered:
        return (reason, f"registered as {' or '.join(facts.registered[:3])}")
    return (reason,)
