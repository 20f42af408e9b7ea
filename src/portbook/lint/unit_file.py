"""Unit files of systemd: sections, keys and values, with the place of every value.

systemd.syntax(7): `key=value` below `[Section]`; a line that ends in a backslash goes on in the
next, comment lines in between left out; lines that begin with `#` or `;` are comments.
"""

import re
from collections.abc import Iterator

from portbook.lint.source import Source
from portbook.model.record import Record

_SECTION = re.compile(r"\[([^\[\]]+)\]")
_LEFT_OUT = re.compile(
    r"^[ \t]*[#;][^\n]*|\\\r?\n(?:[ \t]*[#;][^\n]*(?:\n|\Z))*",
    re.MULTILINE,
)
# A quote that never closes takes all that follows, so that no text is looked through twice.
_WORD = re.compile(
    r"\"(?P<double>(?:[^\"\\]|\\[\s\S])*+)(?:\"|\Z)|'(?P<single>(?:[^'\\]|\\[\s\S])*+)(?:'|\Z)|\S+"
)


class Setting(Record):
    """One assignment; `offset` is where its value begins.

    In a value of several lines each backslash, line end and comment is as many spaces, so that an
    offset in the value is one in the file.
    """

    section: str
    key: str
    value: str
    offset: int


def settings(source: Source) -> Iterator[Setting]:
    """Every assignment, in order. What is neither comment, section nor assignment is left out."""
    section = ""
    offset = 0
    text = _LEFT_OUT.sub(lambda found: " " * len(found[0]), source.text)
    for line in text.split("\n"):
        found = _SECTION.fullmatch(line.strip())
        key, equals, value = line.partition("=")
        if found:
            section = found[1]
        elif equals:
            begins = offset + len(key) + 1 + len(value) - len(value.lstrip())
            yield Setting(section, key.strip(), value.strip(), begins)
        offset += len(line) + 1


def words(value: str) -> Iterator[tuple[str, int]]:
    """The words of a value, unquoted, each with its offset in the value."""
    for found in _WORD.finditer(value):
        quoted = found.lastgroup
        yield (found[quoted], found.start(quoted)) if quoted else (found[0], found.start())
