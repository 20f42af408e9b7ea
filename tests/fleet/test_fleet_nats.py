"""NATS itself: who may enter and speak, what is left out, and what a lost server means."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fleet.engines import Nats
from fleet.simulated_agents import Crowd, host_of
from fleet.test_fleet_bus import WHO, handler_of, serving
from free_ports import free_port
from pages.certificates import make_certificate
from portbook.fleet import nats_bus, wire
from portbook.fleet.asking import ask_fleet
from portbook.fleet.enrolment import new_nkey
from portbook.fleet.nats_bus import NatsBus, connect_bus
from portbook.fleet.nats_config import BusHost, configuration
from portbook.fleet.settings import FleetSettings
from portbook.model import EnvironmentFault, NotPermitted, UsageError
from portbook.model.fleet import Question

SECRET = "s3cret-Pass-word"


@contextlib.asynccontextmanager
async def bus_at(url: str, **more: str) -> AsyncIterator[NatsBus]:
    """A connection, closed afterwards."""
    made = await connect_bus(FleetSettings(bus=url, **more), name="test")  # type: ignore[arg-type] # texts
    assert isinstance(made, NatsBus)
    try:
        yield made
    finally:
        await made.close()


def refused(kind: type[Exception], url: str, **more: str) -> str:
    """The one line with which entering fails."""

    async def enter() -> None:
        async with bus_at(url, **more):
            pass

    with pytest.raises(kind) as raised:
        asyncio.run(enter())
    said = f"{raised.value} {getattr(raised.value, 'hint', '')}"
    assert "\n" not in said and SECRET not in said
    return said


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Nats]:
    """A bus that lets in one user, and one who may hear and say nothing of ours."""
    config = (
        f'authorization {{ users = [ {{user: me, password: "{SECRET}"}},'
        f' {{user: mute, password: "{SECRET}", permissions: {{publish: ["other"],'
        ' subscribe: ["_INBOX.>"]}} ] }'
    )
    made = Nats(tmp_path / "nats", config=config).start()
    yield made
    made.kill()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Nats]:
    """A bus of the test's own, to be killed."""
    made = Nats(tmp_path / "nats").start()
    yield made
    made.kill()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnecting is tried at once."""
    monkeypatch.setattr(nats_bus, "FIRST", 0.1)
    monkeypatch.setattr(nats_bus, "MOST", 0.3)


def test_wrong_credentials_are_one_line_without_them(closed: Nats) -> None:
    """Nobody, a wrong password, a wrong token: refused, and never told what was tried."""
    place = f"{closed.address}:{closed.port}"
    for url in (closed.url, f"nats://you:{SECRET}@{place}", f"nats://{SECRET}@{place}"):
        assert "refuses the credentials" in refused(NotPermitted, url)
    # Signs of a password may be escaped in a URL.
    asyncio.run(_enter(f"nats://me:s3cret%2DPass-word@{place}"))


async def _enter(url: str, **more: str) -> None:
    async with bus_at(url, **more) as bus:
        await ask_fleet(bus, WHO._replace(within_ms=100))


def test_a_token_lets_in(tmp_path: Path) -> None:
    """A URL's user without a password is a token."""
    nats = Nats(tmp_path / "nats", config=f'authorization {{ token: "{SECRET}" }}').start()
    try:
        asyncio.run(_enter(f"nats://{SECRET}@{nats.address}:{nats.port}"))
        refused(NotPermitted, f"nats://wrong@{nats.address}:{nats.port}")
    finally:
        nats.kill()


def test_a_bus_that_is_away_is_one_line() -> None:
    """Refused, without a name, silent: a fault each, at once or after the patience."""
    assert "connection refused" in refused(
        EnvironmentFault, f"nats://me:{SECRET}@127.0.0.1:{free_port()}"
    )
    for url in ("nats://", "http://x", f"nats://me:{SECRET}@[", f"nats://me:{SECRET}@h:99999999"):
        refused(UsageError, url)


