"""Familiar: nobody registered this use, but it is well known."""

from portbook.model import Facts

VALUE = "familiar"


def weigh(facts: Facts) -> tuple[str, ...] | None:
    """The reasons, or nothing."""
    if not facts.unofficial_match:
        return None
    reason = f"{facts.unofficial_match} is known to use this number"
    if facts.registered:
        return (reason, f"registered as {' or '.join(facts.registered[:3])}")
    return (reason,)
