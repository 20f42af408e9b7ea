"""What the fleet's charts draw: the classes of the map, the runs of its document, the timeline."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.test_fleet_pages_text import calm_row
from portbook.fleet.host_through import HostThrough
from portbook.fleet.overview import Counted
from portbook.model.fleet import FleetHost, FleetPeriod
from portbook.pages.fleet.picture import FLEET, USES, code, picture, runs
from portbook.pages.fleet.timeline import MOST_LANES, timeline
from portbook.pages.portmap.svg import plate

BEGIN, END = "2026-11-16T09:00:00Z", "2026-11-23T09:00:00Z"


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        *((0, "none"), (1, "1"), (2, "2-9"), (9, "2-9"), (10, "10-99"), (99, "10-99")),
        *((100, "100-999"), (9_999, "1000-9999"), (10_000, "10000 on"), (100_000, "10000 on")),
    ],
)
def test_a_number_of_hosts_has_its_class(hosts: int, name: str) -> None:
    """The borders of every class are on its own side."""
    assert FLEET.kinds[code(hosts)].name == name


@given(st.integers(0, 10_000_000))
def test_every_number_is_in_the_class_that_says_so(hosts: int) -> None:
    """The class is the one whose bounds it is within."""
    if hosts:
        band = USES[code(hosts) - 1]
        assert band.first <= hosts
        assert band.last is None or hosts <= band.last
    else:
        assert code(hosts) == 0


def counted(used: dict[int, int]) -> Counted:
    """A count in which these ports are used by so many hosts."""
    hosts = tuple(used.get(port, 0) for port in range(65_536))
    return Counted(END, hosts, {}, (), 0.1)


@given(st.dictionaries(st.integers(0, 65_535), st.integers(1, 3), max_size=30))
def test_runs_are_all_ports_and_no_other(used: dict[int, int]) -> None:
    """What the runs say is what was counted; neighbours of equal use are one run."""
    told: dict[int, int] = {}
    found = runs(counted(used))
    for run in found:
        told.update(dict.fromkeys(range(run.first, run.last + 1), run.hosts))
    assert told == used
    for one, other in pairwise(found):
        assert one.last < other.first
        assert one.last + 1 < other.first or one.hosts != other.hosts


def test_a_few_ports_are_dots_that_can_be_seen() -> None:
    """One port among 65,536 has a dot; the most used ones are drawn last."""
    drawn = plate(picture(counted({22: 40, 80: 1, 3255: 12_000}), "rows"))
    dots = [line for line in drawn.splitlines() if line.startswith("<circle")]
    assert [dot.partition('class="')[2][:2] for dot in dots] == ["k1", "k3", "k6"]


def test_a_timeline_has_bars_where_the_versions_were() -> None:
    """Half of the time is half of the width; what is there now ends at the right edge."""
    row = calm_row()
    old, other = "2026-11-01T09:00:00Z", row._replace(port=80, process="nginx")
    middle = "2026-11-19T21:00:00Z"
    found = through(
        FleetPeriod("h", "h", row, old, None, None),
        FleetPeriod("h", "h", other, old, middle, "changed"),
        FleetPeriod("h", "h", other._replace(verdict="mismatch"), middle, None, None),
    )
    chart = timeline(found)
    assert [(lane.port, lane.process) for lane in chart.lanes] == [(22, "sshd"), (80, "nginx")]
    assert [(bar.x, bar.width) for bar in chart.lanes[0].bars] == [("0.00%", "100.00%")]
    assert [(bar.x, bar.width, bar.verdict) for bar in chart.lanes[1].bars] == [
        ("0.00%", "50.00%", "expected"),
        ("50.00%", "50.00%", "mismatch"),
    ]
    assert chart.verdicts == ("expected", "mismatch")
    assert (chart.ticks[0].at, chart.ticks[-1].at) == (BEGIN, END)


def test_a_timeline_keeps_the_lanes_where_something_changed() -> None:
    """Of too many ports those that never changed are left out first, and counted."""
    row = calm_row()
    old, late = "2026-11-01T09:00:00Z", "2026-11-22T09:00:00Z"
    still = [FleetPeriod("h", "h", row._replace(port=at), old, None, None) for at in range(60)]
    new = FleetPeriod("h", "h", row._replace(port=9_000), late, None, None)
    chart = timeline(through(*still, new))
    assert len(chart.lanes) == MOST_LANES
    assert chart.lanes[-1].port == 9_000
    assert chart.more == 61 - MOST_LANES


@given(
    st.lists(
        st.tuples(st.integers(0, 40 * 86_400), st.integers(0, 40 * 86_400), st.booleans()),
        max_size=12,
    )
)
def test_every_bar_is_within_the_chart(spans: list[tuple[int, int, bool]]) -> None:
    """Whatever the moments are, also where a clock ran backwards, bars are seen and inside."""
    from portbook.host.clock import iso

    base = 1_794_000_000
    periods = [
        FleetPeriod(
            "h", "h", calm_row(), iso(base + first), None if now else iso(base + last), None
        )
        for first, last, now in spans
    ]
    for lane in timeline(through(*periods)).lanes:
        for bar in lane.bars:
            x, width = float(bar.x[:-1]), float(bar.width[:-1])
            assert x >= 0
            assert width > 0
            assert x + width <= 100.02


def through(*periods: FleetPeriod) -> HostThrough:
    """A host with these."""
    host = FleetHost("h", "h", "fresh", END, 1, 1, (), None, None, ())
    return HostThrough(host, BEGIN, END, (), periods, ())
