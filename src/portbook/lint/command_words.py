"""The words of shell commands, each with the places of its characters; nothing is expanded or run.

Tolerant on purpose: the texts are scripts of package.json, recipes, lines of a README. What a
variable would put in is a hole, a default (`${PORT:-3000}`) is taken for the value.
"""

import re
from collections.abc import Sequence

from portbook.model.record import Record

HOLE = "\ufffc"
"""Stands where a variable or the output of a command would be."""

_PLAIN = re.compile(r"[^\s\\\"'`$&|;()<>#{]+")
_IN_QUOTES = re.compile(r"[^\"\\$`]+")
_DEFAULT = re.compile(r"[A-Za-z_]\w*:?[-=]([^$`'\"{}]*)\}")
_NAME = re.compile(r"[A-Za-z_]\w*|.", re.DOTALL)


class Word(Record):
    """A word without its quotes; `at` has the offset of each character, -1 for a hole."""

    text: str
    at: Sequence[int]

    def cut(self, start: int, end: int | None = None) -> "Word":
        """A part of the word."""
        return Word(self.text[start:end], self.at[start:end])


class Command(Record):
    """The words of one command; `beside`: `&` follows, the next one starts while it runs."""

    words: tuple[Word, ...]
    beside: bool


def plain_word(text: str, start: int = 0) -> Word:
    """A word that stands as such from offset `start` on."""
    return Word(text, range(start, start + len(text)))


def commands_of(text: str, at: Sequence[int] | None = None) -> list[Command]:
    """The commands of a text, without its comments and redirections.

    Args:
        text: one line or several, as a shell would take them.
        at: the offset of each character where it is not the character's own.
    """
    return _Lexer(text, range(len(text)) if at is None else at).commands()


class _Lexer:
    def __init__(self, text: str, at: Sequence[int]) -> None:
        self.text = text
        self.at = at
        self.pos = 0
        self.parts: list[tuple[str, Sequence[int]]] = []
        self.quoted = False
        self.words: list[Word] = []
        self.found: list[Command] = []
        self.drops = False
        # Ends that were looked for in vain, so that a text full of beginnings takes linear time.
        self.missing: set[str] = set()

    def commands(self) -> list[Command]:
        text, end = self.text, len(self.text)
        while self.pos < end:
            char = text[self.pos]
            plain = _PLAIN.match(text, self.pos)
            if plain is not None:
                self.take(self.pos, plain.end())
            elif char in " \t\r\f\v":
                self.end_word()
                self.pos += 1
            elif char == "#" and not self.parts and not self.quoted:
                self.pos = self.find("\n", self.pos, or_end=True)
            elif char == "\\":
                self.escape()
            elif char == "'":
                self.single()
            elif char == '"':
                self.double()
            elif char in "$`" or text.startswith(("{{", "<%"), self.pos):
                self.hole()
            elif char in "<>" or text.startswith("&>", self.pos):
                self.redirect()
            elif char in "\n;&|()":
                self.operator(char)
            else:
                # A `#` or a brace in a word, or a white space of another alphabet.
                self.take(self.pos, self.pos + 1)
        self.end_command(beside=False)
        return self.found

    def find(self, what: str, start: int, *, or_end: bool = False) -> int:
        """Where something is from `start` on, -1 (or the end) where it is not."""
        where = -1 if what in self.missing else self.text.find(what, start)
        if where < 0:
            self.missing.add(what)
            return len(self.text) if or_end else -1
        return where

    def take(self, start: int, end: int) -> None:
        self.parts.append((self.text[start:end], self.at[start:end]))
        self.pos = end

    def end_word(self) -> None:
        if self.parts or self.quoted:
            if len(self.parts) == 1:
                word = Word(*self.parts[0])
            else:
                text = "".join(part for part, _ in self.parts)
                word = Word(text, [offset for _, at in self.parts for offset in at])
            if not self.drops:
                self.words.append(word)
            self.drops = False
        self.parts = []
        self.quoted = False

    def end_command(self, *, beside: bool) -> None:
        self.end_word()
        self.drops = False
        if self.words:
            self.found.append(Command(tuple(self.words), beside))
            self.words = []

    def operator(self, char: str) -> None:
        double = self.text.startswith(char * 2, self.pos) and char in "&|;"
        self.end_command(beside=char == "&" and not double)
        self.pos += 2 if double else 1

    def redirect(self) -> None:
        if len(self.parts) == 1 and self.parts[0][0].isdigit():
            self.parts = []
        self.end_word()
        while self.pos < len(self.text) and self.text[self.pos] in "<>&|":
            self.pos += 1
        self.drops = True

    def escape(self) -> None:
        after = self.text[self.pos + 1 : self.pos + 3]
        if after.startswith("\n") or after == "\r\n":
            self.pos += 2 if after.startswith("\n") else 3
        elif after:
            self.take(self.pos + 1, self.pos + 2)
        else:
            self.pos += 1

    def single(self) -> None:
        end = self.find("'", self.pos + 1)
        if end < 0:
            # An apostrophe.
            self.take(self.pos, self.pos + 1)
            return
        self.quoted = True
        self.take(self.pos + 1, end)
        self.pos = end + 1

    def double(self) -> None:
        self.quoted = True
        self.pos += 1
        text = self.text
        while self.pos < len(text):
            char = text[self.pos]
            plain = _IN_QUOTES.match(text, self.pos)
            if plain is not None:
                self.take(self.pos, plain.end())
            elif char == '"':
                self.pos += 1
                return
            elif char == "\\":
                self.escape()
            else:
                self.hole()

    def hole(self) -> None:
        """What is put in by something that is not run here."""
        text, pos = self.text, self.pos
        if text.startswith(("${{", "{{"), pos):
            end = self.find("}}", pos, or_end=True) + 2
        elif text.startswith("<%", pos):
            end = self.find("%>", pos, or_end=True) + 2
        elif text.startswith("${", pos):
            default = _DEFAULT.match(text, pos + 2)
            if default is not None:
                self.take(default.start(1), default.end(1))
                self.pos = default.end()
                return
            end = self._closing("{", "}", pos + 1)
        elif text.startswith("$(", pos):
            end = self._closing("(", ")", pos + 1)
        elif text[pos] == "`":
            end = self.find("`", pos + 1, or_end=True) + 1
        else:
            name = _NAME.match(text, pos + 1)
            end = name.end() if name is not None else pos + 1
        self.parts.append((HOLE, (-1,)))
        self.pos = min(end, len(text))

    def _closing(self, opening: str, closing: str, start: int) -> int:
        depth = 0
        for at in range(start, len(self.text)):
            char = self.text[at]
            if char == opening:
                depth += 1
            elif char == closing:
                depth -= 1
                if depth == 0:
                    return at + 1
        return len(self.text)
