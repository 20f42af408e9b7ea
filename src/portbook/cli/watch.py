"""What calls a port: clients, health checks, probes or scans, live or from a capture."""

import argparse
import sys
from collections.abc import Sequence

from portbook.cli.arguments import parse_target
from portbook.cli.gaps import tell_gaps
from portbook.cli.progress import Bar
from portbook.cli.render import emit, emit_json, style_of
from portbook.model.errors import BadPort, EnvironmentFault, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from portbook.model.traffic import Traffic
    from portbook.survey.watching import Network, Watched, Watching

TOP = 20
"""Sources that are listed for people, unless they ask for more."""
TOP_JSON = 10_000
"""Sources that a document lists: some 6 MB (measured)."""
_LONGEST = 366 * 86_400.0
_PAIRS_EXPECTED = "two numbers, 1 > THETA0 > THETA1 > 0, such as 0.8,0.2"


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook watch`."""
    parser.add_argument(
        "ports",
        nargs="*",
        metavar="PORT",
        help="3255, 3255/tcp, 8000-8010 or a service name; with --pcap every port without one",
    )
    parser.add_argument(
        "--pcap", metavar="FILE", help="read a capture (pcap, pcapng; gzip, zstd); - for stdin"
    )
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="an address or network of ours (10.0.0.0/8 too: it is never contacted); again for"
        " more; without it the capture tells, or this machine's addresses",
    )
    parser.add_argument("--interface", metavar="NAME", help="watch this one (default: all)")
    parser.add_argument(
        "--for", dest="span", metavar="TIME", type=_span, help="60, 10m, 1h (default: until Ctrl-C)"
    )
    parser.add_argument(
        "--top", metavar="N", type=_top, help="list N sources (20; as JSON 10000), 0 for all"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="every reason for and against each verdict"
    )
    parser.add_argument(
        "--calibrate", action="store_true", help="estimate the rates below from the capture"
    )
    parser.add_argument(
        "--rates",
        metavar="THETA0,THETA1",
        type=_rates,
        help="how often a first contact succeeds, of a client and of a scanner (0.8,0.2)",
    )
    # For `portbook serve --watch`: write files of the last hour; end when stdin, a pipe, does.
    parser.add_argument("--keep-hour", action="store_true", help=argparse.SUPPRESS)


def main(options: argparse.Namespace) -> int:
    """0: somebody came, 1: nobody, 3: incomplete; Ctrl-C ends a live watch as --for does."""
    watching = _watching(options)
    if options.keep_hour and options.pcap is None:
        from portbook.cli.watch_hour import watch_hour

        return watch_hour(watching, options)
    if options.pcap is None:
        from portbook.cli.watch_live import watch_live

        return watch_live(watching, options)
    return _read(watching, options)


def _watching(options: argparse.Namespace) -> "Watching":
    """What is asked for.

    Raises:
        UsageError: options that contradict each other, or an argument that is none.
    """
    from portbook.survey.watching import Watching

    ports = _ports(options.ports)
    live = options.pcap is None
    if live and not ports:
        raise UsageError(
            "which port? a live watch looks at the ports that are named",
            hint="portbook watch 3255, or portbook watch --pcap FILE",
        )
    if live and options.calibrate:
        raise UsageError("--calibrate needs a capture", hint="--pcap FILE; then --rates live")
    if options.calibrate and options.rates:
        raise UsageError("--calibrate estimates what --rates says: one of the two")
    for name, value in (("--interface", options.interface), ("--for", options.span)):
        if not live and value is not None:
            raise UsageError(f"{name} is for a live watch, and --pcap reads a file")
    top = options.top
    if top is None:
        top = TOP_JSON if options.json or options.jsonl else TOP
    return Watching(
        ports=ports,
        networks=tuple(_network(text) for text in options.host),
        rates=options.rates,
        calibrate=options.calibrate,
        listed=top,
        chosen=options.top is not None or not (options.json or options.jsonl),
    )


def _read(watching: "Watching", options: argparse.Namespace) -> int:
    """Judge a capture and print what it shows.

    Raises:
        EnvironmentFault: it cannot be read; standard input is closed.
    """
    from portbook.survey.watching import watch_capture

    with Bar("reading the capture,", unit="MB", scale=1_000_000) as bar:
        if options.pcap == "-":
            from portbook.host.signals import Ending

            if sys.stdin is None:
                raise EnvironmentFault("standard input is closed", hint="--pcap FILE")
            # Ctrl-C ends the program that captures as well: what it wrote until then is judged.
            with Ending() as ending:
                watched = watch_capture("-", watching, bar.show, ending.wait)
        else:
            watched = watch_capture(options.pcap, watching, bar.show)
    if options.jsonl:
        stream_sources(watched.traffic)
    return tell(watched, options, streamed=options.jsonl)


def tell(watched: "Watched", options: argparse.Namespace, *, streamed: bool = False) -> int:
    """Print the summary in the form that was asked for; returns the exit code."""
    traffic = watched.traffic
    if options.json or options.jsonl:
        from portbook.cli.watch_document import traffic_document

        kept = traffic._replace(sources=()) if streamed else traffic
        body = traffic_document(kept, watched.calibration)
        emit_json(body, line=options.jsonl)
    else:
        from portbook.cli.watch_text import summary_lines

        style = style_of(options.color)
        emit(summary_lines(watched, style, verbose=options.verbose))
        tell_gaps(traffic.incomplete, style)
    if traffic.incomplete:
        return 3
    return 0 if traffic.sources_total else 1


def stream_sources(traffic: "Traffic") -> None:
    """One line of JSON for each source of a capture."""
    from portbook.cli.watch_document import event_document

    for source in traffic.sources:
        emit_json(event_document(source.last, None, source), line=True)


def _ports(texts: Sequence[str]) -> tuple[tuple[int, str | None], ...]:
    """The ports to watch, each with its transport or None for all of them.

    Raises:
        BadPort: a transport that cannot be watched; and those of `parse_target`.
    """
    found: dict[tuple[int, str | None], None] = {}
    for text in texts:
        target = parse_target(text)
        if target.transport == "dccp":
            raise BadPort(f"{text}: dccp cannot be watched", hint="one of tcp, udp, sctp")
        found |= dict.fromkeys((port, target.transport) for port in target.ports)
    return tuple(found)


def _network(text: str) -> "Network":
    """An address or network of ours; an IPv4 address in IPv6 clothes is an IPv4 address.

    Raises:
        UsageError: it is none.
    """
    from ipaddress import ip_network

    try:
        found = ip_network(text, strict=False)
    except ValueError:
        raise UsageError(
            f"--host: {text[:60]!r} is no address and no network",
            hint="such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32",
        ) from None
    mapped = getattr(found.network_address, "ipv4_mapped", None)
    if mapped is not None and found.prefixlen >= 96:
        return ip_network(f"{mapped}/{found.prefixlen - 96}")
    return found


def _span(text: str) -> float:
    from portbook.model.moments import duration

    try:
        seconds = duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}: such as 60, 60s, 10m, 1h") from None
    if not 0.1 <= seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is outside of 0.1s to 366d")
    return seconds


def _top(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number of sources")
    return int(text)


def _rates(text: str) -> tuple[float, float]:
    parts = text.split(",")
    try:
        client, scanner = (float(part) for part in parts)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: {_PAIRS_EXPECTED}") from None
    if not 0 < scanner < client < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: {_PAIRS_EXPECTED}")
    return client, scanner
