"""A row for each of our ports that was touched or is watched: who came, in one sentence."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from portbook.model.traffic import TOOLS, Judged, PortSeen
from portbook.traffic.engine import ANSWERED, REFUSED, Engine
from portbook.traffic.flows import KIND
from portbook.traffic.packets import SLOT
from portbook.traffic.sentences import port_sentence
from portbook.traffic.source_facts import TRANSPORTS, SourceFacts, Spoken

MOST_PORTS = 1000
"""Ports that have a sentence of their own."""
NUMBERS = {name: number for number, name in TRANSPORTS.items()}
_SECOND = 1_000_000_000
_SHUT = np.uint32(
    sum(1 << KIND[name] for name in ("refused", "ignored", "half-silent", "udp-closed"))
)
"""Kinds of flows in which nothing of ours was to be had."""


class Touched:
    """Own ports and the sources that touched them, one row for each pair, by port.

    `ports` has (protocol number << 16 | port) of each port, `starts` where its rows begin and
    `sizes` how many it has; `sources` are rows of the tables, `shut` says that the source was
    refused or not answered there every time.
    """

    def __init__(self, facts: SourceFacts) -> None:
        contacts, met = facts.tallies.contacts, facts.met
        spot = contacts["protocol"][met].astype(np.int64) << 16 | contacts["port"][met]
        pair = spot << 32 | facts.who[met]
        order = np.argsort(pair)
        pair = pair[order]
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        shut = contacts["kinds"][met[order]] & ~_SHUT == 0
        self.shut = np.logical_and.reduceat(shut, first) if first.size else shut
        self.sources = pair[first] & 0xFFFFFFFF
        spots = pair[first] >> 32
        self.starts = np.flatnonzero(np.diff(spots, prepend=-1))
        self.ports = spots[self.starts]
        self.sizes = np.diff(self.starts, append=len(spots))


def port_rows(
    engine: Engine,
    facts: SourceFacts,
    place: NDArray[np.int32],
    verdicts: Sequence[Judged],
    spoken: Spoken,
) -> tuple[tuple[PortSeen, ...], int]:
    """The rows, by port, and for how many ports there is none.

    Args:
        engine: has taken the packets.
        facts: of the sources.
        place: for each of `facts.rows` the place of its verdict in `verdicts`.
        verdicts: those that there are.
        spoken: what our listeners speak.
    """
    # What a row tells of a source is its verdict and its tool: few of the many verdicts differ so.
    plain = [_counted(each) for each in verdicts]
    known = [*dict.fromkeys(plain), ("unknown", None)]
    code = {each: number for number, each in enumerate(known)}
    counted_of = np.full(facts.tallies.sources.size, -1, np.int32)
    codes = np.array([code[each] for each in plain] or [0], np.int32)
    counted_of[facts.rows] = codes[place]
    touched = Touched(facts)
    counted = counted_of[touched.sources]
    # A client of another port is none where it was not served: it is counted as unknown there.
    if ("client", None) in code:
        counted[touched.shut & (counted == code["client", None])] = code["unknown", None]
    order = np.lexsort((touched.ports, -touched.sizes))
    rows = []
    for each in order[:MOST_PORTS].tolist():
        start, size = int(touched.starts[each]), int(touched.sizes[each])
        numbers = np.bincount(counted[start : start + size], minlength=len(known)).tolist()
        rows.append(_row(engine, int(touched.ports[each]), size, numbers, known, spoken))
    missing = _watched(engine) - set(touched.ports.tolist())
    rows += [_row(engine, spot, 0, (), (), spoken) for spot in sorted(missing)[:MOST_PORTS]]
    rows.sort(key=lambda row: (row.port, row.transport))
    return tuple(rows), max(len(order) - MOST_PORTS, 0)


def _counted(judged: Judged) -> tuple[str, str | None]:
    """The verdict, and the tool of a scan."""
    named = judged.verdict == "scan" and judged.tool in TOOLS
    return judged.verdict, judged.tool if named else None


def _watched(engine: Engine) -> set[int]:
    return {NUMBERS[transport or "tcp"] << 16 | port for port, transport in engine.ports}


def _row(
    engine: Engine,
    spot: int,
    sources: int,
    numbers: Sequence[int],
    known: Sequence[tuple[str, str | None]],
    spoken: Spoken,
) -> PortSeen:
    protocol, port = spot >> 16, spot & 0xFFFF
    transport = TRANSPORTS.get(protocol, "tcp")
    by_verdict: dict[str, int] = {}
    by_tool: dict[str, int] = {}
    for (verdict, tool), number in zip(known, numbers, strict=True):
        if number:
            by_verdict[verdict] = by_verdict.get(verdict, 0) + number
            if tool:
                by_tool[tool] = by_tool.get(tool, 0) + number
    heard = int(engine.heard[SLOT[protocol], port])
    listening = True if heard & ANSWERED else False if heard & REFUSED else None
    speaks = tuple(sorted(spoken(transport, port)))
    most, tools = _most_first(by_verdict), _most_first(by_tool)
    seconds = ((engine.last or 0) - (engine.first or 0)) / _SECOND
    return PortSeen(
        port=port,
        transport=transport,
        listening=listening,
        speaks=speaks,
        sources=sources,
        verdicts=most,
        tools=tools,
        sentence=port_sentence(port, transport, listening, speaks, most, tools, seconds, sources),
    )


def _most_first(numbers: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0])))
