"""A port that bind() feels and no table shows."""

from portbook.model import Facts, Said, Suspicion

ID = "hidden-listener"
SUMMARY = "bind() is refused, twice, and the socket table shows no holder in any state"

_NEXT = (
    "compare with a look from outside (another host, the hypervisor): what hides a socket from "
    "its own kernel is a rootkit, or a security module that refuses bind()"
)


def weigh(facts: Facts) -> Suspicion | None:
    """The evidence, or nothing."""
    if not facts.hidden:
        return None
    reason = Said("bind() says that the port is in use, but no socket in any state shows a holder")
    return Suspicion(ID, "high", reason, _NEXT)
