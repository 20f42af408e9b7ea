"""Words for what was seen: kinds of flows, numbers with their nouns, times as people say them."""

_HEARD = {
    "conversed": "connection{s} with bytes from the source",
    "greeted": "connection{s} that heard a greeting and said nothing",
    "empty": "connection{s} closed without a byte",
    "empty-reset": "connection{s} reset without a byte",
    "open": "open connection{s} without a byte",
    "half-open": "half-open connection{s} (RST to our SYN-ACK)",
    "half-silent": "SYN-ACK{s} of ours never answered",
    "refused": "refused connection{s}",
    "ignored": "SYN packet{s} without an answer",
    "fin": "packet{s} with FIN alone",
    "null": "packet{s} without any flag",
    "xmas": "packet{s} with FIN, PSH and URG",
    "maimon": "FIN ACK{s} without a connection",
    "ack": "ACK{s} without a connection",
    "syn-fin": "packet{s} with SYN and FIN",
    "odd": "packet{s} with other flags that do not go together",
    "udp-answered": "datagram flow{s} that we answered",
    "udp-silent": "datagram flow{s} without an answer",
    "udp-closed": "datagram flow{s} to closed ports",
    "udp-empty": "datagram flow{s} without a byte",
    "sctp-answered": "SCTP INIT{s} that we answered",
    "sctp-init": "SCTP INIT{s} that led to nothing",
    "midstream": "connection{s} under way when the capture began",
    "back-syn-ack": "SYN-ACK{s} that we did not ask for",
    "back-rst": "RST{s} that we did not ask for",
    "back-icmp": "ICMP error{s} about packets that we never sent",
    "reflection": "datagram flow{s} like answers that we did not ask for",
    "own": "connection{s} that we began",
}
"""What flows of each kind are, `{s}` where a plural has its s."""


def heard(kind: str, count: int) -> str:
    """How many flows of a kind, in words: `3 refused connections`."""
    return f"{count:,} {_HEARD[kind].format(s='' if count == 1 else 's')}"


def transport(kind: str) -> str | None:
    """The transport of flows of a kind, such as `TCP`; None where the kind does not say."""
    if kind in ("own", "back-icmp", "midstream"):
        return None
    return {"udp": "UDP", "reflection": "UDP", "sctp": "SCTP"}.get(kind.partition("-")[0], "TCP")


def number(count: int, noun: str, plural: str | None = None) -> str:
    """`1 packet`, `2 packets`, `1,000 packets`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def is_or_are(count: int) -> str:
    """The verb that goes with a number."""
    return "is" if count == 1 else "are"


def spell(seconds: float) -> str:
    """A time in words, to 5 %: `a second`, `90 seconds`, `an hour`, `3 days`; also `1.5 seconds`.

    Below a second it is told in milliseconds, above in the largest unit of which it is a whole
    number.
    """
    if seconds < 0.9995:
        return number(round(seconds * 1000), "millisecond")
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        times = round(seconds / size)
        if times and abs(seconds - times * size) <= 0.05 * seconds:
            return _several(times, name)
    return f"{seconds:.1f} seconds"


def every(seconds: float) -> str:
    """An interval in words: `every second`, `every 40 seconds`."""
    words = spell(seconds)
    return "every " + words.removeprefix("an ").removeprefix("a ")


def _several(count: int, unit: str) -> str:
    if count == 1:
        return f"an {unit}" if unit == "hour" else f"a {unit}"
    return f"{count:,} {unit}s"
