"""Options that every command has, and PORT arguments: 3255, 3255/tcp, 8000-8010, a service name."""

import argparse
import os
from collections.abc import Sequence
from types import ModuleType

from portbook.model.errors import BadPort, UsageError
from portbook.model.port import LAST_PORT, Transport
from portbook.model.record import Record

_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


LOOK_NOWHERE = frozenset(
    (
        *("search", "orphans", "sources", "update", "feedback", "open", "export-site"),
        *("claim", "claims", "renew", "release", "run", "sem"),
        *("reserve", "unreserve", "env", "watch", "lint", "mcp", "completion"),
    )
)
"""Commands that look at no host, and so take no options about one."""


class Target(Record):
    """Ports that one argument asks for, and the transport if it names one."""

    ports: tuple[int, ...]
    transport: str | None


class _Help(argparse.RawDescriptionHelpFormatter):
    """With a width of its own: argparse would import shutil and all compressors to ask for it.

    That is 4 ms of every start, because each add_argument() makes a formatter.
    """

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        super().__init__(prog, width=max(int(columns), 40) if columns.isdigit() else 98)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> "NoReturn":
        raise UsageError(message, hint=f"try: {self.prog} --help")


def parse(word: str | None, module: ModuleType, arguments: Sequence[str]) -> argparse.Namespace:
    """The options of one command.

    Raises:
        UsageError: the arguments cannot be understood.
        SystemExit: after --help or --version.
    """
    program: Sequence[str] = ()
    if getattr(module, "TAKES_PROGRAM", False) and "--" in arguments:
        at = list(arguments).index("--")
        arguments, program = arguments[:at], arguments[at + 1 :]
    options = parser_for(word, module).parse_args(arguments)
    if program:
        options.program = list(program)
    if hasattr(options, "root"):
        options.root = _checked_root(options.root)
    return options


def parser_for(word: str | None, module: ModuleType) -> argparse.ArgumentParser:
    """The parser of one command: `module` has `configure(parser)` and a docstring for the help."""
    parser = _Parser(
        prog=f"portbook {word}" if word else "portbook",
        description=(module.__doc__ or "").partition("\n")[0],
        formatter_class=_Help,
        epilog=None if word else _overview(),
        allow_abbrev=False,
    )
    common = parser.add_argument_group("common options")
    common.add_argument("--json", action="store_true", help="print one JSON document")
    common.add_argument("--jsonl", action="store_true", help="print one JSON document per line")
    common.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours: where a terminal is (auto), always or never",
    )
    if word in LOOK_NOWHERE:
        module.configure(parser)
        return parser
    common.add_argument("--root", metavar="DIR", default="/", help="a recorded host instead of /")
    common.add_argument(
        "--no-probe",
        action="store_true",
        help="only read: no bind() is tried, nothing is connected",
    )
    common.add_argument(
        "--source",
        metavar="NAME",
        help="read sockets from netlink, procnet or psutil (default: the first that answers)",
    )
    if word is None:
        parser.add_argument("--version", action="version", version=f"portbook {_version()}")
    module.configure(parser)
    return parser


def _version() -> str:
    from portbook.model.version import __version__

    return __version__


def _overview() -> str:
    from portbook.cli import COMMANDS

    lines = ["commands:"]
    lines += [f"  {word:<13} {summary}" for word, summary in COMMANDS.items()]
    lines += [
        "",
        "  PORT is 3255, 3255/tcp, 8000-8010 or a service name; without PORT: portbook ls",
        "",
        "exit codes: 0 yes/ok, 1 no, 2 usage, 3 answered but incomplete, 4 not permitted,",
        "            5 environment, 130 interrupted",
    ]
    return "\n".join(lines)


def _checked_root(root: str) -> str:
    """`/` for this machine, or the folder of a recording.

    Raises:
        UsageError: there is no recording.
    """
    if root and os.path.realpath(root) == "/":
        return "/"
    if not root or not os.path.isfile(f"{root}/recorded_at"):
        raise UsageError(
            f"{root!r} is no recorded host: it has no file recorded_at",
            hint="tools/record_host.py makes one",
        )
    return root


def parse_target(text: str) -> Target:
    """One PORT argument.

    Raises:
        BadPort: no port, range or transport.
        UnknownService: a name that no table knows.
    """
    body, slash, transport = text.partition("/")
    transport = transport.lower()
    if slash and transport not in {kind.value for kind in Transport}:
        raise BadPort(f"unknown transport {transport!r}", hint="one of tcp, udp, sctp, dccp")
    named = transport or None
    if not body:
        raise BadPort("an empty port", hint="try: portbook 3255")
    low, dash, high = body.partition("-")
    if body.lstrip("+-").isdecimal():
        return Target((port_number(body),), named)
    if body[:2] in ("0x", "0X") and all(digit in _HEX_DIGITS for digit in body[2:]):
        hint = f"in decimal it is {int(body, 16)}" if 2 < len(body) < 10 else None
        raise BadPort(f"{body[:20]!r} is no port number", hint=hint)
    if dash and low.isdecimal() and high.isdecimal():
        first, last = port_number(low), port_number(high)
        if first > last:
            raise BadPort(f"the range {body} runs backwards", hint=f"try: {last}-{first}")
        return Target(tuple(range(first, last + 1)), named)
    from portbook.registry.lookup import lookup

    entries = lookup(body, named)
    if not entries:
        over = f" over {named}" if named else ""
        raise BadPort(
            f"the service {body!r} is registered without a port{over}",
            hint=f"try: portbook search {body}",
        )
    return Target(tuple(entry.port for entry in entries), named)


def seconds_to(most: float) -> "Callable[[str], float]":
    """A reader of a number of seconds from 0.1 to `most`, for an option's type."""

    def seconds(text: str) -> float:
        try:
            read = float(text)
        except ValueError:
            read = 0
        if not 0.1 <= read <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0.1 to {most}")
        return read

    return seconds


def moment_of(option: str, text: str | None, now: float) -> float | None:
    """Seconds since 1970 from the text of an option; None where it was not given.

    Raises:
        UsageError: it is no moment.
    """
    if text is None:
        return None
    from portbook.model.moments import moment

    try:
        return moment(text, now)
    except ValueError as error:
        raise UsageError(
            f"{option}: {error}", hint="such as 90s, 2h, 2d, 1w, 2026-11-23, 2026-11-23T09:00"
        ) from None


def port_number(text: str) -> int:
    """A port from decimal text.

    Raises:
        BadPort: it is outside 0-65535.
    """
    # int() refuses more than 4,300 digits, and six are already too many.
    if not text.isascii() or not text.isdigit() or len(text) > 5 or int(text) > LAST_PORT:
        raise BadPort(f"{text[:20]} is no port: ports are 0 to {LAST_PORT}")
    return int(text)
