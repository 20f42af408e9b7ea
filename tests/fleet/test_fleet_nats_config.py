"""The generated configuration in a real nats-server: what each may say, and what is refused."""

import asyncio
import contextlib
import functools
import gc
import ssl
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import nats as client
import pytest
from nats.aio.client import Client

from fleet.certificates import Authority
from fleet.engines import Nats, Postgres
from portbook.cli import main
from portbook.fleet.enrolment import new_nkey
from portbook.fleet.migrating import migrate
from portbook.fleet.nats_config import BusHost, BusTls, configuration
from portbook.model import UsageError


class Bus:
    """A nats-server with a generated configuration, and a key for each who takes part."""

    def __init__(self, folder: Path, *hosts: str, tls: BusTls | None = None) -> None:
        keys = {name: new_nkey() for name in (*hosts, "hub", "asker")}
        self.seeds = {name: seed for name, (seed, _) in keys.items()}
        self.public = {name: public for name, (_, public) in keys.items()}
        self.tls = tls
        self.server = Nats(folder, config=self.text(*hosts))

    def text(self, *hosts: str) -> str:
        """The configuration with these hosts, without its address: the test's engine has one."""
        made = configuration(
            tuple(BusHost(each, self.public[each]) for each in hosts),
            hubs=(self.public["hub"],),
            askers=(self.public["asker"],),
            tls=self.tls,
        )
        return "\n".join(line for line in made.splitlines() if not line.startswith("listen:"))

    @contextlib.asynccontextmanager
    async def of(self, name: str, **options: Any) -> AsyncIterator[tuple[Client, list[str]]]:
        """A connection of one of them, and what the server refused to it."""
        refused: list[str] = []

        async def note(error: Exception) -> None:
            refused.append(str(error))

        prefix = "_INBOX" if name in ("hub", "asker") else f"_INBOX_{name}"
        link = await client.connect(
            self.server.url,
            nkeys_seed_str=self.seeds[name],
            error_cb=note,
            inbox_prefix=prefix.encode(),
            allow_reconnect=False,
            connect_timeout=3,
            **options,
        )
        try:
            yield link, refused
        finally:
            await link.close()


