"""The words of a filter's text: names and values, quoted texts, comparisons, signs.

A bare word ends at white space and at one of `=<>!~(),'"`; everything else is text in quotes.
"""

from portbook.model.record import Record

LONGEST = 2_000
"""Characters of a filter."""
END = "end"
_COMPARE = ("!=", "!~", "<=", ">=", "=", "<", ">", "~")
_SIGNS = "(),"
_BREAKS = frozenset("=<>!~(),'\" \t\r\n")
_SHOWN = 40


class Word(Record):
    """A piece of the text: `kind` is `word`, `quoted`, `compare`, `sign` or `end`."""

    kind: str
    text: str
    place: int

    def says(self, text: str) -> bool:
        """Whether it is this sign or key word, which is never in quotes."""
        return self.kind in ("word", "sign") and self.text.lower() == text

    def plain(self) -> str:
        """What a number is read from."""
        return self.text

    @property
    def where(self) -> str:
        """Its position, from 1, for a message."""
        return "at the end" if self.kind == END else f"at character {self.place + 1}"

    def __str__(self) -> str:
        """Itself and its position, for a message."""
        if self.kind == END:
            return "the end"
        shown = self.text if len(self.text) <= _SHOWN else self.text[:_SHOWN] + "…"
        return f"{shown!r} {self.where}"


def words_of(text: str) -> list[Word]:
    """All words, and an END.

    Raises:
        ValueError: a quote is not closed, or a character cannot stand in a filter.
    """
    found = []
    place = 0
    while place < len(text):
        sign = text[place]
        if sign in " \t\r\n":
            place += 1
            continue
        begin = place
        if sign in "'\"":
            word, place = _quoted(text, place)
        elif sign in _SIGNS:
            word, place = Word("sign", sign, begin), place + 1
        elif sign in _BREAKS:
            compare = next((each for each in _COMPARE if text.startswith(each, place)), None)
            if compare is None:
                raise ValueError(f"'!' at character {begin + 1} is followed by neither = nor ~")
            word, place = Word("compare", compare, begin), place + len(compare)
        else:
            while place < len(text) and text[place] not in _BREAKS:
                place += 1
            word = Word("word", text[begin:place], begin)
        # No control character, no half of a pair: nothing that PostgreSQL has no text for.
        if not word.text.isprintable():
            raise ValueError(f"an unprintable character in the word at character {begin + 1}")
        found.append(word)
    return [*found, Word(END, "", len(text))]


def _quoted(text: str, begin: int) -> tuple[Word, int]:
    """A text in quotes; a backslash takes the next character as it is."""
    quote, place, said = text[begin], begin + 1, []
    while place < len(text) and text[place] != quote:
        if text[place] == "\\" and place + 1 < len(text):
            place += 1
        said.append(text[place])
        place += 1
    if place >= len(text):
        raise ValueError(f"the quote at character {begin + 1} is not closed")
    return Word("quoted", "".join(said), begin), place + 1
