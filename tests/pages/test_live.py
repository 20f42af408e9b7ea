"""The snapshot of this machine: how old it may be, how often it is made, what a fault becomes."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from command import recorded
from portbook.host import Host
from portbook.pages import live as module
from portbook.pages.live import Live, Snapshot

_Made = TypeVar("_Made")


class Slow:
    """A host that takes a while to be looked at, and counts how often it was."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.times = 0
        self.threads: set[int] = set()

    def __call__(self) -> Host:
        """A recorded host: a survey of it says the same on every machine."""
        self.times += 1
        self.threads.add(threading.get_ident())
        time.sleep(self.seconds)
        return Host(recorded("debian12-root"))


def running(asked: Callable[[], Awaitable[_Made]]) -> _Made:
    """The result of a coroutine function on a loop of its own."""

    async def outer() -> _Made:
        return await asked()

    return asyncio.run(outer())


def test_a_snapshot_has_what_the_survey_has() -> None:
    """The listeners, by port too, with the moment and the gaps."""

    async def look() -> Snapshot:
        return await Live(Slow()).listeners()

    found = running(look)
    assert found.host and found.at.endswith("Z")
    assert found.fault is None
    assert len(found.by_port[7001]) == 1
    assert sum(map(len, found.by_port.values())) == len(found.listeners) > 5


def test_a_hundred_visitors_at_once_are_one_survey() -> None:
    """Single flight, in one thread that is not the loop's."""
    slow = Slow(0.2)

    async def look() -> int:
        live = Live(slow)
        found = await asyncio.gather(*(live.listeners() for _ in range(100)))
        return len({id(each) for each in found})

    assert running(look) == 1
    assert slow.times == 1
    assert slow.threads.isdisjoint({threading.get_ident()})


def test_nobody_waits_for_the_refresh_and_nobody_sees_an_old_one() -> None:
    """Under steady visits an answer takes no time, and is never older than two seconds."""
    slow = Slow(0.3)
    ages, waits = [], []

    async def look() -> None:
        live = Live(slow)
        await live.listeners()
        end = time.monotonic() + 3.5
        while time.monotonic() < end:
            began = time.monotonic()
            found = await live.listeners()
            waits.append(time.monotonic() - began)
            ages.append(time.monotonic() - found.since)
            await asyncio.sleep(0.01)

    running(look)
    assert max(ages) < module.OLDEST
    assert max(waits) < 0.2
    assert 3 <= slow.times <= 6
    assert len(slow.threads) == 1


def test_after_a_pause_the_visitor_waits_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too old is not shown."""
    monkeypatch.setattr(module, "FRESH", 0.05)
    monkeypatch.setattr(module, "OLDEST", 0.1)
    slow = Slow()

    async def look() -> bool:
        live = Live(slow)
        first = await live.listeners()
        await asyncio.sleep(0.3)
        return (await live.listeners()) is not first

    assert running(look)
    assert slow.times == 2


def test_a_survey_that_takes_longer_than_it_may_be_old_is_still_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine that is too slow the visitor gets the newest there is, and does not wait on."""
    monkeypatch.setattr(module, "FRESH", 0.01)
    monkeypatch.setattr(module, "OLDEST", 0.02)
    slow = Slow(0.2)

    async def look() -> float:
        live = Live(slow)
        began = time.monotonic()
        await live.listeners()
        return time.monotonic() - began

    assert running(look) < 1


def test_a_visitor_who_leaves_stops_nothing() -> None:
    """The others still get the survey that was begun for the first."""
    slow = Slow(0.2)

    async def look() -> Snapshot:
        live = Live(slow)
        first = asyncio.ensure_future(live.listeners())
        await asyncio.sleep(0.05)
        second = asyncio.ensure_future(live.listeners())
        first.cancel()
        return await second

    assert running(look).listeners
    assert slow.times == 1


def test_a_fault_is_a_value_and_the_next_survey_may_work() -> None:
    """An unknown source, a fault of the code: one sentence, and no exception anywhere."""

    def broken() -> Host:
        host = Host(recorded("debian12-root"))
        host.sock_diag = None  # type: ignore[assignment,method-assign] # the planted fault
        host.read = None  # type: ignore[assignment] # the same
        return host

    async def look() -> list[Snapshot]:
        return [
            await Live(source="nothing").listeners(),
            await Live(broken).listeners(),
            await Live(lambda: Host("/nowhere")).listeners(),
        ]

    unknown, fault, nowhere = running(look)
    assert unknown.fault == "unknown socket source 'nothing'"
    assert unknown.hint and unknown.listeners == ()
    assert fault.fault and fault.fault.startswith("a fault in portbook itself: TypeError")
    assert nowhere.fault


def test_what_is_made_of_a_snapshot_is_made_once() -> None:
    """A page of two hundred rows is not made for every visitor."""
    made = []

    def page() -> str:
        made.append(1)
        return "page"

    async def look() -> None:
        found = await Live(Slow()).listeners()
        for _ in range(3):
            assert found.once(("here", "nl"), page) == "page"
        assert found.once(("here", "en"), lambda: "other") == "other"

    running(look)
    assert made == [1]


@pytest.mark.live
def test_a_socket_that_is_opened_is_seen_within_two_seconds() -> None:
    """On this machine, for real: there, and gone again."""

    async def look() -> None:
        live = Live()
        assert live.age() is None
        await live.listeners()
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            await asyncio.sleep(module.OLDEST)
            assert port in (await live.listeners()).by_port
        await asyncio.sleep(module.OLDEST)
        assert port not in (await live.listeners()).by_port
        assert (live.age() or 9) < 1
        live.close()

    running(look)
