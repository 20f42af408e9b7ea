"""The agent on a real bus: questions, reports through a hub, an id that is used twice."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.agent_process import AgentProcess, enrolled, until
from fleet.engines import Nats, Postgres
from portbook.fleet import agent as agents
from portbook.fleet.agent import Agent
from portbook.fleet.ingest import keep_reports
from portbook.fleet.looking import Looker
from portbook.fleet.migrating import open_store
from portbook.fleet.nats_bus import connect_bus
from portbook.fleet.pacing import Backoff, Bucket
from portbook.fleet.settings import FleetSettings
from portbook.fleet.wire import decode_report, encode_acknowledged
from portbook.host import Host
from portbook.model.fleet import HostAnswer, Question


async def asked(url: str, question: Question) -> list[HostAnswer]:
    """Every answer to a question."""
    bus = await connect_bus(FleetSettings(bus=url), name="test")
    try:
        return [answer async for answer in bus.ask(question)]
    finally:
        await bus.close()


def ask(url: str, form: str = "who", **arguments: Any) -> list[HostAnswer]:
    """The same from outside of a loop."""
    question = Question("q1", form, within_ms=500)._replace(**arguments)
    return asyncio.run(asked(url, question))


def test_questions_are_answered_from_a_fresh_look(nats: Nats, tmp_path: Path) -> None:
    """With the bus alone: a listener that was opened after the last regular look is seen."""
    arguments = ("--bus", nats.url, "--every", "1h", "--label", "role=web")
    with AgentProcess(tmp_path, *arguments) as agent:
        until(lambda: agent.said("questions are answered"))
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            until(lambda: ask(nats.url, port=port)[0].rows)
            (answer,) = ask(nats.url, port=port)
            assert answer.host == "web-1"
            assert [row.pid for row in answer.rows] == [os.getpid()]
            assert answer.age_ms <= 1_500
        assert ask(nats.url, labels=(("role", "web"),))
        assert not ask(nats.url, labels=(("role", "db"),))
        assert agent.said("reports wait: no hub takes reports")
        assert agent.end()[0] == 0


def test_a_bus_that_comes_late_and_goes_is_found_again(tmp_path: Path) -> None:
    """The agent starts without it, says so once, and answers when it is there, twice."""
    bus = Nats(tmp_path / "bus")
    try:
        with AgentProcess(tmp_path / "agent", "--bus", bus.url) as agent:
            until(lambda: agent.said("no questions come: "))
            bus.start()
            until(lambda: agent.said("questions are answered"))
            until(lambda: ask(bus.url, "hosts"))
            bus.kill()
            bus.start()
            until(lambda: ask(bus.url, "hosts"), 30)
            assert len([line for line in agent.lines if "no questions" in line]) == 1
            assert agent.end(signal.SIGTERM)[0] == 0
    finally:
        bus.kill()


def test_reports_go_through_a_hub_where_no_store_is_named(
    database: Postgres, nats: Nats, tmp_path: Path
) -> None:
    """The hub writes them, with the host's id from the subject."""
    enrolled(database)
    subjects: list[str] = []

    async def work() -> None:
        bus = await connect_bus(FleetSettings(bus=nats.url), name="hub")
        link = open_store(database.url, name="hub")

        async def take(host: str, data: bytes) -> bytes:
            subjects.append(host)
            return encode_acknowledged(keep_reports(link, (decode_report(data),))[0])

        taking = asyncio.create_task(bus.take_reports(take))
        try:
            arguments = ("--bus", nats.url, "--every", "1s")
            with AgentProcess(tmp_path, *arguments) as agent:
                await eventually(lambda: agent.said("reports are kept"))
                with socket.create_server(("127.0.0.1", 0)) as server:
                    port = server.getsockname()[1]
                    await eventually(lambda: (port,) in rows("port"))
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)
            await bus.close()
            link.close()

    def rows(column: str) -> list[tuple[object, ...]]:
        return database.query(f"SELECT {column} FROM portbook.listener")  # noqa: S608 - ours

    asyncio.run(work())
    assert set(subjects) == {"web-1"}


