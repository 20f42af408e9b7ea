"""A language's catalogue: reads its PO file, and says what is wrong with a translation.

Who opens the book must not be the one who finds a broken translation: a catalogue is refused as
a whole when it is opened. Templates take a translation as it is, so its markup is checked too.
"""

import re
from collections.abc import Iterator
from functools import cache
from gettext import c2py
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, read_po

from portbook.model import EnvironmentFault

_NAME = re.compile(r"%\(\w+\)s|\{\w+\}")
_STRAY = re.compile(r"%(?!\(\w+\)s|%)")
_LINE = re.compile(
    r'\s*(?:#.*|(?:(?:msg(?:ctxt|id|id_plural|str|str\[[0-9]\]) )?"(?:[^"\\]|\\.)*")?)\s*'
)
_SIGNS = re.compile(r'[%{<>"&]')
_MARKUP = re.compile(r"</?[a-z][^<>]*>|&#?\w+;")


def read(path: str, language: str) -> Catalog:
    """The catalogue of one language, whole.

    Raises:
        EnvironmentFault: it cannot be read, or a translation would break a page.
    """
    catalogue = load(path, language)
    for message in catalogue:
        if message.id and not message.fuzzy:
            for what in faults(message, catalogue):
                raise _fault(language, message.lineno or 0, what)
    return catalogue


def load(path: str, language: str) -> Catalog:
    """The catalogue as it is: its translations may have faults.

    Raises:
        EnvironmentFault: it is no catalogue, or of no known language.
    """
    try:
        locale = Locale.parse(language, sep="-")
        with open(path, "rb") as file:
            lines = file.read().decode("utf-8").split("\n")
        for number, line in enumerate(lines, 1):
            # Babel would take the last letter of an open string for its closing quote.
            if not _LINE.fullmatch(line):
                raise _fault(language, number, f"no line of a PO file: {line[:60]!r}")
        catalogue = read_po(lines, locale=str(locale), abort_invalid=True)
        form = c2py(catalogue.plural_expr)
    except PoFileError as error:
        what = str(error).rpartition(" on ")[0]
        raise _fault(language, error.lineno + 1, what) from None
    except (OSError, UnknownLocaleError, ValueError, LookupError) as error:
        raise EnvironmentFault(f"the language {language!r}: {error}") from None
    if not all(form(number) < catalogue.num_plurals for number in range(1000)):
        what = f"its rule for plurals has more than {catalogue.num_plurals} forms"
        raise EnvironmentFault(f"the language {language!r}: {what}")
    return catalogue


def _fault(language: str, line: int, what: str) -> EnvironmentFault:
    """One line, whatever the file held."""
    return EnvironmentFault(f"the language {language!r}: line {line} of its catalogue {what}")


def faults(message: Message, catalogue: Catalog) -> Iterator[str]:
    """What is wrong with a translation in that catalogue.

    A form that is still empty is no fault: it is said in English.
    """
    wanted: tuple[str, ...] = message.id if isinstance(message.id, tuple) else (str(message.id),)
    said: Any = message.string
    if isinstance(said, str) == (len(wanted) > 1):
        yield "plural forms where the message has none, or none where it has"
        return
    given: tuple[str, ...] = (said,) if isinstance(said, str) else tuple(said or ())
    if len(wanted) > 1 and len(given) != catalogue.num_plurals:
        yield f"{len(given)} plural forms, this language has {catalogue.num_plurals}"
    for at, form in enumerate(given):
        if form:
            # "One port" needs no number, but only where the form is said of nothing but 1.
            alone = len(wanted) > 1 and _of_one(catalogue.plural_expr, at)
            yield from _differences(wanted[0] if alone else wanted[-1], form)


@cache
def _of_one(rule: str, at: int) -> bool:
    """Whether a plural form is said of a single number, by the rule of the language."""
    form = c2py(rule)
    return sum(form(number) == at for number in range(200)) == 1


def _differences(wanted: str, said: str) -> Iterator[str]:
    yield from blanks(said)
    if not (_SIGNS.search(wanted) or _SIGNS.search(said)):
        return
    for name in sorted(names(wanted) - names(said)):
        yield f"lacks {name}"
    for name in sorted(names(said) - names(wanted)):
        yield f"has {name}, which the message does not have"
    if formatted(wanted) and _STRAY.search(said):
        yield "has a % that stands alone: write %%"
    if sorted(_MARKUP.findall(wanted)) != sorted(_MARKUP.findall(said)):
        yield "has other markup than the message"
    for sign in '<>"&':
        if sign in _MARKUP.sub("", said) and sign not in _MARKUP.sub("", wanted):
            yield f"has {sign}, which the message does not have"


def blanks(text: str) -> Iterator[str]:
    """What is wrong with the blanks of a message or a translation."""
    if text != text.strip():
        yield "starts or ends with a blank"
    if "  " in text or "\n" in text or "\t" in text:
        yield "has two blanks in a row, a tab or a line break"


def names(text: str) -> set[str]:
    """What is filled in: `%(port)s` when a page is made, `{port}` by a script of the page."""
    return set(_NAME.findall(text))


def formatted(text: str) -> bool:
    """Whether values are filled in, so that a percent sign is written twice."""
    return "%(" in text or "%%" in text


def strays(text: str) -> bool:
    """Whether a percent sign stands alone, which breaks a message that is filled in."""
    return _STRAY.search(text) is not None
