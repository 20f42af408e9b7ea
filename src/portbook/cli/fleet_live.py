"""Live questions of the commands: who is asked over the bus, and the answers as records."""

import argparse
import asyncio
import os
from collections.abc import Sequence

from portbook.cli.fleet_source import NAME, from_store
from portbook.fleet.asking import Collected, ask_fleet
from portbook.fleet.inventory import Listing
from portbook.fleet.inventory_free import FreePorts
from portbook.fleet.settings import FleetSettings
from portbook.host import clock
from portbook.model import EnvironmentFault, Gap, NotPermitted, Unknown
from portbook.model.fleet import FleetListener, Question, listener_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.host.postgres import Link

    Labels = tuple[tuple[str, str], ...]

_MOST_SINGLE = 100
"""Numbers that a filter names one by one; a range of any length is one test."""
_NO_SINCE = Unknown("not-asked", "a live answer is of now; --stored knows since when")


def ask_who(
    options: argparse.Namespace,
    settings: FleetSettings,
    ports: Sequence[int],
    transport: str | None,
    labels: "Labels",
) -> Listing:
    """Who listens on these ports now."""
    question = Question(_new_id(), "who", ports[0], transport, labels=labels)
    if len(ports) > 1:
        first, last = ports[0], ports[-1]
        numbers = ", ".join(map(str, ports[:_MOST_SINGLE]))
        if last - first == len(ports) - 1:
            numbers = f"{first}-{last}"
        where = f"port in ({numbers})" + (f" and transport={transport}" if transport else "")
        question = Question(_new_id(), "ls", where=where, labels=labels)
    return _listing(ask(settings, question._replace(within_ms=options.within)), 0)


def ask_ls(
    options: argparse.Namespace,
    settings: FleetSettings,
    form: str,
    labels: "Labels",
    limit: int,
) -> Listing:
    """What fits --where now; `form` is `ls` or `audit`, `limit` 0 for all."""
    question = Question(
        _new_id(), form, where=options.where, labels=labels, within_ms=options.within
    )
    return _listing(ask(settings, question), limit)


def ask_free(
    options: argparse.Namespace,
    settings: FleetSettings,
    size: int,
    span: tuple[int | None, int | None],
    transports: tuple[str, ...],
    labels: "Labels",
) -> FreePorts:
    """Numbers that no host which answers uses now."""
    from portbook.fleet.inventory_free import choose, free_ports, promised

    transport = transports[0] if len(transports) == 1 else None
    found = ask(
        settings,
        Question(
            _new_id(),
            "free",
            transport=transport,
            first=span[0],
            last=span[1],
            labels=labels,
            within_ms=options.within,
        ),
    )
    taken = {
        port
        for answer in found.answers
        for low, high in answer.taken
        for port in range(low, high + 1)
    }
    gaps: tuple[Gap, ...] = ()
    if settings.store is not None:
        try:
            spoken_for, gaps = from_store(settings, lambda link: promised(link, list(transports)))
            taken |= spoken_for
        except (EnvironmentFault, NotPermitted) as error:
            gaps = (Gap("claims and reservations", str(error), error.hint),)
    ports = choose(size, taken, first=span[0], last=span[1])
    answered = found.asked.answered
    return FreePorts(
        found.asked, free_ports(ports, transports, answered), (*found.incomplete, *gaps)
    )


def ask(settings: FleetSettings, question: Question) -> Collected:
    """Ask over the bus; the store, where one is named too, lists who should answer.

    Raises:
        EnvironmentFault, NotPermitted: the bus is away or does not let us ask.
    """
    from portbook.fleet.nats_bus import connect_bus

    expected: dict[str, str] | None = None
    gaps: tuple[Gap, ...] = ()
    if settings.store is not None:
        try:
            expected = from_store(settings, lambda link: _roster(link, question))
        except (EnvironmentFault, NotPermitted) as error:
            # The hosts answer all the same; it is only not known who is silent.
            gaps = (Gap("the list of hosts", str(error), error.hint),)

    async def asked() -> Collected:
        bus = await connect_bus(settings, name=NAME)
        try:
            return await ask_fleet(bus, question, roster=expected)
        finally:
            await bus.close()

    found = asyncio.run(asked())
    return found._replace(incomplete=(*gaps, *found.incomplete))


def _roster(link: "Link", question: Question) -> dict[str, str]:
    from portbook.fleet.inventory_hosts import roster

    return roster(link, labels=question.labels)


def _new_id() -> str:
    return os.urandom(8).hex()


def _listing(found: Collected, limit: int) -> Listing:
    rows: list[FleetListener] = []
    for answer, moment in zip(found.answers, found.moments, strict=True):
        as_of = clock.iso(moment)
        rows += (
            listener_of(answer.host, answer.name, row, as_of, _NO_SINCE) for row in answer.rows
        )
    rows.sort(key=lambda row: (row.host, row.port, row.transport, row.address, row.netns))
    gaps = found.incomplete
    if limit and len(rows) > limit:
        del rows[limit:]
        gaps += (Gap("further listeners", f"only {limit} are shown", "--limit 0, or --where"),)
    return Listing(found.asked, tuple(rows), gaps)
