"""Commands inside files: texts with escapes and variables put in, and the places of their ports."""

import re
from collections.abc import Callable, Iterator, Sequence

from portbook.lint.command_line import CommandPort, ports_in_command
from portbook.lint.source import Source
from portbook.lint.tree import Node
from portbook.model.declared import Declared, Place
from portbook.model.record import Record

_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}"
    r"|(\r?\n)|(.))",
    re.DOTALL,
)
_MEANT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


class Put(Record):
    """A value that was put in for a variable: where the variable stands, and where the value is."""

    variable: Place
    value: Place


class Text(Record):
    """A text out of a file.

    `at` has each character's offset in the file, or -1 - n where it came from the n-th of `put`.
    """

    text: str
    at: Sequence[int]
    put: tuple[Put, ...] = ()


def plain_text(source: Source, start: int, end: int) -> Text:
    """A text that stands in the file as such."""
    return Text(source.text[start:end], range(start, end))


def unescaped(source: Source, start: int, end: int) -> Text:
    """The text between quotes, with the escapes of JSON, TOML and JavaScript taken out."""
    text = source.text[start:end]
    if "\\" not in text:
        return Text(text, range(start, end))
    made: list[str] = []
    at: list[int] = []
    behind = 0
    for found in _ESCAPE.finditer(text):
        made.append(text[behind : found.start()])
        at += range(start + behind, start + found.start())
        behind = found.end()
        code = found[1] or found[2] or found[3] or found[4]
        if code is not None:
            number = int(code, 16)
            meant = chr(number) if number <= 0x10FFFF else "?"
        elif found[5] is not None:
            continue
        else:
            meant = _MEANT.get(found[6], found[6])
        made.append(meant)
        at += (start + found.start(),) * len(meant)
    made.append(text[behind:])
    at += range(start + behind, start + len(text))
    return Text("".join(made), at)


def text_of(source: Source, node: Node) -> Text:
    """The text of a string in JSON, TOML or JavaScript."""
    written = source.text[node.start : node.end]
    for quotes in ('"""', "'''", '"', "'", "`"):
        if len(written) >= 2 * len(quotes) and written.startswith(quotes):
            start, end = node.start + len(quotes), node.end - len(quotes)
            # TOML's texts in single quotes have no escapes; JavaScript's have, and JSON has none.
            if quotes[0] == "'" and "\\" in written and source.path.endswith(".toml"):
                return plain_text(source, start, end)
            return unescaped(source, start, end)
    return plain_text(source, node.start, node.end)


def put_in(
    source: Source, text: Text, pattern: re.Pattern[str], value: Callable[[str], Place | None]
) -> Text:
    """The text with its variables replaced.

    Args:
        source: the file of the text.
        text: the text.
        pattern: a variable; its first group that matched is the name.
        value: where a variable's value stands, None for one that stays as it is.
    """
    made: list[str] = []
    at: list[int] = []
    put: list[Put] = list(text.put)
    behind = 0
    for found in pattern.finditer(text.text):
        place = value(next(group for group in found.groups() if group is not None))
        start = text.at[found.start()]
        if place is None or start < 0:
            continue
        line = source.offset(place.line)
        digits = source.text[line + place.column - 1 :][: place.length]
        made += text.text[behind : found.start()], digits
        at += text.at[behind : found.start()]
        at += (-1 - len(put),) * place.length
        put.append(Put(source.place(start, found.end() - found.start()), place))
        behind = found.end()
    if not behind:
        return text
    made.append(text.text[behind:])
    at += text.at[behind:]
    return Text("".join(made), at, tuple(put))


def declared_in(
    source: Source, text: Text, *, who: str, form: str, runs: str | None
) -> Iterator[Declared]:
    """The ports of a command text. Those of parts that run beside others have a `runs` each.

    The number that a program takes where it is told none is a `mention`, not written there.
    """
    for port in ports_in_command(text.text, usual=True):
        made = declared_at(source, text, port, who=who, form=form, runs=runs)
        if made is not None:
            yield made


def declared_at(
    source: Source, text: Text, port: CommandPort, *, who: str, form: str, runs: str | None
) -> Declared | None:
    """One port of a command text; None where its digits stand in no one place."""
    at = text.at[port.offset : port.offset + port.length]
    sources: tuple[Place, ...] = ()
    if at[0] < 0:
        put = text.put[-1 - at[0]]
        if any(each != at[0] for each in at) or put.value.length != port.length:
            return None
        place, sources = put.variable, (put.value,)
    elif at[-1] - at[0] != port.length - 1:
        return None
    else:
        place = source.place(at[0], port.length)
    written = not sources and port.role != "mention"
    if port.role != "listen":
        runs = None
    elif port.together and runs is not None:
        runs = beside(runs, who, str(port.part))
    return Declared(
        place,
        port.first,
        port.last,
        port.role,
        who,
        form,
        transport=port.transport,
        address=port.address,
        speaks=port.speaks,
        product=port.program,
        runs=runs,
        sources=sources,
        written=written,
    )


def beside(runs: str, group: str, part: str) -> str:
    """The identity of one of several programs that a folder's file starts together."""
    return f"{runs}#{group}#{part}" if "#" not in runs else f"{runs}.{part}"


def folder_runs(source: Source) -> str:
    """The identity of the program that the files of this folder start."""
    return f"folder:{source.folder}"
