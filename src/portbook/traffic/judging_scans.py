"""Whether a source scans, and how: each rule tells how sure it is, or nothing.

Whatever a real client may do is left to the verdicts below: see the hard negatives in
docs/traffic.md.
"""

from collections.abc import Callable

from portbook.model.traffic import SCAN_TYPES
from portbook.traffic.judging_seen import Seen
from portbook.traffic.judging_tools import Given
from portbook.traffic.rhythm import in_rhythm

WIDE = 8
"""From how many closed ports (or own addresses) on it is a sweep: a client of several services of a
host that restarts meets some closed ports, too."""

FEW = 4
"""Fewest failed contacts that the sequential test may call a scan."""

OUTWEIGHS = 4
"""How many times the failures of a source that also talks must be its conversations."""


def by_tool(seen: Seen, tools: list[Given]) -> str | None:
    """A tool's own mark, or its look again and again."""
    if not tools:
        return None
    best = tools[0]
    if not best.shape:
        return best.sure
    half = seen.kind["half-open"] > 0
    if seen.talks:
        return "likely" if _shows_through(seen, best.by) else None
    if half or seen.impossible:
        return "likely"
    if best.sure == "likely" and seen.missed >= 2:
        return "likely"
    # One SYN of ZMap's look: four fields at once that no system in use sends together.
    return "guess" if best.by == "zmap-shape" and seen.raw and seen.quiet else None


def _shows_through(seen: Seen, look: str) -> bool:
    """Whether a tool's look stands out beside conversations.

    A small device may have the look, give up a connection now and then, and talk; among many people
    behind one address a few packets have it. A tool's packets are a quarter of all at least, and
    never talk; and the half-open connections that it leaves are not few beside conversations.
    """
    if seen.talks_raw or seen.mark[look] * 4 < seen.firsts:
        return False
    said = seen.total(("conversed", "midstream", "udp-answered", "sctp-answered"))
    half = seen.kind["half-open"]
    return half > 0 and said <= OUTWEIGHS * half


def by_flags(seen: Seen) -> str | None:
    """Flags that no stack sends; one alone may be a broken box on the way of somebody who talks."""
    if not seen.impossible or (seen.talks and seen.impossible < 2):
        return None
    return "certain" if seen.impossible >= 3 else "likely"


def by_strays(seen: Seen) -> str | None:
    """ACK or FIN ACK without a flow at many contacts: one or two are left over from before."""
    if seen.talks or seen.strays < FEW or seen.missed < FEW:
        return None
    return "likely" if seen.missed >= WIDE else "guess"


def by_openers(seen: Seen) -> str | None:
    """The wrong protocol at several ports."""
    facts = seen.facts
    spread = facts.ports >= 2 or facts.hosts >= WIDE
    if facts.wrong < 3 or not spread or facts.wrong < 2 * seen.talk:
        return None
    return "likely"


def by_raw(seen: Seen) -> str | None:
    """SYN packets that no stack sends, to more than one port or address, and never a word."""
    if not seen.raw or seen.talks:
        return None
    half = seen.kind["half-open"] + seen.kind["half-silent"]
    if half and seen.missed >= 2:
        return "likely"
    return "likely" if seen.missed >= FEW and not seen.retries else None


def by_walk(seen: Seen) -> str | None:
    """The sequential test says scanner, and what failed is not what clients meet, too."""
    if seen.facts.decision != 1 or seen.hard < FEW or seen.retries or in_rhythm(seen):
        return None
    # All closed, or all at a few ports of few addresses: a service that is down looks the same.
    open_too = seen.silent + seen.impossible + seen.facts.wrong > 0
    if seen.hard < WIDE and not open_too:
        return None
    ports = min(seen.facts.ports, seen.missed + seen.facts.wrong)
    if ports < FEW and seen.missed_hosts < WIDE:
        return None
    if seen.talks and seen.hard < max(6, OUTWEIGHS * seen.talk):
        return None
    return "certain" if seen.hard >= 32 and not seen.talks else "likely"


def by_sweep(seen: Seen) -> str | None:
    """Many ports of ours, or one port of many of our addresses, and nothing came of it."""
    wide = max(seen.missed_ports, seen.missed_hosts)
    least = FEW if seen.kind["sctp-init"] >= FEW else WIDE
    if wide < least or seen.retries or in_rhythm(seen):
        return None
    if seen.talks and seen.missed < OUTWEIGHS * max(1, seen.talk):
        return None
    if seen.talks and seen.hard < WIDE:
        # Without an answer nobody refused anything: half a capture looks like that.
        return None
    if wide >= 64 and seen.hard >= FEW and not seen.talks:
        return "certain"
    return "likely" if wide >= 2 * WIDE else "guess"


RULES: tuple[tuple[str, Callable[[Seen], str | None]], ...] = (
    ("flags", by_flags),
    ("openers", by_openers),
    ("raw", by_raw),
    ("walk", by_walk),
    ("sweep", by_sweep),
    ("strays", by_strays),
)
"""The rules without a tool's mark, in the order in which they are asked."""


def scan_type(seen: Seen) -> str:
    """One of `SCAN_TYPES`: what the scan asked mostly, of equals the first."""
    kind, facts = seen.kind, seen.facts
    if seen.mark["nmap-os"]:
        return "os-detection"
    shut = kind["refused"] + kind["ignored"]
    syn = kind["half-open"] + kind["half-silent"] + (shut if seen.raw else 0)
    connect = seen.total(("empty", "empty-reset", "open", "greeted")) + (0 if seen.raw else shut)
    udp = seen.total(("udp-closed", "udp-empty", "udp-silent", "udp-answered"))
    said = kind["conversed"] + kind["udp-answered"]
    flags = {name: kind[name] for name in ("fin", "null", "maimon", "ack", "syn-fin")}
    rest = seen.impossible + seen.strays + syn + connect + udp + kind["sctp-init"]
    asked = {
        "syn": syn,
        "connect": connect,
        **flags,
        # Other flags lit at random are the same idea.
        "xmas": kind["xmas"] + kind["odd"],
        "udp": udp,
        "sctp-init": kind["sctp-init"],
        # Conversations of a source that also scans in another way may be a neighbour's (NAT).
        "service": said if facts.wrong or facts.told_tool or not rest else 0,
    }
    best = max(asked.values())
    if not best:
        return "service"
    return next(name for name in SCAN_TYPES if asked.get(name) == best)
