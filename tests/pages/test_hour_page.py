"""The last hour of a port on its page, in its document and for Prometheus, from a real server."""

from pathlib import Path

import pytest

from pages.serving import serving
from portbook.host import clock
from portbook.model.traffic import TopSource, TrafficHour
from portbook.pages.metrics import Metrics
from portbook.survey.watched import HourFiles, read_hours

pytestmark = pytest.mark.live


def write(*, watching: bool = True, listening: bool | None = False, sources: int = 14) -> None:
    """What a watch of 3255 would have written just now."""
    now = clock.now()
    top = (
        TopSource("203.0.113.9", "scan", "syn", "zmap", 1200, clock.iso(now - 60)),
        TopSource("2001:db8::7", "unknown", None, "<b>x</b>\u202e", 1, clock.iso(now)),
    )
    verdicts = {"unknown": 1, "scan": 13} if sources else {}
    hour = TrafficHour(
        *(3255, clock.iso(now - 600), clock.iso(now), watching, "3255: a sentence", listening),
        *(sources, verdicts, {"zmap": 9, "masscan": 3} if sources else {}),
        *((top if sources else ()), 123456, 7),
    )
    HourFiles().write([hour])


def plain(page: str) -> str:
    """The text of a page with its blanks joined."""
    return " ".join(page.split())


def test_who_has_the_token_sees_it_and_nobody_else(own_home: Path) -> None:
    """Counts by verdict, tools and sources, in both languages; escaped."""
    with serving(own_home) as served:
        assert 'id="hour"' not in served.ask("/3255", known=True).text
        write()
        page = plain(served.ask("/3255", known=True).text)
        dutch = plain(served.ask("/nl/3255", known=True).text)
        assert 'id="hour"' not in served.ask("/3255").text
        assert 'id="hour"' not in served.ask("/3256", known=True).text
        assert "Last hour" in plain(served.ask("/3255/tcp", known=True).text)
        answer = served.ask("/3255.json", known=True).document
        assert answer["traffic"]["sources"] == 14
        assert served.ask("/3255.json").document["traffic"] is None
    assert "14 addresses called it from " in page
    assert ": 13 scans and 1 unknown." in page
    assert "Tools that gave themselves away: zmap (9), masscan (3)." in page
    assert "No service answers on it." in page
    assert '<td class="address">203.0.113.9</td> <td>scan (syn)</td> <td>zmap</td>' in page
    assert '<td class="n">1,200</td>' in page
    assert "&lt;b&gt;x&lt;/b&gt;\N{REPLACEMENT CHARACTER}" in page
    assert "Het afgelopen uur" in dutch
    assert ": 13 scans en 1 onbekend." in dutch


def test_an_hour_without_anybody_and_a_watch_that_ended(own_home: Path) -> None:
    """Both are said, and there is no empty table."""
    with serving(own_home) as served:
        write(watching=False, listening=True, sources=0)
        page = plain(served.ask("/3255", known=True).text)
    assert "Nobody called it from " in page
    assert "A service answers on it. The watch has ended since." in page
    assert "Who called" not in page


def test_nothing_of_it_is_shown_without_live_parts(own_home: Path) -> None:
    """`--no-live` shows nothing of this machine, and its numbers neither."""
    write()
    with serving(own_home, "--no-live", "--watch", "3255") as served:
        assert 'id="hour"' not in served.ask("/3255").text
        assert "portbook_watch" not in served.ask("/metrics").text


def test_prometheus_gets_the_ports_that_are_watched() -> None:
    """Sources by verdict, scans by tool, and the counters of the watch; without one nothing."""
    metrics = Metrics()
    assert b"portbook_watch" not in metrics.page()
    write()
    metrics.hours = lambda: list(read_hours((3255, 80)).values())
    lines = metrics.page().decode().splitlines()
    assert 'portbook_watch_sources{port="3255",verdict="scan"} 13.0' in lines
    assert 'portbook_watch_sources{port="3255",verdict="client"} 0.0' in lines
    assert 'portbook_watch_scans{port="3255",tool="zmap"} 9.0' in lines
    assert 'portbook_watch_scans{port="3255",tool="none"} 1.0' in lines
    assert "portbook_watch_packets_total 123456.0" in lines
    assert "portbook_watch_dropped_total 7.0" in lines
    assert not any('port="80"' in line for line in lines)
