"""A filter over listeners of a fleet, such as `process=redis and reach=any`, read into a tree.

    filter  = any, any = all {"or" all}, all = one {"and" one}
    one     = "not" one | "(" any ")" | test
    test    = FIELD ("=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~") VALUE
            | FIELD ["not"] "in" "(" VALUE {"," VALUE} ")"

`~` compares with a pattern (`*` any text, `?` one character). A comparison with a fact that is not
there, or is unknown, is false; `!=`, `!~`, `not` and `not in` are true wherever the comparison
without the `not` is false. So each test is true or false, never a third thing. Bare `?` is
"unknown" (`process=?`) and bare `-` "there is none" (`unit=-`).

Nothing here is SQL and nothing is run: see fleet.filter_sql and fleet.filter_match.
"""

from portbook.fleet.filter_words import END, LONGEST, Word, words_of
from portbook.model import UsageError
from portbook.model.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_TESTS = 100
MOST_DEPTH = 32
MOST_STARS = 16
LARGEST = 2**31 - 1
"""Of a number: what PostgreSQL's integer takes."""

NUMBERS = ("port", "pid")
MAY_BE_UNKNOWN = ("process", "pid", "exe", "user", "unit", "container", "package")
TEXTS = ("process", "exe", "user", "unit", "container", "package", "speaks")
"""Texts that a listener may be without."""
CHOICES = {
    "transport": ("tcp", "udp", "sctp", "dccp"),
    "state": ("listen", "bound", "unconnected"),
    "reach": ("loopback", "link-local", "private", "any", "other-netns"),
    "verdict": ("expected", "familiar", "unregistered", "mismatch", "suspicious", "unknown"),
    "severity": ("info", "low", "medium", "high"),
}
"""Fields with a closed set of words; those of `severity` rise."""
FIELDS = (
    *("host", "name", "port", "transport", "address", "netns", "state", "reach"),
    *("process", "pid", "exe", "user", "unit", "container", "package"),
    *("speaks", "verdict", "severity", "rule"),
)
LABEL = "label."
"""Before the name of a label, which is a field too: `label.role=web`."""


class Check(Record):
    """One comparison. `field` is one of FIELDS, or `label.` and a name.

    `op`: `is` (equal to one of `values`), `like` (fits the pattern `values[0]`), `within`
    (`values` are an inclusive range), `unknown` (the fact could not be had), `absent` (there is
    none). For `rule` it is enough that one of the rules that fired fits.
    """

    field: str
    op: str
    values: tuple[str | int, ...] = ()


class Group(Record):
    """Several filters: `all` of them, or `any`. All of none is everything."""

    kind: str
    parts: "tuple[Filter, ...]"


class Not(Record):
    """What `part` does not select."""

    part: "Filter"


Filter = Check | Group | Not

EVERYTHING = Group("all", ())


class BadFilter(UsageError):
    """A filter that cannot be understood; the message says where."""


def parse(text: str) -> "Filter":
    """Read a filter; an empty one selects everything.

    Raises:
        BadFilter: in one line, with the position of what does not fit.
    """
    if len(text) > LONGEST:
        raise BadFilter(f"the filter is longer than {LONGEST} characters")
    try:
        reader = _Reader(words_of(text))
        return EVERYTHING if reader.at.kind == END else reader.whole()
    except ValueError as error:
        raise BadFilter(f"--where: {error}", hint=_HINT) from None


_HINT = "such as: process=redis and reach=any, port=8000-8999 or port in (80, 443), name~web*"


