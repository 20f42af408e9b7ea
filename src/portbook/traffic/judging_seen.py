"""One row of facts under names, and the sums that several rules ask for."""

from portbook.traffic.facts import KINDS, MARKS, Facts

IMPOSSIBLE = ("fin", "null", "xmas", "syn-fin", "odd")
"""Flags that no stack sends: without SYN and RST, every segment has ACK (RFC 9293, 3.10)."""

STRAYS = ("maimon", "ack")
"""Flags that a stack sends in a flow: alone they are a scan's, or a flow's that we forgot."""

CLOSED = ("refused", "ignored", "half-silent", "udp-closed", "sctp-init")
"""What a client meets, too: a service that is down, a filter, a loss on the way."""

SILENT = ("empty", "empty-reset", "half-open", "udp-empty")
"""What was asked of something open, or nothing was said at all."""

BACKSCATTER = ("back-syn-ack", "back-rst", "back-icmp", "reflection")

UDP_SWEEP = 64
"""From how many ports on unanswered datagrams are a sweep by themselves: calls have tens."""


def lost(count: int) -> int:
    """How much rounding may have taken off a count (see `judging`)."""
    return count // 32 if count >= 64 else 0


SAME_HOST = 512
"""From so many own addresses on they count as one (engine.MOST_OWN)."""


class Seen:
    """Facts of one source by name, and sums of them. All are counts.

    `missed` is how many contacts came to nothing, by the lower of two bounds (contacts that are
    left, flows that came to nothing); `missed_ports` and `missed_hosts` the same for ports and own
    addresses. `hard` are failed contacts, without those that only heard a greeting: the data
    connections of FTP do that. `talk` are contacts with a conversation, `talks` whether there was
    one of any sort. `firsts` are first packets of TCP flows, `swept` unanswered datagram flows that
    count as having come to nothing.
    """

    __slots__ = (
        *("facts", "kind", "mark", "asked", "back", "impossible", "strays", "closed", "silent"),
        *(
            "quiet",
            "swept",
            "talk",
            "talks",
            "hard",
            "missed",
            "missed_ports",
            "missed_hosts",
            "firsts",
        ),
    )

    def __init__(self, facts: Facts) -> None:
        kind = dict(zip(KINDS, facts.kinds, strict=True))
        mark = dict(zip(MARKS, facts.marks, strict=True))
        self.facts, self.kind, self.mark = facts, kind, mark
        self.back = self.total(BACKSCATTER)
        self.asked = sum(facts.kinds) - self.back - kind["own"]
        self.impossible = self.total(IMPOSSIBLE)
        self.strays = self.total(STRAYS)
        self.closed = self.total(CLOSED)
        self.silent = self.total(SILENT)
        self.talk = facts.right + facts.unknown_bytes
        self.talks = bool(
            self.talk
            or kind["sctp-answered"]
            or kind["midstream"]
            or (kind["conversed"] + kind["udp-answered"] and not facts.wrong)
        )
        self.quiet = self.closed + self.silent + self.impossible
        if not kind["midstream"]:
            self.quiet += self.strays
        self.swept = 0
        ports = min(facts.ports, facts.contacts - self.back, kind["udp-silent"])
        alone = ports >= UDP_SWEEP and not self.talks
        if alone or kind["udp-closed"] + kind["udp-empty"] + facts.wrong >= 3:
            # A system sends few ICMP errors a second: most closed ports of a sweep stay silent.
            self.swept = kind["udp-silent"]
        self.quiet += self.swept
        left = facts.contacts - self.talk - self.back - lost(self.talk) - lost(self.back)
        self.missed = min(max(left, min(self.quiet, 1)), self.quiet)
        self.missed_ports = min(facts.ports, self.missed)
        self.missed_hosts = min(facts.hosts, self.missed)
        self.hard = min(facts.failures, self.quiet + facts.wrong)
        self.firsts = max(facts.syns, mark["raw"] + mark["stack"], 1)

    def total(self, kinds: tuple[str, ...]) -> int:
        """How many flows are of one of these kinds."""
        return sum(self.kind[name] for name in kinds)

    @property
    def raw(self) -> bool:
        """Whether there are SYN packets that no stack sends, and they are at least half.

        `mark["raw"]` also counts what began without a SYN: connections from before, for one.
        """
        made = self.facts.syns - self.mark["stack"]
        return self.mark["raw"] > 0 and made > 0 and made * 2 >= self.facts.syns

    @property
    def talks_raw(self) -> bool:
        """Whether connections with bytes began with SYN packets that no stack sends.

        Small devices do so. A tool that makes its own SYN packets cannot: its kernel resets what is
        answered, so that it connects by the system's stack (masscan has a stack of its own).
        """
        return self.kind["conversed"] > self.mark["stack"]

    @property
    def retries(self) -> bool:
        """Whether the same few closed ports are asked again and again, as clients do.

        A scan asks a closed port once, one without answer twice. Beyond `SAME_HOST` own addresses
        contacts are not told apart, and look repeated.
        """
        if self.facts.hosts >= SAME_HOST:
            return False
        again = self.closed + lost(self.closed) >= 3 * max(1, self.missed)
        return again and self.missed_ports <= 16 and not self.silent and not self.impossible
