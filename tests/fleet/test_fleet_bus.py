"""Both buses do the same: the one within the process, and NATS with a real server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.engines import Nats
from fleet.simulated_agents import table_of
from portbook.fleet import wire
from portbook.fleet.answering import answers_of
from portbook.fleet.asking import Collected, ask_fleet
from portbook.fleet.bus import ASK, LARGEST, Bus, Handler
from portbook.fleet.memory_bus import MemoryBus
from portbook.fleet.nats_bus import connect_bus
from portbook.fleet.nats_link import place_of, subject_of
from portbook.fleet.settings import HOST_ID, FleetSettings
from portbook.model import EnvironmentFault, PortbookError, UsageError
from portbook.model.fleet import FORMS, HostAnswer, Question
from portbook.model.unknown import Unknown

WHO = Question("q-1", "who", port=22, within_ms=1_500)
Work = Callable[[Bus, Bus], Awaitable[None]]


@contextlib.asynccontextmanager
async def buses(nats: Nats | None) -> AsyncIterator[tuple[Bus, Bus]]:
    """The bus of who asks, and that of hosts and hubs."""
    one: Bus
    other: Bus
    if nats is None:
        one = other = MemoryBus()
    else:
        one = await connect_bus(FleetSettings(bus=nats.url), name="asker")
        other = await connect_bus(FleetSettings(bus=nats.url), name="host")
    try:
        yield one, other
    finally:
        await one.close()
        await other.close()


@pytest.fixture(params=["memory", "nats"])
def run(request: pytest.FixtureRequest) -> Callable[[Work], None]:
    """Runs a test's work on one kind of bus."""
    # The server is started for the kind that needs it.
    nats = request.getfixturevalue("nats") if request.param == "nats" else None

    def go(work: Work) -> None:
        async def all_of_it() -> None:
            async with buses(nats) as (one, other):
                await work(one, other)

        asyncio.run(asyncio.wait_for(all_of_it(), 30))

    return go


def handler_of(host: str, *, wait: float = 0.0, times: int = 1) -> Handler:
    """Answers for a host, after a time."""

    async def handler(question: Question) -> tuple[HostAnswer, ...]:
        await asyncio.sleep(wait)
        return times * answers_of(
            question, host=host, name=host, rows=table_of(1, 5), age_ms=3, labels=()
        )

    return handler


@contextlib.asynccontextmanager
async def serving(bus: Bus, *hosts: str, wait: float = 0.0, times: int = 1) -> AsyncIterator[None]:
    """Hosts that answer."""
    tasks = [
        asyncio.create_task(bus.serve(host, handler_of(host, wait=wait, times=times)))
        for host in hosts
    ]
    await asyncio.sleep(0.15)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def asked(bus: Bus, question: Question = WHO, **how: object) -> Collected:
    """One question to the fleet."""
    return await ask_fleet(bus, question, **how)  # type: ignore[arg-type] # as the caller says


def test_everybody_who_serves_answers(run: Callable[[Work], None]) -> None:
    """A question to all comes back from all, with the rows that are asked for."""

    async def work(one: Bus, other: Bus) -> None:
        async with serving(other, "a", "b.example", "c-3"):
            found = await asked(one, roster={"a": "A", "b.example": "B", "c-3": "C"})
        assert sorted(each.host for each in found.answers) == ["a", "b.example", "c-3"]
        assert all([row.port for row in each.rows] == [22] for each in found.answers)
        assert (found.asked.asked, found.asked.answered, found.asked.silent) == (3, 3, ())
        assert found.asked.source == "live" and found.incomplete == ()

    run(work)


def test_one_host_can_be_asked_alone(run: Callable[[Work], None]) -> None:
    """A question to one host does not reach another."""

    async def work(one: Bus, other: Bus) -> None:
        async with serving(other, "a", "b", "a.b"):
            found = await asked(one, hosts=("b",))
        assert [each.host for each in found.answers] == ["b"]
        assert found.asked.asked == 1

    run(work)


