"""`/metrics` of a server: what it tells of the machine, to whom, and at what cost."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from command import portbook, recorded
from pages.serving import serving
from portbook.host import Host
from portbook.pages.live import Live
from portbook.pages.metrics import Metrics
from portbook.pages.views import metrics as view

pytestmark = pytest.mark.live

ROOT = recorded("debian12-root")
OF_THE_MACHINE = ("portbook_listeners", "portbook_incomplete", "portbook_claims", "portbook_sem")


def series(text: str, start: str) -> dict[tuple[str, str], float]:
    """The series whose names begin so, in one text each."""
    return {
        (sample.name, ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith(start)
    }


def test_the_server_tells_what_the_command_tells(own_home: Path) -> None:
    """The same series with the same values, of a host that stays as it is; twice the same."""
    with serving(own_home, "--root", ROOT) as server:
        first, second = (server.ask("/metrics").text for _ in range(2))
    wanted = series(portbook("metrics", "--root", ROOT).out, "portbook_listeners")
    assert series(first, "portbook_listeners") == series(second, "portbook_listeners") == wanted
    assert series(first, "portbook_incomplete") == {("portbook_incomplete", ""): 0}
    assert series(first, "portbook_claims")[("portbook_claims", "state=squatted")] == 0


def test_a_server_without_live_parts_tells_nothing_of_the_machine(own_home: Path) -> None:
    """Its own counts remain."""
    with serving(own_home, "--no-live") as server:
        text = server.ask("/metrics", known=False).text
    assert not any(series(text, start) for start in OF_THE_MACHINE)
    assert series(text, "portbook_requests") is not None
    assert series(text, "portbook_info")


def test_other_machines_need_the_token_for_the_machine_s_part(own_home: Path) -> None:
    """As for all else of it: who scrapes an exposed server sends it; its own counts stay."""
    exposed = ("--host", "0.0.0.0", "--expose", "--name", "127.0.0.1")
    with serving(own_home, *exposed) as server:
        stranger = server.ask("/metrics")
        friend = server.ask("/metrics", known=True)
        forged = server.ask("/metrics", Authorization="Bearer no")
    for told in (stranger, forged):
        assert told.status == 200
        assert not any(series(told.text, start) for start in OF_THE_MACHINE)
        assert series(told.text, "portbook_requests") or series(told.text, "portbook_info")
    assert all(series(friend.text, start) for start in OF_THE_MACHINE)


@pytest.mark.parametrize("field", ["X-Forwarded-For", "Via", "Forwarded", "X-Real-IP"])
def test_a_proxy_s_visitors_are_no_neighbours(own_home: Path, field: str) -> None:
    """A request that somebody passed on comes from anywhere, though its peer is loopback."""
    with serving(own_home) as server:
        near = server.ask("/metrics").text
        fields: dict[str, Any] = {field.replace("-", "_"): "203.0.113.9"}
        passed = server.ask("/metrics", **fields).text
    assert all(series(near, start) for start in OF_THE_MACHINE)
    assert not any(series(passed, start) for start in OF_THE_MACHINE)


class _Counted:
    """Makes hosts, and counts them: one for each survey."""

    def __init__(self, pause: float = 0.0) -> None:
        self.made = 0
        self._pause = pause

    def __call__(self) -> Host:
        """A recorded host, as slow as asked for."""
        import time

        self.made += 1
        time.sleep(self._pause)
        return Host(ROOT)


def listeners(site: Any, live: Live) -> Any:
    """What the view tells of the listeners."""
    return view._listeners(site, live)


def test_one_survey_answers_all_who_ask_at_once() -> None:
    """Pages and scrapers share it; who comes right after it has it, too."""
    hosts = _Counted()

    async def ask() -> None:
        live = Live(hosts)
        site = SimpleNamespace(metrics=Metrics())
        try:
            told = await asyncio.gather(
                *(listeners(site, live) for _ in range(20)), live.listeners()
            )
            again = await listeners(site, live)
            assert all(each is told[0] for each in (*told[:20], again))
        finally:
            live.close()

    asyncio.run(ask())
    assert hosts.made == 1


def test_a_survey_that_takes_long_does_not_keep_a_scraper(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts of the one before are told until it is there; at first there are none."""
    hosts = _Counted(0.5)
    monkeypatch.setattr(view, "WAITS", 0.1)

    async def ask() -> None:
        live = Live(hosts)
        site = SimpleNamespace(metrics=Metrics())
        try:
            assert await listeners(site, live) == ()
            await live.listeners()
            known = await listeners(site, live)
            assert known[0].name == "portbook_listeners"
            live.forget()
            assert await listeners(site, live) is known
            text = site.metrics.page(known).decode()
            assert sum(series(text, "portbook_listeners").values()) == 11
        finally:
            live.close()

    asyncio.run(ask())