class _Reader:
    """Reads words from the first to the last; raises ValueError where one does not fit."""

    def __init__(self, words: "Sequence[Word]") -> None:
        self._words = words
        self._place = 0
        self._depth = 0
        self._tests = 0

    @property
    def at(self) -> Word:
        return self._words[self._place]

    def whole(self) -> "Filter":
        found = self._any()
        if self.at.kind != END:
            raise ValueError(f"'and' or 'or' is missing before {self.at}")
        return found

    def _take(self) -> Word:
        word = self.at
        if word.kind != END:
            self._place += 1
        return word

    def _takes(self, text: str) -> bool:
        """Go on if this sign or key word is next."""
        if self.at.says(text):
            self._place += 1
            return True
        return False

    def _any(self) -> "Filter":
        parts = [self._all()]
        while self._takes("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Group("any", tuple(parts))

    def _all(self) -> "Filter":
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Group("all", tuple(parts))

    def _one(self) -> "Filter":
        # Bounded, so that no text takes the interpreter's stack.
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise ValueError(f"more than {MOST_DEPTH} levels of 'not' and '(' {self.at.where}")
        found: Filter
        if self._takes("not"):
            found = Not(self._one())
        elif self._takes("("):
            found = self._any()
            if not self._takes(")"):
                raise ValueError(f"')' is missing before {self.at}")
        else:
            found = self._test()
        self._depth -= 1
        return found

    def _test(self) -> "Filter":
        field = _field(self._take())
        sign = self._take()
        negative = sign.says("not")
        if negative:
            sign = self._take()
        if sign.says("in"):
            if not self._takes("("):
                raise ValueError(f"'(' is missing before {self.at}")
            found = self._list(field)
        elif negative or sign.kind != "compare":
            signs = "'in'" if negative else "=, !=, <, <=, >, >=, ~, !~ or in"
            raise ValueError(f"after {field} comes {signs}, not {sign}")
        else:
            negative = sign.text in ("!=", "!~")
            found = self._compared(field, "~" if "~" in sign.text else sign.text)
        return Not(found) if negative else found

    def _compared(self, field: str, sign: str) -> "Filter":
        value = self._take()
        self._tested(value)
        if sign == "~":
            return _like(field, value)
        if sign in ("=", "!="):
            return _equal(field, value)
        if field == "severity":
            return _severity(sign, value)
        if field not in NUMBERS:
            raise ValueError(f"{field} has no order: {sign} {value.where} compares {_ORDERED}")
        number = _number(field, value.plain(), value)
        low, high = {
            "<": (0, number - 1),
            "<=": (0, number),
            ">": (number + 1, LARGEST),
            ">=": (number, LARGEST),
        }[sign]
        return Check(field, "within", (low, high))

    def _list(self, field: str) -> "Filter":
        plain: list[str | int] = []
        others: list[Filter] = []
        while True:
            value = self._take()
            self._tested(value)
            test = _equal(field, value)
            if test.op == "is":
                plain += test.values
            else:
                others.append(test)
            if self._takes(")"):
                break
            if not self._takes(","):
                raise ValueError(f"',' or ')' is missing before {self.at}")
        if plain:
            others.insert(0, Check(field, "is", tuple(plain)))
        return others[0] if len(others) == 1 else Group("any", tuple(others))

    def _tested(self, value: Word) -> None:
        if value.kind not in ("word", "quoted"):
            raise ValueError(f"a value is missing before {value}")
        self._tests += 1
        if self._tests > MOST_TESTS:
            raise ValueError(f"more than {MOST_TESTS} values {value.where}")


_ORDERED = "port, pid and severity"


def _field(word: Word) -> str:
    if word.kind != "word":
        raise ValueError(f"a field is missing before {word}")
    if word.text[: len(LABEL)].lower() == LABEL and len(word.text) > len(LABEL):
        return LABEL + word.text[len(LABEL) :]
    field = word.text.lower()
    if field not in FIELDS:
        raise ValueError(f"no field {word}; there are {', '.join(FIELDS)}, {LABEL}NAME")
    return field


def _equal(field: str, value: Word) -> Check:
    if value.kind == "word" and value.text == "?":
        if field not in MAY_BE_UNKNOWN:
            raise ValueError(f"{field} is never unknown: {value}")
        return Check(field, "unknown")
    if value.kind == "word" and value.text == "-":
        if field in NUMBERS[:1] or (field in CHOICES and field != "severity"):
            raise ValueError(f"{field} is never absent: {value}")
        return Check(field, "absent")
    if field not in NUMBERS:
        return Check(field, "is", (_text(field, value),))
    low, dash, high = value.plain().partition("-")
    first = _number(field, low, value)
    if not dash:
        return Check(field, "is", (first,))
    last = _number(field, high, value)
    if first > last:
        raise ValueError(f"the range {value} runs backwards")
    return Check(field, "within", (first, last))


def _like(field: str, value: Word) -> Check:
    if field in NUMBERS:
        raise ValueError(f"{field} is a number: ~ {value.where} compares texts")
    pattern = value.text
    while "**" in pattern:
        pattern = pattern.replace("**", "*")
    if pattern.count("*") > MOST_STARS:
        raise ValueError(f"more than {MOST_STARS} stars in {value}")
    return Check(field, "like", (pattern,))


def _severity(sign: str, value: Word) -> Check:
    ranks = CHOICES["severity"]
    rank = ranks.index(_text("severity", value))
    kept = {
        "<": ranks[:rank],
        "<=": ranks[: rank + 1],
        ">": ranks[rank + 1 :],
        ">=": ranks[rank:],
    }[sign]
    return Check("severity", "is", kept)


def _text(field: str, value: Word) -> str:
    allowed = CHOICES.get(field)
    if allowed and value.text not in allowed:
        raise ValueError(f"{field} is one of {', '.join(allowed)}, not {value}")
    return value.text


def _number(field: str, text: str, value: Word) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= LARGEST):
        example = "80 or 8000-8999" if field == "port" else "812"
        raise ValueError(f"{field} is a number such as {example}, not {value}")
    return int(text)
