"""Makefiles: the commands of recipes, and variables that are named like a port."""

import re

from portbook.lint.reading import Reading
from portbook.lint.recipes import Variables, recipe_ports
from portbook.lint.source import Source
from portbook.model.declared import Declared

FORM = "makefile"

_VARIABLE = re.compile(
    r"(?:(?:export|override)[ \t]+)*([A-Za-z_][\w.-]*)[ \t]*(?:\?|:{1,3}|)=[ \t]*"
    r"([^#\s]*)[ \t]*(?:#.*)?"
)
_TARGET = re.compile(r"([^\s:#=][^:#=]{0,200}?)[ \t]*::?(?!=)")
_USE = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)|\$\{([A-Za-z_][\w.-]*)\}")
_PREFIX = re.compile(r"[\t @+-]*")


def read(source: Source) -> Reading:
    """The ports of a Makefile."""
    lines = source.text.split("\n")
    variables = Variables(source)
    recipes: list[tuple[str, int, int]] = []
    target = ""
    start = at = 0
    while at < len(lines):
        line = lines[at].removesuffix("\r")
        end = start + len(line)
        after = start + len(lines[at]) + 1
        at += 1
        if line.startswith("\t") and target:
            # The rest of a continued line belongs to it.
            while line.endswith("\\") and at < len(lines):
                line = lines[at].removesuffix("\r")
                end = after + len(line)
                after += len(lines[at]) + 1
                at += 1
            prefix = _PREFIX.match(source.text, start, end)
            recipes.append((target, prefix.end() if prefix else start, end))
        elif (found := _VARIABLE.fullmatch(line.strip())) is not None:
            value = start + len(line) - len(line.lstrip()) + found.start(2)
            variables.put(found[1], value, value + len(found[2]))
        elif (named := _TARGET.match(line)) is not None:
            target = named[1].split()[0]
        start = after
    declared: list[Declared] = list(variables.settings(FORM))
    for name, begins, ends in recipes:
        declared += recipe_ports(
            source, (begins, ends), variables, _USE, who=f"make {name}", form=FORM
        )
    return Reading(tuple(dict.fromkeys(declared)))
