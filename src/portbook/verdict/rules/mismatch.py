"""Mismatch: what answers on the wire is something else than what is registered here."""

from portbook.model import Facts, Joined, Said

VALUE = "mismatch"


def weigh(facts: Facts) -> tuple[str, ...] | None:
    """The reasons, or nothing. Only a certain answer on the wire can tell.

    HTTP and the like carry many services: where the program is known for the registered one, an
    answer over such a carrier says nothing against it.
    """
    wire = facts.wire
    if wire is None or wire.confidence != "certain" or not facts.registered:
        return None
    if not set(facts.registered).isdisjoint(wire.services) or facts.unofficial_match:
        return None
    # What is inside TLS is unknown, and what often lives here is no surprise.
    if wire.protocol == "tls" or wire.usual:
        return None
    if wire.carrier and facts.registered_match:
        return None
    return (
        Said(
            "registered as %(names)s, and what answers is %(what)s",
            names=Joined(facts.registered[:3], either=True),
            what=wire.what,
        ),
    )
