"""The rhythm of health checks: load balancers and monitors ask the same thing at steady times."""

from portbook.traffic.judging_seen import Seen

BEATS = 3
"""Fewest repetitions: a scanner that comes back once or twice is no health check."""

VARIATION = 0.35
"""Greatest standard deviation of the intervals, by their mean. One check in twenty left out gives
0.22; intervals that double give 0.6 and more, independent arrivals 1."""

PERIOD = 0.5
"""Shortest mean interval in seconds: what is faster is one burst."""

_CHECKS = ("empty", "empty-reset", "half-open", "greeted")


def steady(beats: int, period: float, variation: float) -> bool:
    """Whether repetitions are a rhythm: at least `BEATS`, in seconds, and even enough."""
    return beats >= BEATS and period >= PERIOD and 0 <= variation <= VARIATION


def is_health_check(seen: Seen) -> bool:
    """Whether a source does nothing but ask few ports in a rhythm and say nothing."""
    return not seen.talks and in_rhythm(seen)


def in_rhythm(seen: Seen) -> bool:
    """Whether all that came to nothing are visits to few ports in a rhythm.

    Refusals count (the service may be down for a while) beside two visits or more that said
    nothing: a client that tries again would have spoken then. A half-open check from a real stack
    is one; with raw packets it is not. A load balancer that also forwards does both: it checks in a
    rhythm, and it talks.
    """
    facts = seen.facts
    if facts.wrong or seen.impossible or seen.strays:
        return False
    if not steady(facts.beats, facts.period, facts.variation):
        return False
    if seen.raw and seen.kind["half-open"]:
        return False
    checks, refused = seen.total(_CHECKS), seen.kind["refused"]
    # Every contact was repeated, not one among many.
    several = checks + refused >= 3 * max(1, facts.contacts - seen.back)
    return checks >= 2 and several and facts.ports <= 16 and facts.contacts <= 64
