"""Where an answer about the fleet comes from: the store or the bus, and what it exits with."""

import argparse
import sys
from collections.abc import Callable, Sequence

from portbook.cli.arguments import moment_of, parse_target
from portbook.cli.render import emit, emit_json, encodable, safe, style_of
from portbook.fleet.settings import FleetSettings, check_labels, require_store, settings_of
from portbook.host import clock
from portbook.model import Gap, Unknown, UsageError, document
from portbook.model.fleet import Asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from portbook.cli.render import Style
    from portbook.fleet.filters import Filter
    from portbook.host.postgres import Link

    Found = TypeVar("Found")

NAME = "portbook fleet"
"""How its connections are named in pg_stat_activity."""
USUAL_WITHIN_MS = 2_000
_MOST_NAMED = 5


def add_labels(parser: argparse.ArgumentParser) -> None:
    """The option for whom to ask."""
    parser.add_argument(
        "--label", metavar="K=V", action="append", help="only hosts with this label; again for more"
    )


def add_live(parser: argparse.ArgumentParser) -> None:
    """The options for where to ask."""
    add_labels(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--live", action="store_true", help="ask the hosts now, over the bus")
    which.add_argument(
        "--stored", action="store_true", help="ask the store (default, where one is named)"
    )
    parser.add_argument(
        "--within", metavar="TIME", type=within, default=USUAL_WITHIN_MS, help="wait for hosts (2s)"
    )


def within(text: str) -> int:
    """Reads how long answers are waited for, in milliseconds."""
    from portbook.model.moments import duration

    try:
        found = round(duration(text) * 1000)
    except ValueError:
        found = 0
    if not 50 <= found <= 60_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no time from 0.05s to 60s")
    return found


def labels_of(options: argparse.Namespace) -> tuple[tuple[str, str], ...]:
    """The labels that hosts must have. Those in fleet.toml are of this host, and not meant.

    Raises:
        UsageError: one is none.
    """
    found: dict[str, str] = {}
    for text in options.label or ():
        name, sign, value = text.partition("=")
        if not sign:
            raise UsageError(f"--label: {text[:80]!r} is no NAME=VALUE")
        if found.setdefault(name, value) != value:
            raise UsageError(f"--label: no host has two values of {name[:80]!r}")
    return check_labels(found)


def is_live(options: argparse.Namespace, settings: FleetSettings) -> bool:
    """Whether to ask over the bus; raises UsageError where what is needed is not named."""
    if options.live and settings.bus is None:
        raise UsageError("no bus is named", hint="--bus nats://…, or PORTBOOK_FLEET_BUS")
    if options.stored:
        require_store(settings)
    if settings.store is None and settings.bus is None:
        raise UsageError(
            "neither a store nor a bus is named",
            hint="--store postgresql://… or --bus nats://…, or PORTBOOK_FLEET_STORE",
        )
    return options.live or (settings.store is None and not options.stored)


def settings_for(options: argparse.Namespace) -> FleetSettings:
    """The settings, without the host's own labels."""
    return settings_of(argparse.Namespace(**{**vars(options), "label": None}))


def from_store(settings: FleetSettings, question: "Callable[[Link], Found]") -> "Found":
    """What the store answers.

    Raises:
        UsageError: no store is named.
        EnvironmentFault, NotPermitted: as fleet.migrating.open_store.
    """
    from portbook.fleet.migrating import open_store
    from portbook.host.postgres import faults

    url = require_store(settings)
    link = open_store(url, name=NAME, write=False)
    try:
        with faults(url):
            return question(link)
    finally:
        link.close()


def limit(text: str) -> int:
    """Reads how many rows an answer has at most, 0 for all."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no count")
    return int(text)


def where_of(options: argparse.Namespace) -> "Filter":
    """The filter of --where.

    Raises:
        BadFilter: it is none.
    """
    from portbook.fleet.filters import EVERYTHING, parse

    return EVERYTHING if options.where is None else parse(options.where)


def ports_of(text: str) -> tuple[tuple[int, ...], str | None]:
    """The numbers of a PORT argument and its transport, None for every one.

    Raises:
        BadPort, UnknownService: it is none.
    """
    target = parse_target(text)
    return tuple(sorted(set(target.ports))), target.transport


def since_of(text: str | None) -> float | None:
    """The moment of --since, by the clock of this machine."""
    return moment_of("--since", text, clock.now())


def present(
    options: argparse.Namespace,
    name: str,
    found: "Any",
    rows: tuple[str, str, str],
    lines: "Callable[[Style], Sequence[str]]",
) -> None:
    """Print an answer: a document, a line for each row, or a table and on stderr who answered.

    Args:
        options: of the command.
        name: of the document, `fleet-who`.
        found: a record with `asked` and `incomplete`.
        rows: the field with the rows, what one is called, and its document in a stream.
        lines: the answer for people.
    """
    if options.jsonl:
        field, one, streamed = rows
        for row in getattr(found, field):
            emit_json(document(streamed, {one: row}), line=True)
        rest = {"asked": found.asked, "incomplete": found.incomplete}
        emit_json(document("fleet-asked", rest), line=True)
    elif options.json:
        emit_json(document(name, found))
    else:
        emit(lines(style_of(options.color)))
        tell_asked(found.asked, found.incomplete)


def tell_asked(asked: Asked, gaps: Sequence[Gap]) -> None:
    """Who was asked, answered and is silent, on stderr: stdout is data."""
    if sys.stderr is None:
        return
    many = isinstance(asked.asked, Unknown)
    whom = "every host on the bus" if many else _hosts(asked.asked)
    when = asked.as_of.replace("T", " ").removesuffix("Z")
    told = [f"asked {whom}, {asked.answered} answered, {asked.source}, as of {when} UTC"]
    if not isinstance(asked.silent, Unknown) and asked.silent:
        told.append(f"silent: {named(asked.silent)}")
    told += [
        f"incomplete: {gap.what}: {gap.why}" + (f" ({gap.hint})" if gap.hint else "")
        for gap in gaps
    ]
    text = "".join(f"{safe(line)}\n" for line in told)
    sys.stderr.write(encodable(text, sys.stderr))
    sys.stderr.flush()


def named(hosts: Sequence[str]) -> str:
    """Up to five hosts, and how many more there are."""
    more = len(hosts) - _MOST_NAMED
    return ", ".join(hosts[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _hosts(number: object) -> str:
    return "1 host" if number == 1 else f"{number} hosts"


def code_of(asked: Asked, gaps: Sequence[Gap], *, found: bool) -> int:
    """0: found; 3: found or not, but hosts are silent or something is missing; 1: nothing."""
    if gaps or (not isinstance(asked.silent, Unknown) and asked.silent):
        return 3
    return 0 if found else 1
