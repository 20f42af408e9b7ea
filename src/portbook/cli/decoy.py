"""Stand on a port where nothing listens, say nothing, and tell what visitors wanted to speak."""

import argparse
import os

from portbook.cli.arguments import parse_target
from portbook.cli.render import emit, emit_json, safe, style_of
from portbook.cli.telling import say
from portbook.model import EnvironmentFault, UsageError, document
from portbook.model.record import Record
from portbook.model.visit import Visit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from portbook.host.visit_files import VisitFiles
    from portbook.traffic.decoy import Decoy
    from portbook.traffic.decoy_doors import Door

MOST_PORTS = 64
_MOST_CONNECTIONS = 1024
_SHORTEST = 0.1
"""Seconds with --for, at least, as with `portbook watch`."""
_SPARE_FILES = 24
"""Descriptors that are left for streams, tables and kept files."""


class Standing(Record):
    """Where a decoy stands."""

    address: str
    port: int
    transport: str


class Stood(Record):
    """What a decoy saw: the body of `portbook/decoy/1`.

    `visits` are the last ones, in a stream none (each was told), `visits_total` all of them.
    `sources` are different addresses, told apart up to 10,000. `turned_away` came while too many
    were there. `not_kept` had bytes for which there was no room in the folder. `wanted` counts
    visits by protocol, with `unknown` for bytes that nobody recognises and `nothing` for none.
    """

    standing: tuple[Standing, ...]
    since: str
    until: str
    visits_total: int
    sources: int
    turned_away: int
    not_kept: int
    wanted: dict[str, int]
    visits: tuple[Visit, ...]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook decoy`."""
    parser.add_argument("port", metavar="PORT", nargs="+", help="3255, 3255/tcp; 0 takes any")
    parser.add_argument(
        "--address", metavar="ADDR", help="where to stand (loopback); 0.0.0.0 and :: are everywhere"
    )
    parser.add_argument("--for", dest="span", metavar="TIME", help="end after this time")
    parser.add_argument("--most-visits", metavar="N", type=_number, help="end after so many")
    parser.add_argument(
        "--most-connections", metavar="N", type=_number, default=64, help="at a time (64)"
    )
    parser.add_argument(
        "--keep", metavar="DIR", help="write the first bytes of each visit to a file there"
    )


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < len(text) < 10 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number from 1 on")
    return int(text)


def main(options: argparse.Namespace) -> int:
    """0 if somebody came, 1 if nobody did or a port is taken.

    Raises:
        UsageError: the options do not fit.
        PortTaken: something listens there, or somebody has claimed it.
        NotPermitted: the system refuses a port.
        EnvironmentFault: there is no such address here, or no place for files.
    """
    from portbook.host import clock
    from portbook.host.signals import Ending
    from portbook.host.visit_files import VisitFiles
    from portbook.model.moments import duration
    from portbook.traffic.decoy import Decoy, Limits
    from portbook.traffic.openers import recognise

    if options.root != "/":
        raise UsageError("a recorded host has no visitors", hint="leave out --root")
    try:
        span = None if options.span is None else duration(options.span)
    except ValueError as error:
        raise UsageError(f"--for: {error}", hint="such as 90s, 15m, 2h, 1d") from None
    if span is not None and span < _SHORTEST:
        raise UsageError(f"--for: {options.span!r} is less than {_SHORTEST} s")
    doors = _doors(options)
    files: VisitFiles | None = None
    try:
        most = options.most_connections
        limits = Limits(connections=_room(most, len(doors)), datagrams=most)
        files = VisitFiles(options.keep) if options.keep is not None else None
        with Ending() as ending:
            since = clock.now()
            decoy = Decoy(
                doors,
                recognise,
                _teller(options),
                limits=limits,
                most=options.most_visits,
                keep=files.keep if files else None,
            )
            _tell_standing(options, doors)
            decoy.run(ending.fileno(), lambda: ending.asked is not None, span)
    finally:
        for each in doors:
            each.socket.close()
        if files is not None:
            files.close()
    _tell_end(options, doors, decoy, since, files)
    return 0 if decoy.total else 1


def _doors(options: argparse.Namespace) -> "list[Door]":
    """Bound sockets for every port that was named, each once."""
    from portbook.traffic.decoy_doors import LOOPBACK, close_doors, is_wildcard, open_doors

    addresses: Sequence[str] = LOOPBACK if options.address is None else (options.address,)
    for address in addresses:
        is_wildcard(address)
    wanted: dict[int, dict[str, None]] = {}
    for text in options.port:
        target = parse_target(text)
        if target.transport in ("sctp", "dccp"):
            raise UsageError(f"a decoy speaks no {target.transport}", hint="tcp or udp")
        for port in target.ports:
            named = (target.transport,) if target.transport else ("tcp", "udp")
            wanted.setdefault(port, {}).update(dict.fromkeys(named))
    if len(wanted) > MOST_PORTS:
        raise UsageError(f"{len(wanted)} ports are too many", hint=f"at most {MOST_PORTS}")
    made: list[Door] = []
    try:
        for port, transports in wanted.items():
            for transport in transports:
                _require_free(port, transport)
            made += open_doors(port, tuple(transports), addresses)
    except BaseException:
        close_doors(made)
        raise
    return made


def _require_free(port: int, transport: str) -> None:
    """Refuse a number on which something listens at any address, or that another one has claimed.

    A claim of the program that starts us (`portbook run` sets PORTBOOK_CLAIM) is ours.

    Raises:
        PortTaken: it is so.
    """
    from portbook.cli.listing import owner_text
    from portbook.host import Host
    from portbook.host.folders import any_claims
    from portbook.model import Owner
    from portbook.survey import why
    from portbook.traffic.decoy_doors import PortTaken

    if not port:
        return
    hint = f"portbook why {port}/{transport}"
    found = why(port, transport, bind=False)
    judged = found.tcp if transport == "tcp" else found.udp
    for reason in judged.reasons if judged else ():
        if reason.kind in ("listening", "bound-not-listening"):
            owner = reason.owner
            by = owner_text(owner) if isinstance(owner, Owner) else "somebody who cannot be seen"
            raise PortTaken(f"{port}/{transport} is held by {by}", hint=hint)
    if any_claims((port,)):
        from portbook.survey.promised import promises_on

        for claim in promises_on(Host(), (port,), transport).claims.get(port, ()):
            if claim["id"] != os.environ.get("PORTBOOK_CLAIM"):
                raise PortTaken(f"{port}/{transport} is claimed by another program", hint=hint)


def _room(asked: int, doors: int) -> int:
    """As many connections as were asked for, or as the open files allow.

    Raises:
        EnvironmentFault: not even one.
    """
    import resource

    if asked > _MOST_CONNECTIONS:
        raise UsageError(f"--most-connections is at most {_MOST_CONNECTIONS}")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return asked
    room = limit - doors - _SPARE_FILES
    if room < 1:
        raise EnvironmentFault(f"{limit} open files are too few", hint="ulimit -n 1024")
    if room < asked:
        say(f"{room} visitors at a time: more do not fit into {limit} open files (ulimit -n)")
    return min(asked, room)


def _teller(options: argparse.Namespace) -> "Callable[[Visit], None]":
    from portbook.cli.decoy_text import visit_line

    if options.jsonl:
        return lambda visit: emit_json(document("visit", visit), line=True)
    if options.json:
        return lambda _: None
    style = style_of(options.color)
    return lambda visit: emit([visit_line(visit, style)])


def _tell_standing(options: argparse.Namespace, doors: "Sequence[Door]") -> None:
    from portbook.cli.decoy_text import standing_text
    from portbook.traffic.decoy_doors import is_loopback, is_wildcard

    say(f"standing on {standing_text(doors)}; Ctrl-C ends")
    for address in dict.fromkeys(each.address for each in doors):
        if is_wildcard(address):
            say("every machine that reaches this one on any of its addresses can visit")
        elif not is_loopback(address):
            say(f"every machine that reaches {address} can visit")


def _tell_end(
    options: argparse.Namespace,
    doors: "Sequence[Door]",
    decoy: "Decoy",
    since: float,
    files: "VisitFiles | None",
) -> None:
    from portbook.cli.decoy_text import summary_lines
    from portbook.host import clock

    stood = Stood(
        tuple(Standing(each.address, each.port, each.transport) for each in doors),
        clock.iso(since),
        clock.iso(clock.now()),
        decoy.total,
        len(decoy.sources),
        decoy.turned_away,
        decoy.not_kept,
        dict(sorted(decoy.wanted.items(), key=lambda pair: (-pair[1], pair[0]))),
        () if options.jsonl else tuple(decoy.visits),
    )
    if files is not None and files.fault is not None:
        say(f"not every file was written: {files.fault.strerror}")
    if options.json or options.jsonl:
        emit_json(document("decoy", stood), line=options.jsonl)
    else:
        emit(map(safe, summary_lines(stood)))
