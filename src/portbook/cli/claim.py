"""Claim a port, so that nobody else who asks gets it."""

import argparse
import contextlib
import sys

from portbook.cli import leases
from portbook.cli.claims_refused import obtain
from portbook.cli.render import emit, emit_json, safe
from portbook.model.claim import MOST_PORTS, Claim, ClaimRequest
from portbook.model.errors import PortbookError, UsageError

_ALL = ("tcp", "udp")


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook claim`."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--port", metavar="P", help="exactly this one")
    which.add_argument("--near", metavar="P", help="the free one that is nearest to P")
    which.add_argument("--range", metavar="A-B", help="one from A to B")
    parser.add_argument("--name", metavar="N", help="the same number for this project and name")
    parser.add_argument("--project", metavar="DIR", help="a folder of the project (here)")
    parser.add_argument("--count", metavar="N", type=int, default=1, help="so many ports")
    parser.add_argument("--contiguous", action="store_true", help="which are neighbours")
    parser.add_argument("--tcp", action="store_true", help="over TCP (the default)")
    parser.add_argument("--udp", action="store_true", help="over UDP; with --tcp for both")
    parser.add_argument(
        "--ttl", metavar="TIME", type=leases.ttl, default=leases.COMMAND_TTL, help="10m, 2h, 7d"
    )
    parser.add_argument(
        "--pid", metavar="PID", type=leases.process, help="for as long as this process lives"
    )
    parser.add_argument("--hold", action="store_true", help="the service holds it with a socket")
    parser.add_argument(
        "--wait", metavar="TIME", type=leases.wait, default=0.0, help="for one that is held"
    )
    parser.add_argument(
        "--label", metavar="K=V", action="append", default=[], help="to show others"
    )
    parser.add_argument("--export", action="store_true", help='for eval "$(portbook claim …)"')


def main(options: argparse.Namespace) -> int:
    """Prints the numbers, one a line; what the claim is called goes to stderr."""
    from portbook.survey.claiming import in_project, open_claims
    from portbook.survey.numbers_kept import checked_name, working_folder

    request = _request(options)
    if request.name is not None:
        checked_name(request.name)
    folder = options.project or working_folder()
    if request.port is None or options.project is not None:
        request = in_project(request, folder)
    access = open_claims()
    try:
        claims = obtain(access, request, folder)
        try:
            _print(options, claims, access.via)
        except OSError:
            # Who asked has not been told what to give back.
            with contextlib.suppress(PortbookError):
                for each in claims:
                    access.release(each.id, each.token)
            raise
    finally:
        access.close()
    return 0


def _print(options: argparse.Namespace, claims: tuple[Claim, ...], via: str) -> None:
    if options.json or options.jsonl:
        from portbook.cli import lease_rows
        from portbook.model.document import document

        people = lease_rows.People()
        rows = tuple(lease_rows.claim_row(each, people) for each in claims)
        emit_json(document("claim", {"claims": rows, "via": via}), line=options.jsonl)
        return
    emit(_exports(claims) if options.export else map(str, numbers_of(claims)))
    if not options.export:
        sys.stdout.flush()
        for each in claims:
            _tell(each)


def _request(options: argparse.Namespace) -> ClaimRequest:
    from portbook.cli.arguments import parse_target

    if not 1 <= options.count <= MOST_PORTS:
        raise UsageError(f"{options.count} is no count from 1 to {MOST_PORTS}")
    transports = [kind for kind in _ALL if getattr(options, kind)]
    first = last = None
    if options.range is not None:
        asked = parse_target(options.range)
        first, last = asked.ports[0], asked.ports[-1]
        transports = transports or [asked.transport or "tcp"]
    port = _one(options.port, transports)
    return ClaimRequest(
        port=port,
        near=_one(options.near, transports),
        first=first,
        last=last,
        size=options.count,
        contiguous=options.contiguous or (port is not None and options.count > 1),
        transports=tuple(transports or ("tcp",)),
        name=options.name,
        ttl_ms=options.ttl,
        watch_pid=options.pid,
        hold=options.hold,
        wait_ms=round(options.wait * 1000),
        labels=leases.labels(options.label),
    )


def _one(text: str | None, transports: list[str]) -> int | None:
    """One number; where the text names a transport and no option does, that one is meant."""
    if text is None:
        return None
    from portbook.cli.arguments import parse_target

    ports, transport = parse_target(text)
    if len(set(ports)) != 1:
        raise UsageError(f"{text} is {len(ports)} ports", hint="--range takes several")
    if transport is not None and not transports:
        if transport not in _ALL:
            raise UsageError(f"{transport} cannot be claimed", hint="tcp or udp")
        transports.append(transport)
    return ports[0]


def numbers_of(claims: tuple[Claim, ...]) -> list[int]:
    """Every claimed number, each once."""
    return list(
        dict.fromkeys(port for each in claims for port in range(each.port, each.port + each.size))
    )


def _exports(claims: tuple[Claim, ...]) -> list[str]:
    """Lines for a POSIX shell; nothing in them comes from outside."""
    first = claims[0]
    lines = [
        f"export {'PORT' if index == 0 else f'PORT_{index}'}={port}"
        for index, port in enumerate(numbers_of(claims))
    ]
    return [
        *lines,
        f"export PORTBOOK_CLAIM={first.id if first.id.isalnum() else ''}",
        f"export PORTBOOK_TOKEN={first.token}",
    ]


def _tell(claim: Claim) -> None:
    from portbook.model.moments import spoken

    span = f"{claim.port}" if claim.size == 1 else f"{claim.port}-{claim.port + claim.size - 1}"
    if claim.owner.pid is not None:
        until = f"for as long as process {claim.owner.pid} lives"
    else:
        until = f"for {spoken(claim.ttl_ms / 1000)}"
    print(
        f"{span}/{claim.transport} is claimed {until}: claim {safe(claim.id)}, token {claim.token}",
        file=sys.stderr,
    )
