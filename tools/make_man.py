"""Write docs/man/*.1 from the parsers that print --help: python -m tools.make_man [--check]."""

import argparse
import os
import re
import sys
from importlib import import_module
from pathlib import Path

from tools import man_roff as roff

from portbook.cli import COMMANDS, module_of
from portbook.cli.arguments import parser_for
from portbook.cli.completion_plan import Command, Option, plan
from portbook.model.version import __version__

TOP = Path(__file__).parent.parent
FOLDER = TOP / "docs" / "man"
DATE = "2026-11-23"
"""Of the pages; a date of their making would make them different every day."""
_MOST_EXAMPLES = 6

_ENVIRONMENT = {
    "PORTBOOK_DATA_HOME": "The folder of claims, history and imported registry, instead of"
    " portbook in XDG_DATA_HOME or ~/.local/share; the state and the service's socket are there"
    " too.",
    "PORTBOOK_CACHE_HOME": "The folder of what may be lost, instead of portbook in XDG_CACHE_HOME"
    " or ~/.cache.",
    "PORTBOOK_SOCKET": "The Unix socket of the service that keeps the claims.",
    "PORTBOOK_TRACEBACK": "Set to 1: a fault in portbook itself shows where it is.",
    "PORTBOOK_CLAIM": "Set by portbook run: the claim of the port that a program was given.",
    "PORTBOOK_PERMIT": "Set by portbook sem run: the permit that the program holds.",
    "PORTBOOK_TOKEN": "Set by both: the token of the claim or permit.",
    "PORTBOOK_CLAIMS": "The postgresql:// URL of a claim book that many hosts share.",
    "PORTBOOK_FLEET_STORE": "The postgresql:// URL of a fleet's store, as --store.",
    "PORTBOOK_FLEET_BUS": "The nats:// URL of a fleet's bus, as --bus.",
    "PORTBOOK_FLEET_HOME": "The folder of fleet.toml, instead of portbook in XDG_CONFIG_HOME,"
    " ~/.config or /etc.",
    "NO_COLOR": "If it is set, nothing is coloured (--color always is stronger).",
    "COLUMNS": "The width of --help.",
    "SHELL": "The shell that portbook completion writes a script for.",
}
_FILES = {
    "~/.local/share/portbook/claims.sqlite": "Claims, reservations and semaphores of a user.",
    "~/.local/share/portbook/history.sqlite": "What portbook record has written down.",
    "~/.local/share/portbook/feedback.sqlite": "What visitors of the book said.",
    "~/.local/share/portbook/registry/": "What portbook update has imported.",
    "~/.cache/portbook/": "Which package a program came from; it may be removed.",
    "/run/portbook/portbook.sock": "The socket of the service of the machine.",
}
_NEAR = (
    ("ls", "why", "explain-error", "identify", "stop"),
    ("free", "claim", "renew", "release", "claims", "run", "reserve", "unreserve", "env"),
    ("run", "sem"),
    ("audit", "watch", "decoy"),
    ("record", "history"),
    ("search", "orphans", "map", "sources", "update"),
    ("serve", "open", "export-site", "feedback", "metrics"),
    ("lint", "free", "reserve"),
    ("mcp", "why", "claim", "lint"),
    ("fleet", "ls", "history", "audit", "claims"),
)
"""Commands that belong together: each page names the others."""


def pages() -> dict[str, str]:
    """Every page by the name of its file."""
    # argparse wraps the usage to the terminal; a page must not depend on it.
    os.environ["COLUMNS"] = "100"
    found: dict[str, list[Command]] = {}
    for each in plan():
        found.setdefault(each.path.partition(" ")[0], []).append(each)
    return {
        f"{_page_name(word)}.1": "\n".join(_page(word, each)) + "\n" for word, each in found.items()
    }


def _page_name(word: str) -> str:
    return f"portbook-{word}" if word else "portbook"


def _page(word: str, commands: list[Command]) -> list[str]:
    module = import_module(module_of(word or None))
    parser = parser_for(word or None, module)
    about = COMMANDS.get(word) or "knows every port: meant to be, held by, free to bind"
    name = _page_name(word)
    lines = [
        r".\" Written by python -m tools.make_man from the parsers that print --help.",
        f'.TH {roff.text(name.upper())} 1 {DATE} "portbook {__version__}" "portbook"',
        ".SH NAME",
        rf"{roff.text(name)} \- {roff.text(about)}",
        ".SH SYNOPSIS",
        *_synopsis(parser),
        ".SH DESCRIPTION",
        *_paragraphs(module.__doc__ or ""),
    ]
    if not word:
        lines += [".SH COMMANDS"]
        for other, does in COMMANDS.items():
            lines += roff.item(roff.bold(other), f"{does}; see {_page_name(other)}(1)")
    places = [place for each in commands[:1] for place in each.places if place.about]
    if places:
        lines.append(".SH ARGUMENTS")
        for place in places:
            lines += roff.item(roff.italic(place.metavar), place.about)
    lines.append(".SH OPTIONS")
    for option in commands[0].options:
        lines += _option(option)
    if len(commands) > 1:
        lines += _actions(parser, commands[1:])
    elif word and parser.epilog:
        lines += [".SH NOTES", *roff.verbatim(parser.epilog.splitlines())]
    lines += [".SH EXIT STATUS", *_exit_status(module.main.__doc__ or "")]
    if not word:
        for title, table in (("ENVIRONMENT", _ENVIRONMENT), ("FILES", _FILES)):
            lines.append(f".SH {title}")
            for key, says in table.items():
                lines += roff.item(roff.bold(key), says)
    if examples := _examples(word):
        lines += [".SH EXAMPLES", *roff.verbatim(examples)]
    return [*lines, ".SH SEE ALSO", *_see_also(word)]


