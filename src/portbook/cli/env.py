"""The numbers of a project as variables: `eval "$(portbook env)"`, or merged into a .env file.

The same folder gives the same numbers each time. Without --name it is every number that is reserved
for the project; with it, a number that is not reserved yet becomes so.
"""

import argparse
import os

from portbook.cli.file_writing import write_file
from portbook.cli.render import emit, emit_json
from portbook.cli.telling import say
from portbook.host import Host
from portbook.model import EnvironmentFault, UsageError, document
from portbook.model.claim import Reservation
from portbook.model.record import Record
from portbook.survey.claiming import open_claims
from portbook.survey.numbers_kept import (
    checked_name,
    checked_variable,
    keep_number,
    kept_numbers,
    project_of,
    variable_for,
)

_MOST_BYTES = 1 << 20


class Variable(Record):
    """A variable, the number it is set to, and the name that the number is reserved under."""

    variable: str
    port: int
    name: str


class Merged(Record):
    """What became of a .env file: the variables that were added and changed."""

    path: str
    added: tuple[str, ...]
    changed: tuple[str, ...]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `portbook env`."""
    parser.add_argument(
        "--name",
        metavar="NAME[=VARIABLE]",
        action="append",
        default=[],
        help="this number, reserved if it is not yet; the variable is NAME_PORT by default",
    )
    parser.add_argument("--dotenv", metavar="FILE", help="set them in this file instead")
    parser.add_argument("--export", action="store_true", help="for child processes: export NAME=…")
    parser.add_argument("--project", metavar="DIR", default=".", help="of the project of DIR")


def main(options: argparse.Namespace) -> int:
    """Exit code 0, or 1 where nothing is reserved for the project and nothing was asked for."""
    if options.dotenv is not None and options.export:
        raise UsageError("--export is for a shell: a .env file has no need of it")
    root, found = _variables(options)
    merged = None
    if options.dotenv is not None and found:
        merged = merge_file(options.dotenv, {each.variable: str(each.port) for each in found})
    if options.json or options.jsonl:
        body = {"project": root, "variables": found, "dotenv": merged, "incomplete": ()}
        emit_json(document("env", body), line=options.jsonl)
    elif not found:
        say(f"nothing is reserved for {root}; this would be: portbook env --name web")
    elif merged is None:
        word = "export " if options.export else ""
        emit(f"{word}{each.variable}={each.port}" for each in found)
    else:
        _tell_merged(merged, found)
    return 0 if found else 1


def _variables(options: argparse.Namespace) -> tuple[str, tuple[Variable, ...]]:
    """The project's folder, and what is to be set, in the order of the options or by name."""
    wanted: dict[str, str] = {}
    for text in options.name:
        name, equals, variable = text.partition("=")
        name = checked_name(name)
        wanted[name] = checked_variable(variable) if equals else variable_for(name)
    _no_two(wanted)
    project = project_of(options.project)
    access = open_claims()
    try:
        if wanted:
            wishes = {} if options.dotenv is None else _numbers_in(options.dotenv)
            kept = tuple(
                keep_number(access, project, name, wish=wishes.get(variable))
                for name, variable in wanted.items()
            )
        else:
            kept = kept_numbers(access, project)
            wanted = _named([each.name for each in kept if each.name])
            _no_two(wanted)
    finally:
        access.close()
    found = [
        variable
        for variable_name, each in zip(wanted.values(), kept, strict=True)
        for variable in _each_of(variable_name, each)
    ]
    return project.root, tuple(found)


def _named(names: list[str]) -> dict[str, str]:
    """A variable for each name: `web/DB_PORT` is DB_PORT, unless that is another one's too."""
    short = {name: variable_for(name) for name in names}
    all_of_them = list(short.values())
    return {
        name: variable_for(name, whole=all_of_them.count(variable) > 1)
        for name, variable in short.items()
    }


def _each_of(variable: str, kept: Reservation) -> list[Variable]:
    """WEB_PORT, and WEB_PORT_2, WEB_PORT_3 where there are neighbours."""
    return [
        Variable(f"{variable}_{at + 1}" if at else variable, kept.port + at, kept.name or "")
        for at in range(kept.size)
    ]


def _no_two(wanted: dict[str, str]) -> None:
    """Refuse two numbers in one variable."""
    seen: dict[str, str] = {}
    for name, variable in wanted.items():
        if variable in seen:
            raise UsageError(
                f"{seen[variable]!r} and {name!r} are both {variable}",
                hint=f"portbook env --name {name}=ANOTHER_PORT",
            )
        seen[variable] = name


def merge_file(path: str, variables: dict[str, str]) -> Merged:
    """Set variables in a .env file, made if there is none; nothing is written if they are set.

    A link is followed: the file that it leads to is replaced in one step, with its mode.

    Raises:
        EnvironmentFault: it cannot be read or written, or is longer than 1 MB.
    """
    from portbook.cli.dotenv import merge

    data = _content(path)
    done = merge(data or b"", variables)
    if data is None or done.data != data:
        write_file(path, done.data, what="the variables to")
    return Merged(path, done.added, done.changed)


def _numbers_in(path: str) -> dict[str, int]:
    """The variables of a .env file that are numbers; none where it cannot be read."""
    from portbook.cli.dotenv import numbers

    try:
        return numbers(_content(path) or b"")
    except EnvironmentFault:
        return {}


def _content(path: str) -> bytes | None:
    """A .env file as it is; None where there is none.

    Raises:
        EnvironmentFault: it cannot be read, or is longer than 1 MB.
    """
    try:
        data = Host().regular(os.path.realpath(path), _MOST_BYTES + 1)
    except FileNotFoundError:
        data = None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise EnvironmentFault(f"cannot read {path}: {said}") from None
    if data is not None and len(data) > _MOST_BYTES:
        raise EnvironmentFault(f"{path} is longer than 1 MB, and was left alone")
    if data is not None and data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise EnvironmentFault(f"{path} is UTF-16, which no loader reads, and was left alone")
    return data


def _tell_merged(merged: Merged, found: tuple[Variable, ...]) -> None:
    for each in found:
        if each.variable in merged.added:
            word = "added"
        else:
            word = "changed" if each.variable in merged.changed else "as it was"
        say(f"{merged.path}: {each.variable}={each.port} ({word})")
