"""justfiles: the commands of recipes, and variables and parameters that are named like a port."""

import re

from portbook.lint.reading import Reading
from portbook.lint.recipes import PORT_NAME, Variables, recipe_ports
from portbook.lint.source import Source
from portbook.model.declared import Declared, Place

FORM = "justfile"

_VARIABLE = re.compile(r"(?:export[ \t]+)?([A-Za-z_][\w-]*)[ \t]*:=[ \t]*([\"']?)([^\"'#]*)\2")
_RECIPE = re.compile(r"@?([A-Za-z_][\w-]*)([^:]*):(?!=)")
_PARAMETER = re.compile(r"[$+*]?([A-Za-z_][\w-]*)=([\"']?)(\d{1,6})\2(?=\s|$)")
_USE = re.compile(r"\{\{[ \t]*([A-Za-z_][\w-]*)[ \t]*\}\}")
_PREFIX = re.compile(r"[\t @-]*")
_SHELL = re.compile(r"#!.*\b(?:ba|z|k|da)?sh\b")


def read(source: Source) -> Reading:
    """The ports of a justfile."""
    lines = source.text.split("\n")
    variables = Variables(source)
    recipes: list[tuple[str, int, int, dict[str, Place]]] = []
    declared: list[Declared] = []
    recipe = ""
    local: dict[str, Place] = {}
    start = at = 0
    while at < len(lines):
        line = lines[at].removesuffix("\r")
        end = start + len(line)
        after = start + len(lines[at]) + 1
        at += 1
        if line[:1] in (" ", "\t"):
            body = line.strip()
            if body.startswith("#!") and not _SHELL.match(body):
                # The recipe is a script of another language.
                recipe = ""
            while line.endswith("\\") and at < len(lines):
                line = lines[at].removesuffix("\r")
                end = after + len(line)
                after += len(lines[at]) + 1
                at += 1
            prefix = _PREFIX.match(source.text, start, end)
            if recipe:
                recipes.append((recipe, prefix.end() if prefix else start, end, local))
        elif (found := _VARIABLE.match(line)) is not None:
            variables.put(found[1], start + found.start(3), start + found.end(3))
        elif (named := _RECIPE.match(line)) is not None:
            recipe, local = named[1], {}
            for given in _PARAMETER.finditer(named[2]):
                begins = start + named.start(2) + given.start(3)
                local[given[1]] = source.place(begins, len(given[3]))
                number = int(given[3])
                if number and PORT_NAME.fullmatch(given[1]):
                    who = f"{recipe} {given[1]}"
                    place = local[given[1]]
                    declared.append(Declared(place, number, number, "setting", who, FORM))
        start = after
    declared += variables.settings(FORM)
    for name, begins, ends, own in recipes:
        declared += recipe_ports(
            source, (begins, ends), variables, _USE, who=f"just {name}", form=FORM, local=own
        )
    return Reading(tuple(dict.fromkeys(declared)))
