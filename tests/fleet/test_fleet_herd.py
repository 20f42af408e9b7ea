"""A thousand agents that lose the bus in one moment and come back; by hand, ten thousand.

PYTHONPATH=tests python -m fleet.test_fleet_herd 10000
"""

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path
from time import monotonic

import pytest

from fleet.engines import Nats, Postgres
from fleet.simulated_agents import Crowd, allow_files, host_of
from fleet.test_fleet_hub import hub_on
from portbook.fleet.asking import ask_fleet
from portbook.fleet.migrating import migrate
from portbook.fleet.nats_bus import NatsBus, connect_bus
from portbook.fleet.settings import FleetSettings
from portbook.model.fleet import Question

ROWS = 5
_PER_HOST = """SELECT count(*), min(rows), max(rows) FROM
    (SELECT host, count(*) AS rows FROM portbook.listener GROUP BY host) AS each"""


async def herd(bus: Nats, store: Postgres, hosts: int) -> dict[str, float]:
    """Report, kill the bus, come back, be asked, report again; seconds of each step."""
    took: dict[str, float] = {}

    @contextlib.contextmanager
    def timed(what: str):  # type: ignore[no-untyped-def] # it yields nothing
        begun = monotonic()
        yield
        took[what] = round(monotonic() - begun, 2)

    async with contextlib.AsyncExitStack() as stack:

        async def link(name: str) -> NatsBus:
            made = await connect_bus(FleetSettings(bus=bus.url), name=name, inbox=name)
            assert isinstance(made, NatsBus)
            stack.push_async_callback(made.close)
            return made

        hub, _ = await stack.enter_async_context(hub_on(await link("hub"), store.url))
        crowd = await Crowd(bus.url, hosts, rows=ROWS, jitter=2.0).open()
        stack.push_async_callback(crowd.close)
        with timed("first reports"):
            await crowd.all_reported(120)
        assert crowd.receipts == {"kept": hosts}
        bus.kill()
        while crowd.connected:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.02)
        bus.start()
        with timed("all connected again"):
            await asyncio.wait_for(crowd.all_connected(), 60)
        roster = {host_of(number): "" for number in range(hosts)}
        question = Question("q-1", "who", port=3255, within_ms=10_000)
        with timed("all asked"):
            found = await ask_fleet(await link("asker"), question, roster=roster)
        assert (found.asked.answered, found.asked.silent) == (hosts, ())
        with timed("all reported again"):
            await crowd.all_reported(120)
        assert sum(crowd.receipts.values()) == 2 * hosts and hub.state.dropped == 0
        assert crowd.receipts["kept"] == 2 * hosts, crowd.receipts
        assert not crowd.errors
    return took


def at_work(folder: Path, hosts: int) -> dict[str, float]:
    """The same with engines of its own; the store has every row afterwards."""
    allow_files(hosts + 500)
    store = Postgres(folder / "store", settings={"fsync": "off"})
    bus = Nats(folder / "bus")
    try:
        store.make().start().create()
        bus.start()
        migrate(store.url)
        store.query(
            "INSERT INTO portbook.host (id) SELECT 'sim-' || to_char(n, 'FM00000')"
            " FROM generate_series(0, 99999) AS n"
        )
        took = asyncio.run(asyncio.wait_for(herd(bus, store, hosts), 300))
        assert store.query(_PER_HOST) == [(hosts, ROWS, ROWS)]
    finally:
        bus.kill()
        store.kill()
    return took


@pytest.mark.timeout(120)
def test_a_thousand_agents_come_back_at_once(tmp_path: Path) -> None:
    """Nobody is lost: each is connected, answers, and its report is kept."""
    took = at_work(tmp_path, 1_000)
    assert set(took) == {
        *("first reports", "all connected again", "all asked", "all reported again"),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="portbook-herd-") as made:
        Path(made).chmod(0o755)
        print(at_work(Path(made), int(sys.argv[1])))
