"""What a shell can complete: every command with its options and places, read from the parsers.

The generators of the three shells and nothing else turn this into scripts, so that whatever
`--help` says is what a shell offers.
"""

import argparse
from importlib import import_module

from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PLACES = {
    ("", "port"): "ports",
    ("claim", "name"): "reservations",
    ("claims", "port"): "ports",
    ("decoy", "port"): "ports",
    ("env", "name"): "reservations",
    ("fleet history", "port"): "ports",
    ("fleet who", "port"): "ports",
    ("history", "port"): "ports",
    ("identify", "targets"): "listening",
    ("lint", "explain"): "rules",
    ("lint", "ignore"): "rules",
    ("lint", "select"): "rules",
    ("ls", "port"): "listening",
    ("ls", "process"): "processes",
    ("ls", "unit"): "units",
    ("ls", "user"): "users",
    ("map", "port"): "ports",
    ("open", "path"): "ports",
    ("release", "which"): "claims",
    ("renew", "which"): "claims",
    ("reserve", "name"): "reservations",
    ("run", "name"): "reservations",
    ("sem acquire", "name"): "semaphores",
    ("sem list", "name"): "semaphores",
    ("sem release", "id"): "permits",
    ("sem release", "name"): "semaphores",
    ("sem renew", "id"): "permits",
    ("sem renew", "name"): "semaphores",
    ("sem run", "name"): "semaphores",
    ("stop", "port"): "listening",
    ("unreserve", "what"): "reservations",
    ("watch", "interface"): "interfaces",
    ("watch", "ports"): "listening",
    ("why", "port"): "ports",
}
"""What `completion --words` is asked for, by (command, argument). A test says where one is gone."""

_LISTED = {("ls", "format"), ("ls", "sort"), ("orphans", "range")}
"""Arguments whose help is the list of what they take, behind a colon if there is one."""
_FILES = {"FILE", "PATH"}
_FOLDERS = {"DIR", "FOLDER"}
_NO_FILES = {("open", "path"), ("run", "ready_http")}
"""Paths that are no files: those of pages."""


class Offer(Record):
    """What can stand in a place.

    `kind`: `nothing` that could be listed, `choices` (`words` has them), `file`, `folder`, `words`
    (what `completion --words` says of the kind `words[0]`), `program` (a command line of its own).
    """

    kind: str = "nothing"
    words: tuple[str, ...] = ()


class Option(Record):
    """One option: `takes` a value `never`, `always` or `maybe`; `excludes` has other options."""

    names: tuple[str, ...]
    about: str
    metavar: str
    takes: str
    offer: Offer
    again: bool
    excludes: tuple[str, ...]


class Place(Record):
    """An argument without a dash; `many` where it may be repeated."""

    metavar: str
    about: str
    offer: Offer
    many: bool


class Command(Record):
    """What stands behind `portbook PATH`: `path` is empty for PORT, `sem run` for an action.

    `actions` are the words that may come next, with what they do. `dashes`: behind `--` stands a
    program with its arguments.
    """

    path: str
    about: str
    options: tuple[Option, ...]
    places: tuple[Place, ...]
    actions: tuple[tuple[str, str], ...]
    dashes: bool


def plan(words: "Sequence[str] | None" = None) -> tuple[Command, ...]:
    """Every command, that of PORT first; of these words alone where some are given."""
    from portbook.cli import COMMANDS, module_of
    from portbook.cli.arguments import parser_for

    found: list[Command] = []
    taken = tuple(COMMANDS if words is None else words)
    for word in (None, *taken):
        module = import_module(module_of(word))
        dashes = bool(getattr(module, "TAKES_PROGRAM", False))
        found += _commands(word or "", parser_for(word, module), dashes=dashes)
    found[0] = found[0]._replace(actions=tuple((word, COMMANDS[word]) for word in taken))
    return tuple(found)


def _commands(
    path: str, parser: argparse.ArgumentParser, outer: "Sequence[Option]" = (), *, dashes: bool
) -> "Iterator[Command]":
    """The command and its actions. An option without a help is what the `outer` one is."""
    known = {name: option.about for option in outer for name in option.names}
    nested = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]  # noqa: SLF001 - argparse shows its arguments nowhere else
    named = tuple(
        (str(each.dest), each.help or "")
        for action in nested
        for each in action._choices_actions  # noqa: SLF001 - as above
    )
    excluded = _excluded(parser)
    options, places = [], []
    for each in parser._actions:  # noqa: SLF001 - as above
        if each in nested or each.help == argparse.SUPPRESS:
            continue
        if each.option_strings:
            option = _option(path, each, excluded.get(each.dest, ()))
            about = option.about or known.get(option.names[0], "")
            options.append(option._replace(about=about))
        else:
            places.append(_place(path, each))
    about = (parser.description or "").partition("\n")[0]
    yield Command(path, about, tuple(options), tuple(places), named, dashes)
    for action in nested:
        for word, inner in action.choices.items():
            yield from _commands(f"{path} {word}", inner, options, dashes=dashes)


def _excluded(parser: argparse.ArgumentParser) -> dict[str, tuple[str, ...]]:
    """The options that cannot stand beside each, by its dest."""
    found: dict[str, tuple[str, ...]] = {}
    for group in parser._mutually_exclusive_groups:  # noqa: SLF001 - as above
        members = group._group_actions  # noqa: SLF001 - as above
        for each in members:
            others = (other.option_strings for other in members if other is not each)
            found[each.dest] = tuple(name for names in others for name in names)
    return found


def _option(path: str, action: argparse.Action, excludes: tuple[str, ...]) -> Option:
    takes = "never" if action.nargs == 0 else "maybe" if action.nargs == "?" else "always"
    return Option(
        tuple(action.option_strings),
        help_of(action),
        "" if takes == "never" else metavar_of(action),
        takes,
        Offer() if takes == "never" else _offer(path, action),
        isinstance(action, (argparse._AppendAction, argparse._CountAction)),  # noqa: SLF001 - as above
        excludes,
    )


def _place(path: str, action: argparse.Action) -> Place:
    if action.nargs == argparse.REMAINDER:
        return Place(metavar_of(action), "a program", Offer("program"), many=True)
    many = action.nargs in ("*", "+")
    return Place(metavar_of(action), help_of(action), _offer(path, action), many)


def help_of(action: argparse.Action) -> str:
    """The help of an argument as --help prints it, for `%` is written twice in it."""
    return (action.help or "").replace("%%", "%")


def metavar_of(action: argparse.Action) -> str:
    """What stands for the value in the help."""
    if action.metavar is None and action.choices is not None:
        return "|".join(str(each) for each in action.choices)
    return str(action.metavar or action.dest.upper())


def _offer(path: str, action: argparse.Action) -> Offer:
    where = (path, action.dest)
    if action.choices is not None:
        return Offer("choices", tuple(str(each) for each in action.choices))
    if where in PLACES:
        return Offer("words", (PLACES[where],))
    if where in _LISTED:
        listed = help_of(action).rpartition(":")[2]
        return Offer("choices", tuple(word.strip() for word in listed.split(",")))
    if action.dest == "source" and action.metavar == "NAME":
        from portbook.sockets import SOURCES

        return Offer("choices", SOURCES)
    kinds = set(metavar_of(action).split("|"))
    if kinds & _FILES and where not in _NO_FILES:
        return Offer("file")
    return Offer("folder") if kinds & _FOLDERS else Offer()
