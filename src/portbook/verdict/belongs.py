"""The verdict from the registry and the process, before anything was asked on the wire.

A name is a hint, not a proof, so this judges `mismatch` and `suspicious` never.
"""

from portbook.model import Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Whether the listener belongs, with the reasons."""
    names = " or ".join(facts.registered[:3])
    if facts.registered_match:
        reason = f"registered as {facts.registered_match}, and {facts.process} is known to speak it"
        if facts.process == facts.registered_match:
            reason = f"{facts.process} is the registered service"
        return Verdict("expected", (reason,))
    if facts.unofficial_match:
        reasons = [f"{facts.unofficial_match} is known to use this number"]
        if names:
            reasons.append(f"registered as {names}")
        return Verdict("familiar", tuple(reasons))
    if facts.registered:
        who = (
            f"{facts.process} does not tell"
            if facts.process
            else "no process is visible, so nothing tells"
        )
        return Verdict("unknown", (f"registered as {names}; {who} whether it speaks that",))
    if facts.ephemeral:
        reason = "nobody registered this number, and the kernel hands it out to any program"
    else:
        reason = "nobody registered this number"
    return Verdict("unregistered", (reason,))
