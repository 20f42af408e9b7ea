"""One sentence for a port: what is there, who came in how long, and as what."""

from collections.abc import Sequence

from portbook.traffic.evidence_words import number, spell

_NAMES = {
    "zmap": "ZMap-like",
    "nmap": "nmap-like",
    "masscan": "masscan",
    "mirai": "Mirai",
    "unicornscan": "unicornscan",
}
"""How a tool is called here. ZMap and nmap may be told by the look of their packets alone."""

MOST_VISITORS, FLOOD_RATE = 10_000, 100
"""So many sources, and so many new ones each second, that only look round at one port: no crowd of
scanners comes so fast, but who forges the address of every packet does."""
_FLOOD = "; probably a flood with forged addresses"

_PLURALS = {"backscatter": "backscatter", "unknown": "unknown"}


def port_sentence(
    port: int,
    transport: str,
    listening: bool | None,  # noqa: FBT001 - one of the facts of a port, in their order
    speaks: Sequence[str],
    verdicts: Sequence[tuple[str, int]],
    tools: Sequence[tuple[str, int]],
    seconds: float,
    sources: int,
) -> str:
    """The sentence, such as `3255: no service here; 2 sources in an hour, 2 scans (2 masscan)`.

    Args:
        port: its number.
        transport: `tcp` is not said, others are (`53/udp`).
        listening: whether a service answered; None where that cannot be told.
        speaks: the protocols of the listener, empty where unknown.
        verdicts: how many sources have each verdict, in the order to be told.
        tools: how many of the sources that scan came with each tool.
        seconds: the time watched, or between the first and the last packet of a capture.
        sources: how many there were.
    """
    name = str(port) if transport == "tcp" else f"{port}/{transport}"
    head = f"{name}: {_service(speaks, listening=listening)}"
    if not sources:
        return f"{head}; nobody came"
    told = [f"{number(sources, 'source')} {_time(seconds)}"]
    named = ", ".join(f"{count:,} {_NAMES.get(tool, tool)}" for tool, count in tools if count)
    known = sum(count for _, count in tools)
    placed = False
    for verdict, count in verdicts:
        if not count:
            continue
        part = number(count, verdict, _PLURALS.get(verdict))
        if verdict == "scan" and named and known <= count:
            part, placed = f"{part} ({named})", True
        told.append(part)
    if named and not placed:
        told.append(f"tools: {named}")
    asked = sum(count for verdict, count in verdicts if verdict in ("probe", "unknown"))
    flood = asked >= MOST_VISITORS and asked >= FLOOD_RATE * max(seconds, 1)
    return f"{head}; {', '.join(told)}{_FLOOD if flood else ''}"


def _service(speaks: Sequence[str], *, listening: bool | None) -> str:
    if listening is None:
        return "no answer seen" if not speaks else " or ".join(speaks)
    if not listening:
        return "no service here"
    return " or ".join(speaks) if speaks else "a service answers, of unknown protocol"


def _time(seconds: float) -> str:
    if seconds <= 0:
        return "at one moment"
    return f"in {spell(seconds)}" if seconds >= 1 else "in less than a second"