def left_open(test: Callable[..., None]) -> Callable[..., None]:
    """For a refused connection: nats-py leaves its stream to the collector, which says so."""

    @functools.wraps(test)
    def run(*given: Any, **named: Any) -> None:
        try:
            test(*given, **named)
        finally:
            gc.collect()

    marks = ("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
    marked: Callable[..., None] = pytest.mark.filterwarnings(*marks)(run)
    return marked


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A bus with three hosts, two of which have names that begin alike."""
    made = Bus(tmp_path_factory.mktemp("bus"), "web", "web.a", "db-1")
    made.server.start()
    yield made
    made.server.kill()


async def settled(link: Client, refused: list[str], *, wanted: bool) -> None:
    """The server has handled what was sent, and its refusals have come."""
    await link.flush()
    for _ in range(100 if wanted else 10):
        if refused:
            return
        await asyncio.sleep(0.01)


SENDING = {
    ("web", "portbook.report.web"): True,
    ("web", "portbook.report.web.a"): False,
    ("web", "portbook.report.db-1"): False,
    ("web", "portbook.ask"): False,
    ("web", "portbook.ask.db-1"): False,
    ("web", "_INBOX.x"): False,
    ("web", "_INBOX_db-1.x"): False,
    ("web", "$SYS.REQ.SERVER.PING"): False,
    ("hub", "portbook.report.web"): False,
    ("hub", "portbook.ask"): False,
    ("asker", "portbook.ask"): True,
    ("asker", "portbook.ask.web.a"): True,
    ("asker", "portbook.report.web"): False,
}


@pytest.mark.parametrize(("who", "subject"), SENDING)
def test_who_may_publish_what(bus: Bus, who: str, subject: str) -> None:
    """The server refuses what the table does not allow, and nothing else."""

    async def run() -> None:
        async with bus.of(who) as (link, refused):
            await link.publish(subject, b"x")
            await settled(link, refused, wanted=not SENDING[who, subject])
            assert bool(refused) is not SENDING[who, subject], refused
            assert all("permissions violation" in each.lower() for each in refused)

    asyncio.run(run())


HEARING = {
    ("web", "portbook.ask"): True,
    ("web", "portbook.ask.web"): True,
    ("web", "_INBOX_web.x"): True,
    ("web", "_INBOX_web.x.*"): True,
    ("web", "portbook.ask.web.a"): False,
    ("web", "portbook.ask.>"): False,
    ("web", "portbook.report.web"): False,
    ("web", "_INBOX_web.a.x"): False,
    ("web", "_INBOX_db-1.x"): False,
    ("web", "_INBOX.>"): False,
    ("web", ">"): False,
    ("web.a", "_INBOX_web.a.x"): True,
    ("web.a", "_INBOX_web.x"): False,
    ("hub", "portbook.ask"): False,
    ("hub", "portbook.report.>"): False,
    ("asker", "_INBOX.x"): True,
    ("asker", "portbook.report.>"): False,
    ("asker", "portbook.ask"): False,
}


@pytest.mark.parametrize(("who", "subject"), HEARING)
def test_who_may_subscribe_to_what(bus: Bus, who: str, subject: str) -> None:
    """A hub hears reports in its queue group only: two hubs never both write one."""

    async def run() -> None:
        async with bus.of(who) as (link, refused):
            await link.subscribe(subject)
            await settled(link, refused, wanted=not HEARING[who, subject])
            assert bool(refused) is not HEARING[who, subject], refused

    asyncio.run(run())


def test_a_name_that_begins_alike_hears_nothing(bus: Bus) -> None:
    """`_INBOX_web.>` would have the answers to `web.a`: not one of them comes."""

    async def run() -> None:
        async with (
            bus.of("web") as (web, _),
            bus.of("web.a") as (other, _),
            bus.of("hub") as (
                hub,
                _,
            ),
        ):
            heard: list[str] = []

            async def hear(message: Any) -> None:
                heard.append(message.subject)

            await web.subscribe("_INBOX_web.>", cb=hear)

            async def answer(message: Any) -> None:
                await message.respond(b"kept")

            await hub.subscribe("portbook.report.>", queue="hub", cb=answer)
            await asyncio.gather(web.flush(), hub.flush())
            said = await other.request("portbook.report.web.a", b"report", timeout=3)
            assert said.data == b"kept"
            await web.flush()
            assert heard == []

    asyncio.run(run())


def test_questions_and_reports_are_answered(bus: Bus) -> None:
    """A question reaches every host and each answers it in parts; a report is acknowledged."""

    async def run() -> None:
        async with contextlib.AsyncExitStack() as open_links:
            hosts = ("web", "web.a", "db-1")
            problems = []
            for name in hosts:
                link, refused = await open_links.enter_async_context(bus.of(name))
                problems.append(refused)

                async def answer(message: Any, name: str = name, link: Client = link) -> None:
                    for part in range(20):
                        await link.publish(message.reply, f"{name} {part}".encode())

                await link.subscribe("portbook.ask", cb=answer)
                await link.subscribe(f"portbook.ask.{name}", cb=answer)
                await link.flush()
            asker, refused = await open_links.enter_async_context(bus.of("asker"))
            problems.append(refused)
            inbox = asker.new_inbox()
            answers = await asker.subscribe(inbox)
            await asker.publish("portbook.ask", b"?", reply=inbox)
            got = {(await answers.next_msg(timeout=3)).data for _ in range(60)}
            assert got == {f"{name} {part}".encode() for name in hosts for part in range(20)}
            await asker.publish("portbook.ask.web.a", b"?", reply=inbox)
            got = {(await answers.next_msg(timeout=3)).data for _ in range(20)}
            assert got == {f"web.a {part}".encode() for part in range(20)}
            assert problems == [[], [], [], []]

    asyncio.run(run())


@left_open
def test_a_stranger_is_not_let_in(bus: Bus) -> None:
    """Without a key, or with one that the configuration has not."""

    async def run(**options: Any) -> None:
        with pytest.raises(client.errors.Error, match=r"(?i)authorization"):
            await client.connect(
                bus.server.url, allow_reconnect=False, connect_timeout=3, error_cb=_quiet, **options
            )

    asyncio.run(run())
    asyncio.run(run(nkeys_seed_str=new_nkey()[0]))


async def _quiet(error: Exception) -> None:
    """Errors are looked at where they are raised."""


@left_open
def test_a_new_host_is_let_in_by_a_reload(tmp_path: Path) -> None:
    """The others stay connected meanwhile."""
    bus = Bus(tmp_path, "old", "new")
    bus.server.config = bus.text("old")
    bus.server.start()

    async def run() -> None:
        async with bus.of("old") as (old, refused):
            with pytest.raises(client.errors.Error):
                async with bus.of("new"):
                    pass
            (tmp_path / "nats.conf").write_text(
                f'listen: "127.0.0.1:{bus.server.port}"\n{bus.text("old", "new")}\n'
            )
            bus.server.reload()
            for _ in range(200):
                if "Reloaded" in (tmp_path / "log").read_text():
                    break
                await asyncio.sleep(0.01)
            async with bus.of("new") as (new, _):
                await new.publish("portbook.report.new", b"x")
                await new.flush()
            await old.publish("portbook.report.old", b"x")
            await old.flush()
            assert old.is_connected and refused == []

    try:
        asyncio.run(run())
    finally:
        bus.server.kill()


@left_open
def test_with_an_authority_only_its_clients_reach_the_bus(tmp_path: Path) -> None:
    """mTLS: a certificate of the authority and the nkey are both needed."""
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    certificate, key = ours.issue("bus")
    bus = Bus(tmp_path / "bus", "web", tls=BusTls(str(certificate), str(key), str(ours.ca)))
    bus.server.start()

    def context(pair: tuple[Path, Path] | None, authority: Authority) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(authority.ca))
        if pair is not None:
            made.load_cert_chain(*map(str, pair))
        return made

    async def attempt(made: ssl.SSLContext) -> None:
        async with bus.of("web", tls=made, tls_hostname="127.0.0.1") as (link, refused):
            await link.publish("portbook.report.web", b"x")
            await link.flush()
            assert refused == []

    try:
        asyncio.run(attempt(context(ours.issue("web"), ours)))
        for made in (
            context(None, ours),
            context(theirs.issue("web"), ours),
            context(ours.issue("web"), theirs),
        ):
            with pytest.raises((client.errors.Error, OSError, asyncio.TimeoutError)):
                asyncio.run(attempt(made))
    finally:
        bus.server.kill()


def test_the_command_writes_what_the_store_knows(
    database: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Hosts with keys stand in it; those without are named on stderr."""
    migrate(database.url)
    monkeypatch.setenv("PORTBOOK_FLEET_HOME", str(tmp_path))
    monkeypatch.setenv("PORTBOOK_FLEET_STORE", database.url)
    public = new_nkey()[1]
    database.query(
        f"INSERT INTO portbook.host (id, nkey) VALUES ('web', '{public}'), ('old', NULL)"  # noqa: S608 - the test's own words
    )
    assert main(["fleet", "nats-config", "--new-nkey", str(tmp_path / "hub.nk")]) == 0
    hub = capsys.readouterr().out.strip()
    assert stat.S_IMODE((tmp_path / "hub.nk").stat().st_mode) == 0o600
    assert main(["fleet", "nats-config", "--new-nkey", str(tmp_path / "hub.nk")]) == 2
    capsys.readouterr()
    assert main(["fleet", "nats-config", "--hub", hub, "--out", str(tmp_path / "nats.conf")]) == 0
    assert "not on the bus, they have no key yet: old" in capsys.readouterr().err
    text = (tmp_path / "nats.conf").read_text()
    assert public in text and hub in text and "portbook.report.web" in text


def _twice() -> str:
    key = new_nkey()[1]
    return configuration((BusHost("a", key), BusHost("b", key)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: configuration((BusHost("a", "U" * 56),)),
        lambda: configuration((BusHost('a"', new_nkey()[1]),)),
        lambda: configuration((), hubs=("x",)),
        lambda: configuration((), listen='"\n}'),
        lambda: configuration((), tls=BusTls('/a"b', "/k")),
        _twice,
    ],
)
def test_nothing_breaks_out_of_the_file(make: Callable[[], str]) -> None:
    """A key that is none, one that stands for two, a path with a quote: refused."""
    with pytest.raises(UsageError):
        make()
