"""A hub: what it answered is written, what it did not is sent again, and only by whom it is of."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fleet.engines import Nats, Postgres
from fleet.simulated_agents import Crowd, host_of, table_of
from portbook.fleet import hub as hub_module
from portbook.fleet import wire
from portbook.fleet.hub import Hub
from portbook.fleet.memory_bus import MemoryBus
from portbook.fleet.migrating import migrate
from portbook.fleet.nats_bus import NatsBus, connect_bus
from portbook.fleet.settings import FleetSettings
from portbook.fleet.table import table_hash
from portbook.model import EnvironmentFault
from portbook.model.fleet import FleetReport

RUN = "import sys; from portbook.cli import run; run()"


def furnished(database: Postgres) -> Postgres:
    """The schema, and the hosts of 300 simulated agents."""
    migrate(database.url)
    database.query(
        "INSERT INTO portbook.host (id) SELECT 'sim-' || to_char(n, 'FM00000')"
        " FROM generate_series(0, 299) AS n"
    )
    return database


@pytest.fixture
def store(database: Postgres) -> Postgres:
    """A store that knows 300 hosts."""
    return furnished(database)


def report_of(number: int, *, seq: int = 1, rows: int = 3, host: str = "") -> FleetReport:
    """A full report of a simulated host."""
    table = table_of(number, rows)
    return FleetReport(
        host or host_of(number), "name", "boot:1", seq, True, 0, table_hash(table), len(table),
        0, 30_000, "1", (), table,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def hub_on(bus: MemoryBus | NatsBus, url: str) -> AsyncIterator[tuple[Hub, list[str]]]:
    """A hub at work, and what it tells."""
    said: list[str] = []
    made = Hub(bus, url, tell=said.append)
    await made.open()
    ending = asyncio.Event()
    task = asyncio.create_task(made.run(ending))
    await asyncio.sleep(0.2)
    try:
        yield made, said
    finally:
        ending.set()
        await asyncio.wait_for(task, 10)


async def handed(
    bus: MemoryBus | NatsBus, report: FleetReport, *, on: str = "", seconds: float = 10
) -> tuple[str, str]:
    """The result of a report, and why."""
    data = await bus.report(on or report.host, wire.encode_report(report), seconds=seconds)
    found = wire.decode_acknowledged(data)
    assert found.seq == report.seq
    return found.result, found.why


def stored(store: Postgres) -> dict[str, int]:
    """The hosts that have rows, and how many."""
    found = store.query(
        "SELECT host.id, count(*) FROM portbook.listener"
        " JOIN portbook.host ON host.number = listener.host GROUP BY 1"
    )
    return {str(host): int(str(rows)) for host, rows in found}


@contextlib.contextmanager
def program(nats: Nats, store: Postgres, *more: str) -> Iterator[subprocess.Popen[str]]:
    """`portbook fleet hub` in a process of its own, at work."""
    argv = ["fleet", "hub", "--bus", nats.url, "--store", store.url, *more]
    made = subprocess.Popen(
        [sys.executable, "-c", RUN, *argv],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": "src"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        yield made
    finally:
        made.kill()
        made.communicate()


def test_reports_are_kept_before_they_are_answered(store: Postgres) -> None:
    """What is answered `kept` is in the store; the same again is `again`; others are refused."""

    async def go() -> None:
        bus = MemoryBus()
        async with hub_on(bus, store.url) as (hub, _):
            assert await handed(bus, report_of(1)) == ("kept", "")
            assert stored(store) == {host_of(1): 3}
            assert (await handed(bus, report_of(1)))[0] == "again"
            assert (await handed(bus, report_of(1, host="never-enrolled")))[0] == "refused"
            state = hub.state
        assert (state.store, state.kept, state.again, state.refused) == ("up", 1, 1, 1)
        assert state.rows == 3 and state.reports == 3

    asyncio.run(asyncio.wait_for(go(), 40))


def test_a_report_counts_for_the_host_of_its_subject_alone(store: Postgres) -> None:
    """On host 1's subject host 2 cannot be reported for, and nothing of it is written."""

    async def go() -> None:
        bus = MemoryBus()
        async with hub_on(bus, store.url):
            result, why = await handed(bus, report_of(2), on=host_of(1))
            assert (result, why) == ("refused", f"it came on the subject of {host_of(1)}")
            assert stored(store) == {}

    asyncio.run(asyncio.wait_for(go(), 40))


def test_malformed_reports_are_counted_and_harm_nobody(store: Postgres) -> None:
    """Bytes that are no report get no answer; those beside them are kept."""

    async def go() -> None:
        bus = MemoryBus()
        async with hub_on(bus, store.url) as (hub, _):
            whole = wire.encode_report(report_of(3, rows=60))
            bad = [bytes([b]) * 40 for b in (0, 0x78, 0x7B)] + [whole[:-9], whole + b"x"]
            tasks = [asyncio.create_task(bus.report(host_of(3), data, seconds=2)) for data in bad]
            assert (await handed(bus, report_of(4)))[0] == "kept"
            for task in tasks:
                with pytest.raises(EnvironmentFault):
                    await task
            assert hub.state.malformed == len(bad)

    asyncio.run(asyncio.wait_for(go(), 40))


