"""The same questions over many hosts; each action is a file of its own, imported when asked for."""

import argparse
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Parsers = dict[str, argparse.ArgumentParser]

ACTIONS = {
    "who": "who listens on a port, on every host: fleet who 3255",
    "ls": "listeners that fit a filter: fleet ls --where 'process=redis and reach=any'",
    "history": "who held a port, and when, on every host: fleet history 3255",
    "drift": "what changed since then: fleet drift --since 2d",
    "free": "numbers that are free on every host: fleet free --count 3 --label role=web",
    "hosts": "the hosts, when they reported, which are silent",
    "audit": "which listeners of all hosts do not belong",
    "agent": "report what listens here, and answer questions: fleet agent --bus URL --store URL",
    "hub": "take the reports of agents from the bus into the store",
    "init": "make or migrate the store: fleet init --dry-run",
    "enrol": "a one-time token with which a host joins: fleet enrol HOST",
    "join": "join with such a token: fleet join TOKEN",
    "remove": "a host leaves, with all it reported: fleet remove HOST --dry-run",
    "nats-config": "the bus's configuration: who may say what",
    "retain": "make and drop the months of the history: fleet retain --keep 400d",
}
"""Every action, which is the module `fleet_<action>` here, and its line in the help."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook fleet`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for word, about in ACTIONS.items():
        actions.add_parser(
            word,
            help=about,
            description=about,
            formatter_class=parser.formatter_class,
            allow_abbrev=False,
        )
    # argparse looks up the one action that was asked for, and only that one's module is imported.
    actions._name_parser_map = actions.choices = _Parsers(actions.choices)  # noqa: SLF001 - argparse has no way to make a parser when it is asked for
    parser.epilog = _EPILOG


_EPILOG = """where the fleet is: --store and --bus behind the action, PORTBOOK_FLEET_STORE and
PORTBOOK_FLEET_BUS, or `store` and `bus` in fleet.toml; `portbook fleet ACTION --help` says more"""


class _Parsers(dict[str, argparse.ArgumentParser]):
    """The parser of each action, which gets its options when it is taken out."""

    def __init__(self, bare: "Parsers") -> None:
        super().__init__(bare)
        self._bare = set(bare)

    def __getitem__(self, word: str) -> argparse.ArgumentParser:
        parser = super().__getitem__(word)
        if word in self._bare:
            self._bare.remove(word)
            _configure(word, parser)
        return parser

    def items(self) -> "Any":
        for word in self:
            self[word]
        return super().items()


def _configure(word: str, parser: argparse.ArgumentParser) -> None:
    for option in ("--json", "--jsonl"):
        parser.add_argument(option, action="store_true", default=argparse.SUPPRESS)
    parser.add_argument("--color", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument("--store", metavar="URL", help="postgresql://… (PORTBOOK_FLEET_STORE)")
    parser.add_argument("--bus", metavar="URL", help="nats://… (PORTBOOK_FLEET_BUS)")
    _module(word).configure(parser)


def main(options: argparse.Namespace) -> int:
    """What the action returns; 3: answered, but hosts are silent or could not see everything."""
    code: int = _module(options.action).main(options)
    return code


def _module(word: str) -> "Any":
    return import_module(f"portbook.cli.fleet_{word.replace('-', '_')}")