def test_a_server_that_is_none_is_one_line() -> None:
    """Bytes that are no NATS end the attempt."""

    async def go() -> str:
        async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with pytest.raises(EnvironmentFault) as raised:
                await connect_bus(FleetSettings(bus=f"nats://127.0.0.1:{port}"), name="test")
        return str(raised.value)

    assert "\n" not in asyncio.run(go())


def test_tls_is_checked_and_never_left_out(tmp_path: Path, own: Nats) -> None:
    """A client certificate lets in; without one, or for a server that nobody vouches for, not.

    A server that offers no TLS where it was asked for is told no password.
    """
    made = []
    for who in ("server", "client", "other"):
        (tmp_path / who).mkdir()
        made.append(make_certificate(tmp_path / who))
    (server, server_key), (client, client_key), (other, _) = made
    config = (
        f'tls {{ cert_file: "{server}", key_file: "{server_key}",'
        f' ca_file: "{client}", verify: true }}'
    )
    nats = Nats(tmp_path / "tls", config=config).start()
    url = f"tls://127.0.0.1:{nats.port}"
    pair = {"certificate": client, "key": client_key}
    try:
        asyncio.run(_enter(url, ca=server, **pair))
        assert "TLS" in refused(EnvironmentFault, url, ca=other, **pair)
        refused(EnvironmentFault, url, ca=server)
        refused(EnvironmentFault, url, ca=str(tmp_path / "none"))
    finally:
        nats.kill()
    plain = f"tls://me:{SECRET}@127.0.0.1:{own.port}"
    assert "no TLS" in refused(EnvironmentFault, plain)


def test_who_may_not_is_told_what_in_one_line(closed: Nats) -> None:
    """Asking, serving, reporting and being a hub, each without the permission for it."""
    url = f"nats://mute:{SECRET}@{closed.address}:{closed.port}"

    async def go() -> list[str]:
        async with bus_at(url) as bus:
            whys = []
            for work in (
                lambda: ask_fleet(bus, WHO, roster={"a": ""}),
                lambda: bus.serve("a", handler_of("a")),
                lambda: bus.report("a", b"x", seconds=5),
                lambda: bus.take_reports(_nothing),
            ):
                with pytest.raises(NotPermitted) as raised:
                    await asyncio.wait_for(work(), 5)
                whys.append(str(raised.value))
            return whys

    whys = asyncio.run(go())
    wanted = ("publish to portbook.ask", "subscribe to", "portbook.report.a", "portbook.report.>")
    for why, needed in zip(whys, wanted, strict=True):
        assert needed in why and "\n" not in why and SECRET not in why


async def _nothing(host: str, data: bytes) -> bytes:
    return b""


def test_the_generated_configuration_fits_what_is_said(tmp_path: Path) -> None:
    """With nkeys: hosts answer, reports go to the hub; a host can neither ask nor be another."""
    keys = {who: new_nkey() for who in ("hub", "asker", "web", "web.a")}
    paths = {}
    for who, (seed, _) in keys.items():
        paths[who] = tmp_path / who
        paths[who].write_text(seed)
    hosts = tuple(BusHost(who, keys[who][1]) for who in ("web", "web.a"))
    text = configuration(
        hosts, hubs=(keys["hub"][1],), askers=(keys["asker"][1],), listen="127.0.0.1:1"
    )
    rest = "\n".join(line for line in text.splitlines() if not line.startswith("listen"))
    nats = Nats(tmp_path / "nats", config=rest).start()

    async def go() -> None:
        async with contextlib.AsyncExitStack() as stack:

            async def enter(who: str, **more: str) -> NatsBus:
                return await stack.enter_async_context(
                    bus_at(nats.url, nkey=str(paths[who]), **more)
                )

            asker, hub = await enter("asker"), await enter("hub")
            web, dotted = await enter("web", host="web"), await enter("web.a", host="web.a")
            taking = asyncio.create_task(hub.take_reports(_echo))
            async with serving(web, "web"), serving(dotted, "web.a", times=30):
                found = await ask_fleet(asker, WHO, roster={"web": "", "web.a": ""})
                assert found.asked.answered == 2
            for bus, host in ((web, "web"), (dotted, "web.a")):
                assert await bus.report(host, b"r", seconds=5) == b"r"
            with pytest.raises(NotPermitted):
                await web.report("web.a", b"r", seconds=5)
            with pytest.raises(NotPermitted):
                await web.serve("web.a", handler_of("web.a"))
            with pytest.raises(NotPermitted):
                await ask_fleet(web, WHO)
            taking.cancel()

    try:
        asyncio.run(asyncio.wait_for(go(), 30))
        assert "refuses" in refused(NotPermitted, nats.url)
        (tmp_path / "bad").write_text("no seed")
        assert "no seed" in refused(EnvironmentFault, nats.url, nkey=str(tmp_path / "bad"))
        refused(EnvironmentFault, nats.url, nkey=str(tmp_path / "none"))
    finally:
        nats.kill()


