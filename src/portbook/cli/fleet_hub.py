"""Take the reports of agents from the bus into the store."""

import argparse
import signal
import sys

from portbook.cli.render import emit_json, safe
from portbook.model import UsageError, document
from portbook.model.moments import duration, spoken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.fleet.hub import Hub
    from portbook.fleet.settings import FleetSettings

_LEAST_KEEP = 86_400.0


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet hub`."""
    parser.add_argument(
        "--keep",
        metavar="TIME",
        help="drop months of the history that are older, once a day: 400d; as an operator",
    )
    parser.add_argument(
        "--tell", metavar="TIME", default="60s", help="between two lines of --jsonl (60s)"
    )


def main(options: argparse.Namespace) -> int:
    """0 when it ended as it should, also by SIGTERM; 130 by Ctrl-C.

    Raises:
        UsageError: no store or no bus is named, or a time is none.
        EnvironmentFault: one of them is away at the start, or has another schema.
        NotPermitted: one of them refuses us.
    """
    from portbook.fleet.settings import require_bus, require_store, settings_of

    settings = settings_of(options)
    require_bus(settings)
    require_store(settings)
    keep = None if options.keep is None else _time("--keep", options.keep)
    if keep is not None and keep < _LEAST_KEEP:
        raise UsageError("--keep: a day at least")
    every = _time("--tell", options.tell)
    if every < 1:
        raise UsageError("--tell is at least 1s")
    import asyncio

    return asyncio.run(_work(options, settings, keep, every))


async def _work(
    options: argparse.Namespace, settings: "FleetSettings", keep: float | None, every: float
) -> int:
    import asyncio

    from portbook.fleet.hub import Hub
    from portbook.fleet.nats_bus import connect_bus
    from portbook.fleet.settings import require_store

    url = require_store(settings)
    ending = asyncio.Event()
    came: list[int] = []

    def end(number: int) -> None:
        came.append(number)
        ending.set()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(each, end, each)
    bus = await connect_bus(settings, name="portbook hub", inbox="hub")
    telling: asyncio.Task[None] | None = None
    try:
        hub = Hub(bus, url, tell=_tell, keep=keep)
        await hub.open()
        from portbook.host.postgres import place
        from portbook.pages.listening import notify

        notify("READY=1")
        if not (options.json or options.jsonl):
            months = f", history of {spoken(keep)}" if keep else ""
            _tell(f"taking reports from the bus into {place(url)}{months}; Ctrl-C ends")
        if options.jsonl:
            telling = asyncio.create_task(_lines(hub, every))
        await hub.run(ending)
        if options.json or options.jsonl:
            _emit(hub, line=options.jsonl)
    finally:
        if telling is not None:
            telling.cancel()
        await bus.close()
    return 130 if came and came[0] == signal.SIGINT else 0


async def _lines(hub: "Hub", every: float) -> None:
    import asyncio

    while True:
        await asyncio.sleep(every)
        _emit(hub, line=True)


def _emit(hub: "Hub", *, line: bool) -> None:
    body = {**hub.state._asdict(), "incomplete": ()}
    emit_json(document("fleet-hub", body), line=line)


def _tell(line: str) -> None:
    print(safe(line), file=sys.stderr, flush=True)


def _time(option: str, text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}", hint="such as 60s, 400d") from None
