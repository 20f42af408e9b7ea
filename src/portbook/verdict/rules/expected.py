"""Expected: the program is known for the service that is registered here."""

from portbook.model import Facts, Said
from portbook.verdict.programs import PORTBOOKS_OWN, is_portbook

VALUE = "expected"


def weigh(facts: Facts) -> tuple[str, ...] | None:
    """The reasons, or nothing."""
    wire = facts.wire
    if wire and wire.confidence == "certain":
        spoken = [name for name in facts.registered if name in wire.services]
        if spoken:
            return (
                Said(
                    "%(what)s answers, which is what %(service)s is registered for",
                    what=wire.what,
                    service=spoken[0],
                ),
            )
    if not facts.registered_match:
        return None
    service = facts.registered_match
    if service == PORTBOOKS_OWN and is_portbook(facts):
        return (
            Said(
                "this is portbook itself, which answers here under the registered name %(service)s",
                service=service,
            ),
        )
    if facts.process == service:
        return (Said("%(process)s is the registered service", process=facts.process),)
    return (
        Said(
            "registered as %(service)s, and %(process)s is known to speak it",
            service=service,
            process=facts.process,
        ),
    )
