"""package.json: the commands of its scripts, `config` and the development proxy."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from portbook.lint.command_line import program_of
from portbook.lint.command_port import local_ports, number
from portbook.lint.command_text import (
    Text,
    beside,
    declared_at,
    declared_in,
    folder_runs,
    put_in,
    text_of,
)
from portbook.lint.command_words import Word, commands_of
from portbook.lint.jsonc import jsonc_tree
from portbook.lint.reading import Reading
from portbook.lint.source import Source
from portbook.lint.tree import Node
from portbook.model.declared import Declared, Place

FORM = "package"

_CONFIG = re.compile(
    r"\$npm_package_config_(\w+)|\$\{npm_package_config_(\w+)\}|%npm_package_config_(\w+)%"
)
_SIDE_BY_SIDE = re.compile(r"(?<!&)&(?!&)|run-p|npm-run-all|concurrently")
_MANAGERS = frozenset(("npm", "yarn", "pnpm", "bun", "node"))
_PORT_KEY = re.compile(r"(?:.*[_a-z])?port", re.IGNORECASE)


def wants(source: Source) -> bool:
    """Whether there is something in it that can name a port."""
    return '"scripts"' in source.text or '"proxy"' in source.text


def read(source: Source) -> Reading:
    """The ports of a package's scripts.

    Scripts that one script starts side by side are told apart by `runs`; all others of a package
    are ways to start its one program.
    """
    tree = jsonc_tree(source)
    values = _config(source, tree.get("config"))
    found = list(_settings(source, tree.get("config")))
    proxy = tree.get("proxy")
    if proxy is not None:
        for node in [proxy, *(value.get("target") for _, value in proxy.pairs)]:
            found += _client(source, node)
    scripts = tree.get("scripts")
    texts = {
        name.text: put_in(source, text_of(source, value), _CONFIG, values.get)
        for name, value in (scripts.each() if scripts is not None else ())
        if value.kind == "text" and value.quoted
    }
    together = _together(texts)
    for name, text in texts.items():
        who = f"script {name}"
        runs = folder_runs(source)
        if name in together:
            runs = beside(runs, f"script {together[name]}", name)
        found += declared_in(source, text, who=who, form=FORM, runs=runs)
    return Reading(tuple(dict.fromkeys(found)))


def _config(source: Source, config: Node | None) -> dict[str, Place]:
    """Where the numbers of `config` stand, by their names."""
    found = {}
    for name, value in config.pairs if config is not None else ():
        text = text_of(source, value) if value.kind == "text" else None
        port = number(_word(text), "setting") if text is not None else None
        if text is not None and port is not None and text.at[0] >= 0:
            found[name.text] = source.place(text.at[0], port.length)
    return found


def _settings(source: Source, config: Node | None) -> Iterator[Declared]:
    for name, value in config.pairs if config is not None else ():
        if value.kind == "text" and _PORT_KEY.fullmatch(name.text):
            text = text_of(source, value)
            port = number(_word(text), "setting")
            if port is not None:
                made = declared_at(
                    source, text, port, who=f"config.{name.text}", form=FORM, runs=None
                )
                if made is not None:
                    yield made


def _client(source: Source, node: Node | None) -> Iterator[Declared]:
    if node is None or node.kind != "text":
        return
    text = text_of(source, node)
    for port in local_ports(_word(text), bare=True):
        made = declared_at(source, text, port, who="proxy", form=FORM, runs=None)
        if made is not None:
            yield made


def _word(text: Text) -> Word:
    return Word(text.text, range(len(text.text)))


def _together(texts: Mapping[str, Text]) -> dict[str, str]:
    """The scripts that are started beside others, and the script that starts them all."""
    found: dict[str, str] = {}
    for name, text in texts.items():
        if _SIDE_BY_SIDE.search(text.text) is None:
            continue
        patterns = list(dict.fromkeys(_started(text.text)))
        if not patterns or len(patterns) > 50:
            continue
        for script in texts:
            if script != name and any(_matches(script, pattern) for pattern in patterns):
                found.setdefault(script, name)
    return found


def _matches(script: str, pattern: str) -> bool:
    if "*" not in pattern:
        return script == pattern
    # `dev:*` are the scripts of one level below, `dev:**` all.
    deep = "**" in pattern or script.count(":") == pattern.count(":")
    return deep and fnmatchcase(script, pattern.replace("**", "*"))


def _started(text: str) -> Iterator[str]:
    """The names of the scripts that a script starts side by side."""
    before = False
    for command in commands_of(text):
        words = [word.text for word in command.words]
        program = next((at for at, word in enumerate(words) if program_of(word) in _PARALLEL), None)
        if program is not None:
            yield from _PARALLEL[program_of(words[program]) or ""](words[program + 1 :])
        elif command.beside or before:
            yield from _script_of(words)
        before = command.beside


def _script_of(words: list[str]) -> Iterator[str]:
    """The script of `npm run NAME`, `yarn NAME`."""
    if words and words[0] in _MANAGERS:
        rest = [word for word in words[1:] if not word.startswith("-")]
        if rest[:1] in (["run"], ["run-script"], ["--run"]):
            rest = rest[1:]
        yield from rest[:1]


def _concurrently(words: list[str]) -> Iterator[str]:
    for word in words:
        manager, colon, name = word.partition(":")
        if colon and manager in _MANAGERS and " " not in name:
            yield name
        elif " " in word:
            for command in commands_of(word):
                yield from _script_of([each.text for each in command.words])


def _run_p(words: list[str]) -> Iterator[str]:
    yield from (word for word in words if not word.startswith("-"))


def _run_all(words: list[str]) -> Iterator[str]:
    parallel = False
    for word in words:
        if word.startswith("-"):
            if word in ("-p", "--parallel"):
                parallel = True
            elif word in ("-s", "--sequential", "--serial"):
                parallel = False
        elif parallel:
            yield word


_PARALLEL = {
    "concurrently": _concurrently,
    "run-p": _run_p,
    "npm-run-all": _run_all,
    "npm-run-all2": _run_all,
}