async def eventually(is_so: Callable[[], object]) -> None:
    """Wait for something that has to become true, while the loop goes on."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def running(agent: Agent) -> AsyncIterator[None]:
    """An agent of this process, begun and at work."""
    agent.begin()
    ending = asyncio.Event()
    task = asyncio.create_task(agent.run(ending))
    try:
        yield
    finally:
        ending.set()
        await task


def an_agent(
    url: str, instance: str, told: list[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> Agent:
    """An agent of another machine; each has a state of its own."""
    monkeypatch.setattr(agents, "instance_of", lambda _: instance)
    monkeypatch.setenv("PORTBOOK_DATA_HOME", str(folder))
    settings = FleetSettings(store=url, host="web-1", every=1.0)
    host = Host()
    return Agent(host, settings, Looker(host), jitter=0.05, tell=told.append)


def test_two_agents_with_one_id(
    database: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second takes over; the first says so once, answers nothing, and overwrites nothing."""
    url = enrolled(database)
    told: tuple[list[str], list[str]] = ([], [])

    async def work() -> None:
        first = an_agent(url, "boot-a:1", told[0], monkeypatch, tmp_path / "a")
        async with running(first):
            await eventually(lambda: first.condition.word == "kept")
            second = an_agent(url, "boot-b:1", told[1], monkeypatch, tmp_path / "b")
            async with running(second):
                await eventually(lambda: second.condition.word == "kept")
                await eventually(lambda: first.condition.word == "duplicate")
                await asyncio.sleep(1.5)
                assert await first.answer(Question("q", "hosts")) == ()
                assert len(await second.answer(Question("q", "hosts"))) == 1

    asyncio.run(work())
    assert len([line for line in told[0] if "two machines report as web-1" in line]) == 1
    assert told[1] == ["reports are kept"]
    ((instance, other),) = database.query("SELECT instance, duplicate_of FROM portbook.host")
    assert instance == "boot-b:1"
    assert other == "boot-a:1"


def test_questions_beyond_what_is_good_for_a_host_are_answered_busy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first of a flood get an answer, the others a word; one look serves all of them."""

    async def work() -> None:
        agent = an_agent("postgresql:///none", "boot:1", [], monkeypatch, tmp_path)
        agent.begin()
        question = Question("q", "who", port=1)
        answers = [(await agent.answer(question))[0] for _ in range(100)]
        busy = [answer for answer in answers if answer.why == "busy"]
        assert 40 <= len(answers) - len(busy) < 60
        assert not any(answer.rows for answer in busy)
        assert agent.busy == len(busy)
        assert await agent.answer(question._replace(form="run")) == ()
        assert agent.unknown_forms == 1

    asyncio.run(work())


def test_a_bucket_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rate, and never more than its size."""
    now = [100.0]
    monkeypatch.setattr("portbook.host.clock.monotonic", lambda: now[0])
    bucket = Bucket(20.0, 40)
    assert [bucket.take() for _ in range(41)] == [True] * 40 + [False]
    now[0] += 0.5
    assert [bucket.take() for _ in range(11)] == [True] * 10 + [False]
    now[0] += 3600
    assert sum(bucket.take() for _ in range(100)) == 40


def test_waiting_times_double_and_are_spread() -> None:
    """10,000 agents come back over the whole time, not together, and none waits too long."""
    first, last = [], []
    for _ in range(400):
        backoff = Backoff(1.0, 60.0)
        waits = [backoff.wait() for _ in range(12)]
        first.append(waits[0])
        last.append(waits[-1])
        backoff.reset()
        assert backoff.wait() <= 1.05
    assert max(first) <= 1.05
    assert max(last) <= 60.05
    assert min(last) < 6
    assert max(last) > 54
