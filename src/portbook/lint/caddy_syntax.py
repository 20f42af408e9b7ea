"""The syntax of a Caddyfile: words with places, line by line.

Words end at white space. A quote or a backtick at a word's beginning reaches to the next one, over
line ends too; `<<NAME` reaches to a line with that name; `#` at a word's beginning is a comment; a
backslash before a line end joins the lines. A brace alone is a word of its own.
"""

import re
from collections.abc import Iterator

from portbook.model.record import Record

_TOKEN = re.compile(
    r"(?P<end>\n)|\\\r?\n|[^\S\n]+|\#[^\n]*"
    r"|<<(?P<mark>[\w-]{1,100})\r?\n"
    r"|\"(?P<double>(?:[^\"\\]|\\[\s\S])*+)(?:\"|\Z)|`(?P<tick>[^`]*+)(?:`|\Z)"
    r"|(?P<word>\S+)"
)


class Word(Record):
    """A word, unquoted, and the offset of its first character; `bare` outside quotes."""

    text: str
    start: int
    bare: bool


def lines(text: str) -> Iterator[list[Word]]:
    """The words of each line that has any."""
    words: list[Word] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            at += 1  # A backslash alone at the end of the file.
            continue
        at = found.end()
        kind = found.lastgroup
        if kind == "end":
            if words:
                yield words
            words = []
        elif kind == "mark":
            # The text between the marks is no configuration; its end may be indented.
            end = re.compile(rf"^[ \t]*{re.escape(found['mark'])}\b", re.MULTILINE).search(text, at)
            at = end.end() if end else len(text)
            words.append(Word("", found.start(), bare=False))
        elif kind is not None:
            words.append(Word(found[kind], found.start(kind), bare=kind == "word"))
    if words:
        yield words
