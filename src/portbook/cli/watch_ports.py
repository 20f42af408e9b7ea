"""How `portbook watch` tells people of ports: those that answer first, equal ones in one line."""

from collections.abc import Iterable, Iterator, Sequence

from portbook.cli.render import Style, safe, wrap
from portbook.model.traffic import PortSeen

_MOST_LINES = 20
"""Lines for ports; a scan has thousands of them."""
_MOST_RANGES = 12
"""Ranges of ports in one line."""


def port_lines(ports: Sequence[PortSeen], style: Style) -> Iterator[str]:
    """The sentences of the ports, those that answer first, then by sources.

    Ports of which the same is said, but for the number, have one line together.
    """
    equal: dict[tuple[str, str], list[PortSeen]] = {}
    for port in ports:
        said = port.sentence.partition(": ")[2]
        equal.setdefault((port.transport, said), []).append(port)
    lines = sorted(
        equal.items(),
        key=lambda each: (
            not each[1][0].listening,
            -each[1][0].sources,
            min(port.port for port in each[1]),
        ),
    )
    for (transport, said), members in lines[:_MOST_LINES]:
        numbers = ranges(port.port for port in members)
        name = numbers if transport == "tcp" else f"{numbers}/{transport}"
        yield from wrap(safe(f"{name}: {said}"), style, "  ", "")
    left = sum(len(members) for _, members in lines[_MOST_LINES:])
    if left:
        yield f"and {left:,} more port{'' if left == 1 else 's'} (--json has them)"


def ranges(numbers: Iterable[int]) -> str:
    """Port numbers as people write them: `22, 80, 8000-8010`; of very many the first."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    told = [str(low) if low == high else f"{low}-{high}" for low, high in found[:_MOST_RANGES]]
    left = sum(high - low + 1 for low, high in found[_MOST_RANGES:])
    return ", ".join(told) + (f" and {left:,} more" if left else "")


def watched_text(ports: Iterable[tuple[int, str | None]]) -> str:
    """The ports that are watched: `3255/tcp, 8000-8010`."""
    by_transport: dict[str | None, list[int]] = {}
    for port, transport in ports:
        by_transport.setdefault(transport, []).append(port)
    told = []
    for transport, numbers in by_transport.items():
        text = ranges(numbers)
        told.append(text if transport is None else f"{text}/{transport}")
    return ", ".join(told)
