"""The syntax of nginx: words, `;`, and blocks in braces, as a stream of statements with places.

A word ends at a space, `;` or `{`; a closing brace counts where a word would begin. Quotes count
there too, `#` as well. Blocks of Lua are skipped by counting their braces. Templates' own braces
(`{{ port }}`, `{% if %}`, `<%= %>`) are taken for words without a number.
"""

import re
from collections.abc import Iterator

from portbook.lint.tree import MOST_DEPTH
from portbook.model.record import Record

_TOKEN = re.compile(
    r"\s+|\#[^\n]*"
    r"|(?P<mark>[;{}])"
    r"|\"(?P<double>(?:[^\"\\]|\\[\s\S])*+)(?P<closed>\")?"
    r"|'(?P<single>(?:[^'\\]|\\[\s\S])*+)(?P<shut>')?"
    r"|(?P<word>(?:\\[\s\S]|\$\{|[^\s;{\\]|\\\Z)+)"
)
_TEMPLATE = re.compile(r"\{\{[^{}\n]{0,500}\}\}|<%[^%\n]{0,500}%>|\{%[^{}%\n]{0,500}%\}")


class Word(Record):
    """A word of a statement, unquoted, and the offset of its first character."""

    text: str
    start: int


class Statement(Record):
    """What a `;` ends, a `{` opens or a `}` closes: `ends` is which one, `words` come before it."""

    words: tuple[Word, ...]
    ends: str
    start: int


class Broken(Exception):
    """The text ends within a quote, a statement or a block; `start` is where that began."""

    def __init__(self, why: str, start: int) -> None:
        super().__init__(why)
        self.start = start


def statements(text: str) -> Iterator[Statement]:
    """Every statement in order.

    Raises:
        Broken: behind the last whole statement, where something is left open.
    """
    if "{{" in text or "<%" in text or "{%" in text:
        text = _TEMPLATE.sub(_as_word, text)
    words: list[Word] = []
    at = 0
    opened: list[int] = []
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Broken("this character is not understood", at)
        at = found.end()
        kind = found.lastgroup
        if kind in ("double", "single"):
            raise Broken("a quote never closes", found.start())
        if kind in ("closed", "shut"):
            kind = "double" if kind == "closed" else "single"
        if kind is None:
            continue
        if kind != "mark":
            words.append(Word(found[kind], found.start(kind)))
            continue
        mark = found["mark"]
        start = words[0].start if words else found.start()
        yield Statement(tuple(words), mark, start)
        if mark == "{":
            if len(opened) >= MOST_DEPTH:
                raise Broken(f"nested over {MOST_DEPTH} deep", start)
            if words and words[0].text.endswith("_by_lua_block"):
                at = _behind_lua(text, at)
                yield Statement((), "}", at)
            else:
                opened.append(start)
        elif mark == "}":
            if not opened:
                raise Broken("this brace closes nothing", found.start())
            opened.pop()
        words = []
    if words:
        raise Broken("this statement never ends", words[0].start)
    if opened:
        raise Broken("this block never closes", opened[-1])


def _as_word(found: "re.Match[str]") -> str:
    # `{% if %}` says nothing by itself; what is put in for the others may be any word.
    return (" " if found[0].startswith("{%") else "$") * len(found[0])


_LUA = re.compile(
    r"--\[\[[\s\S]*?(?:\]\]|\Z)|--[^\n]*|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|[{}]"
)


def _behind_lua(text: str, at: int) -> int:
    """The offset behind the brace that closes a block of Lua."""
    depth = 1
    for found in _LUA.finditer(text, at):
        if found[0] in "{}":
            depth += 1 if found[0] == "{" else -1
            if not depth:
                return found.end()
    return len(text)
