"""What Makefiles and justfiles share: recipes that are commands, and variables put into them."""

import re
from collections.abc import Iterator, Mapping

from portbook.lint.command_text import Text, declared_in, folder_runs, plain_text, put_in
from portbook.lint.source import Source
from portbook.model.declared import Declared, Place

PORT_NAME = re.compile(r"(?:.*[_-])?PORTS?(?:[_-].*)?", re.IGNORECASE)
"""The name of a variable that has a port."""


class Variables:
    """The numbers that a file gives its variables; one with two different values has none."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._values: dict[str, tuple[str, Place] | None] = {}

    def put(self, name: str, start: int, end: int) -> None:
        """Take note of `name = value`, the value standing at these offsets."""
        value = self._source.text[start:end]
        known = self._values.get(name, (value, None))
        if known is None or known[0] != value or not value.isdigit() or len(value) > 6:
            self._values[name] = None
        else:
            self._values[name] = (value, self._source.place(start, end - start))

    def place(self, name: str) -> Place | None:
        """Where the number of a variable stands."""
        found = self._values.get(name)
        return found[1] if found is not None else None

    def settings(self, form: str) -> Iterator[Declared]:
        """The variables that are named like a port."""
        for name, found in self._values.items():
            if found is not None and int(found[0]) and PORT_NAME.fullmatch(name):
                number = int(found[0])
                yield Declared(found[1], number, number, "setting", name, form)


def recipe_ports(
    source: Source,
    span: tuple[int, int],
    variables: Variables,
    pattern: re.Pattern[str],
    *,
    who: str,
    form: str,
    local: Mapping[str, Place] | None = None,
) -> Iterator[Declared]:
    """The ports of one line of a recipe, continued lines included.

    Args:
        source: the file.
        span: where the line begins and ends.
        variables: those of the file.
        pattern: how a variable is written in a recipe.
        who: the recipe.
        form: the reader.
        local: the recipe's own variables, which come first.
    """
    text: Text = plain_text(source, *span)

    def value(name: str) -> Place | None:
        return (local or {}).get(name) or variables.place(name)

    text = put_in(source, text, pattern, value)
    yield from declared_in(source, text, who=who, form=form, runs=folder_runs(source))