def test_silent_hosts_are_counted_and_named(run: Callable[[Work], None]) -> None:
    """Who is on the roster and does not answer until the deadline is silent."""

    async def work(one: Bus, other: Bus) -> None:
        question = WHO._replace(within_ms=400)
        loop = asyncio.get_running_loop()
        async with serving(other, "a"), serving(other, "slow", wait=5):
            begin = loop.time()
            found = await asked(one, question, roster={"a": "", "slow": "", "gone": ""})
            took = loop.time() - begin
        assert (found.asked.asked, found.asked.answered) == (3, 1)
        assert found.asked.silent == ("gone", "slow")
        assert 0.35 < took < 3

    run(work)


def test_it_ends_as_soon_as_all_have_answered(run: Callable[[Work], None]) -> None:
    """With a roster nobody waits for the deadline."""

    async def work(one: Bus, other: Bus) -> None:
        async with serving(other, "a", "b"):
            found = await asked(one, WHO._replace(within_ms=60_000), roster={"a": "", "b": ""})
        assert found.asked.answered == 2

    run(work)


def test_without_a_roster_it_ends_when_it_is_quiet(run: Callable[[Work], None]) -> None:
    """Nobody knows who is missing: asked and silent are unknown, and quiet ends it."""

    async def work(one: Bus, other: Bus) -> None:
        async with serving(other, "a", "b"):
            found = await asked(one, WHO._replace(within_ms=60_000))
        assert found.asked.answered == 2
        assert isinstance(found.asked.asked, Unknown) and isinstance(found.asked.silent, Unknown)

    run(work)


def test_where_nobody_listens_it_ends_at_once(run: Callable[[Work], None]) -> None:
    """No agent at all: everybody is silent, long before the deadline."""

    async def work(one: Bus, other: Bus) -> None:
        found = await asked(one, WHO._replace(within_ms=60_000), roster={"a": ""})
        assert found.answers == () and found.asked.silent == ("a",)

    run(work)


def test_two_machines_with_one_id_are_named(run: Callable[[Work], None]) -> None:
    """Two answers as one host are a gap, and both are shown."""

    async def work(one: Bus, other: Bus) -> None:
        async with serving(other, "a"), serving(other, "a"):
            found = await asked(one)
        assert found.asked.answered == 1 and len(found.answers) == 2
        assert [gap.what for gap in found.incomplete] == ["a"]
        assert "two machines" in found.incomplete[0].why

    run(work)


def test_a_long_answer_comes_in_parts(run: Callable[[Work], None]) -> None:
    """12,000 rows do not fit one message, and all of them arrive."""

    async def work(one: Bus, other: Bus) -> None:
        rows = tuple(
            row._replace(inode=place, exe=f"/opt/{place}" * 9)
            for place, row in enumerate(table_of(2, 1_200) * 10)
        )

        async def handler(question: Question) -> tuple[HostAnswer, ...]:
            return answers_of(question, host="big", name="big", rows=rows, age_ms=0)

        task = asyncio.create_task(other.serve("big", handler))
        await asyncio.sleep(0.15)
        question = Question("q-2", "ls", within_ms=20_000)
        found = await asked(one, question, roster={"big": ""})
        task.cancel()
        assert len(found.answers) > 2 and found.answers[-1].last
        assert tuple(row for part in found.answers for row in part.rows) == rows
        assert found.asked.answered == 1 and found.incomplete == ()

    run(work)


def test_a_part_without_its_end_is_a_gap(run: Callable[[Work], None]) -> None:
    """A host that began to answer and did not end has not answered."""

    async def work(one: Bus, other: Bus) -> None:
        async def handler(question: Question) -> tuple[HostAnswer, ...]:
            return (HostAnswer(question.id, "half", "half", 0, last=False),)

        task = asyncio.create_task(other.serve("half", handler))
        await asyncio.sleep(0.15)
        found = await asked(one, WHO._replace(within_ms=400), roster={"half": ""})
        task.cancel()
        assert found.asked.silent == ("half",)
        assert "part" in found.incomplete[0].why

    run(work)


