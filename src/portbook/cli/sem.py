"""Named counting semaphores: so many at a time, first come first served, on this machine.

A permit belongs to a process and is free again when that has ended, however it ended.
"""

import argparse
from importlib import import_module

from portbook.cli import leases

TAKES_PROGRAM = True
"""What stands behind `--` is a program with its arguments (see cli.arguments)."""

_ACTIONS = {
    "run": "run a program while holding a permit: sem run NAME --limit N -- PROGRAM …",
    "acquire": "take a permit: sem acquire NAME --limit N",
    "renew": "begin its lease anew: sem renew NAME [ID]",
    "release": "give it back: sem release NAME [ID]",
    "list": "who holds what, and who waits: sem list [NAME]",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook sem`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for word, about in _ACTIONS.items():
        made = actions.add_parser(
            word,
            help=about,
            description=about,
            formatter_class=parser.formatter_class,
            allow_abbrev=False,
        )
        for option in ("--json", "--jsonl"):
            made.add_argument(option, action="store_true", default=argparse.SUPPRESS)
        made.add_argument("--color", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        _CONFIGURE[word](made)
    parser.epilog = _EPILOG
    parser.set_defaults(program=())


_EPILOG = """options of run and acquire:
  --limit N     units of the semaphore, the same for everybody who uses it
  --n N         units to take (1)
  --wait TIME   for so long at most, 0 for not at all (as long as it takes)
options of acquire:
  --ttl TIME    how long it lasts without renewal (10m)
  --pid PID     for as long as this process lives; a shell's is $$
options of renew and release:
  --token T     of the permit; our own are found without"""


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the semaphore")


def _taking(parser: argparse.ArgumentParser) -> None:
    _name(parser)
    parser.add_argument("--limit", metavar="N", type=int, required=True, help="units it has")
    parser.add_argument("--n", metavar="N", type=int, default=1, help="units to take (1)")
    parser.add_argument("--wait", metavar="TIME", type=leases.wait, help="as long as it takes")


def _acquire(parser: argparse.ArgumentParser) -> None:
    _taking(parser)
    parser.add_argument("--ttl", metavar="TIME", type=leases.ttl, default=leases.COMMAND_TTL)
    parser.add_argument("--pid", metavar="PID", type=leases.process)


def _release(parser: argparse.ArgumentParser) -> None:
    _name(parser)
    parser.add_argument("id", metavar="ID", nargs="?", help="the permit")
    parser.add_argument("--token", metavar="T", type=leases.token)


def _renew(parser: argparse.ArgumentParser) -> None:
    _release(parser)
    parser.add_argument("--ttl", metavar="TIME", type=leases.ttl)


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="only this one")


_CONFIGURE = {
    "run": _taking,
    "acquire": _acquire,
    "renew": _renew,
    "release": _release,
    "list": _list,
}


def main(options: argparse.Namespace) -> int:
    """Exit code of `run`: the program's; 1 where a permit was not to be had in time."""
    module = "sem_run" if options.action == "run" else "sem_permits"
    return int(import_module(f"portbook.cli.{module}").main(options))
