"""pyproject.toml: the tasks of poe, PDM, Hatch, taskipy, Pixi and Rye."""

import re
from collections.abc import Iterator

from portbook.lint.command_line import ports_in_words
from portbook.lint.command_text import (
    Text,
    declared_at,
    declared_in,
    folder_runs,
    plain_text,
    text_of,
)
from portbook.lint.command_words import Word
from portbook.lint.reading import Reading
from portbook.lint.source import Source
from portbook.lint.syntax_tree import toml_tree
from portbook.lint.tree import Node
from portbook.model.declared import Declared

FORM = "pyproject"

_TOOL = re.compile(r"tool\.(?:poe|pdm|hatch|taskipy|pixi|rye)\b")
_TASKS = (
    ("poe", "tasks"),
    ("pdm", "scripts"),
    ("taskipy", "tasks"),
    ("pixi", "tasks"),
    ("rye", "scripts"),
)
_COMMANDS = ("cmd", "shell")
_SEVERAL = ("sequence", "composite", "chain")


def wants(source: Source) -> bool:
    """Whether it has the tasks of a tool that is known here."""
    return _TOOL.search(source.text) is not None


def read(source: Source) -> Reading:
    """The ports of the tasks."""
    tool = toml_tree(source).get("tool")
    found: list[Declared] = []
    for name, task in _tasks(tool) if tool is not None else ():
        who = f"task {name}"
        for text in _texts(source, task):
            found += declared_in(source, text, who=who, form=FORM, runs=folder_runs(source))
        for words in _lists(source, task):
            whole = plain_text(source, 0, len(source.text))
            for port in ports_in_words(words):
                made = declared_at(
                    source, whole, port, who=who, form=FORM, runs=folder_runs(source)
                )
                if made is not None:
                    found.append(made)
    return Reading(tuple(dict.fromkeys(found)))


def _tasks(tool: Node) -> Iterator[tuple[str, Node]]:
    for path in _TASKS:
        tasks = tool.at(*path)
        for name, task in tasks.pairs if tasks is not None else ():
            yield name.text, task
    environments = tool.at("hatch", "envs")
    for _, environment in environments.pairs if environments is not None else ():
        scripts = environment.get("scripts")
        for name, task in scripts.pairs if scripts is not None else ():
            # A list of Hatch is commands one after the other.
            for each in task.items or (task,):
                yield name.text, each


def _texts(source: Source, task: Node) -> Iterator[Text]:
    """The command lines of a task."""
    if task.kind == "text" and task.quoted:
        yield text_of(source, task)
    for key in _COMMANDS:
        command = task.get(key)
        if command is not None and command.kind == "text":
            yield text_of(source, command)
    for several in (task, *(task.get(key) for key in _SEVERAL)):
        for each in several.items if several is not None else ():
            if each.kind == "text":
                yield text_of(source, each)
            for inner in (each.get(name) for name in _COMMANDS):
                if inner is not None and inner.kind == "text":
                    yield text_of(source, inner)


def _lists(source: Source, task: Node) -> Iterator[list[Word]]:
    """The words of commands that are lists of them."""
    for node in (task, task.get("cmd")):
        if node is not None and node.kind == "list":
            words = [text_of(source, each) for each in node.items if each.kind == "text"]
            # A list with spaces in its first text is one of command lines (see _texts).
            if words and " " not in words[0].text:
                yield [Word(text.text, text.at) for text in words]
