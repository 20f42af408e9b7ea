"""Sentences that remember how they were made, so that the pages can say them in other languages.

Each is the English text and nothing else for everyone who prints, compares or writes it. Only the
pages look at the parts. A message is always a literal: the catalogues are made from the sources.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Said(str):
    """An English sentence, made of `message` and the `values` of its `%(name)s`.

    `many` is the message for other numbers than one where the sentence counts, else None; then
    the number is `values["n"]`. A value may be Said, Joined or Verbatim itself; any other is a
    name or a number, and the same in every language.
    """

    __slots__ = ("many", "message", "values")
    message: str
    many: str | None
    values: dict[str, object]

    def __new__(cls, message: str, /, **values: object) -> "Said":  # noqa: PYI034 - typing.Self costs 7 ms
        """`message` with its values filled in."""
        return _said(message, None, values)

    @staticmethod
    def plural(one: str, many: str, number: int, /, **values: object) -> "Said":
        """The form that fits `number`, which is `%(n)s` in it."""
        return _said(one, many, {"n": number, **values})

    def __reduce__(self) -> "tuple[object, tuple[str, str | None, dict[str, object]]]":
        """Copies and pickles keep the parts."""
        return _said, (self.message, self.many, self.values)


def _said(message: str, many: str | None, values: dict[str, object]) -> Said:
    form = message if many is None or values["n"] == 1 else many
    made = str.__new__(Said, form % values if values else form)
    made.message, made.many, made.values = message, many, values
    return made


class Joined(str):
    """Several texts in one: names that are alternatives (`either`), or sentences (`a; b`)."""

    __slots__ = ("either", "parts")
    parts: tuple[str, ...]
    either: bool

    def __new__(cls, parts: "Iterable[str]", *, either: bool = False) -> "Joined":  # noqa: PYI034 - as above
        """The parts with `or` or a semicolon between them."""
        return _joined(tuple(parts), either)

    def __reduce__(self) -> "tuple[object, tuple[tuple[str, ...], bool]]":
        """Copies and pickles keep the parts."""
        return _joined, (self.parts, self.either)


def _joined(parts: tuple[str, ...], either: bool) -> Joined:  # noqa: FBT001 - as it is pickled
    made = str.__new__(Joined, (" or " if either else "; ").join(parts))
    made.parts, made.either = parts, either
    return made


class Verbatim(str):
    """What the system or another program said, in its own words: English in every language."""

    __slots__ = ()


def reason_of(error: Exception) -> str:
    """What an error says: our own sentence where it carries one, else its text."""
    if isinstance(error, OSError):
        strerror = error.strerror or str(error) or type(error).__name__
        return strerror if isinstance(strerror, Said) else Verbatim(strerror)
    said = error.args[0] if error.args else ""
    return said if isinstance(said, Said) else Verbatim(error)
