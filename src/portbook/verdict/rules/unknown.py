"""Unknown: the number is registered, and nothing tells whether the holder speaks that."""

from portbook.model import Facts

VALUE = "unknown"


def weigh(facts: Facts) -> tuple[str, ...] | None:
    """The reasons, or nothing."""
    names = " or ".join(facts.registered[:3]) or "nothing"
    if facts.wire and facts.wire.protocol == "tls":
        return (f"registered as {names}; TLS answers, which does not tell what is inside",)
    if facts.wire:
        doubt = f"{facts.wire.what} seems to answer, which is not certain"
        return (f"registered as {names}; {doubt}",)
    if facts.known_for:
        who = f"{facts.process} is known for {facts.known_for}, which says nothing of the wire"
        return (f"registered as {names}; {who}",)
    if facts.process:
        return (f"registered as {names}; {facts.process} does not tell whether it speaks that",)
    return (f"registered as {names}; no process is visible, so nothing tells what speaks there",)