def test_many_hosts_are_one_transaction(store: Postgres, nats: Nats) -> None:
    """300 agents over a real bus: all kept, in few batches; two hubs share the work."""

    async def go() -> None:
        async with contextlib.AsyncExitStack() as stack:
            hubs = []
            for _ in range(2):
                bus = await connect_bus(FleetSettings(bus=nats.url), name="hub", inbox="hub")
                assert isinstance(bus, NatsBus)
                stack.push_async_callback(bus.close)
                hubs.append((await stack.enter_async_context(hub_on(bus, store.url)))[0])
            crowd = await Crowd(nats.url, 300, rows=6).open()
            await crowd.all_reported(30)
            assert crowd.receipts == {"kept": 300}
            await crowd.close()
            assert [hub.state.kept > 50 for hub in hubs] == [True, True]
            assert sum(hub.state.kept for hub in hubs) == 300
            assert sum(hub.state.batches for hub in hubs) < 100
        assert stored(store) == {host_of(number): 6 for number in range(300)}

    asyncio.run(asyncio.wait_for(go(), 50))


def test_a_store_that_restarts_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile nobody takes reports, so that agents keep them; then they are kept."""
    # A cluster of its own: others of this file share theirs.
    store = furnished(Postgres(tmp_path / "own", settings={"fsync": "off"}).make().start().create())
    monkeypatch.setattr(hub_module, "Backoff", lambda *_: _Soon())

    async def go() -> None:
        bus = MemoryBus()
        async with hub_on(bus, store.url) as (hub, said):
            assert (await handed(bus, report_of(1)))[0] == "kept"
            store.kill()
            with pytest.raises(EnvironmentFault):
                await handed(bus, report_of(2), seconds=5)
            await asyncio.sleep(0.3)
            assert hub.state.store == "away" and hub.state.unanswered == 1
            with pytest.raises(EnvironmentFault, match="no hub takes reports"):
                await handed(bus, report_of(2), seconds=5)
            store.start()
            while hub.state.store == "away":  # noqa: ASYNC110 - a test looks from outside
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.1)
            assert (await handed(bus, report_of(2)))[0] == "kept"
        assert [line.partition(":")[0] for line in said][-1] == "reports are taken again"
        assert all("\n" not in line and "bed:bed" not in line for line in said)
        assert set(stored(store)) == {host_of(1), host_of(2)}

    try:
        asyncio.run(asyncio.wait_for(go(), 50))
    finally:
        store.stop()


class _Soon:
    def wait(self) -> float:
        return 0.1


def test_a_hub_killed_before_its_answer_wrote_it_once(
    store: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Committed, and the answer lost: the agent sends it again, and it is `again`, not twice."""

    async def go() -> None:
        bus = MemoryBus()
        real = Hub._commit

        def dies(self: Hub, *how: object) -> None:
            real(self, *how)  # type: ignore[arg-type] # passed on
            raise EnvironmentFault("killed after the commit")

        monkeypatch.setattr(Hub, "_commit", dies)
        async with hub_on(bus, store.url):
            # The receipt is there and lost with the hub.
            monkeypatch.setattr(Hub, "_write", _lost)
            with pytest.raises(EnvironmentFault):
                await handed(bus, report_of(5), seconds=1)
        monkeypatch.undo()
        assert stored(store) == {host_of(5): 3}
        async with hub_on(bus, store.url):
            assert (await handed(bus, report_of(5)))[0] == "again"
        assert stored(store) == {host_of(5): 3}

    asyncio.run(asyncio.wait_for(go(), 40))


async def _lost(self: Hub, batch: list[object]) -> EnvironmentFault:
    self._kept(batch)  # type: ignore[arg-type] # as it is
    return EnvironmentFault("killed")


def test_a_flood_of_reports_does_not_grow(store: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what may wait reports are not answered, and later ones are kept."""
    monkeypatch.setattr(hub_module, "MOST_WAITING", 20)

    async def go() -> None:
        bus = MemoryBus()
        async with hub_on(bus, store.url) as (hub, _):
            tasks = [asyncio.create_task(handed(bus, report_of(n), seconds=10)) for n in range(200)]
            found = await asyncio.gather(*tasks, return_exceptions=True)
            kept = [each for each in found if each == ("kept", "")]
            assert 20 <= len(kept) < 200
            assert hub.state.unanswered == 200 - len(kept)
            assert (await handed(bus, report_of(250)))[0] == "kept"

    asyncio.run(asyncio.wait_for(go(), 40))


def test_the_command_takes_reports_and_tells_what_it_did(store: Postgres, nats: Nats) -> None:
    """`portbook fleet hub --json`: ready, reports kept over the bus, one document at its end."""

    async def report() -> str:
        bus = await connect_bus(FleetSettings(bus=nats.url), name="agent")
        assert isinstance(bus, NatsBus)
        try:
            deadline = time.monotonic() + 20
            while True:
                try:
                    return (await handed(bus, report_of(9), seconds=5))[0]
                except EnvironmentFault:
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.1)
        finally:
            await bus.close()

    with program(nats, store, "--json") as made:
        assert asyncio.run(report()) == "kept"
        made.send_signal(signal.SIGTERM)
        out, err = made.communicate(timeout=15)
        assert made.returncode == 0, err
    told = json.loads(out)
    assert told["schema"] == "portbook/fleet-hub/1"
    assert (told["kept"], told["store"], told["incomplete"]) == (1, "up", [])


def test_a_hub_without_its_engines_is_one_line(store: Postgres, tmp_path: Path) -> None:
    """No bus, no store, an unreachable one: exit codes 2 and 5, one line each, no password."""
    for more, code in (
        ((), 2),
        (("--bus", "nats://127.0.0.1:1"), 2),
        (("--bus", "nats://me:pass-word@127.0.0.1:1", "--store", store.url), 5),
    ):
        done = subprocess.run(
            [sys.executable, "-c", RUN, "fleet", "hub", *more],
            capture_output=True, text=True, cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": "src", "PORTBOOK_FLEET_HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert done.stderr.startswith("portbook: error: ") and "pass-word" not in done.stderr
        assert len(done.stderr.splitlines()) <= 2
