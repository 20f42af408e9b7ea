"""Report what listens here to the fleet, and answer its questions."""

import argparse
import signal
import sys

from portbook.cli.render import emit, emit_json, safe
from portbook.fleet.settings import USUAL_EVERY, settings_of
from portbook.host import Host, clock
from portbook.model import EnvironmentFault, UsageError, document
from portbook.model.moments import duration, spoken
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from portbook.fleet.agent import Agent
    from portbook.fleet.queue import Queue
    from portbook.fleet.settings import FleetSettings

_LONGEST_JITTER = 3_600.0


class AgentState(Record):
    """An agent: what it reports to, and what it has still to report.

    `store` and `bus` are where it reports and is asked, without what is secret of them; null where
    there is none, and with --status. `reported` is the number of the last report that was kept,
    null where none was; `reported_s` how many seconds ago its look was. `waiting` changes have not
    been kept, the oldest of them `waiting_s` seconds old. `running`: an agent has `state` open.
    """

    host: str | None
    instance: str | None
    store: str | None
    bus: str | None
    every_s: float
    state: str
    running: bool
    listeners: int
    reported: int | None
    reported_s: int | None
    waiting: int
    waiting_s: int | None


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet agent`."""
    parser.add_argument("--host-id", metavar="ID", help="who this host is; fleet join writes it")
    parser.add_argument(
        "--every", metavar="TIME", help=f"between two looks: 10s, 5m (default {USUAL_EVERY:g}s)"
    )
    parser.add_argument(
        "--label", metavar="NAME=VALUE", action="append", default=[], help="such as role=web"
    )
    parser.add_argument(
        "--all-netns", action="store_true", help="other network namespaces too, each labelled"
    )
    parser.add_argument(
        "--jitter",
        metavar="TIME",
        default="10s",
        help="spread what all agents would do in one moment over this time (10s)",
    )
    parser.add_argument("--once", action="store_true", help="one look, one report, then end")
    parser.add_argument("--status", action="store_true", help="what was kept, and what waits")


def main(options: argparse.Namespace) -> int:
    """0 when it ended as it should, also by SIGTERM; 130 by Ctrl-C.

    Raises:
        UsageError: neither store nor bus is named, or nothing says which host this is.
        EnvironmentFault: another agent runs here; with --once the report was not kept.
        NotPermitted: with --once, the store refuses us.
    """
    jitter = _time("--jitter", options.jitter)
    if jitter > _LONGEST_JITTER:
        raise UsageError("--jitter is an hour at most")
    options.every = _time("--every", options.every) if options.every else None
    settings = settings_of(options)
    if options.status:
        return _status(options, settings)
    if settings.host is None:
        raise UsageError(
            "nothing says which host this is", hint="portbook fleet join TOKEN, or --host-id ID"
        )
    if settings.store is None and settings.bus is None:
        raise UsageError(
            "neither a store nor a bus is named", hint="--store postgresql://…, --bus nats://…"
        )
    _require(settings)
    import asyncio

    from portbook.fleet.agent import Agent
    from portbook.fleet.looking import Looker

    host = Host(options.root)
    looker = Looker(host, source=options.source, all_netns=options.all_netns)

    async def work() -> int:
        agent = Agent(host, settings, looker, jitter=jitter, tell=_tell)
        agent.begin()
        _stay_small()
        if options.once:
            await agent.once()
            _told(options, agent, settings)
            return 0
        return await _until_ended(options, agent, settings)

    return _run(asyncio.Runner, work())


def _run(runner: "Any", work: "Coroutine[Any, Any, int]") -> int:
    """`work`, done in a loop of its own; Ctrl-C before it began ends us like any other command."""
    with runner() as loop:
        code: int = loop.run(work)
    return code


async def _until_ended(
    options: argparse.Namespace, agent: "Agent", settings: "FleetSettings"
) -> int:
    import asyncio

    ending = asyncio.Event()
    came: list[int] = []

    def end(number: int) -> None:
        came.append(number)
        ending.set()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(each, end, each)
    _told(options, agent, settings)
    from portbook.pages.listening import notify

    notify("READY=1")
    await agent.run(ending)
    return 130 if came and came[0] == signal.SIGINT else 0


def _stay_small() -> None:
    """Collecting is off while a command starts; what is loaded now need never be looked at."""
    import gc

    gc.collect()
    gc.freeze()
    gc.enable()


def _told(options: argparse.Namespace, agent: "Agent", settings: "FleetSettings") -> None:
    """The one line, or document, of the start."""
    if options.json or options.jsonl:
        state = _state_of(agent.queue, agent.id, agent.instance, settings)
        emit_json(document("fleet-agent", _body(state, running=not options.once)))
        return
    if options.once:
        base = agent.queue.base
        emit([f"report {base.seq if base else 0} of {agent.id} is kept"])
        return
    to = _place_of_store(settings) or f"a hub on {_place_of_bus(settings)}"
    answering = f", answering on {_place_of_bus(settings)}" if settings.bus else ""
    _tell(f"reporting {agent.id} to {to} every {spoken(settings.every)}{answering}; Ctrl-C ends")


def _status(options: argparse.Namespace, settings: "FleetSettings") -> int:
    """0 with what is on disk; 1 where there is nothing."""
    from portbook.fleet.queue_file import Damaged, default_path, is_open, peek

    path = default_path()
    try:
        found = peek(path)
    except Damaged as why:
        raise EnvironmentFault(f"{path} {why}", hint="the agent sets it aside") from None
    queue, host, instance = found or (None, settings.host, None)
    state = _state_of(queue, host, instance, settings)
    running = is_open(path)
    if options.json or options.jsonl:
        emit_json(document("fleet-agent", _body(state, running=running)))
    elif queue is None:
        emit([f"no agent has written {safe(path)}"])
    else:
        emit(_lines(state, running=running))
    return 0 if queue is not None else 1


def _lines(state: AgentState, *, running: bool) -> list[str]:
    kept = "nothing is kept yet"
    if state.reported is not None:
        kept = f"report {state.reported} is kept{_ago(state.reported_s)}"
    waits = "nothing waits"
    if state.waiting:
        waits = f"{state.waiting} changes wait, the oldest was seen{_ago(state.waiting_s)}"
    agent = "an agent runs" if running else "no agent runs"
    return [
        f"{safe(state.host or '')}: {agent}, {state.listeners} listeners",
        f"{kept}; {waits}",
        safe(state.state),
    ]


def _ago(seconds: int | None) -> str:
    return " before the last start of the machine" if seconds is None else f" {spoken(seconds)} ago"


def _body(state: AgentState, *, running: bool) -> "dict[str, object]":
    return {**state._replace(running=running)._asdict(), "incomplete": ()}


def _state_of(
    queue: "Queue | None", host: str | None, instance: str | None, settings: "FleetSettings"
) -> AgentState:
    from portbook.fleet.queue_file import default_path

    base = queue.base if queue else None
    waiting = queue.deltas if queue else ()
    same = (instance or "").partition(":")[0] == clock.boot_id()

    def age(at_ms: int) -> int | None:
        return max(0, clock.boot_ms() - at_ms) // 1000 if same else None

    return AgentState(
        host=host,
        instance=instance,
        store=_place_of_store(settings),
        bus=_place_of_bus(settings),
        every_s=settings.every,
        state=default_path(),
        running=False,
        listeners=len(queue.newest) if queue else 0,
        reported=base.seq if base and base.synced else None,
        reported_s=age(base.at_ms) if base and base.synced else None,
        waiting=len(waiting),
        waiting_s=age(waiting[0].at_ms) if waiting else None,
    )


def _place_of_store(settings: "FleetSettings") -> str | None:
    if settings.store is None:
        return None
    from portbook.host.postgres import place

    return place(settings.store)


def _place_of_bus(settings: "FleetSettings") -> str | None:
    """The servers of the bus, without users and passwords."""
    if settings.bus is None:
        return None
    return ",".join(
        f"{scheme}{sign}{rest.rpartition('@')[2]}"
        for scheme, sign, rest in (each.partition("://") for each in settings.bus.split(","))
    )


def _require(settings: "FleetSettings") -> None:
    """Packages that are missing are told at once, not after each try."""
    from importlib.util import find_spec

    for wanted, package in ((settings.store, "psycopg"), (settings.bus, "nats")):
        if wanted is not None and find_spec(package) is None:
            raise EnvironmentFault(
                f"the fleet needs {package}, which is not installed",
                hint='pip install "portbook[fleet]"',
            )


def _tell(line: str) -> None:
    print(safe(line), file=sys.stderr, flush=True)


def _time(option: str, text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}", hint="such as 10s, 5m") from None
