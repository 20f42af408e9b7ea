"""Expected: the program is known for the service that is registered here."""

from portbook.model import Facts

VALUE = "expected"


def weigh(facts: Facts) -> tuple[str, ...] | None:
    """The reasons, or nothing."""
    wire = facts.wire
    if wire and wire.confidence == "certain":
        spoken = [name for name in facts.registered if name in wire.services]
        if spoken:
            return (f"{wire.what} answers, which is what {spoken[0]} is registered for",)
    if not facts.registered_match:
        return None
    if facts.process == facts.registered_match:
        return (f"{facts.process} is the registered service",)
    service = facts.registered_match
    return (f"registered as {service}, and {facts.process} is known to speak it",)