def test_what_a_host_cannot_answer_it_says(run: Callable[[Work], None]) -> None:
    """A fault of a handler, and a filter that is none, are answers with why."""

    async def work(one: Bus, other: Bus) -> None:
        async def handler(question: Question) -> tuple[HostAnswer, ...]:
            raise EnvironmentFault("the socket table cannot be read")

        task = asyncio.create_task(other.serve("bad", handler))
        async with serving(other, "good"):
            question = Question("q-3", "ls", where="port === 1", within_ms=2_000)
            found = await asked(one, question, roster={"bad": "", "good": ""})
        task.cancel()
        whys = {gap.what: gap.why for gap in found.incomplete}
        assert whys["bad"] == "the socket table cannot be read"
        assert "\n" not in whys["good"] and whys["good"]
        assert found.asked.answered == 2

    run(work)


def test_reports_reach_one_hub_and_come_back(run: Callable[[Work], None]) -> None:
    """Two hubs take turns, and each report is taken by one of them, with its subject's host."""

    async def work(one: Bus, other: Bus) -> None:
        took: list[tuple[int, str, bytes]] = []

        def hub(number: int) -> Callable[[str, bytes], Awaitable[bytes]]:
            async def take(host: str, data: bytes) -> bytes:
                took.append((number, host, data))
                return b"kept " + data

            return take

        tasks = [asyncio.create_task(other.take_reports(hub(number))) for number in (0, 1)]
        await asyncio.sleep(0.15)
        for turn in range(40):
            data = str(turn).encode()
            assert await one.report("web.a-1", data, seconds=5) == b"kept " + data
        assert len(took) == 40 and {host for _, host, _ in took} == {"web.a-1"}
        assert {number for number, _, _ in took} == {0, 1}
        for task in tasks:
            task.cancel()

    run(work)


def test_without_a_hub_a_report_is_a_fault_at_once(run: Callable[[Work], None]) -> None:
    """Nobody takes it: one line, and no waiting."""

    async def work(one: Bus, other: Bus) -> None:
        with pytest.raises(EnvironmentFault, match="no hub takes reports"):
            await one.report("a", b"x", seconds=60)

    run(work)


def test_a_hub_that_cannot_keep_a_report_says_nothing(run: Callable[[Work], None]) -> None:
    """What was not kept is not answered, so that the agent keeps it."""

    async def work(one: Bus, other: Bus) -> None:
        async def take(host: str, data: bytes) -> bytes:
            raise EnvironmentFault("the store is away")

        task = asyncio.create_task(other.take_reports(take))
        await asyncio.sleep(0.15)
        with pytest.raises(EnvironmentFault, match="no hub answered"):
            await one.report("a", b"x", seconds=0.3)
        task.cancel()

    run(work)


def test_a_report_that_is_too_long_is_refused_here(run: Callable[[Work], None]) -> None:
    """2 MB are not sent: the server would end the connection."""

    async def work(one: Bus, other: Bus) -> None:
        with pytest.raises(EnvironmentFault, match="2000000 bytes is too long"):
            await one.report("a", bytes(2_000_000), seconds=5)
        assert LARGEST < 2_000_000

    run(work)


def test_a_closed_bus_is_away(run: Callable[[Work], None]) -> None:
    """After close() every method is one clear fault, and serving ends."""

    async def work(one: Bus, other: Bus) -> None:
        task = asyncio.create_task(one.serve("a", handler_of("a")))
        await asyncio.sleep(0.1)
        await one.close()
        await asyncio.wait_for(task, 2)
        with pytest.raises(EnvironmentFault, match="away"):
            await asked(one)
        with pytest.raises(EnvironmentFault):
            await one.report("a", b"x", seconds=0.1)

    run(work)


