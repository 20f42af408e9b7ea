"""Procfile: one process a line, all of them started together."""

import re

from portbook.lint.command_text import beside, declared_in, folder_runs, plain_text
from portbook.lint.reading import Reading
from portbook.lint.source import Source
from portbook.model.declared import Declared

FORM = "procfile"

_PROCESS = re.compile(r"^([A-Za-z0-9_-]+):[ \t]*(?=\S)([^\r\n]*)", re.MULTILINE)


def read(source: Source) -> Reading:
    """The ports of the processes, each of them a program of its own."""
    found: list[Declared] = []
    for process in _PROCESS.finditer(source.text):
        name = process[1]
        found += declared_in(
            source,
            plain_text(source, *process.span(2)),
            who=name,
            form=FORM,
            runs=beside(folder_runs(source), source.name, name),
        )
    return Reading(tuple(dict.fromkeys(found)))
