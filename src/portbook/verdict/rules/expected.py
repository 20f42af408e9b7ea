"""Expected: the program is known for the service that is registered here."""

from portbook.model import Facts

VALUE = "expected"


def weigh(facts: Facts) -> tuple[str, ...] | None:
    """The reasons, or nothing."""
    if not facts.registered_match:
        return None
    if facts.process == facts.registered_match:
        return (f"{facts.process} is the registered service",)
    service = facts.registered_match
    return (f"registered as {service}, and {facts.process} is known to speak it",)
