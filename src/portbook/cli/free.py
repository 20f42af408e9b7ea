"""Port numbers that are free to take, and why these.

The rule: given to nobody by IANA, used by no known product, below the numbers that the kernel gives
to outgoing connections, opened by browsers, without a privilege, free now for TCP and UDP on IPv4
and IPv6, claimed and reserved by nobody, and named by no compose or .env file of this project.
"""

import argparse
import os

from portbook.cli.arguments import port_number
from portbook.cli.free_text import free_lines
from portbook.cli.gaps import tell_gaps
from portbook.cli.render import emit, emit_json, is_terminal, style_of
from portbook.host import Host
from portbook.model import LAST_PORT, BadPort, UsageError, document
from portbook.model.claim import MOST_PORTS
from portbook.survey.picking import Wanted, free_body, suggest


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook free`."""
    parser.add_argument("how_many", metavar="N", nargs="?", help="how many, as --count N")
    parser.add_argument("--count", metavar="N", help="how many numbers (default: 1)")
    parser.add_argument(
        "--contiguous", action="store_true", help="neighbours: 7000, 7001, 7002 (with --count)"
    )
    parser.add_argument("--near", metavar="P", help="the nearest to this number")
    parser.add_argument(
        "--range", metavar="A-B", help="from these alone, whatever IANA registered there"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--tcp", action="store_true", help="free for TCP is enough")
    which.add_argument("--udp", action="store_true", help="free for UDP is enough")
    parser.add_argument(
        "--explain", action="store_true", help="every reason, and every number passed over"
    )


def main(options: argparse.Namespace) -> int:
    """Exit code 0: all that were asked for, 1: fewer, 3: all, but not everything could be seen."""
    wanted = wanted_of(options)
    found = suggest(wanted, Host(options.root))
    if options.json or options.jsonl:
        emit_json(document("free", free_body(found)), line=options.jsonl)
    else:
        style = style_of(options.color)
        shown = is_terminal() or options.explain
        emit(free_lines(wanted, found, style, explain=options.explain, shown=shown))
        tell_gaps(found.gaps, style)
    if len(found.ports) < wanted.size:
        return 1
    return 3 if found.gaps else 0


def wanted_of(options: argparse.Namespace) -> Wanted:
    """What the options ask for.

    Raises:
        UsageError: two of them say different things, or a number is none.
    """
    if options.how_many is not None and options.count is not None:
        raise UsageError("N and --count say the same", hint="portbook free 3")
    count = count_of_text(options.how_many or options.count)
    near = None if options.near is None else near_of_text(options.near)
    first, last = (None, None) if options.range is None else range_of_text(options.range)
    kinds = ("tcp",) if options.tcp else ("udp",) if options.udp else ("tcp", "udp")
    return Wanted(
        size=count,
        contiguous=options.contiguous,
        near=near,
        first=first,
        last=last,
        transports=kinds,
        folder=os.getcwd() if options.root == "/" else None,
        bind=not options.no_probe and options.root == "/",
        source=options.source,
    )


def count_of_text(text: str | None) -> int:
    """How many are asked for; 1 where nothing was said.

    Raises:
        UsageError: no whole number from 1 to 1024.
    """
    if text is None:
        return 1
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if 0 < number <= MOST_PORTS:
        return number
    hint = f"portbook free --near {text}" if MOST_PORTS < number <= LAST_PORT else None
    raise UsageError(f"{text[:20]!r} is no count from 1 to {MOST_PORTS}", hint=hint)


def range_of_text(text: str) -> tuple[int, int]:
    """`8000-8010` as its two ends; one number is a range of one.

    Raises:
        BadPort: it is no range.
    """
    first, dash, last = text.partition("-")
    ends = port_number(first), port_number(last if dash else first)
    if not 0 < ends[0] <= ends[1]:
        raise BadPort(f"{text[:20]!r} is no range of ports from low to high")
    return ends


def near_of_text(text: str) -> int:
    """A port to look near to.

    Raises:
        BadPort: it is no port from 1.
    """
    if not (near := port_number(text)):
        raise BadPort(f"0 is near to none: 1 to {LAST_PORT}")
    return near