def _synopsis(parser: argparse.ArgumentParser) -> list[str]:
    words = parser.format_usage().removeprefix("usage: ")
    program = parser.prog
    rest = " ".join(words.split()).removeprefix(program)
    return [f'.SY "{roff.text(program)}"', *roff.usage(rest), ".YS"]


def _paragraphs(words: str) -> list[str]:
    """The paragraphs of a docstring."""
    found = [part for part in re.split(r"\n\s*\n", words.strip()) if part]
    lines = [roff.filled(found[0])] if found else []
    for part in found[1:]:
        lines += [".PP", roff.filled(part)]
    return lines


def _option(option: Option) -> list[str]:
    tag = ", ".join(map(roff.bold, option.names))
    if option.takes == "always":
        tag += f" {roff.italic(option.metavar)}"
    elif option.takes == "maybe":
        tag += f" [{roff.italic(option.metavar)}]"
    about = option.about
    missing = [word for word in option.offer.words if word not in about]
    if option.offer.kind == "choices" and missing:
        listed = f"one of {', '.join(option.offer.words)}"
        about = f"{about}; {listed}" if about else listed
    return roff.item(tag, about)


def _actions(parser: argparse.ArgumentParser, commands: list[Command]) -> list[str]:
    lines = [".SH ACTIONS"]
    for each in commands:
        word = each.path.rpartition(" ")[2]
        inner = next(
            action.choices[word]
            for action in parser._actions  # noqa: SLF001 - argparse shows its arguments nowhere else
            if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001 - as above
        )
        lines += [f".SS {roff.text(each.path)}", roff.filled(each.about)]
        lines += _synopsis(inner)
        for place in each.places:
            lines += roff.item(roff.italic(place.metavar), place.about)
        for option in each.options:
            lines += _option(option)
    return lines


def _exit_status(main: str) -> list[str]:
    """What the command says of its own codes, and the table that all of them share."""
    own = main.strip().partition("\n")[0]
    lines = []
    if re.search(r"\b[Ee]xit code|^[0-9]: |^Ends as", own):
        lines += [roff.filled(own), ".PP", "For every command:"]
    table = (TOP / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    for code, meaning in re.findall(r"^\| (\d+) \| ([^|]+) \|", table, re.MULTILINE):
        lines += roff.item(roff.bold(code), meaning.replace("`", ""))
    return lines


def _examples(word: str) -> list[str]:
    """The command lines of the README and the docs, in their order, with their comments."""
    found: dict[str, str] = {}
    for page in [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            lines = block.splitlines()
            for line, after in zip(lines, [*lines[1:], ""], strict=True):
                said = line.removeprefix("$ ").replace("./scripts/portbook", "portbook")
                # What is shown for its error is no example.
                if line.startswith("$ ") and _is_of(word, said) and "error:" not in after:
                    command, _, comment = said.partition(" # ")
                    found[command.strip()] = found.get(command.strip()) or comment.strip()
    shown = list(found.items())[:_MOST_EXAMPLES]
    width = max((len(command) for command, comment in shown if comment), default=0)
    return [f"{command:{width}}  # {comment}" if comment else command for command, comment in shown]


def _is_of(word: str, said: str) -> bool:
    match = re.match(r"(?:sudo )?portbook(?: +([^\s|&]+))?", said)
    first = (match.group(1) or "") if match else "-"
    return first == word if word else bool(match) and first not in COMMANDS


def _see_also(word: str) -> list[str]:
    near = ["", *(other for group in _NEAR if word in group for other in group)]
    others = list(dict.fromkeys(each for each in near if each != word))
    if not word:
        others = list(COMMANDS)
    known = sorted(each for each in others if not each or each in COMMANDS)
    names = [f"{roff.bold(_page_name(each))}(1)" for each in known]
    return [f"{name}," for name in names[:-1]] + names[-1:]


def main() -> int:
    """Write the pages, or with --check exit 1 and name those that are stale."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    made = pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.1")}
    if check:
        stale = sorted(name for name in {*made, *there} if made.get(name) != there.get(name))
        for name in stale:
            print(f"stale: docs/man/{name}", file=sys.stderr)
        return int(bool(stale))
    FOLDER.mkdir(exist_ok=True)
    for name in there.keys() - made.keys():
        (FOLDER / name).unlink()
    for name, page in made.items():
        (FOLDER / name).write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