async def _echo(host: str, data: bytes) -> bytes:
    return data


def test_a_server_killed_during_a_question_is_a_gap(own: Nats) -> None:
    """What had come is the answer, the loss is named; without any answer it is a fault."""

    async def go() -> None:
        async with bus_at(own.url) as bus, bus_at(own.url) as host:
            async with serving(host, "a"), serving(host, "slow", wait=20):
                question = WHO._replace(within_ms=20_000)
                asking = asyncio.create_task(ask_fleet(bus, question, roster={"a": "", "slow": ""}))
                await asyncio.sleep(0.3)
                own.kill()
                found = await asyncio.wait_for(asking, 5)
            assert [each.host for each in found.answers] == ["a"]
            assert found.asked.silent == ("slow",)
            assert [gap.what for gap in found.incomplete] == ["the bus"]
            with pytest.raises(EnvironmentFault, match="away"):
                await ask_fleet(bus, question)

    asyncio.run(asyncio.wait_for(go(), 30))


@pytest.mark.usefixtures("quick")
def test_a_restarted_server_has_everybody_back(own: Nats) -> None:
    """Hosts and hubs are subscribed again by themselves, twice in a row."""

    async def go() -> None:
        async with bus_at(own.url) as bus, bus_at(own.url) as host:
            taking = asyncio.create_task(host.take_reports(_echo))
            async with serving(host, "a"):
                for turn in (1, 2):
                    own.kill()
                    await asyncio.sleep(0.3)
                    own.start()
                    while min(bus.reconnected, host.reconnected) < turn:  # noqa: ASYNC110 - no event
                        await asyncio.sleep(0.02)
                    await asyncio.sleep(0.1)
                    found = await ask_fleet(bus, WHO, roster={"a": ""})
                    assert found.asked.answered == 1
                    assert await bus.report("a", b"x", seconds=5) == b"x"
            taking.cancel()

    asyncio.run(asyncio.wait_for(go(), 40))


def test_what_is_no_question_is_left_out_and_counted(own: Nats) -> None:
    """Unknown forms, other bytes, 2 MB, and a reply to elsewhere: no answer, no harm."""
    own.config = "max_payload: 8000000"
    own.kill()
    own.start()

    async def go() -> None:
        async with bus_at(own.url) as host, serving(host, "a"):
            heard = await _raw(own, "SUB portbook.report.x 9\r\nSUB _INBOX.z 8\r\n")
            known = wire.encode_question(WHO)
            bad = (
                known.replace(b'"who"', b'"run"'),
                b"\xff\xfe",
                b"{}",
                b"\x78" + known,
                b"x" * 2_000_000,
                b'{"schema":"portbook/fleet-question/1","id":"$(id)","form":"who"}',
            )
            for data in bad:
                heard[1].write(b"PUB portbook.ask _INBOX.z %d\r\n%b\r\n" % (len(data), data))
            # A question whose answer would be somebody's report.
            for reply in (b" portbook.report.x", b""):
                heard[1].write(b"PUB portbook.ask%b %d\r\n%b\r\n" % (reply, len(known), known))
            heard[1].write(b"PUB portbook.ask _INBOX.z %d\r\n%b\r\n" % (len(known), known))
            line = await asyncio.wait_for(heard[0].readuntil(b"MSG"), 5)
            rest = await heard[0].readline()
            assert line == b"MSG" and rest.startswith(b" _INBOX.z 8"), rest
            # What is longer than all that may wait is dropped before it is looked at.
            assert (host.malformed, host.dropped) == (len(bad) + 1, 1)
            heard[1].close()

    asyncio.run(asyncio.wait_for(go(), 30))