@given(st.from_regex(HOST_ID, fullmatch=True))
def test_every_host_id_is_a_subject_of_its_own(host: str) -> None:
    """No host id makes a wildcard, an empty token or another line of the protocol."""
    try:
        subject = subject_of(ASK, host)
    except UsageError:
        assert ".." in host
        return
    assert subject == f"portbook.ask.{host}"
    assert not set(subject) & set("*> \t\r\n") and all(subject.split("."))


@given(st.text(max_size=80))
def test_what_is_no_host_id_is_no_subject(text: str) -> None:
    """Any other text is refused, in one line."""
    if HOST_ID.fullmatch(text) and ".." not in text:
        return
    with pytest.raises(UsageError) as raised:
        subject_of(ASK, text)
    assert "\n" not in str(raised.value)


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_url_is_a_place_or_one_line(text: str, secret: str) -> None:
    """A URL that is none is one line, without what may be a password in it."""
    for url in (text, f"nats://me:{secret}@{text}"):
        said = ""
        try:
            shown = place_of(FleetSettings(bus=url), None).shown
        except PortbookError as fault:
            shown, said = "", str(fault)
        assert "@" not in shown and "\n" not in said
        assert len(secret) < 5 or secret not in said


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(FORMS),
    st.integers(0, 65_535),
    st.integers(0, 300),
    st.text(max_size=30) | st.sampled_from(["port>2000", "process=redis-server", "not reach=any"]),
)
def test_every_question_has_an_answer_that_fits(
    form: str, port: int, rows: int, where: str
) -> None:
    """Whatever is asked: parts that can be sent, of which the last one alone says it is."""
    question = Question("q", form, port=port, where=where, first=port, last=65_535)
    parts = answers_of(question, host="h", name="h", rows=table_of(5, rows), age_ms=1)
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
    for part in parts:
        assert wire.decode_answer(wire.encode_answer(part)) == part
    if form == "free" and parts[-1].taken:
        assert min(first for first, _ in parts[-1].taken) >= port


def test_the_longest_rows_still_fit_a_message() -> None:
    """Rows of the longest texts, of characters that take most, are cut into parts that fit."""
    wide = "\U0001f40d" * 4_096
    row = table_of(1, 1)[0]._replace(
        exe=wide, user=wide, unit=wide, container=wide, package=wide, speaks=wide, rules=wide
    )
    rows = tuple(row._replace(inode=place) for place in range(7))
    parts = answers_of(Question("q", "ls"), host="h", name="h", rows=rows, age_ms=0)
    assert sum(len(part.rows) for part in parts) == 7
    assert all(len(wire.encode_answer(part)) <= LARGEST for part in parts)


def test_a_table_beyond_all_parts_says_so() -> None:
    """What does not fit the most parts there may be is a gap, not silence."""
    row = table_of(1, 1)[0]
    rows = (row._replace(exe="x" * 4_000, user="y" * 4_000),) * 20_000
    parts = answers_of(Question("q", "ls"), host="h", name="h", rows=rows, age_ms=0)
    left = 20_000 - sum(len(part.rows) for part in parts)
    assert (left > 0) == any("did not fit" in gap for gap in parts[0].gaps)


def test_taken_ports_are_ranges_within_what_is_asked() -> None:
    """Adjacent ports are one range, cut to the first and last that are asked for."""
    row = table_of(1, 1)[0]
    rows = [row._replace(port=port) for port in (80, 81, 82, 90, 8080)]
    question = Question("q", "free", first=81, last=100, transport="tcp")
    (part,) = answers_of(question, host="h", name="h", rows=rows, age_ms=0)
    assert part.taken == ((81, 82), (90, 90)) and part.rows == ()


def test_labels_decide_who_answers() -> None:
    """A host without the labels that are asked for says nothing."""
    question = Question("q", "hosts", labels=(("role", "web"),))
    how = {"host": "h", "name": "h", "rows": (), "age_ms": 0}
    assert answers_of(question, labels=(("role", "db"),), **how) == ()  # type: ignore[arg-type] # as above
    assert len(answers_of(question, labels=(("role", "web"), ("x", "y")), **how)) == 1  # type: ignore[arg-type] # as above
