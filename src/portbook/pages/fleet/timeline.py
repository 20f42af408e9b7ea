"""A host's listeners through time as lanes of a chart: where each bar begins and ends. Pure."""

from datetime import datetime

from portbook.fleet.host_through import HostThrough
from portbook.model.fleet import FleetListener
from portbook.model.record import Record

MOST_LANES = 40
SPANS = (1, 7, 30, 90)
"""Days that can be asked for; the second where nothing is asked."""
_TICKS = 4
_LEAST = 0.35  # per cent of the width, below which nobody sees a bar


class Bar(Record):
    """One version of a listener: from `x`, `width` wide, both in per cent of the chart."""

    x: str
    width: str
    verdict: str


class Lane(Record):
    """One port over one transport, with the bars of its versions, oldest first."""

    port: int
    transport: str
    process: str
    bars: tuple[Bar, ...]


class Tick(Record):
    """A moment (ISO 8601) below the chart, at `x` per cent."""

    x: str
    at: str


class Timeline(Record):
    """The chart. `more` lanes are left out: those where nothing changed, then the highest ports."""

    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    more: int

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Those of the bars, each once."""
        return tuple(sorted({bar.verdict for lane in self.lanes for bar in lane.bars}))


def timeline(found: HostThrough) -> Timeline:
    """The lanes of a host, by port."""
    begin, end = (_seconds(each) for each in (found.begin, found.end))
    span = max(1.0, end - begin)
    lanes: dict[tuple[int, str], list[tuple[float, float, FleetListener]]] = {}
    changed: dict[tuple[int, str], bool] = {}
    for each in found.periods:
        key = (each.listener.port, each.listener.transport)
        first = (max(begin, _seconds(each.since)) - begin) / span * 100
        last = (_seconds(each.until) - begin) / span * 100 if each.until else 100.0
        lanes.setdefault(key, []).append((first, last, each.listener))
        changed[key] = changed.get(key, False) or first > 0 or each.until is not None
    chosen = sorted(lanes, key=lambda key: (not changed[key], key))[:MOST_LANES]
    shown = tuple(_lane(key, lanes[key]) for key in sorted(chosen))
    ticks = tuple(
        Tick(f"{at * 100 / _TICKS:g}", _iso(begin + at * span / _TICKS)) for at in range(_TICKS + 1)
    )
    return Timeline(shown, ticks, len(lanes) - len(chosen))


def _lane(key: tuple[int, str], bars: list[tuple[float, float, FleetListener]]) -> Lane:
    bars.sort(key=lambda each: each[:2])
    newest = bars[-1][2].process
    drawn = []
    for first, last, row in bars:
        x = max(0.0, min(first, 100 - _LEAST))
        width = max(min(last, 100.0) - x, _LEAST)
        drawn.append(Bar(f"{x:.2f}%", f"{width:.2f}%", row.verdict))
    return Lane(*key, newest if isinstance(newest, str) else "", tuple(drawn))


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def _iso(seconds: float) -> str:
    from portbook.host import clock

    return clock.iso(seconds)
