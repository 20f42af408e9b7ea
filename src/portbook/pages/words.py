"""One language of the book: its messages, dates, numbers and lists.

English is the language of the sources. Every other one is a gettext catalogue (PO file) in
`languages/`, read when it is first asked for: to add a language is to add its file.
"""

import os
from datetime import date, datetime
from functools import cache, lru_cache
from gettext import NullTranslations, c2py
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.lists import format_list
from babel.messages.catalog import Catalog
from babel.numbers import format_decimal, format_percent

from portbook.pages import catalogue

SOURCE = "en"
_FOLDER = os.path.join(os.path.dirname(__file__), "languages")


class Words:
    """What can be said in one language.

    `language` is its tag (`nl`), `name` what its speakers call it, `direction` is `ltr` or `rtl`.
    """

    def __init__(self, language: str, catalogue: NullTranslations) -> None:
        self.language = language
        self.catalogue = catalogue
        self.locale = Locale.parse(language, sep="-")
        self._percent = self.locale.percent_formats[None].pattern.replace("0", "0.0", 1)
        # An English locale without a country writes the month first: the book is for everyone.
        self._dates = Locale("en", "GB") if language == SOURCE else self.locale
        name = self.locale.get_display_name(self.locale) or language
        self.name = name[:1].upper() + name[1:]
        self.direction = self.locale.text_direction

    def text(self, message: str, /, **values: object) -> str:
        """`message` in this language, its `%(name)s` filled in."""
        said = self.catalogue.gettext(message)
        return said % values if values else said

    def plural(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The form that fits `number`; `%(n)s` is the number as this language writes it."""
        said = self.catalogue.ngettext(one, many, number)
        return said % {"n": self.number(number), **values}

    @lru_cache(maxsize=4096)  # noqa: B019 - there is one object per language, and it stays
    def date(self, iso: str) -> str:
        """An ISO date as coarse as it is: `2002-02` is "February 2002"."""
        if len(iso) == 4:
            return iso
        if len(iso) == 7:
            return str(format_date(date.fromisoformat(f"{iso}-01"), "MMMM y", locale=self._dates))
        return str(format_date(date.fromisoformat(iso[:10]), "long", locale=self._dates))

    def moment(self, iso: str) -> str:
        """An ISO 8601 UTC time such as `2026-11-23T09:00:00Z`, to the second."""
        at = datetime.fromisoformat(iso)
        return str(format_datetime(at, "d MMMM y, HH:mm:ss 'UTC'", locale=self._dates))

    @lru_cache(maxsize=4096)  # noqa: B019 - as above
    def number(self, number: float) -> str:
        """A count with the language's own grouping. Port numbers are names: never use it there."""
        return str(format_decimal(number, locale=self.locale))

    @lru_cache(maxsize=4096)  # noqa: B019 - as above
    def share(self, part: int, whole: int) -> str:
        """A percentage with one decimal; of nothing it is 0."""
        ratio = part / whole if whole else 0
        return str(format_percent(ratio, self._percent, locale=self.locale))

    def listing(self, items: tuple[str, ...] | list[str], *, either: bool = False) -> str:
        """`a, b and c`, or with `either` `a, b or c`."""
        if len(items) == 1:
            return items[0]
        return str(format_list(list(items), "or" if either else "standard", locale=self._dates))


@cache
def languages() -> tuple[str, ...]:
    """The tags of all languages, English first."""
    others = sorted(name[:-3] for name in os.listdir(_FOLDER) if name.endswith(".po"))
    return (SOURCE, *others)


@cache
def words(language: str) -> Words:
    """The words of one language.

    Raises:
        EnvironmentFault: there is no such language, or its catalogue is broken.
    """
    if language == SOURCE:
        return Words(SOURCE, NullTranslations())
    return Words(language, _Said(catalogue.read(os.path.join(_FOLDER, f"{language}.po"), language)))


class _Said(NullTranslations):
    """A catalogue as it is looked up; messages marked fuzzy or left empty are said in English."""

    def __init__(self, found: Catalog) -> None:
        super().__init__()
        self._form = c2py(found.plural_expr)
        self._one: dict[str, str] = {}
        self._many: dict[str, tuple[str, ...]] = {}
        for message in found:
            if message.fuzzy or not message.id:
                continue
            said: Any = message.string
            if isinstance(message.id, tuple):
                self._many[message.id[0]] = said
                self._one.setdefault(message.id[0], said[self._form(1)] or message.id[0])
            elif said:
                self._one[str(message.id)] = said

    def gettext(self, message: str) -> str:
        """The translation, or the message itself."""
        return self._one.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """The form for `n` by the language's rule, or the English one."""
        forms = self._many.get(msgid1)
        return (forms and forms[self._form(n)]) or (msgid1 if n == 1 else msgid2)
