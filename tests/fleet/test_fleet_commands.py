"""The questions of `portbook fleet` through the command line, on a real store and a real bus."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import Run, portbook
from fleet.engines import Nats, Postgres
from fleet.stored import Stored, row
from portbook.fleet.answering import answers_of
from portbook.fleet.nats_bus import connect_bus
from portbook.fleet.settings import FleetSettings
from portbook.model.fleet import FleetRow, HostAnswer, Question
from test_documents import validator

HOUR = 3_600.0
Table = dict[str, tuple[FleetRow, ...]]


@pytest.fixture(autouse=True)
def no_fleet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No store and bus but those that a test names."""
    for name in [name for name in os.environ if name.startswith("PORTBOOK_FLEET")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PORTBOOK_FLEET_HOME", str(tmp_path))


@pytest.fixture
def store(database: Postgres) -> Iterator[Stored]:
    """Two hosts that reported at other moments."""
    with Stored(database) as made:
        made.host("a", {"role": "web"}, ago=1)
        made.host("b", {"role": "db"}, ago=20)
        made.now(
            "a", row(6379, process="redis\x1b[31m", pid=5), row(8080, rules="x", severity="low")
        )
        made.now("b", row(6379), ago=HOUR)
        made.past("b", row(6380, process="old"), 9 * HOUR, HOUR)
        yield made


def fleet(store: Stored, *arguments: str) -> Run:
    """Run an action with the store."""
    action, *rest = arguments
    return portbook("fleet", action, "--store", store.url, *rest)


@pytest.mark.parametrize(
    ("arguments", "name", "code"),
    [
        (("who", "6379"), "fleet-who", 0),
        (("who", "redis"), "fleet-who", 0),
        (("who", "6379/udp"), "fleet-who", 1),
        (("ls", "--where", "process~redis*"), "fleet-ls", 0),
        (("history", "6380"), "fleet-history", 0),
        (("history", "--host", "b"), "fleet-history", 0),
        (("drift", "--since", "2h"), "fleet-drift", 0),
        (("free", "--count", "2"), "fleet-free", 0),
        (("hosts",), "fleet-hosts", 0),
        (("audit",), "fleet-audit", 0),
        (("audit", "--fail-on", "low"), "fleet-audit", 1),
    ],
)
def test_each_question_has_its_document(
    store: Stored, arguments: tuple[str, ...], name: str, code: int
) -> None:
    """One document of the published schema, whom it is from in it, and nothing on stderr."""
    run = fleet(store, *arguments, "--json")
    assert (run.code, run.err) == (code, "")
    document = run.document
    assert document["schema"] == f"portbook/{name}/1"
    validator(name).validate(document)
    assert document["asked"]["asked"] == 2
    assert document["asked"]["silent"] == []
    assert document["asked"]["source"] == "stored"


@pytest.mark.parametrize(
    ("arguments", "name", "rows"),
    [
        (("who", "6379"), "fleet-listener", 2),
        (("history", "6379"), "fleet-period", 2),
        (("drift", "--since", "2h"), "fleet-change", 4),
        (("hosts",), "fleet-member", 2),
        (("free", "--count", "3"), "fleet-free-port", 3),
    ],
)
def test_streams_end_with_who_was_asked(
    store: Stored, arguments: tuple[str, ...], name: str, rows: int
) -> None:
    """A document a row, and the last one says whom all of it is from."""
    run = fleet(store, *arguments, "--jsonl")
    documents = [json.loads(line) for line in run.out.splitlines()]
    names = [f"portbook/{name}/1"] * rows + ["portbook/fleet-asked/1"]
    assert [each["schema"] for each in documents] == names
    validator(name).validate(documents[0])
    validator("fleet-asked").validate(documents[-1])


def test_a_table_says_who_answered_and_how_old_a_row_is(store: Stored) -> None:
    """The rows on stdout, made safe; on stderr one line about the hosts."""
    run = fleet(store, "who", "6379")
    lines = run.out.splitlines()
    assert lines[0].split() == [
        *("HOST", "PORT", "ADDRESS", "PROCESS", "PLACE", "USER", "VERDICT", "SINCE", "AS", "OF"),
    ]
    assert lines[1].startswith("a (A.lan)")
    assert lines[2].startswith("b (B.lan)")
    assert "\x1b" not in run.out
    assert run.err.startswith("asked 2 hosts, 2 answered, stored, as of 2")
    alone = fleet(store, "who", "6379", "--label", "role=db")
    assert "AS OF" not in alone.out
    assert alone.err.startswith("asked 1 host, 1 answered")
    assert "- " in fleet(store, "drift", "--since", "2h", "--where", "process=old").out


def test_silent_hosts_make_it_incomplete(store: Stored) -> None:
    """Up to five of them are named, and the exit code is 3 whatever was found."""
    for number in range(7):
        store.host(f"quiet-{number}", ago=9_000)
    run = fleet(store, "who", "6379")
    assert run.code == 3
    silent = "silent: quiet-0, quiet-1, quiet-2, quiet-3, quiet-4 and 2 more"
    assert silent in run.err.splitlines()
    assert fleet(store, "who", "1", "--json").code == 3
    assert fleet(store, "hosts").code == 3
    assert fleet(store, "audit", "--fail-on", "low").code == 1
    assert fleet(store, "free").code == 3
    assert fleet(store, "free", "--label", "role=web").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ls", "--where", "prozess=1"), "no field 'prozess' at character 1"),
        (("ls", "--where", "a\nb"), "no field 'a'"),
        (("who", "nosuchservice"), "unknown service name"),
        (("who", "99999"), "99999 is no port"),
        (("who", "80", "--label", "role"), "is no NAME=VALUE"),
        (("who", "80", "--label", "a=b", "--label", "a=c"), "two values"),
        (("who", "80", "--live", "--stored"), "not allowed with"),
        (("who", "80", "--live"), "no bus is named"),
        (("who", "80", "--within", "2h"), "is no time"),
        (("history",), "no port, --host or --where"),
        (("history", "--host", "A B"), "is no host id"),
        (("drift", "--since", "tomorrow"), "is no moment"),
        (("ls", "--limit", "-1"), "is no count"),
        (("free", "--count", "0"), "is no count"),
        (("free", "--label", "role=nobody"), "there is no such host"),
    ],
)
def test_a_wrong_question_is_one_line(store: Stored, arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2, nothing on stdout, an error and a hint at most."""
    run = fleet(store, *arguments)
    assert run.code == 2
    assert run.out == ""
    assert said in run.err
    assert len(run.err.splitlines()) <= 2
    assert run.err.startswith("portbook: error: ")


def test_without_a_store_or_a_bus_nobody_can_be_asked() -> None:
    """One line that names both options."""
    run = portbook("fleet", "who", "80")
    assert run.code == 2
    assert "neither a store nor a bus is named" in run.err


def test_an_engine_that_is_away_is_one_line(tmp_path: Path) -> None:
    """Exit code 5."""
    for option in ("--store=postgresql://u:secret@127.0.0.1:1/x", "--bus=nats://127.0.0.1:1"):
        run = portbook("fleet", "who", "80", option, "--within", "0.5s")
        assert run.code == 5, run.err
        assert len(run.err.splitlines()) <= 2
        assert "secret" not in run.err


class Hosts:
    """Hosts on the bus that answer from a table, in a thread with a loop of its own."""

    def __init__(self, url: str, tables: Table) -> None:
        """`tables`: the rows of each host."""
        self._url = url
        self._tables = tables
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    async def _run(self) -> None:
        buses = []
        for host, rows in self._tables.items():
            bus = await connect_bus(FleetSettings(bus=self._url), name=host)

            async def answer(
                question: Question, host: str = host, rows: tuple[FleetRow, ...] = rows
            ) -> tuple[HostAnswer, ...]:
                labels = (("role", host),)
                return answers_of(
                    question, host=host, name=host, rows=rows, age_ms=5_000, labels=labels
                )

            serving = asyncio.create_task(bus.serve(host, answer))
            buses.append((bus, serving))
        await asyncio.sleep(0.3)
        self._ready.set()
        await self._stop.wait()
        for bus, serving in buses:
            await bus.close()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    def __enter__(self) -> "Hosts":  # noqa: PYI034 - nothing inherits from it
        """All of them answer."""
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        """None does any more."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        self._loop.close()


def test_live_answers_are_of_now_and_of_whom_is_there(nats: Nats, store: Stored) -> None:
    """Over the bus alone nobody is silent; with a store's list of hosts who is missing is."""
    unknown = row(6379, process=None, pid=None, unknown="process=denied pid=denied")
    tables: Table = {
        "a": (row(6379), row(80, verdict="mismatch", severity="medium", rules="mismatch")),
        "c": (unknown, row(6380)),
    }
    bus = ("--bus", nats.url)
    with Hosts(nats.url, tables):
        run = portbook("fleet", "who", "redis", *bus, "--json")
        assert run.code == 0, run.err
        validator("fleet-who").validate(run.document)
        rows = run.document["listeners"]
        assert [each["host"] for each in rows] == ["a", "c"]
        assert rows[1]["process"]["unknown"] == "denied"
        assert rows[0]["since"]["unknown"] == "not-asked"
        assert run.document["asked"]["asked"]["unknown"] == "not-asked"
        text = portbook("fleet", "who", "6379-6380", *bus)
        assert [line.split()[:2] for line in text.out.splitlines()[1:]] == [
            *(["a", "6379/tcp"], ["c", "6379/tcp"], ["c", "6380/tcp"]),
        ]
        assert text.err.startswith("asked every host on the bus, 2 answered, live")
        some = portbook("fleet", "ls", "--where", "process=?", *bus, "--json").document
        assert [each["host"] for each in some["listeners"]] == ["c"]
        only = portbook("fleet", "ls", "--label", "role=a", *bus, "--json").document
        assert {each["host"] for each in only["listeners"]} == {"a"}
        assert portbook("fleet", "audit", *bus).code == 1
        free = portbook("fleet", "free", "--range", "6378-6381", "--count", "9", *bus, "--json")
        assert [each["port"] for each in free.document["ports"]] == [6378, 6381]
        # The store lists a and b, and b is not on the bus.
        both = fleet(store, "who", "6379", "--live", *bus, "--within", "0.5s")
        assert both.code == 3
        assert "asked 3 hosts, 2 answered, live" in both.err
        assert "silent: b" in both.err
        # With both engines it is the store that is asked, unless it is said.
        assert "stored" in fleet(store, "who", "6379", *bus).err


def test_an_action_loads_no_other() -> None:
    """Neither another action's module nor a client of an engine, until one is needed."""
    code = (
        "import sys; from portbook.cli import main; "
        "main(['fleet', 'who', '80', '--label', 'x']); "
        "print(*[name for name in sys.modules if 'cli.fleet_' in name or name in"
        " ('psycopg', 'nats', 'asyncio', 'typing')])"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert loaded == {"portbook.cli.fleet_who", "portbook.cli.fleet_source"}, done.stderr
