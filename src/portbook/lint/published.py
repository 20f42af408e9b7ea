"""What `docker run -p` takes, and what of it stands where: `127.0.0.1:8080-8090:80-90/tcp`."""

import re
from collections.abc import Iterable, Iterator, Sequence

from portbook.lint.source import Source
from portbook.lint.tree import Node
from portbook.lint.written import is_template, start_of_text
from portbook.model.declared import Declared
from portbook.model.record import Record

_RANGE = r"[0-9]{1,7}(?:-[0-9]{1,7})?"
_PUBLISHED = re.compile(
    rf"(?:(?:(\[[0-9A-Fa-f:.]{{2,45}}\]|[0-9.]{{7,15}}):)?(?:({_RANGE})?:))?({_RANGE})"
    r"(?:/(tcp|udp|sctp|TCP|UDP|SCTP))?"
)
_FLAG = re.compile(r"(?:--publish=|-p=?)(.+)")


class Side(Record):
    """One side of a published port: the numbers, and where their digits are in the text."""

    first: int
    last: int
    start: int
    length: int


class Published(Record):
    """A published port; `outer` is None where the engine chooses the number."""

    address: str | None
    outer: Side | None
    inner: Side
    transport: str


def published(text: str) -> Published | None:
    """The parts of the short form; None where it is something else or has a variable in it."""
    found = _PUBLISHED.fullmatch(text)
    if found is None:
        return None
    address, outer, _, transport = found.groups()
    return Published(
        address.strip("[]") if address else None,
        _side(found, 2) if outer else None,
        _side(found, 3),
        (transport or "tcp").lower(),
    )


def _side(found: "re.Match[str]", group: int) -> Side:
    first, _, last = found[group].partition("-")
    return Side(int(first), int(last or first), found.start(group), len(found[group]))


def options(arguments: Sequence[Node]) -> Iterator[tuple[Node, int, str]]:
    """(argument, offset in its text, value) of every `-p` among the arguments of `docker run`."""
    for number, argument in enumerate(arguments):
        if argument.text in ("-p", "--publish"):
            for value in arguments[number + 1 : number + 2]:
                yield value, 0, value.text
        elif found := _FLAG.fullmatch(argument.text):
            yield argument, found.start(1), found[1]


_IN_TEXT = re.compile(r"(?<!\S)(?:--publish[= ]|-p[= ]?) *([^\s'\"]+)(?!\S)")


def options_in(text: str) -> Iterator[tuple[int, str]]:
    """(offset, value) of every `-p` in a text with options of `docker run`."""
    for found in _IN_TEXT.finditer(text):
        yield found.start(1), found[1]


def declare(
    source: Source,
    values: Iterable[tuple[Node, int, str]],
    form: str,
    who: str,
    *,
    product: str | None = None,
    runs: str | None = None,
) -> Iterator[Declared]:
    """Both sides of each value: `publish` on the machine, `container` inside.

    `values` are (node, offset in its text, value). A text whose characters are not those of the
    file (escapes) is left out, as is port 0, which asks for any.
    """
    last: Node | None = None
    start: int | None = None
    for node, offset, value in values:
        if node is not last:
            # Comparing a long text with the file once for each option in it would be too often.
            last, start = node, start_of_text(source, node)
        found = published(value)
        if found is None or start is None or is_template(value):
            continue
        sides = ((found.outer, "publish", found.address), (found.inner, "container", None))
        for side, role, address in sides:
            if side is not None and side.last > 0:
                yield Declared(
                    source.place(start + offset + side.start, side.length),
                    side.first,
                    side.last,
                    role,
                    who,
                    form,
                    transport=found.transport,
                    address=address,
                    product=product,
                    runs=runs,
                )
