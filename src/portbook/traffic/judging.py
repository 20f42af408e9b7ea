"""What a source is: from its facts to one verdict, purely; docs/traffic.md tells every rule.

The rules are asked in an order, and the first that answers decides: backscatter, a tool's mark,
a health check's rhythm, the other rules of scans, a client, a probe, unknown.
So that equal rows are judged once, a caller may round counts down: those up to 64 not at all,
those above to 32 steps between a power of two and the next, some 3 %. Every threshold is at most
64; where counts are subtracted, the rules allow for what rounding took off.
"""

from portbook.model.traffic import Judged
from portbook.traffic.facts import Facts
from portbook.traffic.judging_probes import client, probe
from portbook.traffic.judging_scans import RULES, by_tool, scan_type
from portbook.traffic.judging_seen import Seen
from portbook.traffic.judging_tools import given_away
from portbook.traffic.rhythm import is_health_check


def judge(facts: Facts) -> Judged:
    """The verdict on one source; never an exception for facts of the right shape."""
    return decide(Seen(facts))[0]


def decide(seen: Seen) -> tuple[Judged, str]:
    """The verdict, and the rule that gave it: `tool`, one of `RULES`, or the verdict's own name."""
    if not seen.asked:
        if seen.back:
            return Judged("backscatter", "certain" if seen.back >= 3 else "likely"), "backscatter"
        return Judged("unknown", "guess"), "unknown"
    tools = given_away(seen)
    tool = tools[0].tool if tools else None
    sure = by_tool(seen, tools)
    if sure:
        return Judged("scan", sure, scan_type(seen), tool), "tool"
    if tools and tools[0].shape and seen.talks:
        # The look alone does not make a client a tool.
        tool = None
    if is_health_check(seen):
        even = seen.facts.beats >= 5 and seen.facts.variation <= 0.2
        return Judged("health-check", "likely" if even else "guess"), "health-check"
    for name, rule in RULES:
        sure = rule(seen)
        if sure:
            return Judged("scan", sure, scan_type(seen), tool), name
    sure = client(seen)
    if sure:
        return Judged("client", sure), "client"
    sure = probe(seen)
    if sure:
        return Judged("probe", sure, None, tool), "probe"
    return Judged("unknown", "guess"), "unknown"