async def _raw(nats: Nats, more: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection without portbook."""
    reader, writer = await asyncio.open_connection(nats.address, nats.port)
    await reader.readline()
    writer.write(f'CONNECT {{"verbose":false}}\r\n{more}PING\r\n'.encode())
    assert await reader.readline() == b"PONG\r\n"
    return reader, writer


def test_malformed_answers_are_a_gap(nats: Nats) -> None:
    """Answers that are none, or to another question, are counted; good ones stay."""

    async def go() -> None:
        async with bus_at(nats.url) as bus:
            reader, writer = await _raw(nats, "SUB portbook.ask 1\r\n")

            async def babble() -> None:
                reply = (await reader.readline()).split()[3]
                other = (await handler_of("b")(WHO._replace(id="q-other")))[0]
                for data in (b"no answer", wire.encode_answer(other), b"x" * 900_000):
                    writer.write(b"PUB %b %d\r\n%b\r\n" % (reply, len(data), data))

            babbling = asyncio.create_task(babble())
            async with serving(bus, "a"):
                found = await ask_fleet(bus, WHO._replace(within_ms=800), roster={"a": "", "b": ""})
            await babbling
            assert found.asked.silent == ("b",)
            assert [(gap.what, gap.why[:2]) for gap in found.incomplete] == [("answers", "3 ")]
            writer.close()

    asyncio.run(asyncio.wait_for(go(), 30))


def test_a_flood_of_questions_does_not_grow(nats: Nats) -> None:
    """A host that is asked faster than it answers drops questions, and answers afterwards."""

    async def go() -> None:
        async with (
            bus_at(nats.url) as host,
            bus_at(nats.url) as bus,
            serving(host, "a", wait=0.01),
        ):
            _, writer = await _raw(nats, "")
            data = wire.encode_question(WHO._replace(id="flood"))
            line = b"PUB portbook.ask _INBOX.nobody %d\r\n%b\r\n" % (len(data), data)
            writer.write(line * 20_000)
            await writer.drain()
            await asyncio.sleep(1.5)
            assert host.dropped > 10_000
            found = await ask_fleet(bus, WHO._replace(within_ms=5_000), roster={"a": ""})
            assert found.asked.answered == 1
            writer.close()

    asyncio.run(asyncio.wait_for(go(), 30))


def test_300_agents_answer_and_come_back(own: Nats) -> None:
    """Everybody answers; the silent are named; after a restart all are there again."""
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (4_096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )

    async def go() -> None:
        crowd = await Crowd(own.url, 300, rows=5, jitter=0.3).open()
        roster = {host_of(number): "" for number in range(300)}
        question = Question("q-1", "who", port=3255, within_ms=5_000)
        async with bus_at(own.url) as bus:
            found = await ask_fleet(bus, question, roster=roster)
            assert (found.asked.asked, found.asked.answered, found.asked.silent) == (300, 300, ())
            having = [each.host for each in found.answers if each.rows]
            assert sorted(having) == [host_of(0), host_of(100), host_of(200)]
            for number in (7, 299):
                crowd.agents[number].muted = True
            found = await ask_fleet(bus, question._replace(within_ms=600), roster=roster)
            assert found.asked.silent == (host_of(7), host_of(299))
        own.kill()
        while crowd.connected:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.02)
        own.start()
        await asyncio.wait_for(crowd.all_connected(), 20)
        async with bus_at(own.url) as bus:
            question = question._replace(within_ms=600)
            assert (await ask_fleet(bus, question, roster=roster)).asked.answered == 298
        await crowd.close()
        assert not crowd.errors

    asyncio.run(asyncio.wait_for(go(), 50))


def test_a_server_that_answers_nothing_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that accepts and is silent is given up after the patience."""
    monkeypatch.setattr("portbook.fleet.nats_link._PATIENCE", 0.3)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        url = f"nats://127.0.0.1:{listening.getsockname()[1]}"
        assert "does not answer" in refused(EnvironmentFault, url)
