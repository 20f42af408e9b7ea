"""What listeners really speak: asked on the wire, and compared with process and registry."""

import argparse
from collections.abc import Sequence

from portbook.cli.arguments import seconds_to
from portbook.cli.gaps import stream_gaps, tell_gaps
from portbook.cli.identify_targets import There, parse_targets
from portbook.cli.progress import Bar
from portbook.cli.render import emit, emit_json, style_of
from portbook.host import Host
from portbook.model import Gap, Listener, Speaks, UsageError, document
from portbook.model.record import Record
from portbook.survey import hidden_owners, survey
from portbook.survey.identifying import Asking, can_be_asked, identified


class Row(Record):
    """One target of the answer: a listener of this machine, or one that was named by its host.

    `host` is the name that was given, None for our own listeners. `process` is the first owner's
    name. The fields are those of `portbook/identify/1`.
    """

    host: str | None
    transport: str
    address: str
    port: int
    process: str | None
    registered: tuple[str, ...]
    verdict: str | None
    speaks: Speaks


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook identify`."""
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="PORT, PORT/tcp, 8000-8010 or a service name of this machine, or HOST:PORT[/udp];"
        " without one, every listener of this machine",
    )
    parser.add_argument("--tcp", action="store_true", help="only TCP")
    parser.add_argument("--udp", action="store_true", help="only UDP")
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=seconds_to(60),
        help="how long silence may take (default: 2.6)",
    )
    parser.add_argument(
        "--include-printers", action="store_true", help="ask ports 9100-9107, which may print it"
    )
    parser.add_argument(
        "--wire-only", action="store_true", help="withhold what is known of the process"
    )


def main(options: argparse.Namespace) -> int:
    """Exit code 0: something was recognised; 1: nothing was, or nobody listens; 3: incomplete."""
    here, there = parse_targets(options.targets)
    if there and (options.no_probe or options.root != "/"):
        option = "--no-probe" if options.no_probe else "--root"
        raise UsageError("HOST:PORT can only be asked on the wire", hint=f"without {option}")
    host = Host(options.root)
    seen = survey(host, source=options.source)
    transports = {kind for kind in ("tcp", "udp") if getattr(options, kind)} or {"tcp", "udp"}
    found = [
        row for row in seen.listeners if can_be_asked(row) and row.socket.transport in transports
    ]
    rows = [
        row
        for row in found
        if any(
            row.socket.port in each.ports and each.transport in (None, row.socket.transport)
            for each in here
        )
        or not options.targets
    ]
    local, remote = _apart(there, found)
    chosen = {id(row) for row in rows}
    rows += [row for each in local.values() for row in each if id(row) not in chosen]
    asking = Asking(
        wire=not options.no_probe,
        clues=not options.wire_only,
        clients=bool(options.targets),
        patience=options.wait,
        printers=options.include_printers,
    )
    with Bar("asking listeners") as bar:
        answers, gaps = _ask(host, rows, remote, asking, bar, stream=options.jsonl)
    gaps = (*seen.gaps, *hidden_owners(rows), *gaps)
    if options.jsonl:
        stream_gaps(gaps)
    elif options.json:
        emit_json(document("identify", {"targets": answers, "incomplete": gaps}))
    else:
        from portbook.cli.identify_text import answer_lines

        style = style_of(options.color)
        emit(answer_lines(answers, style) or ["no listener"])
        tell_gaps(gaps, style)
    if gaps:
        return 3
    # A guess about what was never heard is no recognition, unless nobody was to be asked.
    heard = (None, "tls-only", "not-asked") if options.no_probe else (None, "tls-only")
    known = (row.speaks for row in answers if row.speaks.protocol)
    return 0 if any(said.behaviour in heard for said in known) else 1


def _apart(
    there: Sequence[There], rows: Sequence[Listener]
) -> tuple[dict[There, list[Listener]], list[tuple[There, str]]]:
    """Those of HOST:PORT that are listeners of this machine, and the others with an address.

    Raises:
        UsageError: a group of hosts.
    """
    from portbook.host.names import addresses_of, is_ours
    from portbook.identify import is_group
    from portbook.survey.identifying import LOOPBACK

    local: dict[There, list[Listener]] = {}
    remote: list[tuple[There, str]] = []
    for each in there:
        addresses = [LOOPBACK.get(found, found) for found in addresses_of(each.host)]
        if any(is_group(address) for address in addresses):
            raise UsageError(
                f"{each.host} is a group of hosts, and portbook is no scanner",
                hint="name listeners one by one: portbook identify HOST:PORT",
            )
        mine = [address for address in addresses if is_ours(address)]
        found = [row for row in rows if _is_at(row, each, mine)]
        if found:
            local[each] = found
        else:
            remote.append((each, addresses[0]))
    return local, remote


def _is_at(row: Listener, there: There, addresses: Sequence[str]) -> bool:
    """Whether a listener answers at one of these addresses of ours."""
    found = row.socket
    if (found.port, found.transport) != (there.port, there.transport) or not addresses:
        return False
    if found.address in addresses:
        return True
    ipv6 = found.address == "::"
    if not ipv6 and found.address != "0.0.0.0":
        return False
    return any((":" in address) == ipv6 or found.dual_stack is True for address in addresses)


def _ask(
    host: Host,
    rows: Sequence[Listener],
    remote: Sequence[tuple[There, str]],
    asking: Asking,
    bar: Bar,
    *,
    stream: bool,
) -> tuple[list[Row], tuple[Gap, ...]]:
    """Ask our own listeners and the named ones; with `stream` print each as it comes."""
    from portbook.survey.identifying import identified_elsewhere

    total = len(rows) + len(remote)
    answers: list[Row] = []

    def told(row: Row) -> None:
        answers.append(row)
        bar.show(len(answers), total)
        if stream:
            emit_json(document("target", row), line=True)

    asked = identified(host, rows, asking._replace(done=lambda row: told(_row(row))))
    for each, address in remote:
        place = (each.transport, address, each.port)
        registered, speaks = identified_elsewhere(*place, asking)
        told(Row(each.host, *place, None, registered, None, speaks))
    answers.sort(key=lambda row: (row.host or "", row.port, row.transport, row.address))
    return answers, asked.gaps


def _row(listener: Listener) -> Row:
    from portbook.verdict import known_as

    found = listener.socket
    names = [name for owner in listener.owners if (name := known_as(owner))]
    return Row(
        None,
        str(found.transport),
        found.address,
        found.port,
        names[0] if names else listener.kernel,
        tuple(dict.fromkeys(listener.assignments)),
        listener.verdict.value,
        listener.speaks or Speaks(None),
    )
