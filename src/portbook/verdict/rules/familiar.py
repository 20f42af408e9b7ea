"""Familiar: nobody registered this use, but it is well known."""

from portbook.model import Facts, Joined, Said

VALUE = "familiar"


def weigh(facts: Facts) -> tuple[str, ...] | None:
    """The reasons, or nothing."""
    wire = facts.wire
    if not facts.unofficial_match and wire and wire.usual and wire.confidence == "certain":
        usual = Said("%(what)s answers, which is usual on this number", what=wire.what)
        return (usual, *_registered(facts))
    if not facts.unofficial_match:
        return None
    reason = Said("%(product)s is known to use this number", product=facts.unofficial_match)
    return (reason, *_registered(facts))


def _registered(facts: Facts) -> tuple[str, ...]:
    if not facts.registered:
        return ()
    return (Said("registered as %(names)s", names=Joined(facts.registered[:3], either=True)),)
